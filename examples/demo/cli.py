"""`failloud demo`: the example host end to end. Ends non-zero if a number does not hold."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from demo.story import Story
from demo.table import print_table

__all__ = ["demo"]


@click.command()
@click.option("--keep", is_flag=True, help="Keep the working folder (the migrated copy, flags, records, server logs).")
def demo(*, keep: bool) -> None:
    """Watch the example host lose events in silence, become loud, and be rolled back. Needs no network.

    A real server, real sockets, real clients, in a temporary folder; ends with a table per audit category. Exit code
    0: every number holds. 1: one does not, and which.
    """
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="failloud-demo-"))
    try:
        tally = Story(folder).tell()
    finally:
        if not keep:
            shutil.rmtree(folder)
    click.echo()
    print_table(tally)
    click.echo(f"\n{time.monotonic() - started:.0f} s" + (f"; everything is kept in {folder}" if keep else ""))
    problems = tally.problems()
    for problem in problems:
        click.secho(f"does not hold: {problem}", fg="red", err=True)
    sys.exit(1 if problems else 0)
