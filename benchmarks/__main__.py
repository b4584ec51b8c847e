"""`python -m benchmarks`: bare host, shim in each mode and peers on the same calls in one run."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterable
from functools import partial
from statistics import median

import click

from benchmarks import example, netra
from benchmarks.child import MODES, measured
from benchmarks.measure import Figure, loop_of, rounds
from benchmarks.peers import PEERS, absent
from benchmarks.subjects import Subject
from shim import flags

__all__ = ["main"]


@click.command()
@click.option("--rounds", "count", default=7, show_default=True, type=click.IntRange(min=1), help="Rounds per figure.")
@click.option("--calls", "times", default=2_000, show_default=True, type=click.IntRange(min=100), help="Calls a batch.")
@click.option("--host", "real", is_flag=True, help="The real host's classes at FAILLOUD_HOST_TREE, not the example's.")
@click.option(
    "--logging/--quiet", "logs", default=False, show_default=True, help="The host's logging as it is, or none."
)
@click.option("--only", default="", help="Only calls whose name holds this text.")
def main(count: int, times: int, real: bool, logs: bool, only: str) -> None:  # noqa: FBT001  # click's
    """Print what the shim costs, as ratios to the bare host."""
    try:
        found = netra.subjects() if real else example.subjects()
    except netra.NoHostTreeError as missing:
        raise click.ClickException(str(missing)) from missing
    _set_logging(real=real, logs=logs)
    peers = [name for name, (_, module) in PEERS.items() if not absent(module)]
    _show_header(count, times, "default logging" if logs else "logging silenced", peers)
    for subject in found:
        if only in subject.name:
            _show(subject, ("bare", *(MODES if subject.is_contracted else ()), *peers), count, times)
    _show_flags()


def _set_logging(*, real: bool, logs: bool) -> None:
    if real:
        (netra.loud if logs else netra.quiet)()
    elif logs:
        logging.basicConfig(level=logging.DEBUG, filename=os.devnull)
    else:
        logging.disable(logging.CRITICAL)


def _show_header(count: int, times: int, logs: str, peers: list[str]) -> None:
    version = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"{version}, {logs}, {count} rounds, in each round each variant in a process of its own;")
    click.echo(f"processor time of the best of 5 batches of {times} calls;")
    click.echo("ratio of the best rounds (median of the rounds' ratios)")
    for name, (_, module) in PEERS.items():
        if name not in peers:
            click.echo(f"peer {name}: absent, {module} is not installed here")


def _show(subject: Subject, variants: Iterable[str], count: int, times: int) -> None:
    click.echo(f"\n{subject.name}" + ("" if subject.is_contracted else ": not contracted, so no shim is around it"))
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for _ in range(count):
        for name, into in runs.items():
            into.append(measured(subject, name, "call", times))
    bare = Figure(ns=tuple(run["median"] for run in runs["bare"]))
    for name, each in runs.items():
        figure = Figure(ns=tuple(run["median"] for run in each))
        p99 = median(run["p99"] for run in each)
        extra = _extra(subject, name)
        click.echo(f"  {name:8} {min(figure.ns):9.0f} ns {_ratio(figure, bare):>16} p99 {p99:9.0f} ns{extra}")


def _extra(subject: Subject, variant: str) -> str:
    text = f", {measured(subject, variant, 'memory', 1)['bytes']:.0f} bytes an idle instance"
    if subject.fail is not None and variant in ("bare", *MODES):
        text += f", failing {measured(subject, variant, 'fail', 300)['median'] / 1000:.1f} us"
    return text


def _show_flags() -> None:
    table = {"bridge": "off"}
    loops = {
        "dict.get": loop_of(partial(table.get, "bridge")),
        "flags.current": loop_of(partial(flags.current, "bridge")),
    }
    found = rounds(loops, count=5, times=20_000)
    click.echo(f"\n{'look-up':20} {'ns':>9} {'/ dict.get':>16}")
    for name, figure in found.items():
        click.echo(f"{name:20} {figure.median:9.0f} {_ratio(figure, found['dict.get']):>16}")


def _ratio(figure: Figure, base: Figure) -> str:
    return f"{min(figure.ns) / min(base.ns):.2f}x ({figure.over(base)[0]:.2f})"


if __name__ == "__main__":
    main()
