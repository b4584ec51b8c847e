"""Hand on what enforce has recorded as undelivered, with what is known of the event itself, to whoever keeps it.

A record holds rendered fields alone; to deliver the event later, what was to be sent is needed. It is handed on in
the thread that failed, while it is as it was. Observe repairs nothing, so nothing of it comes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shim.event import Event
from shim.guard import own_failure
from shim.locks import fresh_lock
from shim.recorder import FailureRecord

__all__ = ["Undelivered", "add_keeper", "hand_on", "remove_keeper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """One failure of enforce, and the event that did not arrive."""

    record: FailureRecord
    events: tuple[Event, ...]
    "As the calls on its way saw the event, innermost first."
    message: object | None
    "As the client would get it, where it was worded already; it belongs to the host, which may change it."
    tried: bool
    "It was handed to whatever writes to connections: those that were there have failed it."
    began: float
    "When the call began, by `time.monotonic`."


_lock = fresh_lock()
_keepers: tuple[Callable[[Undelivered], None], ...] = ()


def add_keeper(keeper: Callable[[Undelivered], None]) -> None:
    """Have every later one handed to `keeper`, in the thread that failed.

    It must do no more than put it into a queue: unlike a sink it is never left out for being slow, since what it
    misses is lost.
    """
    global _keepers  # noqa: PLW0603  # of the process
    with _lock:
        _keepers = (*_keepers, keeper)


def remove_keeper(keeper: Callable[[Undelivered], None]) -> None:
    """Take a keeper out again. Raises ValueError for one that was never added."""
    global _keepers  # noqa: PLW0603
    with _lock:
        left = list(_keepers)
        left.remove(keeper)
        _keepers = tuple(left)


def hand_on(
    record: FailureRecord,
    events: tuple[Event, ...],
    *,
    began: float,
    message: object | None = None,
    tried: bool = False,
) -> None:
    """Hand one to the keepers; never raises, and costs nothing where there is none."""
    for keeper in _keepers:
        try:
            keeper(Undelivered(record=record, events=events, message=message, tried=tried, began=began))
        except Exception as failed:  # noqa: BLE001  # it must not hide the failure itself
            own_failure("delivery.keep", failed)
