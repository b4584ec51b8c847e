"""`failloud doctor`: what keeps a host from being loud, and what to do about each."""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import click

from shim.console import USAGE, Refused, print_json
from shim.contracts import ContractError, Host
from shim.doctor import HostUnreadableError, Section, examine
from shim.guard import shown
from shim.hosts import HostFileError, load_host

__all__ = ["doctor"]

UNREADABLE = 2


@click.command()
@click.option("--host", "spec", help="Host file: short name, dotted module, or path; without it no host is looked at.")
@click.option(
    "--path", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default=True,
    help="Folder the host is imported from.",
)  # fmt: skip
@click.option(
    "--import", "modules", multiple=True, metavar="MODULE",
    help="Import this as well, before the install: the application, whose names may capture classes. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(spec: str | None, folder: Path, modules: tuple[str, ...], *, as_json: bool) -> int:
    """Import the host in this process, install the shims, list what stays silent, and uninstall.

    Exit code 0: clean; 1: findings; 2: the host cannot be read. A live process gives the same list: shim.host.census().
    """
    sys.path.insert(0, str(folder.resolve()))
    host = _load(spec) if spec else None
    if host is not None and not as_json:
        click.echo(f"host {host.name}: importing {host.package} into this process")
    logging.getLogger("failloud").setLevel(logging.CRITICAL + 1)  # this command prints the problem itself
    try:
        for name in modules:
            importlib.import_module(name)
    except Exception as error:  # the application's own code, whatever it raises
        raise Refused(f"{name} cannot be imported: {shown(error)}; next: give --path", UNREADABLE) from error
    try:
        sections = list(examine(host))
    except HostUnreadableError as error:
        raise Refused(f"{error}; next: run doctor where the host runs, or give --path", UNREADABLE) from error
    if as_json:
        print_json({"schema": 1, "host": host.name if host else None, "sections": [asdict(each) for each in sections]})
    else:
        for each in sections:
            _print(each)
    return 1 if any(each.findings for each in sections) else 0


def _print(section: Section) -> None:
    click.secho(f"{section.name}: {len(section.findings) or 'no'} findings", bold=True)
    for line in section.findings:
        click.echo(f"  ! {line}")
    for line in section.facts:
        click.echo(f"    {line}")


def _load(spec: str) -> Host:
    try:
        return load_host(spec)
    except (HostFileError, ContractError) as error:
        raise Refused(str(error), USAGE) from error
