"""What is under way, and which clause takes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from codemods.flow.facts import ANY, UNKNOWN_TYPE, Clause, Way
from codemods.flow.meanings import builtin_bases

__all__ = ["LOUD_ROOT", "Takes", "Thrown", "takes", "thrown_of", "ways_for"]

LOUD_ROOT = "shim.failure:LoudFailure"


class Takes(StrEnum):
    """Whether a clause takes an exception."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Thrown(NamedTuple):
    """An exception: its type, the types above it, and what it is wrapped around."""

    bases: tuple[str, ...]
    "Itself first; a single `?` where the text does not tell."
    grouped: tuple[str, ...] = ()
    "In a group: the bases of what is in it."

    @property
    def name(self) -> str:
        """The class's own name."""
        return self.bases[0].rpartition(":")[2]

    @property
    def is_loud(self) -> bool:
        """Whether it is one of ours, or holds one."""
        return LOUD_ROOT in self.bases or LOUD_ROOT in self.grouped


def thrown_of(key: str, types: Mapping[str, tuple[str, ...]]) -> Thrown:
    """Give an exception by its type key."""
    return Thrown(types.get(key) or (key, *builtin_bases("Exception")))


def takes(clause: Clause, thrown: Thrown, *, star: bool = False) -> Takes:
    """Say whether a clause takes an exception. `star`: an `except*` clause, which looks into groups."""
    bases = thrown.grouped if star and thrown.grouped else thrown.bases
    if any(one == ANY or one in bases for one in clause.types):
        return Takes.YES
    if UNKNOWN_TYPE in clause.types or bases[0] == UNKNOWN_TYPE:
        return Takes.MAYBE
    return Takes.NO


def ways_for(clause: Clause, thrown: Thrown) -> list[Way]:
    """Give the ways out of a clause that this exception may go, by what the handler asks of its type."""
    return [
        way
        for way in clause.ways
        if (not way.only or UNKNOWN_TYPE in way.only or any(one in thrown.bases for one in way.only))
        and not any(one in thrown.bases for one in way.never)
    ]
