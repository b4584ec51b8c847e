"""What every command shares: exit codes, refusals that say what to do, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from typing import IO

import click

__all__ = ["USAGE", "Refused", "print_json"]

USAGE = 64
"Usage errors, everywhere (sysexits EX_USAGE); click's 2 is taken by the analysis commands."


class Refused(click.ClickException):  # click's own name for what it prints
    """A command that ends with a clear message: what, why and what to do next, and an exit code of the contract."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it on the class, reads it on the instance

    def show(self, file: IO[str] | None = None) -> None:
        """Print the message to standard error; the word `error:` is red on a terminal only."""
        stream = file or sys.stderr
        click.secho("error: ", fg="red", nl=False, file=stream)
        click.echo(self.message, file=stream)


def print_json(data: object) -> None:
    """Print one JSON document to standard output, keys in the order given."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
