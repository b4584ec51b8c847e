"""Command `calls`. The quick search imports nothing of the analysis: half of its time would go into that."""

from __future__ import annotations

from pathlib import Path

import click

from codemods.pool import default_jobs
from shim.console import USAGE, Refused, print_json

__all__ = ["calls"]


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--host", help="Host file: short name, dotted module, or path to a .py file. Default: [tool.failloud] host."
)
@click.option("--module", "modules", multiple=True, help="Only this module or package: dotted, or a path below PATH.")
@click.option(
    "--dropped",
    "names",
    multiple=True,
    metavar="NAME",
    help="A quick look without a host file: calls of NAME, whoever's method it is, whose result nobody has.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=default_jobs, show_default="one per processor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def calls(
    path: Path, host: str | None, modules: tuple[str, ...], names: tuple[str, ...], jobs: int, *, as_json: bool
) -> int:
    """List every call of a contracted method below PATH, and what to do about it.

    Exit code: 0 nothing to migrate, 1 some call needs a migration or calls a method that does not exist, 2 a file
    could not be read or parsed. With --dropped: 0 no result is dropped, 1 some are.
    """
    if names:
        return _dropped(path, host, modules, names, jobs, as_json=as_json)
    from codemods.options import given, warn_package
    from codemods.report import calls_text
    from codemods.scan import scan

    asked = given(path, host, modules)
    warn_package(asked)
    result = scan(asked.layout, asked.wanted, asked.found, asked.files, jobs)
    if as_json:
        print_json(result.as_json())
    for line in () if as_json else calls_text(result):
        click.echo(line)
    if result.unreadable:
        return 2
    return int(any(row.migration != "leave_alone" or row.verdict == "phantom" for row in result.rows))


def _dropped(
    path: Path, host: str | None, modules: tuple[str, ...], names: tuple[str, ...], jobs: int, *, as_json: bool
) -> int:
    from codemods.dropped import find_drops
    from codemods.layout import UnknownModuleError, plain_layout, select, walk

    if host:
        raise click.UsageError("--dropped looks at names alone: leave out --host, or leave out --dropped")
    if wrong := [name for name in names if not name.isidentifier()]:
        raise click.UsageError(f"--dropped takes the bare name of a method, not {wrong[0]!r}")
    layout = plain_layout(path)
    found = walk(layout.root)
    try:
        files = select(found, layout, modules)
    except UnknownModuleError as error:
        raise Refused(str(error), USAGE) from error
    result = find_drops(layout, tuple(dict.fromkeys(names)), found, files, jobs)
    if as_json:
        print_json(result.as_json())
    for line in () if as_json else result.as_text():
        click.echo(line)
    return result.exit_code
