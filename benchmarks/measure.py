"""Time one call in several rounds; the variants take turns, so that a slow moment of the machine hits them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Figure", "Loop", "loop_of", "rounds"]

Loop = Callable[[int], float]
"Makes that many calls and gives the seconds they took."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Nanoseconds per call: one number per round."""

    ns: tuple[float, ...]

    @property
    def median(self) -> float:
        """Give the median of the rounds."""
        return statistics.median(self.ns)

    def over(self, base: Figure) -> tuple[float, float, float]:
        """Give median, least and greatest ratio to `base`, round by round."""
        ratios = [mine / theirs for mine, theirs in zip(self.ns, base.ns, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def loop_of(call: Callable[[], object]) -> Loop:
    """Make the timed loop of a plain call; the loop's own cost is in it, the same for every variant."""

    def run(times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            call()
        return time.perf_counter() - begun

    return run


def rounds(loops: Mapping[str, Loop], *, count: int, times: int) -> dict[str, Figure]:
    """Run every loop `count` rounds of `times` calls, in turn, after one round that is thrown away."""
    found: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(count + 1):
        for name, loop in loops.items():
            seconds = loop(times)
            if turn:
                found[name].append(seconds / times * 1e9)
    return {name: Figure(ns=tuple(each)) for name, each in found.items()}
