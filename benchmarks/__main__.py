"""`python -m benchmarks`: bare host, shim off, shim in observe (success path), and the flag look-up, in one run."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from benchmarks import post
from benchmarks.measure import Figure, Loop, loop_of, loop_of_async, rounds
from shim import flags
from shim.host import install

__all__ = ["main"]

METHODS = ("send", "send_async", "send_watched", "send_watched_async")
VARIANTS = ("bare", "off", "observe")


@click.command()
@click.option("--rounds", "count", default=9, show_default=True, type=click.IntRange(min=1), help="Rounds per figure.")
@click.option("--calls", "times", default=20_000, show_default=True, type=click.IntRange(min=1), help="Calls a round.")
def main(count: int, times: int) -> None:
    """Print what the shim costs on a host method that does almost nothing: the worst case."""
    bare = post.Post
    made = install(post.HOST)
    try:
        _show_header(count, times)
        for method in METHODS:
            loops = {name: _loop(bare if name == "bare" else post.Post, name, method) for name in VARIANTS}
            _show_method(method, rounds(loops, count=count, times=times))
        _show_flags(rounds(_flag_loops(), count=count, times=times))
    finally:
        left = made.uninstall()
    for line in left:
        click.echo(f"not put back: {line}", err=True)


def _loop(cls: type[post.Post], mode: str, method: str) -> Loop:
    subject = cls(post.Box())
    call: Callable[..., Any] = partial(getattr(subject, method), "r1", "ping")
    loop = loop_of_async(call) if method.endswith("_async") else loop_of(call)
    return loop if mode == "bare" else _in_mode(loop, mode)


def _in_mode(loop: Loop, mode: str) -> Loop:
    def run(times: int) -> float:
        with flags.override(post=mode):
            return loop(times)

    return run


def _flag_loops() -> dict[str, Loop]:
    table = {"post": "off"}
    return {
        "dict.get": loop_of(partial(table.get, "post")),
        "flags.mode": loop_of(partial(flags.mode, "post")),
        "flags.current": loop_of(partial(flags.current, "post")),
    }


def _show_header(count: int, times: int) -> None:
    version = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"{version}, {count} rounds of {times} calls; ratios are median (least-greatest) of the rounds")
    click.echo(f"{'method':20} {'bare ns':>9} {'off / bare':>20} {'observe / bare':>22}")


def _show_method(method: str, found: dict[str, Figure]) -> None:
    bare = found["bare"]
    off, observe = (_ratio(found[name], bare) for name in ("off", "observe"))
    click.echo(f"{method:20} {bare.median:9.0f} {off:>20} {observe:>22}")


def _show_flags(found: dict[str, Figure]) -> None:
    click.echo(f"\n{'look-up':20} {'ns':>9} {'/ dict.get':>20}")
    for name, figure in found.items():
        click.echo(f"{name:20} {figure.median:9.0f} {_ratio(figure, found['dict.get']):>20}")


def _ratio(figure: Figure, base: Figure) -> str:
    median, least, greatest = figure.over(base)
    return f"{median:.1f}x ({least:.1f}-{greatest:.1f})"


if __name__ == "__main__":
    main()
