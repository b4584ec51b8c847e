"""The words between `failloud drive` and the adapter by which it puts load on one host.

A host file names its adapter (`Host.traffic`); the adapter lives beside the host, and knows how its users connect, how
one agent run is started, and by what means of the real world its connections fail. It counts nothing: it says what
was asked for, what each user's client received, and what the link swallowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shim.ledger import Sums
from shim.snapshot import Mode

__all__ = ["Asked", "Ended", "Event", "Got", "Mix", "Regime", "Seen", "Story", "Target", "TargetError", "Told"]


class Regime(StrEnum):
    """What the platform goes through; the audit gives a rate of lost runs for each."""

    NORMAL = "normal"
    HIGH_LOAD = "high-load"
    AFTER_NETWORK_TROUBLE = "after-network-trouble"


class Story(StrEnum):
    """What happens to one tenant during one block of time."""

    STEADY = "steady"
    "Connects, and asks."
    UNREADY = "unready"
    "Its runs fall on a worker whose bridge was made but never integrated."
    IDLE = "idle"
    "Connected, but silent for longer than the host keeps a connection; then asks."
    ASLEEP = "asleep"
    "Its connection closes (a laptop sleeps) while many runs of its go on; it comes back at the end."
    SLOW = "slow"
    "Its client takes each message more slowly than the host waits."
    RELOADED = "reloaded"
    "Asks on a new page before that page's socket is open: the reconnect is still in back-off."
    DROPPED = "dropped"
    "Its connection closes during its runs, the host is told, and it comes back."
    HALF_OPEN = "half-open"
    "Its link goes dead without a word: the host writes into it and is told of nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How often each story is told in a regime: one draw per tenant and block. Weights, not percent."""

    stories: Mapping[Story, float]
    runs: int
    "Runs of a tenant in a block: as many for each, so that each cluster weighs the same."
    long_texts: float = 0.0
    "Share of questions longer than `limit`: the upper tail of a log-normal length."
    limit: int = 32_768
    "Characters that the host takes in one message."


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a user would tell it from another: its type, and who speaks."""

    type: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One agent run: what it meant to tell its user, written down before each attempt."""

    run_id: str
    thread_id: str
    user_id: str
    events: tuple[Event, ...]
    last: frozenset[Event]
    "The events that end the run for its user; seeing one makes the run visible."


@dataclass(frozen=True, slots=True)
class Got:
    """One event of a run, received by its user's client or swallowed by the link."""

    run_id: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a failure record names."""

    run_id: str
    thread_id: str
    user_id: str
    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became known since the last look."""

    received: tuple[Got, ...]
    "By the clients, each event once."
    swallowed: tuple[Got, ...]
    "Handed by the host to a link that lost it: the link is the witness."
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the shim itself says at the end: to be compared, not believed."""

    sums: Sums | None
    "The ledger's; None where nothing was counted, as in off."
    own_failures: Mapping[str, int]


class TargetError(Exception):
    """Raised when a host cannot be put under load; `reason` says why, `hint` what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason, hint)
        self.reason, self.hint = reason, hint

    def __str__(self) -> str:
        return f"{self.reason}; next: {self.hint}"


class Target(Protocol):
    """A host under load. One object serves one mode: `start`, blocks, `close`."""

    mixes: Mapping[Regime, Mix]
    most_tenants: int
    "Beyond it tenants would fail together (a shared limit), and clusters would not be independent."

    async def start(self, mode: Mode) -> None:
        """Bring the host up with every component in `mode`. Raises TargetError."""

    async def connect(self, user: str) -> None:
        """Open the user's client; also again, after a cut."""

    async def pass_time(self) -> None:
        """Let as much time pass as the host keeps a silent connection."""

    async def cut(self, user: str) -> None:
        """Close the user's link from the user's side; return when the host knows."""

    async def stall(self, user: str) -> None:
        """Make the link swallow what the host writes, and tell nobody."""

    async def slow(self, user: str) -> None:
        """Make the client slower than the host waits."""

    async def run(self, user: str, length: int, *, ready: bool = True) -> Asked:
        """Ask a question of so many characters, on a worker that is `ready` or not; return when its run has ended."""

    async def look(self) -> Seen:
        """Wait until nothing more arrives, and give what became known; every client leaves."""

    async def close(self) -> Ended:
        """Take the host down, also one that did not come up."""
