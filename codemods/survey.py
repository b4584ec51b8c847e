"""Look at every file with every codemod, without changing anything: what `migrate plan` and `migrate status` report."""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from pathlib import Path

from codemods import registry
from codemods.callsites import Analyser, Analysis
from codemods.imports import LocalName
from codemods.layout import Layout
from codemods.order import Weight
from codemods.outcome import Failed, SkippedSite
from codemods.pool import Pool
from codemods.project import bound_imports
from codemods.proposal import Fixer
from codemods.rewrite import Rewriter
from codemods.site import CallRow
from codemods.source import SourceError, parse_bytes, read_raw
from codemods.wanted import Wanted

__all__ = ["FileSurvey", "Surveyor", "survey"]

_TARGETS = frozenset({"target", "target_mixed"})
_MEANT = {
    "catch_specific": "catch-specific",
    "check_result": "check-results",
    "insert_reraise_before_broad": "reraise-loud",
}
"Decision for a call site -> the codemod that carries it out."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSurvey:
    """One file: its contracted calls, and of each codemod the places done, still open, and left with the reason."""

    path: str
    module: str
    error: str = ""
    "Not read, not parsed, not analysed: then there is nothing else. Or not rewritten, by the codemods together."
    skipped: str = ""
    "Why it was not looked at on purpose."
    sites: tuple[CallRow, ...] = ()
    "Calls of contracted methods; others are in `calls`."
    phantoms: tuple[CallRow, ...] = ()
    "Calls of a contracted name that the receiver's class does not have."
    done: dict[str, int] = field(default_factory=dict)
    "Codemod -> places that are its work."
    pending: dict[str, tuple[int, ...]] = field(default_factory=dict)
    "Codemod -> lines it would change."
    left: tuple[SkippedSite, ...] = ()
    imports: frozenset[str] = frozenset()
    "Dotted names that the module imports, of modules or of things in them."

    @property
    def by_hand(self) -> tuple[tuple[CallRow, str], ...]:
        """Calls that have to be migrated and that their codemod leaves, with its reason."""
        reasons = {(one.codemod, one.line): one.reason for one in self.left}
        found = [(row, reasons.get((_MEANT.get(row.migration, ""), row.line), "")) for row in self.sites]
        found += [
            (row, "no class has this method: the call fails every time; repair or remove it") for row in self.phantoms
        ]
        return tuple((row, reason) for row, reason in found if reason)

    @property
    def weight(self) -> Weight:
        """How much is open, and how delicate it is."""
        todo = [row for row in self.sites if row.migration != "leave_alone"]
        return Weight(
            places=sum(map(len, self.pending.values())),
            lost=sum(row.swallows or row.result_use in {"ignored", "assigned_unused"} for row in todo),
            delicate=sum(bool(row.hazards) for row in todo),
        )


class Surveyor:
    """All codemods over one layout. Make one per process."""

    def __init__(self, layout: Layout, wanted: Wanted) -> None:
        self.analyser = Analyser(layout, wanted)
        self.fixers: dict[str, Fixer] = {name: registry.load(name) for name in registry.names()}
        words = {word for fixer in self.fixers.values() for word in getattr(fixer, "WORDS", ())}
        if any(getattr(fixer, "LEGACY", False) for fixer in self.fixers.values()):
            words |= set(self.analyser.legacy_bytes)
        self.words = tuple(sorted({*self.analyser.name_bytes, *words}))
        together = tuple(name for name, fixer in self.fixers.items() if not getattr(fixer, "APART", ""))
        self.together = frozenset(together)
        self.rewriter = Rewriter(self.analyser, together)

    def look(self, path: Path) -> FileSurvey:
        """Survey one file. What cannot be handled is in the result, with the reason."""
        layout = self.analyser.layout
        shown = layout.shown(path)
        module = layout.module_of(path)
        if path.is_symlink():
            return FileSurvey(path=shown, module=module, skipped="symbolic link: name the file it points to")
        try:
            raw = read_raw(path)
            if not any(word in raw for word in self.words):
                return FileSurvey(path=shown, module=module)
            found = self._look(self.analyser.analyse(path, parse_bytes(raw)))
        except SourceError as error:
            return FileSurvey(path=shown, module=module, error=error.reason)
        except Exception as error:  # noqa: BLE001  # reported with the file: one file must not stop the rest
            return FileSurvey(path=shown, module=module, error=f"not analysed: {type(error).__name__}: {error}")
        tried = self.rewriter.rewrite(path) if self.together & found.pending.keys() else None
        return replace(found, error=tried.error) if isinstance(tried, Failed) else found

    def _look(self, analysis: Analysis) -> FileSurvey:
        pending: dict[str, tuple[int, ...]] = {}
        done: dict[str, int] = {}
        left: list[SkippedSite] = []
        for name, fixer in self.fixers.items():
            stand_ins = {wanted: LocalName(name=wanted, local=wanted, imported=True) for wanted in fixer.NEEDS}
            proposal = fixer.propose(analysis, stand_ins)
            left += proposal.skipped
            starts = analysis.source.starts
            lines = [bisect_right(starts, min(edit.start for edit in place)) for place in proposal.edits]
            if lines:
                pending[name] = tuple(sorted(lines))
            if fixer.NEEDS and (count := _count(fixer, analysis)):
                done[name] = count
        return FileSurvey(
            path=analysis.path,
            module=analysis.module,
            sites=tuple(site.row for site in analysis.sites if site.row.verdict in _TARGETS),
            phantoms=tuple(site.row for site in analysis.sites if site.row.verdict == "phantom"),
            done=done,
            pending=pending,
            left=tuple(left),
            imports=_imports(analysis, self.analyser.project.package_of(analysis.around.module)),
        )


def _count(fixer: Fixer, analysis: Analysis) -> int:
    """Count a codemod's own work in a module; one that leaves no name of ours behind cannot be told from the host's."""
    strip = fixer.Strip(analysis.known)
    strip.visit(parse_bytes(analysis.source.raw).tree)  # a copy: stripping changes it
    return strip.count


def _imports(analysis: Analysis, package: str) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(analysis.source.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for _, imported in bound_imports(node, package):
                found |= {imported.module, f"{imported.module}.{imported.attribute}"}
    return frozenset(found)


def survey(layout: Layout, wanted: Wanted, files: tuple[Path, ...], jobs: int) -> tuple[FileSurvey, ...]:
    """Survey all files; one result for each."""
    pool: Pool[Surveyor, FileSurvey] = Pool(Surveyor, Surveyor.look, (layout, wanted))
    done = tuple(pool.run(list(files), jobs, "looked at"))
    if len(done) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(done)} reported")
    return done
