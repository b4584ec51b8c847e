"""A whole check: the declaration, every file, then the functions that moved since their state was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from codemods.audit import Audit
from codemods.check import Checker, Facts, FileCheck
from codemods.driftbook import CODES, REPORTS
from codemods.driftcontracts import Contracts, contracts_of
from codemods.driftmeanings import shapes_of
from codemods.finding import Finding
from codemods.layout import walk
from codemods.options import Given
from codemods.pool import Pool
from codemods.rulebook import FL900, entries
from codemods.statecompare import moves
from codemods.statefile import Recorded
from codemods.statereport import Against
from shim.contracts import Host

__all__ = ["Checked", "check"]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check came to."""

    audit: Audit
    contracts: Contracts
    rows: int
    "Contracts of the host file."
    files: tuple[FileCheck, ...]
    lost: tuple[Recorded, ...]
    "Functions with marks that are gone, and found nowhere."
    unchecked: tuple[Recorded, ...]
    "Those of modules that were not looked at."
    known: Mapping[Key, Recorded]
    "What the state file held."

    def counts(self) -> dict[str, int]:
        """Count the recorded marks by what became of them."""
        tallies = [one.tally for one in self.files]
        return {
            "functions": len(self.known),
            "marks": sum(_marks(one) for one in self.known.values()),
            "kept": sum(one.kept for one in tallies),
            "silent_again": sum(one.silent for one in tallies),
            "moved": sum(one.moved for one in tallies),
            "gone_with_their_call": sum(one.gone for one in tallies),
            "gone_with_their_function": sum(_marks(one) for one in self.lost),
            "not_looked_at": sum(_marks(one) for one in self.unchecked),
        }

    def state(self) -> list[Recorded]:
        """Give what a state file should hold now: what was looked at, and what was not looked at as it was."""
        migrated = {row.module for one in self.files for row in one.functions if row.marks}
        now = [row for one in self.files for row in one.functions if row.module in migrated]
        return [*now, *self.unchecked]


def check(given: Given, host: Host, known: Mapping[Key, Recorded], jobs: int) -> Checked:
    """Check the files given. Nothing is raised for a bad file: it is in the result with its error."""
    layout = given.layout
    contracts = contracts_of(host, layout)
    by_path: dict[str, tuple[Finding, ...]] = {layout.shown(path): tuple(f) for path, f in contracts.findings.items()}
    facts = Facts(shapes=shapes_of(host), contracts=by_path, against=Against(rows=known, moved={}))
    rules = tuple(one for one in entries() if one.code != FL900.code)
    codes = (*(one.code for one in rules), *sorted(CODES))
    files = sorted({*given.files, *contracts.findings})
    pool: Pool[Checker, FileCheck] = Pool(Checker, Checker.check, (layout, given.wanted, codes, facts))
    done = {one.path: one for one in pool.run(files, jobs, "checked")}
    if len(done) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(done)} reported")
    gone = _gone(given, known, done)
    found = _followed(given, known, gone, done, codes, facts) if gone else {}
    old = frozenset(found.values())
    looked = {one.module for one in done.values() if not one.audit.failures}
    there = [row for row in known.values() if row.module not in looked and layout.path_of(row.module) is not None]
    return Checked(
        audit=Audit(
            root=layout.root,
            files=tuple(done[path].audit for path in sorted(done)),
            skipped_directories=given.found.skipped_directories,
            contracts_missing=(),
            rules=tuple(sorted((*rules, *REPORTS), key=lambda one: one.code)),
            command="check",
        ),
        contracts=contracts,
        rows=len(host.contracts),
        files=tuple(done[path] for path in sorted(done)),
        lost=tuple(row for row in gone if row.key not in old),
        unchecked=tuple(row for row in there if row.key not in old),
        known=known,
    )


def _gone(given: Given, known: Mapping[Key, Recorded], done: Mapping[Path, FileCheck]) -> list[Recorded]:
    """Give recorded functions that are not where they were; those of files that failed may be."""
    names = {one.module: one.names for one in done.values() if not one.audit.failures}
    return [
        row
        for row in known.values()
        if (row.function not in names[row.module] if row.module in names else given.layout.path_of(row.module) is None)
    ]


def _followed(
    given: Given,
    known: Mapping[Key, Recorded],
    gone: list[Recorded],
    done: dict[Path, FileCheck],
    codes: tuple[str, ...],
    facts: Facts,
) -> dict[Key, Key]:
    """Look for functions that moved, in the files that were not given too; check their files again, as moved."""
    near = [row for one in done.values() for row in one.functions if row.key not in known]
    found = moves(gone, near)
    left = [row for row in gone if row.key not in set(found.values()) and row.marks]
    checker = Checker(given.layout, given.wanted, codes, facts)
    paths = {one.module: path for path, one in done.items()}
    if left:
        rest = [checker.check(path) for path in _rest(given, done)]
        paths |= {one.module: one.path for one in rest}
        found |= moves(left, [row for one in rest for row in one.functions if row.key not in known])
    again = Checker(
        given.layout, given.wanted, codes, replace(facts, against=Against(rows=facts.against.rows, moved=found))
    )
    for path in sorted({paths[module] for module, _ in found}):
        done[path] = again.check(path)
    return found


def _rest(given: Given, done: Mapping[Path, FileCheck]) -> list[Path]:
    """Give the files of the host's package that were not given and know the façade."""
    folder = given.layout.base.joinpath(*given.wanted.package.split("."))
    last = given.wanted.facade.rpartition(".")[2].encode()
    return [path for path in walk(folder).files if path not in done and last in path.read_bytes()]


def _marks(row: Recorded) -> int:
    return sum(row.marks.values())
