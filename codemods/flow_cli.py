"""Command `flow`: where a loud failure ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from codemods.blocks import show
from codemods.flow.cache import home_of
from codemods.flow.document import document
from codemods.flow.ends import Fate
from codemods.flow.excerpts import lines_of
from codemods.flow.overview import Head
from codemods.flow.page import page
from codemods.flow.report import flow_blocks, site_blocks
from codemods.flow.run import LOUD, Flow, SiteFlow, trace
from codemods.options import Given, given, warn_package
from codemods.pool import default_jobs
from codemods.telling import written
from codemods.write import write_atomic
from shim.console import USAGE, Refused, print_json

__all__ = ["flow"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of one run, as click gives them."""

    path: Path
    host: str | None
    modules: tuple[str, ...]
    site: str | None
    verdicts: tuple[str, ...]
    jobs: int
    as_json: bool
    html: Path | None
    no_cache: bool


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--host", help="Host file: short name, dotted module, or path to a .py file. Default: [tool.failloud] host."
)
@click.option("--module", "modules", multiple=True, help="Only call sites of this module or package; callers anywhere.")
@click.option("--site", metavar="FILE:LINE", help="Explain one call site in plain words, with all its ends.")
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=click.Choice([str(one) for one in Fate]),
    help="List the sites of these verdicts; default: those nobody is sure to hear of.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=default_jobs, show_default="one per processor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write one HTML page, with chains and source, and no text.")
@click.option("--no-cache", is_flag=True, help="Read every file anew, and keep nothing for the next run.")
def flow(**options: Any) -> int:
    """Say for every contracted call below PATH where its failure ends: the frames up to a boundary, and each handler.

    Callers are looked for in all of PATH. Exit code: 0 every failure is heard, 1 some is swallowed, makes work run
    again, or goes where nobody can tell, 2 a file could not be read or parsed.
    """
    asked = Asked(**options)
    found = given(asked.path, asked.host, asked.modules)
    warn_package(found)
    if found.host is None:
        raise AssertionError("a command with contracts has a host")
    kept_in = None if asked.no_cache else home_of(found.layout, found.host.name)
    boundaries = found.host.boundaries
    run = trace(found.layout, found.wanted, boundaries, found.found, found.files, asked.jobs, kept_in)
    if run.warning:
        click.echo(f"warning: {run.warning}", err=True)
    run = replace(run, sites=_at(run, asked.site)) if asked.site else run
    wanted = frozenset(asked.verdicts)
    if asked.html is not None:
        _page(run, asked, asked.html, found)
    if asked.as_json:
        print_json(document(run, [one for one in run.sites if not wanted or str(one.verdict) in wanted]))
    elif asked.html is None and asked.site:
        show(block for site in run.sites for block in site_blocks(site))
    elif asked.html is None:
        show(flow_blocks(run, wanted))
    return run.exit_code


def _page(run: Flow, asked: Asked, file: Path, found: Given) -> None:
    """Write the page, and say so on standard error. Raises Refused."""
    paths = {found.layout.shown(path): path for path in found.found.files}
    head = Head(
        host=found.host.name if found.host is not None else "",
        tree=found.layout.root.name or "/",
        made=datetime.now(UTC),
        only=_only(run, asked, found),
        verdicts=frozenset(asked.verdicts),
    )
    written(file, page(run, head, lambda shown: lines_of(paths[shown])), write_atomic)
    told = ", ".join(f"{run.totals[str(fate)]} {fate}" for fate in Fate if fate not in LOUD)
    click.echo(f"{file}: {len(run.sites)} call sites, {told}, {len(run.unreadable)} files unreadable", err=True)
    for one in run.unreadable:
        click.echo(f"failed: {one.path}: {one.error}", err=True)


def _only(run: Flow, asked: Asked, found: Given) -> str:
    """Name the options that leave call sites out, without a path of this machine."""
    modules = (found.layout.shown(Path(one)) if Path(one).is_absolute() else one for one in asked.modules)
    sites = dict.fromkeys(f"{one.start.path}:{one.start.line}" for one in run.sites) if asked.site else {}
    return " ".join((*(f"--module {one}" for one in modules), *(f"--site {one}" for one in sites)))


def _at(run: Flow, text: str) -> tuple[SiteFlow, ...]:
    """Give the call sites at FILE:LINE. Raises Refused with the nearest ones."""
    path, line = _place(text)
    there = [one for one in run.sites if _same(one.start.path, path)]
    sites = tuple(one for one in there if one.start.line == line)
    if not sites:
        near = sorted({one.start.line for one in there}, key=lambda number: abs(number - line))
        hint = f"call sites there: line {', '.join(map(str, near[:5]))}" if near else "no call site in that file"
        raise Refused(f"no contracted call at {path}:{line}; {hint}", USAGE)
    return sites


def _place(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.+):(\d+)", text)
    if match is None:
        raise click.UsageError(f"--site reads FILE:LINE, not {text!r}")
    return Path(match[1]).as_posix(), int(match[2])


def _same(shown: str, asked: str) -> bool:
    """Tell whether a path names the file, from the tree's root or from where the user stands."""
    return shown == asked or asked.endswith(f"/{shown}") or shown.endswith(f"/{asked}")
