"""The ledger: per run, the events asked for and what became of each. DESIGN law 11 as a data structure.

`emitted = acked + sent_unconfirmed + pending + expired + rejected`; what is left over is the silent-failure number.
Counts only: the events themselves are kept nowhere. `shim.counting` feeds it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, fields
from enum import StrEnum

from shim.locks import fresh_lock

__all__ = ["RUNS_KEPT", "Emission", "Fate", "Ledger", "RunSums", "Sums"]

RUNS_KEPT = 10_000
"Runs kept apart at most, some 400 bytes each; the totals lose nothing when a run is dropped."


class Fate(StrEnum):
    """What became of one emitted event: the terms of law 11."""

    ACKED = "acked"
    "The user's client said that it has it."
    SENT_UNCONFIRMED = "sent_unconfirmed"
    "The host reports it sent, no failure was seen, and nobody has confirmed it."
    PENDING = "pending"
    "The call is under way."
    EXPIRED = "expired"
    REJECTED = "rejected"
    "A failure record names it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Both sides of law 11: `emitted`, and its terms."""

    emitted: int = 0
    acked: int = 0
    sent_unconfirmed: int = 0
    pending: int = 0
    expired: int = 0
    rejected: int = 0
    cancelled: int = 0
    "Calls that ended in a cancellation or exit before anything was known: the part of the remainder that has a reason."

    @property
    def remainder(self) -> int:
        """The silent-failure number: events asked for that none of the terms names."""
        known = self.acked + self.sent_unconfirmed + self.pending + self.expired + self.rejected
        return self.emitted - known

    def to_dict(self) -> dict[str, int]:
        """Give the terms and the remainder, for JSON."""
        return {part.name: getattr(self, part.name) for part in fields(self)} | {"remainder": self.remainder}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSums:
    """One run's sums, and how its terminal event ended; None where none was emitted."""

    sums: Sums
    terminal: Fate | None


@dataclass(slots=True)
class _Run:
    counts: dict[str, int] = field(default_factory=dict)
    terminal: Fate | None = None


class Emission:
    """One event on its way. `fate` changes as more becomes known; None once nothing can be known any more."""

    __slots__ = ("event_type", "fate", "run", "run_id")

    def __init__(self, run_id: str, event_type: str, run: _Run) -> None:
        self.run_id, self.event_type, self.run = run_id, event_type, run
        self.fate: Fate | None = Fate.PENDING


class Ledger:
    """Counts by run and in total. Every method may be called from any thread.

    `terminal`: event types that end a run. Beyond `cap` runs, the oldest of those that have ended is dropped, or
    the oldest of all where none has; both are counted.
    """

    def __init__(self, *, terminal: frozenset[str] = frozenset(), cap: int = RUNS_KEPT) -> None:
        if cap < 1:
            raise ValueError(f"a ledger keeps at least one run, not {cap}")
        self._terminal, self._cap = terminal, cap
        self._lock = fresh_lock()
        self._total: dict[str, int] = {}
        self._running: OrderedDict[str, _Run] = OrderedDict()
        self._ended: OrderedDict[str, _Run] = OrderedDict()
        self.uncounted: tuple[str, ...] = ()
        "Contracts, `component.method`, whose calls are not counted."
        self.evicted = 0
        "Runs dropped after their terminal event."
        self.evicted_unended = 0
        "Runs dropped though no terminal event of theirs was seen: the cap is too small, or runs never end."

    def emit(self, run_id: str, event_type: str) -> Emission:
        """Count an event as asked for and under way."""
        with self._lock:
            run = self._find(run_id)
            self._count(run, "emitted", 1)
            self._count(run, Fate.PENDING, 1)
            return Emission(run_id, event_type, run)

    def move(self, emission: Emission, fate: Fate) -> None:
        """Give an event its new fate; one that was cancelled or withdrawn keeps none."""
        with self._lock:
            if emission.fate is None:
                return
            self._count(emission.run, emission.fate, -1)
            self._count(emission.run, fate, 1)
            emission.fate = fate
            self._end(emission.run_id, emission.run, emission.event_type, fate)

    def cancel(self, emission: Emission) -> None:
        """Leave an event in the remainder, with its reason: the call was cancelled and nothing is known of it."""
        self._drop(emission, "cancelled", 1)

    def leave(self, emission: Emission) -> None:
        """Leave an event in the remainder without a reason: its call failed, and no record says so."""
        self._drop(emission, "cancelled", 0)

    def withdraw(self, emission: Emission) -> None:
        """Take back an event: the component was switched off while it was under way, and off counts nothing."""
        self._drop(emission, "emitted", -1)

    def lose(self, run_id: str, event_type: str, *, counted: bool) -> None:
        """Count an event as rejected outside its own call. `counted`: that call may have counted it as sent."""
        with self._lock:
            run = self._find(run_id)
            if counted and run.counts.get(Fate.SENT_UNCONFIRMED, 0) > 0:
                self._count(run, Fate.SENT_UNCONFIRMED, -1)
            else:
                self._count(run, "emitted", 1)
            self._count(run, Fate.REJECTED, 1)
            self._end(run_id, run, event_type, Fate.REJECTED)

    def follow(self, run_id: str, event_type: str, before: Fate, after: Fate) -> bool:
        """Move an event whose fate changes after its call, as that of one that is kept and delivered later.

        It is known by its run alone; False where the run is unknown, or has none with the fate `before`.
        """
        with self._lock:
            run = self._running.get(run_id) or self._ended.get(run_id)
            if run is None or run.counts.get(before, 0) <= 0:
                return False
            self._count(run, before, -1)
            self._count(run, after, 1)
            self._end(run_id, run, event_type, after)
            return True

    def totals(self) -> Sums:
        """Give the sums over all runs, dropped ones included."""
        with self._lock:
            return Sums(**self._total)

    def run(self, run_id: str) -> RunSums | None:
        """Give one run's sums; None for a run that is unknown or was dropped."""
        with self._lock:
            found = self._running.get(run_id) or self._ended.get(run_id)
            return None if found is None else RunSums(sums=Sums(**found.counts), terminal=found.terminal)

    def _drop(self, emission: Emission, name: str, step: int) -> None:
        with self._lock:
            if emission.fate is not None:
                self._count(emission.run, emission.fate, -1)
                self._count(emission.run, name, step)
                emission.fate = None

    def _count(self, run: _Run, name: str, step: int) -> None:
        run.counts[name] = run.counts.get(name, 0) + step
        self._total[name] = self._total.get(name, 0) + step

    def _find(self, run_id: str) -> _Run:
        found = self._running.get(run_id) or self._ended.get(run_id)
        if found is None:
            if len(self._running) + len(self._ended) >= self._cap:
                self._evict()
            found = self._running[run_id] = _Run()
        return found

    def _end(self, run_id: str, run: _Run, event_type: str, fate: Fate) -> None:
        if event_type not in self._terminal:
            return
        run.terminal = fate
        if self._running.get(run_id) is run:
            self._ended[run_id] = self._running.pop(run_id)

    def _evict(self) -> None:
        if self._ended:
            self._ended.popitem(last=False)
            self.evicted += 1
        else:
            self._running.popitem(last=False)
            self.evicted_unended += 1
