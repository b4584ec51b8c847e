"""The last table: one line per audit category."""

from __future__ import annotations

import click

from demo.tally import CATEGORIES, Tally

_HEADS = ("audit category", "injected", "silent before", "recorded", "raised", "escalated", "silent after")
_UNDER = ("", "flags off", "flags off", "observe", "enforce", "enforce", "enforce")


def print_table(tally: Tally) -> None:
    """Print the numbers: events lost with the flags off, records in observe, what enforce did, what stays silent."""
    rows = [
        (
            f"{row.category} {CATEGORIES[row.category]}", row.injected, row.silent_before, row.recorded,
            row.raised, row.escalated, row.silent_after,
        )
        for row in tally.rows.values()
    ]  # fmt: skip
    total = ("all", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    for row in (_HEADS, _UNDER, *rows, total):
        click.echo(f"{row[0]:24}" + "".join(f"{cell!s:>15}" for cell in row[1:]))
    click.echo(
        "\nIn enforce a loud failure ends what could not be told: fewer events are attempted, and lost, than before."
    )
