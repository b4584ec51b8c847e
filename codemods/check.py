"""`failloud check`: drift. The audit's walk over files, with the reports FL1xx and the contract rules of the audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codemods.audit import Auditor, Failure, FileAudit
from codemods.callsites import Analysis
from codemods.driftbook import FACADE, NEW_SILENT, SILENT_AGAIN
from codemods.driftexceptions import arguments, swallowed
from codemods.driftfacade import facade
from codemods.driftlook import Look, look
from codemods.driftmeanings import Shapes
from codemods.driftshapes import BUILTINS
from codemods.finding import Finding
from codemods.layout import Layout
from codemods.placing import Place, place_of
from codemods.rulebook import entries
from codemods.statefile import Recorded
from codemods.statemarks import marks_of
from codemods.statereport import Against, Tally, compared
from codemods.suppress import MARK
from codemods.wanted import Wanted

__all__ = ["Checker", "Facts", "FileCheck"]

_EXCEPTIONS = tuple(sorted({f"{name}(".encode() for name in BUILTINS} | {b"Error(", b"Exception(", b"Failure("}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What each worker must know of the whole tree. Plain data."""

    shapes: Shapes
    contracts: Mapping[str, tuple[Finding, ...]]
    "Findings about the declaration, by the path that reports show."
    against: Against


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """One file: its findings, and the state of its functions."""

    audit: FileAudit
    path: Path
    module: str
    functions: tuple[Recorded, ...] = ()
    "Those with marks or contracted calls."
    names: frozenset[str] = frozenset()
    "All functions of the file; empty where it was not parsed."
    tally: Tally = field(default_factory=Tally)


class Checker(Auditor):
    """Check files. Holds caches: make one per process."""

    def __init__(self, layout: Layout, wanted: Wanted, codes: tuple[str, ...], facts: Facts) -> None:
        super().__init__(layout, wanted, codes)
        self.facts = facts
        self.absent = frozenset(one.code for one in entries())  # a part of what they find is no reason for a notice
        last = wanted.facade.rpartition(".")[2].encode()
        self.words = tuple(sorted({MARK, *self.analyser.name_bytes, *_EXCEPTIONS, last, b"shim"}))
        self._seen: tuple[tuple[Recorded, ...], frozenset[str], Tally] = ((), frozenset(), Tally())

    def check(self, path: Path) -> FileCheck:
        """Check one file. Nothing is raised: what fails is in the result."""
        self._seen = ((), frozenset(), Tally())
        module = self.layout.module_of(path)
        done = self.audit(path)
        functions, names, tally = self._seen
        return FileCheck(audit=done, path=path, module=module, functions=functions, names=names, tally=tally)

    def must_look(self, path: Path) -> bool:
        """Look also at what holds no word: a file of which the state file, or a contract, speaks."""
        return (
            self.layout.shown(path) in self.facts.contracts or self.layout.module_of(path) in self.facts.against.modules
        )

    def _findings(self, looked: Analysis, failures: list[Failure]) -> Iterator[tuple[Finding, Place]]:
        """Give contracted-call findings of the audit's rules, then drift; where both see a call, one of them."""
        named = any(name in looked.source.raw for name in self.analyser.name_bytes)  # else no call is contracted
        audited = [(f, place) for f, place in super()._findings(looked, failures) if self._is_ours(f)] if named else []
        drift: list[Finding] = list(self.facts.contracts.get(looked.path, ()))
        try:
            drift += self._drift(looked)
        except Exception as error:  # noqa: BLE001  # reported with the file: other reports and files go on
            failures.append(Failure(error=f"drift was not looked for: {type(error).__name__}: {error}"))
        again = [one for one in drift if one.code == SILENT_AGAIN.code]
        told = _Covering(again, [one for one, _ in audited])
        left = [(one, place) for one, place in audited if not told.covers(one)]
        new = [one for one in drift if one.code == NEW_SILENT.code]
        known = _Covering([one for one, _ in left], new)
        yield from left
        for one in drift:
            if one.code != NEW_SILENT.code or not known.covers(one):
                yield one, place_of(one, looked.source)

    def _is_ours(self, finding: Finding) -> bool:
        return bool(finding.contract) or finding.code in self.needing

    @property
    def needing(self) -> frozenset[str]:
        """Codes of rules that can find nothing without contracts."""
        return frozenset(one.code for one in self.entries if one.needs_contracts)

    def _drift(self, looked: Analysis) -> list[Finding]:
        seen = look(looked, self.facts.shapes)
        found = [*arguments(seen), *swallowed(seen)]
        found += [
            one for one in facade(seen, self.analyser.project) if self._in_host(looked) or one.code == FACADE.code
        ]
        return found + self._state(seen)

    def _in_host(self, looked: Analysis) -> bool:
        package = self.analyser.wanted.package
        return looked.module == package or looked.module.startswith(f"{package}.")

    def _state(self, seen: Look) -> list[Finding]:
        if not self._in_host(seen.looked) or seen.looked.module == self.analyser.wanted.facade:
            return []
        held = marks_of(seen)
        found, tally = compared(held, seen, self.facts.against)
        rows = tuple(one.recorded(seen.looked.module) for one in held.values() if one.marks or one.sites)
        self._seen = (rows, frozenset(held), tally)
        return found


class _Covering:
    """Findings that speak for others: of the same place, else of the same repair in the same function, one for one."""

    def __init__(self, findings: list[Finding], others: list[Finding]) -> None:
        elsewhere = {_spot(one) for one in others}
        self.spots = {_spot(one) for one in findings}
        self.repairs = Counter((one.function, one.fix) for one in findings if one.fix and _spot(one) not in elsewhere)

    def covers(self, one: Finding) -> bool:
        """Tell whether a finding need not be told; a finding that stands elsewhere is used up by it."""
        if _spot(one) in self.spots:
            return True
        key = (one.function, one.fix)
        covered = self.repairs[key] > 0
        self.repairs[key] -= covered
        return covered


def _spot(one: Finding) -> tuple[int, int]:
    return one.line, one.col
