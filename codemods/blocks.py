"""A text report as blocks: written with rich on a terminal, plain everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

__all__ = ["Block", "Heading", "Line", "Table", "plain", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line that begins a group."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `style` is rich's."""

    text: str
    style: str = ""
    indent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; numbers stand to the right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


Block = Heading | Line | Table


def show(blocks: Iterable[Block]) -> None:
    """Write a report to standard output: with rich where that is a terminal and rich is installed."""
    if sys.stdout.isatty():
        try:
            import rich.console as _  # noqa: F401  # is it there? the extra `codemods` has it
        except ModuleNotFoundError:
            pass
        else:
            _rich(blocks)
            return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in plain(blocks):
        click.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def plain(blocks: Iterable[Block]) -> Iterator[str]:
    """Give the lines of a report, without any colour."""
    for block in blocks:
        match block:
            case Heading():
                yield block.text
            case Line():
                yield (" " * block.indent + block.text).rstrip()
            case Table():
                yield from _plain_table(block)


def _plain_table(table: Table) -> Iterator[str]:
    yield table.title
    rows = [table.columns, *table.rows]
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    right = [any(isinstance(row[at], int) for row in table.rows) for at in range(len(table.columns))]
    for row in rows:
        cells = [
            str(cell).rjust(width) if to_right else str(cell).ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        yield ("  " + "  ".join(cells)).rstrip()
    yield ""


def _rich(blocks: Iterable[Block]) -> None:
    """Write with rich: it honours NO_COLOR, and a source line is never taken for its markup."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for block in blocks:
        match block:
            case Heading():
                console.print(Text(block.text, style="bold"))
            case Line():
                console.print(Padding(Text(block.text, style=block.style), (0, 0, 0, block.indent)))
            case Table():
                console.print(_rich_table(block))
                console.print()


def _rich_table(table: Table) -> object:
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(title=Text(table.title, style="bold"), title_justify="left")
    for at, column in enumerate(table.columns):
        numbers = any(isinstance(row[at], int) for row in table.rows)
        drawn.add_column(Text(column), justify="right" if numbers else "left")
    for row in table.rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
    return drawn
