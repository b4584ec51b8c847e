"""Remember for a moment what the shim has recorded, so that a call-site verb does not record it again.

A migrated call site reads `delivered(await bridge.notify_x(...), "bridge.notify_x")`: where the shim saw that very
failure, the verb stays quiet. A mark belongs to the stack that made the call, so that the failure of a call
nobody looks at hides no other. A call that ran in a task or thread of its own has no such stack: its mark can be
taken from anywhere, by contract and run, for a few seconds. Each mark answers for one result.

A thread that was handed no context (`run_in_executor`) does not know the call it works for: what it records there, and
what the call around then sees, meet here by their event.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from shim.event import Event
from shim.locks import fresh_lock
from shim.recorder import FailureRecord
from shim.stack import callers

__all__ = ["elsewhere", "leave", "take"]

KEPT = 1024
"Marks kept at most; beyond it the oldest go: a verb then records a failure twice rather than lose one."

KEPT_S = 5.0
"Seconds a mark lives: a result is looked at right after the call. An old mark must not hide a new failure."


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    contract: str
    run_id: str
    stack: frozenset[int]
    "Identities of the stack frames above the call; empty for a call that was a task or thread of its own."
    at: float
    thread: int
    event: Event
    record: FailureRecord


_lock = fresh_lock()
_marks: deque[_Mark] = deque(maxlen=KEPT)


def leave(contract: str, event: Event, record: FailureRecord) -> None:
    """Mark one failure of `contract` as recorded, for the code that called it."""
    stack = frozenset(id(frame) for frame in callers())
    mark = _Mark(contract, record.run_id, stack, time.monotonic(), threading.get_ident(), event, record)
    with _lock:
        _marks.append(mark)


def take(contract: str, run_id: str | None = None) -> bool:
    """Use up the newest mark that the calling code, or a task or thread, left; False where there is none.

    Without `run_id`, marks that tasks of several runs left cannot be told apart: none of them is taken, since a failure
    recorded twice is better than one that is not recorded.
    """
    caller = next((id(frame) for frame in callers()), None)
    with _lock:
        fresh = [mark for mark in _fresh() if mark.contract == contract and run_id in (None, mark.run_id)]
        one_run = len({mark.run_id for mark in fresh if not mark.stack}) == 1
        for mark in fresh:
            if caller in mark.stack or (not mark.stack and one_run):
                _marks.remove(mark)
                return True
    return False


def elsewhere(event: Event, *, since: float) -> FailureRecord | None:
    """Use up the mark that another thread left for this event since then, and give its record."""
    here = threading.get_ident()
    with _lock:
        for mark in _fresh():
            if mark.thread != here and mark.at >= since and mark.event.fits(event):
                _marks.remove(mark)
                return mark.record
    return None


def _fresh() -> list[_Mark]:
    """Give the marks that are young enough, the newest first."""
    oldest = time.monotonic() - KEPT_S
    return [mark for mark in reversed(tuple(_marks)) if mark.at >= oldest]  # a finalizer may leave one meanwhile
