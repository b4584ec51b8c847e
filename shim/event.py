"""What a contracted call was about: which event, for whom. Two calls can be compared: the same event, or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shim.errors import UNKNOWN
from shim.guard import own_failure

__all__ = ["Event", "same_event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One contracted call's view of an event: its type, for whom, and the arguments that were passed."""

    type: str
    run_id: str = UNKNOWN
    thread_id: str = UNKNOWN
    user_id: str = UNKNOWN
    contract: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict, compare=False)
    message: object = field(default=None, compare=False)
    "The event as the client would get it, where the call was given that."
    written: bool = field(default=False, compare=False)
    "The call writes to connections."

    def fits(self, other: Event) -> bool:
        """Say whether both can be for one recipient: same type, and nothing that both know differs."""
        mine = (self.type, self.run_id, self.thread_id, self.user_id)
        theirs = (other.type, other.run_id, other.thread_id, other.user_id)
        return all(UNKNOWN in pair or pair[0] == pair[1] for pair in zip(mine, theirs, strict=True))

    def repeats(self, other: Event) -> bool:
        """Say whether a call of the same contract is the same call again (a retry): equal arguments."""
        shared = self.arguments.keys() & other.arguments.keys()
        return self.fits(other) and all(_equal(self.arguments[name], other.arguments[name]) for name in shared)


def _equal(one: object, other: object) -> bool:
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception as error:  # noqa: BLE001  # somebody's __eq__; reported, and two events rather than one
        own_failure("frames.equal", error)
        return False


def same_event(one: tuple[Event, ...], other: tuple[Event, ...]) -> bool:
    """Compare how the calls on the way saw an event, innermost first.

    Where both went through one contract its arguments decide: three thoughts of a run are three events. Else (a
    fallback by another way) type and recipient do.
    """
    for mine in one:
        for theirs in other:
            if mine.contract and mine.contract == theirs.contract:
                return mine.repeats(theirs)
    return bool(one and other) and one[0].fits(other[0])
