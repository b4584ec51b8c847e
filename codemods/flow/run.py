"""One run of `flow`: the sites, where each may end, and the verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from codemods.flow.collect import Collected, collect
from codemods.flow.ends import Fate, worst
from codemods.flow.facts import FileFacts, Start
from codemods.flow.graph import Graph
from codemods.flow.search import Way, ways_of
from codemods.layout import Layout, Walk
from codemods.wanted import Wanted

__all__ = ["LOUD", "Flow", "SiteFlow", "trace"]

LOUD = frozenset({Fate.WRAPPED, Fate.REACHES, Fate.ESCALATED, Fate.CARRIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFlow:
    """One call site and all its ways, worst first."""

    start: Start
    ways: tuple[Way, ...]

    @property
    def verdict(self) -> Fate:
        """The worst end."""
        return worst(way.end.fate for way in self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A whole run."""

    sites: tuple[SiteFlow, ...]
    files: tuple[FileFacts, ...]
    skipped_directories: tuple[str, ...]
    read: int
    warning: str = ""

    @property
    def unreadable(self) -> list[FileFacts]:
        """Files that could not be read, parsed or analysed."""
        return [one for one in self.files if one.error]

    @property
    def silent(self) -> list[SiteFlow]:
        """Sites whose failure is swallowed, makes work run again, or goes where nobody can tell."""
        return [site for site in self.sites if site.verdict not in LOUD]

    @property
    def totals(self) -> dict[str, int]:
        """Sites by verdict, every verdict named."""
        found = Counter(site.verdict for site in self.sites)
        return {str(fate): found[fate] for fate in Fate}

    @property
    def exit_code(self) -> int:
        """0 = every failure is heard, 1 = some is not or nobody can tell, 2 = a file could not be looked at."""
        return 2 if self.unreadable else int(bool(self.silent))


def trace(
    layout: Layout,
    wanted: Wanted,
    boundaries: tuple[str, ...],
    found: Walk,
    files: tuple[Path, ...],
    jobs: int,
    kept_in: Path | None,
) -> Flow:
    """Follow every call site in `files` through all files of the tree."""
    got: Collected = collect(layout, wanted, boundaries, found.files, jobs, kept_in)
    graph = Graph(got.facts, wanted.keys())
    shown = {one.path for one in got.facts} if files == found.files else {layout.shown(path) for path in files}
    order = list(Fate)
    sites = [
        SiteFlow(start=start, ways=tuple(sorted(ways_of(start, graph), key=lambda way: order.index(way.end.fate))))
        for one in got.facts
        if one.path in shown
        for start in one.starts
    ]
    return Flow(
        sites=tuple(sites),
        files=got.facts,
        skipped_directories=found.skipped_directories,
        read=got.read,
        warning=got.warning,
    )
