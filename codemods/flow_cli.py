"""Command `flow`: where a loud failure ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from codemods.blocks import show
from codemods.flow.cache import home_of
from codemods.flow.document import document
from codemods.flow.ends import Fate
from codemods.flow.report import flow_blocks, site_blocks
from codemods.flow.run import Flow, SiteFlow, trace
from codemods.options import given, warn_package
from codemods.pool import default_jobs
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
    if asked.as_json:
        print_json(document(run, [one for one in run.sites if not wanted or str(one.verdict) in wanted]))
    elif asked.site:
        show(block for site in run.sites for block in site_blocks(site))
    else:
        show(flow_blocks(run, wanted))
    return run.exit_code


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
