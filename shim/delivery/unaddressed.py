"""Events whose user is not known yet: a host may speak of a run before it makes the run's context.

They are held for a few seconds, in their order; what nobody can address by then goes into the overflow table.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from shim.delivery.events import NewEvent, Stream
from shim.errors import UNKNOWN
from shim.locks import fresh_lock
from shim.recipients import Recipient, recipient
from shim.recorder import FailureRecord

__all__ = ["HELD", "HOLD_S", "Unaddressed", "Worded", "stream_of"]

HOLD_S = 10.0
"Seconds until an event counts as one that nobody can be found for."

HELD = 1_000
"Events held at once; beyond it the oldest counts as such."


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """An event ready to be kept, and the failure that it comes from."""

    event: NewEvent
    record: FailureRecord
    is_event: bool
    "False: there is nothing to deliver, and its user is to be told all the same."
    tried: bool
    began: float


def stream_of(whose: Recipient) -> Stream:
    """Give the stream of a recipient; an empty user is nobody's."""
    user, thread = ("" if name == UNKNOWN else name for name in (whose.user_id, whose.thread_id))
    return Stream(user, thread)


class Unaddressed:
    """Any thread may ask. Times: `time.monotonic`."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, Worded]] = deque()
        self._lock = fresh_lock()

    def __bool__(self) -> bool:
        return bool(self._held)

    def add(self, one: Worded, now: float) -> None:
        """Hold one."""
        with self._lock:
            self._held.append((now, one))

    def take(self, now: float) -> tuple[list[Worded], list[Worded]]:
        """Take out those that can be addressed now, as they are to be kept; and those that were held long enough."""
        found: list[Worded] = []
        spent: list[Worded] = []
        with self._lock:
            kept: deque[tuple[float, Worded]] = deque()
            for place, (since, one) in enumerate(self._held):
                record = one.record
                stream = stream_of(recipient(record.run_id, record.thread_id, record.user_id))
                if stream.user_id:
                    found.append(replace(one, event=replace(one.event, stream=stream)))
                elif now - since >= HOLD_S or len(self._held) - place > HELD:
                    spent.append(one)
                else:
                    kept.append((since, one))
            self._held = kept
        return found, spent
