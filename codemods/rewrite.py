"""Rewrite one file in memory: propose, splice, parse again, compare, try a second time. Nothing is written here."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from codemods import registry
from codemods.callsites import Analyser, Analysis
from codemods.imports import LocalName, import_edits, local_name
from codemods.layout import Layout
from codemods.loud import known_names
from codemods.outcome import Changed, Failed, Outcome, Skipped, SkippedSite, Unchanged
from codemods.picking import Picker
from codemods.project import bound_imports
from codemods.proposal import Fixer
from codemods.source import Source, SourceError, parse_bytes, read_raw
from codemods.wanted import Wanted

__all__ = ["Rewriter", "setup"]


class Rewriter:
    """The named codemods over one layout. Make one per process."""

    def __init__(self, analyser: Analyser, names: tuple[str, ...], made: Mapping[str, Fixer] | None = None) -> None:
        self.analyser = analyser
        # One order, whatever order they are named in: use-shims makes contracted calls of legacy ones, and
        # check-results wraps a call in the `try` of catch-specific.
        loaded = dict(made) if made is not None else {name: registry.load(name) for name in names}
        order = sorted(loaded, key=lambda name: (not getattr(loaded[name], "LEGACY", False), name))
        self.fixers: dict[str, Fixer] = {name: loaded[name] for name in order}
        words = {word for fixer in self.fixers.values() for word in getattr(fixer, "WORDS", ())}
        self._last: tuple[Source, Analysis] | None = None
        for fixer in self.fixers.values():
            legacy = getattr(fixer, "LEGACY", False)
            words.update(analyser.legacy_bytes if legacy else analyser.name_bytes)
        self.words = tuple(sorted(words))

    def rewrite(self, path: Path, picker: Picker | None = None) -> Outcome:
        """Give what would become of a file. A file that cannot be handled is Failed, with the reason.

        `picker` sees every proposal and may take places out of it.
        """
        shown = self.analyser.layout.shown(path)
        if path.is_symlink():
            return Skipped(path=shown, reason="symbolic link: name the file it points to")
        try:
            raw = read_raw(path)
            if not any(word in raw for word in self.words):
                return Unchanged(path=shown)
            return self._rewrite(path, shown, parse_bytes(raw), picker or Picker())
        except SourceError as error:
            return Failed(path=shown, error=error.reason)
        except Exception as error:  # noqa: BLE001  # reported with the file: one file must not stop the rest
            return Failed(path=shown, error=f"not rewritten: {type(error).__name__}: {error}")

    def _rewrite(self, path: Path, shown: str, source: Source, picker: Picker) -> Outcome:
        first = source
        counts: dict[str, int] = {}
        sites: list[SkippedSite] = []
        for name, fixer in self.fixers.items():
            source, done, skipped = self._apply(path, source, name, fixer, picker)
            sites += skipped
            if done:
                counts[name] = done
        if source is first:
            return Unchanged(path=shown, sites=tuple(sites))
        for name, fixer in self.fixers.items():
            if self._apply(path, source, name, fixer, picker)[1]:
                raise SourceError(f"{name} would change its own result: nothing was done, please report this")
        return Changed(path=shown, before=first.raw, after=source.raw, edits=counts, sites=tuple(sites))

    def _apply(
        self, path: Path, source: Source, name: str, fixer: Fixer, picker: Picker
    ) -> tuple[Source, int, tuple[SkippedSite, ...]]:
        analysis = self._analysis(path, source)
        names = {wanted: local_name(analysis, wanted) for wanted in fixer.NEEDS}
        usable = {wanted: found for wanted, found in names.items() if found is not None}
        stand_in = LocalName(name="", local="_", imported=True)
        proposal = fixer.propose(analysis, {wanted: usable.get(wanted, stand_in) for wanted in names})
        proposal = picker.pick(name, source, proposal, tuple(usable.values()))
        if not proposal.edits:
            return source, 0, proposal.skipped
        if len(usable) < len(names):
            taken = ", ".join(sorted(set(names) - set(usable)))
            raise SourceError(f"{name} needs the name {taken}, which this module uses for something else")
        self._exported(analysis.known.facade, usable)
        edits = import_edits(analysis, list(usable.values()))  # first: an edit at the same place belongs below it
        edits += [edit for place in proposal.edits for edit in place]
        fresh = parse_bytes(source.spliced(edits))
        self._compare(analysis, fresh, fixer, proposal.places)
        picker.applied(edits)
        return fresh, proposal.places, proposal.skipped

    def _analysis(self, path: Path, source: Source) -> Analysis:
        """Analyse a text once, however many codemods look at it."""
        if self._last is None or self._last[0] is not source:
            self._last = (source, self.analyser.analyse(path, source))
        return self._last[1]

    def _exported(self, facade: str, names: dict[str, LocalName]) -> None:
        """Check that a façade that is there has the names; one that is made has all. Raises SourceError."""
        there = self.analyser.project.module(facade)
        lacks = [name for name in sorted(names) if there and self.analyser.project.lookup(facade, name) is None]
        if lacks:
            raise SourceError(f"{facade} has no {', '.join(lacks)}: add it to the façade first")

    def _compare(self, before: Analysis, after: Source, fixer: Fixer, expected: int) -> None:
        """Check that the trees differ by what was intended and nothing else. Raises SourceError."""
        old, had = self._stripped(before, before.source, fixer)
        new, has = self._stripped(before, after, fixer)
        if has - had != expected or old != new:
            raise SourceError(
                "the rewritten text does not mean what was intended: nothing was done, please report this"
            )

    def _stripped(self, analysis: Analysis, source: Source, fixer: Fixer) -> tuple[str, int]:
        tree = parse_bytes(source.raw).tree  # a copy: stripping changes it
        module = analysis.around.module
        facade, wanted = analysis.known.facade, self.analyser.wanted
        built = self.analyser.project.build(module.name, tree, is_package=module.is_package)
        strip = fixer.Strip(known_names(built, self.analyser.project, wanted))
        strip.visit(tree)
        package = self.analyser.project.package_of(module)
        tree.body = [node for node in tree.body if not _emptied(node, package, facade, fixer.NEEDS)]
        return ast.dump(tree), strip.count


def _emptied(node: ast.stmt, package: str, facade: str, needs: tuple[str, ...]) -> bool:
    """Take our names out of an import; True where nothing is left of it."""
    if not isinstance(node, ast.ImportFrom) or all(i.module != facade for _, i in bound_imports(node, package)):
        return False
    node.names = [alias for alias in node.names if alias.name not in needs]
    return not node.names


def setup(layout: Layout, wanted: Wanted, names: tuple[str, ...]) -> Rewriter:
    """Make a rewriter in a worker."""
    return Rewriter(Analyser(layout, wanted), names)
