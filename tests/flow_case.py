"""What the tests of `flow` share: a small host, its tree, a run over it, and the ends of its call sites."""

from __future__ import annotations

from pathlib import Path

from migration_case import WANTED, make_tree

from codemods.flow.run import Flow, trace
from codemods.layout import find_layout, walk

__all__ = ["SITE", "end_of", "ends", "followed", "make_tree"]

SITE = "from plant.hub import Hub\n\n\nasync def ask(h: Hub) -> None:\n    await h.ping(1)\n"


def followed(
    folder: Path, boundaries: tuple[str, ...] = (), *, kept_in: Path | None = None, jobs: int = 1, only: str = ""
) -> Flow:
    """Follow all sites of a tree, or those of one module."""
    layout = find_layout(folder, "plant")
    found = walk(layout.root)
    files = tuple(path for path in found.files if not only or path.stem == only)
    return trace(layout, WANTED, boundaries, found, files, jobs, kept_in)


def ends(run: Flow) -> list[tuple[str, str, int, str]]:
    """Give fate, file, line and reason of every end."""
    return [
        (str(way.end.fate), way.end.path, way.end.line, way.end.why)
        for site in run.sites
        for way in sorted(site.ways, key=lambda one: (str(one.end.fate), one.end.path, one.end.line))
    ]


def end_of(folder: Path, boundaries: tuple[str, ...] = (), **modules: str) -> tuple[str, str]:
    """Give fate and reason of the one end that the one call site of some modules has."""
    (found,) = ends(followed(make_tree(folder, **modules), boundaries))
    return found[0], found[3]
