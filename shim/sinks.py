"""Hand each record to the sinks, in the thread that failed: one that raises, hangs or fails itself hides nothing.

A sink must be quick: hand the record to a queue of your own for anything that may wait. One that is slow again and
again is parked for a minute; one that does not come back holds up the calls that met it, and no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shim.guard import count, own_failure
from shim.locks import after_fork, fresh_lock

__all__ = ["PARKED_S", "SLOW_S", "STRIKES", "Sinks", "SlowSinkError"]

SLOW_S = 0.25
"Seconds a sink may take; more is slow. Far above what threads that share one interpreter wait for each other."

STRIKES = 3
"Slow calls in a row until a sink is parked."

PARKED_S = 60.0
"Seconds a parked sink is left out; then it gets one call, and if that is slow it is parked again."

_Item = TypeVar("_Item")


class SlowSinkError(Exception):
    """Reported when a sink is parked, or taken back; the text says what it missed and what to do."""


class _Seat(Generic[_Item]):
    def __init__(self, sink: Callable[[_Item], None], clock: Callable[[], float]) -> None:
        self.sink, self._clock = sink, clock
        self._running: dict[int, float] = {}
        self._strikes = 0
        self._parked_until = 0.0
        self._missed = 0

    def hand(self, item: _Item) -> None:
        now, me = self._clock(), threading.get_ident()
        if me in self._running:  # the sink itself made this failure: to hand it over would go round in a circle
            count("recorder.sink_reentered")
            return
        if now < self._parked_until or self._is_stuck(now):
            self._missed += 1
            count("recorder.sink_missed")
            return
        self._running[me] = now
        try:
            self.sink(item)
        except Exception as failed:  # noqa: BLE001  # a sink may do anything; it must not hide the failure itself
            own_failure("recorder.sink", failed)
        finally:
            self._running.pop(me, None)
            self._judge(self._clock(), now)

    def renew(self) -> None:
        self._running = {}  # in a forked child the threads that were in here are gone

    def _is_stuck(self, now: float) -> bool:
        return bool(self._running) and any(now - since > SLOW_S for since in self._running.copy().values())

    def _judge(self, now: float, since: float) -> None:
        if now - since <= SLOW_S:
            self._strikes = 0
            self._tell_missed()
            return
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._parked_until = now + PARKED_S
            took = f"{self.sink!r} took {now - since:.2f} s, the {self._strikes}th slow call in a row"
            advice = "next: let it put the record into a queue of its own"
            own_failure("recorder.sink_parked", SlowSinkError(f"{took}; left out for {PARKED_S:.0f} s; {advice}"))

    def _tell_missed(self) -> None:
        if self._missed:
            missed, self._missed = self._missed, 0
            own_failure("recorder.sink_back", SlowSinkError(f"{self.sink!r} is back; it missed {missed} record(s)"))


class Sinks(Generic[_Item]):
    """The sinks of one process; `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seats: tuple[_Seat[_Item], ...] = ()
        self._lock = fresh_lock()
        after_fork(self._renew)

    def add(self, sink: Callable[[_Item], None]) -> None:
        """Add one; a sink that is added twice is called twice."""
        with self._lock:
            self._seats = (*self._seats, _Seat(sink, self._clock))

    def remove(self, sink: Callable[[_Item], None]) -> None:
        """Take one out. Raises ValueError for one that was never added."""
        with self._lock:
            seats = list(self._seats)
            del seats[[seat.sink for seat in seats].index(sink)]
            self._seats = tuple(seats)

    def hand(self, item: _Item) -> None:
        """Hand an item to each sink; never raises."""
        for seat in self._seats:
            seat.hand(item)

    def _renew(self) -> None:
        for seat in self._seats:
            seat.renew()
