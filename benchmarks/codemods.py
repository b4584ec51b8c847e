"""`python -m benchmarks.codemods`: find and rewrite dropped results in a large tree, by us and by the peers, in turn.

Whole processes: wall and processor seconds, the greatest resident set of one process; medians of interleaved rounds.
Finding runs on FAILLOUD_HOST_TREE where that is set, and our own longer commands too; rewriting on a generated tree.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click

from benchmarks.codemods_peers import Count, Peer, finders, rewriters
from benchmarks.codemods_tree import HOST_FILE, METHODS, make_tree

__all__ = ["main"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one command; `count` is None where its sites are not counted."""

    wall: float
    cpu: float
    megabytes: float
    count: Count | None


@click.command()
@click.option("--rounds", "rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Rounds per figure.")
def main(rounds: int) -> None:
    """Print what finding and rewriting dropped results costs, and how much longer the peers take than we do."""
    click.echo(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}; whole processes; medians of")
    click.echo(f"{rounds} interleaved rounds, of one where `x1` stands; names {', '.join(METHODS)}")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        made = make_tree(work / "made")
        given = os.environ.get("FAILLOUD_HOST_TREE")
        tree = Path(given).resolve() if given else made
        click.echo(f"find in {'the host tree' if given else 'a generated tree'}: {_size(tree)}")
        click.echo(f"rewrite in a generated tree: {_size(made)}\n")
        click.echo(f"{'job':9}{'peer':26}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'sites':>7}{'files':>7}{'to ours':>9}")
        naming = _copied(
            _holding(tree, METHODS), tree, work / "naming"
        )  # libcst.tool writes, whatever it is asked to show
        _job("find", finders(tree, METHODS, work, naming), rounds)
        host, copy = work / "host.py", work / "copy"
        host.write_text(HOST_FILE, encoding="utf-8")
        calling = [
            str(copy / path.relative_to(made)) for path in _holding(made, tuple(f"hub.{name}(" for name in METHODS))
        ]
        _job("rewrite", rewriters(copy, METHODS, str(host), calling), rounds, lambda: _fresh(made, copy))
        if given:
            _job("the rest", _ours(tree), 1)


def _ours(tree: Path) -> tuple[Peer, ...]:
    """Our other commands: no peer does the same."""
    app = str(tree / "netra_backend" / "app")
    command = (sys.executable, "-m", "shim.cli")
    rest = ("--host", "netra", "--jobs", "2", "--json")
    jobs = (("calls", app), ("audit", app), ("check", app), ("calls", str(tree)), ("check", str(tree)))
    return tuple(
        Peer(name=f"{what}, {'the app' if where == app else 'whole tree'}", command=(*command, what, where, *rest))
        for what, where in jobs
    )


def _holding(tree: Path, words: tuple[str, ...]) -> list[Path]:
    wanted = [word.encode() for word in words]
    found = (path for path in sorted(tree.rglob("*.py")) if path.is_file())
    return [path for path in found if any(word in path.read_bytes() for word in wanted)]


def _copied(files: list[Path], tree: Path, to: Path) -> list[str]:
    """Copy files: a peer that writes must not write into the tree that is measured."""
    found = []
    for path in files:
        copy = to / path.relative_to(tree)
        copy.parent.mkdir(parents=True, exist_ok=True)
        found.append(str(shutil.copyfile(path, copy)))
    return found


def _size(tree: Path) -> str:
    sizes = [path.stat().st_size for path in tree.rglob("*.py") if path.is_file()]
    return f"{len(sizes):,} files, {sum(sizes) / 1e6:.0f} MB"


def _fresh(made: Path, copy: Path) -> Path:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made, copy)
    return copy


def _job(job: str, peers: tuple[Peer, ...], rounds: int, fresh: Callable[[], Path] | None = None) -> None:
    """Run all in turn, so that a slow moment of the machine hits them all; each rewrite gets a fresh copy."""
    present = [one for one in peers if not one.needs]
    found: dict[str, list[Run]] = {one.name: [] for one in present}
    for turn in range(rounds):
        for one in present:
            if one.slow and turn:
                continue
            copy = fresh() if fresh is not None else None
            with get_context("spawn").Pool(1) as pool:  # a process of its own: its children's figures are this run's
                wall, cpu, megabytes, out = pool.apply(_measured, (one.command,))
            count = _wrapped(copy) if copy is not None else one.count(out) if one.count is not None else None
            found[one.name].append(Run(wall=wall, cpu=cpu, megabytes=megabytes, count=count))
    for one in peers:
        if one.needs:
            click.echo(f"{job:9}{one.name:26} absent: {one.needs} is not installed here")
        else:
            _show(job, one, found[one.name], found.get("failloud"), once=one.slow and rounds > 1)


def _measured(command: tuple[str, ...]) -> tuple[float, float, float, str]:
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own commands
    wall = time.perf_counter() - begun
    if done.returncode not in (0, 1) or (not done.stdout and done.returncode):
        raise RuntimeError(f"{command[:4]} ended with {done.returncode}: {done.stderr[-2000:]}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stdout


def _wrapped(tree: Path) -> Count:
    counts = [path.read_text(encoding="utf-8").count("delivered(await") for path in tree.rglob("module*.py")]
    return sum(counts), sum(map(bool, counts))


def _show(job: str, peer: Peer, runs: list[Run], ours: list[Run] | None, *, once: bool) -> None:
    wall, cpu = (statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu"))
    sites, files = runs[0].count or ("-", "-")
    ratio = f"{wall / statistics.median(run.wall for run in ours):8.2f}x" if ours else f"{'-':>9}"
    row = f"{job:9}{peer.name:26}{wall:9.2f}{cpu:9.2f}{max(run.megabytes for run in runs):9.0f}{sites:>7}{files:>7}"
    click.echo(f"{row}{ratio}{' x1' if once else ''}")


if __name__ == "__main__":
    main()
