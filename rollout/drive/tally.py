"""What became of each event asked for: received, told, swallowed by the link, or silent. Pure.

The users' clients and the links are the witnesses; the shim is believed only where a record names the loss.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rollout.drive.bounds import lower, upper
from shim.traffic import Asked, Event, Seen, Told

__all__ = ["Cell", "Rate", "RunFate", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFate:
    """One run's events: asked = received + told + swallowed + silent."""

    asked: int
    received: int
    told: int
    "Not received, and a failure record names it."
    swallowed: int
    "Not received and not told: sent into a dead link, which only a client's ack could show. Unconfirmed, not silent."
    silent: int
    visible: bool
    "Its client received an event that ends the run."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its 95 % bounds; None everywhere where nothing was observed."""

    value: float | None
    low: float | None
    high: float | None


def account(runs: Iterable[Asked], seen: Seen) -> tuple[list[RunFate], int]:
    """Give the fate of each run's events, and the number of records that name no lost event of these runs."""
    received: dict[str, Counter[Event]] = {}
    swallowed: dict[str, Counter[Event]] = {}
    for into, found in ((received, seen.received), (swallowed, seen.swallowed)):
        for got in found:
            into.setdefault(got.run_id, Counter())[got.event] += 1
    spare = list(seen.told)
    fates = []
    for run in runs:
        asked = Counter(run.events)
        lost = asked - received.get(run.run_id, Counter())
        in_link = lost & swallowed.get(run.run_id, Counter())
        unseen = Counter(event.type for event in (lost - in_link).elements())
        told = _take(spare, run, unseen)
        also = _take(spare, run, Counter(event.type for event in in_link.elements()))
        fates.append(
            RunFate(
                asked=asked.total(),
                received=(asked - lost).total(),
                told=told + also,
                swallowed=in_link.total() - also,
                silent=unseen.total() - told,
                visible=any(event in run.last for event in received.get(run.run_id, ())),
            )
        )
    return fates, len(spare)


def _take(spare: list[Told], run: Asked, lost: Counter[str]) -> int:
    """Use up the records that name these losses of the run; one record names one event."""
    wanted, left = lost.copy(), []
    for record in spare:
        if wanted[record.event_type] > 0 and _names(record, run):
            wanted[record.event_type] -= 1
        else:
            left.append(record)
    taken = len(spare) - len(left)
    spare[:] = left
    return taken


def _names(record: Told, run: Asked) -> bool:
    """Say whether a record names this run: by id, else by thread or user; without any it names nobody."""
    for told, own in ((record.run_id, run.run_id), (record.thread_id, run.thread_id), (record.user_id, run.user_id)):
        if told not in ("", "unknown", "registry"):
            return told == own
    return False


@dataclass(slots=True)
class Cell:
    """One regime in one mode. A cluster is one tenant in one block: what fails there fails together."""

    clusters: dict[tuple[int, int], list[RunFate]] = field(default_factory=dict)
    spare: int = 0
    "Records that name no lost event: an event that arrived after all, or bookkeeping such as a mapping."

    def add(self, cluster: tuple[int, int], fates: Iterable[RunFate]) -> None:
        """Count the runs of one tenant in one block; none is no cluster."""
        if runs := list(fates):
            self.clusters[cluster] = runs

    @property
    def runs(self) -> list[RunFate]:
        """Give every run."""
        return [run for runs in self.clusters.values() for run in runs]

    def total(self, name: str) -> int:
        """Add up one figure of the runs."""
        return sum(int(getattr(run, name)) for run in self.runs)

    def silent_rate(self) -> Rate:
        """Give the share of runs that lost an event in silence, as the audit counts agent executions."""
        return self._rate(lambda run: run.silent > 0)

    def unconfirmed_rate(self) -> Rate:
        """Give the same with the events that a dead link swallowed: what a user misses and nobody is told of."""
        return self._rate(lambda run: run.silent + run.swallowed > 0)

    def visibility(self) -> Rate:
        """Give the share of runs whose end was seen."""
        return self._rate(lambda run: run.visible)

    def _rate(self, holds: Callable[[RunFate], bool]) -> Rate:
        """Give the share of runs, with bounds over clusters; a tenant has as many runs in each block.

        Each cluster is one observation in [0, 1], the share of its runs. Of all such distributions with a given mean
        the one on {0, 1} spreads most, so their sum may stand for a count: rounded up for the upper bound, down for
        the lower.
        """
        n = len(self.clusters)
        if n == 0:
            return Rate(value=None, low=None, high=None)
        total = math.fsum(sum(map(holds, runs)) / len(runs) for runs in self.clusters.values())
        low, high = lower(math.floor(total + 1e-9), n), upper(math.ceil(total - 1e-9), n)
        return Rate(value=total / n, low=low, high=high)
