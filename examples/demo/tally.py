"""The numbers of the demonstration, per audit category, and whether each holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from demo.platform import Outcome

CATEGORIES = {
    1: "bridge unavailable",
    2: "buffer overflow",
    3: "send operation",
    4: "agent to agent",
    5: "context validation",
    6: "connection state",
    7: "known from tests",
}


@dataclass(slots=True)
class Row:
    """One audit category: events lost with the flags off, then what became of them."""

    category: int
    injected: int = 0
    silent_before: int = 0
    landed_lost: int = 0
    landed_recorded: int = 0
    observed_lost: int = 0
    recorded: int = 0
    observed_silent: int = 0
    raised: int = 0
    escalated: int = 0
    silent_after: int = 0
    told: int = 0
    causes_missing: int = 0

    def problems(self) -> Iterator[str]:
        """Say which number does not hold."""
        name = f"category {self.category}"
        if self.injected == 0:
            yield f"{name}: no event was lost, the fault does nothing"
        if self.silent_before != self.injected:
            yield f"{name}: off: {self.injected - self.silent_before} of {self.injected} lost events left a record"
        if (self.landed_lost, self.landed_recorded) != (self.injected, 0):
            yield f"{name}: the migrated copy lost {self.landed_lost} events with the flags off, not {self.injected}"
        if self.observed_lost != self.injected:
            yield f"{name}: observe changed the host: {self.observed_lost} events lost instead of {self.injected}"
        if self.observed_silent:
            yield f"{name}: observe: {self.observed_silent} lost events left no record"
        if not self.raised + self.escalated:
            yield f"{name}: enforce raised and escalated nothing"
        if self.silent_after:
            yield f"{name}: enforce: {self.silent_after} lost events left no record"
        if self.causes_missing:
            yield f"{name}: {self.causes_missing} records without a cause"


@dataclass(slots=True)
class Tally:
    """All categories, and what else must hold."""

    rows: dict[int, Row] = field(default_factory=lambda: {number: Row(number) for number in CATEGORIES})
    failed: list[str] = field(default_factory=list)

    def off(self, category: int, outcome: Outcome) -> None:
        """Count a round with every flag off."""
        row = self.rows[category]
        row.injected += outcome.lost.total()
        row.silent_before += outcome.silent

    def landed(self, category: int, outcome: Outcome) -> None:
        """Count a round of the migrated copy, every flag off: it must be as before."""
        row = self.rows[category]
        row.landed_lost += outcome.lost.total()
        row.landed_recorded += len(outcome.records)

    def observe(self, category: int, outcome: Outcome) -> None:
        """Count a round in observe."""
        row = self.rows[category]
        row.observed_lost += outcome.lost.total()
        row.recorded += len(outcome.records)
        row.observed_silent += outcome.silent
        self._causes(row, outcome)

    def enforce(self, category: int, outcome: Outcome) -> None:
        """Count a round in enforce."""
        row = self.rows[category]
        row.raised += sum(record["action"] == "raised" for record in outcome.records)
        row.escalated += sum(record["action"] == "escalated" for record in outcome.records)
        row.silent_after += outcome.silent
        row.told += outcome.told
        self._causes(row, outcome)

    def healthy(self, mode: str, outcome: Outcome) -> None:
        """Check that a round without a fault lost nothing and recorded nothing, whatever the mode."""
        if outcome.lost or outcome.records:
            self.failed.append(f"{mode}, no fault: {outcome.lost.total()} events lost, {len(outcome.records)} records")

    def expect(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001
        """Note what does not hold."""
        if not holds:
            self.failed.append(otherwise)

    def problems(self) -> list[str]:
        """List everything that does not hold; empty is success."""
        return [*self.failed, *(text for row in self.rows.values() for text in row.problems())]

    @staticmethod
    def _causes(row: Row, outcome: Outcome) -> None:
        row.causes_missing += sum(not record["cause_known"] for record in outcome.records)
