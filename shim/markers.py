"""Remember for a moment what the shim has recorded, so that a call-site verb does not record it again.

A migrated call site reads `delivered(await bridge.notify_x(...), "bridge.notify_x")`: where the shim saw that very
failure, the verb stays quiet. A mark belongs to the stack that made the call, so that the failure of a call
nobody looks at hides no other. A call that ran in a task or thread of its own has no such stack: its mark can be
taken from anywhere, by contract and run, for a few seconds. Each mark answers for one result.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from shim.locks import fresh_lock
from shim.shape import MARK

__all__ = ["leave", "take"]

KEPT = 1024
"Marks kept at most; beyond it the oldest go: a verb then records a failure twice rather than lose one."

KEPT_S = 5.0
"Seconds a mark lives: a result is looked at right after the call. An old mark must not hide a new failure."

_HERE = __file__.removesuffix("markers.py")
_DETACHED = ("asyncio", "concurrent", "threading", "uvloop", "contextvars")


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    contract: str
    run_id: str
    stack: frozenset[int]
    "Identities of the stack frames above the call; empty for a call that was a task or thread of its own."
    at: float


_lock = fresh_lock()
_marks: deque[_Mark] = deque(maxlen=KEPT)


def leave(contract: str, run_id: str) -> None:
    """Mark one failure of `contract` as recorded, for the code that called it."""
    mark = _Mark(contract, run_id, frozenset(_stack()), time.monotonic())
    with _lock:
        _marks.append(mark)


def take(contract: str, run_id: str | None = None) -> bool:
    """Use up the newest mark that the calling code, or a task or thread, left; False where there is none."""
    oldest, caller = time.monotonic() - KEPT_S, next(_stack(), None)
    with _lock:
        for mark in reversed(tuple(_marks)):  # a finalizer may leave one meanwhile
            if mark.at < oldest:
                return False
            fits = mark.contract == contract and run_id in (None, mark.run_id)
            if fits and (not mark.stack or caller in mark.stack):
                _marks.remove(mark)
                return True
    return False


def _stack() -> Iterator[int]:
    """Give the identities of the frames above the shim's own; none where a task or thread begins with the call."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # documented; `inspect.stack` reads source files
    while frame is not None and (frame.f_code.co_filename.startswith(_HERE) or MARK in frame.f_globals):
        frame = frame.f_back
    if frame is None or str(frame.f_globals.get("__name__", "")).partition(".")[0] in _DETACHED:
        return
    while frame is not None:
        yield id(frame)
        frame = frame.f_back
