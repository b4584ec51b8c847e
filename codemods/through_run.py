"""`migrate reraise-loud --through`: from flow's chains to changed files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from codemods.callsites import Analyser
from codemods.flow.collect import collect
from codemods.flow.graph import Graph
from codemods.flow.mending import Left, Mending, mending_of
from codemods.layout import Layout
from codemods.options import Given
from codemods.outcome import Changed, Failed, Outcome
from codemods.pool import Pool
from codemods.proposal import Fixer
from codemods.rewrite import Rewriter
from codemods.runner import Run, with_facade
from codemods.through import Escalates, Handlers, Lines, Reraises
from codemods.wanted import Wanted

__all__ = ["prepare_through"]

_SHOWN = 5
"Chains told above one file; the rest are counted."


def prepare_through(asked: Given, jobs: int, kept_in: Path | None) -> Run:
    """Work out what would change for the call sites of `asked.files`, in whatever files. Writes nothing."""
    boundaries = asked.host.boundaries if asked.host is not None else ()
    got = collect(asked.layout, asked.wanted, boundaries, asked.found.files, jobs, kept_in)
    graph = Graph(got.facts, asked.wanted.keys())
    shown = {asked.layout.shown(path) for path in asked.files}
    starts = [start for one in got.facts if one.path in shown for start in one.starts]
    made = mending_of(starts, got.facts, graph)
    lines = _lines(made)
    files = [path for path in asked.found.files if asked.layout.shown(path) in lines]
    pool: Pool[Rewriter, Outcome] = Pool(_setup, Rewriter.rewrite, (asked.layout, asked.wanted, lines))
    outcomes = tuple(_noted(one, made) for one in pool.run(files, jobs, "migrated"))
    failed = tuple(Failed(path=one.path, error=one.error) for one in got.facts if one.error and one.path not in lines)
    run = Run(
        codemods=("reraise-loud",),
        outcomes=(*outcomes, *failed),
        skipped_directories=asked.found.skipped_directories,
        notes=tuple(_left(one) for one in made.left),
    )
    return with_facade(run, asked.layout, asked.wanted)


def _lines(made: Mending) -> Lines:
    found: dict[str, dict[int, str]] = {}
    for (path, line), what in made.handlers.items():
        found.setdefault(path, {})[line] = what
    return found


def _setup(layout: Layout, wanted: Wanted, lines: Lines) -> Rewriter:
    shared = Handlers(lines)
    made: dict[str, Fixer] = {"catch-specific": Escalates(shared), "reraise-loud": Reraises(shared)}
    return Rewriter(Analyser(layout, wanted), tuple(made), made)


def _noted(one: Outcome, made: Mending) -> Outcome:
    if not isinstance(one, Changed):
        return one
    chains = made.chains.get(one.path, [])
    more = [f"and {len(chains) - _SHOWN} more chains"] if len(chains) > _SHOWN else []
    return replace(one, notes=(*chains[:_SHOWN], *more))


def _left(one: Left) -> str:
    return f"{one.start.path}:{one.start.line} {one.start.contract}: {one.reason}"
