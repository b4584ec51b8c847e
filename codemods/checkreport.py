"""What `check` says beside the findings: what became of the contracts and of the recorded marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codemods.auditdoc import audit_json
from codemods.audited import Conclusion
from codemods.auditreport import audit_blocks
from codemods.blocks import Block, Line
from codemods.checkrun import Checked

__all__ = ["Report", "notes_of"]

_SHOWN = 10
"Names listed in one note; the rest is counted."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A check with the state file it was compared with; None where there is none."""

    checked: Checked
    state: Path | None

    def blocks(self, made: Conclusion) -> Iterator[Block]:
        """Give the report for people."""
        yield from audit_blocks(made)
        found = self.checked.contracts
        yield Line(
            text=f"contracts: {self.checked.rows} declared, {found.compared} compared with the source, "
            f"{len(found.missing)} missing, {len(found.untold)} that the source does not tell"
        )
        if self.state is not None:
            counts = self.checked.counts()
            marks = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in list(counts.items())[2:])
            yield Line(text=f"state: {self.state}: {counts['marks']} marks in {counts['functions']} functions: {marks}")

    def document(self, made: Conclusion) -> dict[str, object]:
        """Give the document of `check --json`: the audit's, with contracts and state."""
        found = self.checked.contracts
        return audit_json(made) | {
            "contracts_missing": found.missing,
            "contracts": {"declared": self.checked.rows, "compared": found.compared, "untold": found.untold},
            "state": None
            if self.state is None
            else {
                "file": str(self.state),
                **self.checked.counts(),
                "lost": [{"module": one.module, "function": one.function} for one in self.checked.lost if one.marks],
            },
        }


def notes_of(checked: Checked, state: Path | None) -> tuple[str, ...]:
    """Say what the reader must know of the run."""
    notes = []
    if checked.contracts.untold:
        notes.append(f"not told by the source, doctor imports and compares them: {_some(checked.contracts.untold)}")
    if state is None:
        notes.append("no state file: whether loud code became silent again is not checked; next: --write-state")
    names = [f"{one.module} {one.function}" for one in checked.lost if one.marks]
    if names:
        notes.append(f"gone with their marks and calls, found nowhere else: {_some(names)}")
    return tuple(notes)


def _some(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
