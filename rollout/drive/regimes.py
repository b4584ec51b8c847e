"""What the tenants do in each block: drawn once from the seed, the same for every mode. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

from shim.traffic import Mix, Regime, Story

__all__ = ["Part", "blocks"]

_USUAL = 400
"Median length of a question, in characters."

_LONGEST = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One tenant in one block: one cluster."""

    tenant: int
    block: int
    story: Story
    lengths: tuple[int, ...]
    "One question for each run, in characters."

    @property
    def cluster(self) -> tuple[int, int]:
        """Name the cluster."""
        return self.tenant, self.block

    @property
    def user(self) -> str:
        """Name the user: a new one in each block, so that no block inherits another one's state."""
        return f"tenant{self.tenant}-{self.block}"


def blocks(regime: Regime, mix: Mix, *, runs: int, tenants: int, seed: int) -> Iterator[tuple[Part, ...]]:
    """Give blocks until there are at least `runs` runs. Which story a tenant lives is drawn anew in each block."""
    draw = random.Random(f"{seed}/{regime}")  # noqa: S311  # a repeatable plan, not a secret
    stories, weights = list(mix.stories), list(mix.stories.values())
    for block in range(math.ceil(runs / (tenants * mix.runs))):
        yield tuple(
            Part(
                tenant=tenant,
                block=block,
                story=draw.choices(stories, weights)[0],
                lengths=tuple(_length(draw, mix) for _ in range(mix.runs)),
            )
            for tenant in range(tenants)
        )


def _length(draw: random.Random, mix: Mix) -> int:
    if mix.long_texts == 0:
        return _USUAL
    spread = math.log(mix.limit / _USUAL) / NormalDist().inv_cdf(1 - mix.long_texts)
    return min(_LONGEST, max(1, int(draw.lognormvariate(math.log(_USUAL), spread))))
