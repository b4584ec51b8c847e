"""Exact binomial bounds (Clopper and Pearson 1934), by bisection on the tail; the standard library only."""

from __future__ import annotations

import math

__all__ = ["CONFIDENCE", "lower", "upper"]

CONFIDENCE = 0.95
"Of each bound by itself: 0 failures of 2,995 give an upper bound just below 0.1 %."

_STEPS = 60


def upper(failures: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Give the largest rate under which so few failures in `n` have a chance of at least 1 - confidence."""
    _check(failures, n)
    return 1.0 if failures == n else _rate_at(failures, n, 1 - confidence)


def lower(failures: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Give the smallest rate under which so many failures in `n` have a chance of at least 1 - confidence."""
    _check(failures, n)
    return 0.0 if failures == 0 else _rate_at(failures - 1, n, confidence)


def _check(failures: int, n: int) -> None:
    if not 0 <= failures <= n or n == 0:
        raise ValueError(f"{failures} failures of {n} have no bounds")


def _rate_at(failures: int, n: int, chance: float) -> float:
    """Give the rate under which at most so many failures have this chance; it falls as the rate grows."""
    ways = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(failures + 1)]
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_most(ways, n, middle) > chance:
            low = middle
        else:
            high = middle
    return high


def _at_most(ways: list[float], n: int, rate: float) -> float:
    """Add up the chances of 0, 1, ... failures: each term in log space, so that none underflows alone."""
    yes, no = math.log(rate), math.log1p(-rate)
    return math.fsum(math.exp(way + k * yes + (n - k) * no) for k, way in enumerate(ways))
