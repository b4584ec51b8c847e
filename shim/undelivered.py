"""Hand on what enforce has recorded as undelivered, with what is known of the event itself, to whoever keeps it.

A record holds rendered fields alone; to deliver the event later, what was to be sent is needed. It is handed on in
the thread that failed, while it is as it was. Observe repairs nothing, so nothing of it comes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shim.event import Event
from shim.recorder import FailureRecord
from shim.sinks import Sinks

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


_keepers: Sinks[Undelivered] = Sinks()


def add_keeper(keeper: Callable[[Undelivered], None]) -> None:
    """Have every later one handed to `keeper`, in the thread that failed; it must be quick (see `shim.sinks`)."""
    _keepers.add(keeper)


def remove_keeper(keeper: Callable[[Undelivered], None]) -> None:
    """Take a keeper out again. Raises ValueError for one that was never added."""
    _keepers.remove(keeper)


def hand_on(
    record: FailureRecord,
    events: tuple[Event, ...],
    *,
    began: float,
    message: object | None = None,
    tried: bool = False,
) -> None:
    """Hand one to the keepers; never raises, and costs nothing where there is none."""
    if _keepers:
        _keepers.hand(Undelivered(record=record, events=events, message=message, tried=tried, began=began))
