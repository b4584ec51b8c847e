"""Where a failure ends, and the verdict over all its ways."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["End", "Fate", "end_of", "worst"]


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


def end_of(form: str, detail: str) -> tuple[Fate, str] | None:  # noqa: PLR0911  # one per form
    """Say how a failure ends where a call's form ends it; None where it comes up in the caller."""
    match form:
        case "task lost":
            return Fate.SWALLOWED, f"a task nobody awaits: {detail}"
        case "task kept":
            return Fate.UNKNOWN, f"a task that is kept: {detail}"
        case "done-callback":
            return Fate.UNKNOWN, "a task whose done-callback may look at it, and is not marked as a boundary"
        case "handed":
            return Fate.UNKNOWN, f"handed over, and nobody can tell who calls it: {detail}"
        case "registered":
            return Fate.REACHES, f"{detail} boundary"
        case "thread":
            return Fate.REACHES, "ends its thread: the interpreter prints it"
        case "background":
            return Fate.REACHES, "a background task of the framework: its server logs it"
        case "spawned":
            return Fate.REACHES, "spawn() reports it"
        case _:
            return None
