"""`python -m benchmarks.codemods`: find and rewrite dropped results in a large tree, by us and by the peers, in turn.

Whole processes: wall and processor seconds, the greatest resident set of one process; medians of interleaved rounds.
Finding runs on FAILLOUD_HOST_TREE where that is set, rewriting always on a generated tree of the same size.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click

from benchmarks.codemods_peers import Peer, finders, rewriters
from benchmarks.codemods_tree import HOST_FILE, METHODS, make_tree

__all__ = ["main"]

_BASE = "ast-grep"
"The peer all others are measured against."


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one command; `sites` is None where they are not counted."""

    wall: float
    cpu: float
    megabytes: float
    sites: int | None


@click.command()
@click.option("--rounds", "count", default=3, show_default=True, type=click.IntRange(min=1), help="Rounds per figure.")
def main(count: int) -> None:
    """Print what finding and rewriting dropped results costs, as ratios to ast-grep alone."""
    click.echo(f"{count} rounds, whole processes, medians; load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        made = make_tree(work / "made")
        given = os.environ.get("FAILLOUD_HOST_TREE")
        tree = Path(given) if given else made
        click.echo(f"\nfinding, {'the host tree' if given else 'a generated tree'}: {_size(tree)}")
        found = _rounds(_present(finders(tree, METHODS, work)), count, None)
        _show(found)
        click.echo(f"\nrewriting in place, a generated tree: {_size(made)}")
        host = work / "host.py"
        host.write_text(HOST_FILE, encoding="utf-8")
        copy = work / "copy"
        words = tuple(f"hub.{name}(" for name in METHODS)
        texts = ((path, path.read_text(encoding="utf-8")) for path in sorted(made.rglob("*.py")))
        calling = [str(copy / path.relative_to(made)) for path, text in texts if any(word in text for word in words)]
        _show(_rounds(_present(rewriters(copy, METHODS, host, calling)), count, (made, copy)))


def _size(tree: Path) -> str:
    sizes = [path.stat().st_size for path in tree.rglob("*.py") if path.is_file()]
    return f"{len(sizes):,} files, {sum(sizes) / 1e6:.0f} MB, names {', '.join(METHODS)}"


def _present(peers: tuple[Peer, ...]) -> list[Peer]:
    for one in peers:
        if one.needs:
            click.echo(f"  peer {one.name}: absent, {one.needs} is not installed here")
    return [one for one in peers if not one.needs]


def _rounds(peers: list[Peer], count: int, copied: tuple[Path, Path] | None) -> dict[str, list[Run]]:
    """Run all in turn, so that a slow moment of the machine hits them all; each rewrite gets a fresh copy."""
    found: dict[str, list[Run]] = {one.name: [] for one in peers}
    for _ in range(count):
        for one in peers:
            if copied is not None:
                shutil.rmtree(copied[1], ignore_errors=True)
                shutil.copytree(*copied)
            with get_context("spawn").Pool(1) as pool:  # a process of its own: its children's figures are this run's
                wall, cpu, megabytes, out = pool.apply(_measured, (one.command,))
            counted = one.count(out) if one.count is not None else None
            sites = _wrapped(copied[1]) if copied is not None else counted
            found[one.name].append(Run(wall=wall, cpu=cpu, megabytes=megabytes, sites=sites))
    return found


def _measured(command: tuple[str, ...]) -> tuple[float, float, float, str]:
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own commands
    wall = time.perf_counter() - begun
    if done.returncode not in (0, 1) or (not done.stdout and done.returncode):
        raise RuntimeError(f"{command[:4]} ended with {done.returncode}: {done.stderr[-2000:]}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stdout


def _wrapped(tree: Path) -> int:
    return sum(path.read_text(encoding="utf-8").count("delivered(await") for path in tree.rglob("module*.py"))


def _show(found: dict[str, list[Run]]) -> None:
    walls = {name: statistics.median(run.wall for run in runs) for name, runs in found.items()}
    sites = {name: runs[0].sites for name, runs in found.items()}
    for name, runs in found.items():
        cpu, size = statistics.median(r.cpu for r in runs), max(r.megabytes for r in runs)
        ratio = f"{walls[name] / walls[_BASE]:6.2f}x" if _BASE in walls else "     -"
        other = sites[name] != sites["failloud"]
        differs = f", {(sites[name] or 0) - (sites['failloud'] or 0):+d} to ours" if other else ""
        click.echo(
            f"  {name:18}{walls[name]:8.2f} s {ratio} cpu {cpu:7.2f} s {size:6.0f} MB {sites[name]} sites{differs}"
        )


if __name__ == "__main__":
    main()
