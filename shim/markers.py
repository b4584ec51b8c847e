"""Remember for a moment what the shim has recorded, so that a call-site verb does not record it again.

A migrated call site reads `delivered(await bridge.notify_x(...), "bridge.notify_x")`: where the shim saw that very
failure, the verb stays quiet. The mark is left by contract in the running context and, for calls that ran in
another task or thread, in a short list by contract and run; each mark answers for one result.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["leave", "take"]

KEPT = 1024
"Marks kept at most; beyond it the oldest go: a verb then records a failure twice rather than lose one."

KEPT_S = 5.0
"Seconds a mark lives: a result is looked at right after the call. An old mark must not hide a new failure."


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    contract: str
    run_id: str
    at: float


_lock = threading.Lock()
_marks: deque[_Mark] = deque(maxlen=KEPT)
_latest: ContextVar[_Mark | None] = ContextVar("failloud_mark", default=None)


def leave(contract: str, run_id: str) -> None:
    """Mark one failure of `contract` as recorded."""
    mark = _Mark(contract, run_id, time.monotonic())
    _latest.set(mark)
    with _lock:
        _marks.append(mark)


def take(contract: str, run_id: str | None = None) -> bool:
    """Use up one mark of the contract (of that run, where the caller knows it); False where there is none.

    The mark of the running context is taken first; then the newest one that fits, from whichever task or thread.
    """
    oldest = time.monotonic() - KEPT_S
    with _lock:
        for mark in (_latest.get(), *reversed(_marks)):
            if mark is None or mark.contract != contract or mark.at < oldest or run_id not in (None, mark.run_id):
                continue
            if mark in _marks:
                _marks.remove(mark)
                return True
    return False
