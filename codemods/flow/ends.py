"""Where a failure ends, and the verdict over all its ways."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["End", "Fate", "worst"]


class Fate(StrEnum):
    """What becomes of a failure on one way. Worst first."""

    SWALLOWED = "swallowed"
    "A handler keeps it, or nobody awaits its task: no boundary hears of it."
    RESTARTS = "restarts_work"
    "A handler runs the work again."
    UNKNOWN = "unknown"
    "Nobody can tell from the text who hears it."
    WRAPPED = "wrapped"
    "It reaches a boundary as another exception; the loud one is its cause."
    REACHES = "reaches_boundary"
    "It arrives at a boundary."
    ESCALATED = "escalated"
    "Nothing is raised, or a handler escalates: it is recorded, stored and told; the work goes on."
    CARRIED = "carried"
    "It happens inside another contracted call, which raises in its place: see the call sites of that one."


class End(NamedTuple):
    """One end."""

    fate: Fate
    path: str
    line: int
    function: str
    why: str
    effects: tuple[str, ...] = ()


def worst(fates: Iterable[Fate]) -> Fate:
    """Give the verdict of a site over its ways."""
    order = list(Fate)
    return min(fates, key=order.index)
