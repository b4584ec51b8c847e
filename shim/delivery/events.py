"""The records of missed events: what is kept of one, where it stands, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

__all__ = ["Accepted", "Dead", "NewEvent", "Position", "Priority", "State", "StoredEvent", "Stream", "Waiting"]


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """One user's events in one thread: they have an order, and one owner."""

    user_id: str
    "The owner: nobody else ever gets one of its events."
    thread_id: str


class Priority(IntEnum):
    """What goes last when room must be made."""

    NORMAL = 0
    CRITICAL = 1
    "The user has to see it: an error event, or one that the host calls critical."
    TERMINAL = 2
    "It ends a run."


class State(StrEnum):
    """Where an accepted event stands: the terms of DESIGN law 11."""

    PENDING = "pending"
    SENT_UNCONFIRMED = "sent_unconfirmed"
    "Written to a connection; no client has said that it has it."
    ACKED = "acked"
    EXPIRED = "expired"
    "Too old, or trimmed to make room, before it was delivered."
    REJECTED = "rejected"
    "Refused for its size, or taken out by an operator."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """One event that is to be kept."""

    event_id: str
    "The same id again is the same event: it keeps its place."
    stream: Stream
    run_id: str
    type: str
    priority: Priority
    body: bytes
    "What the client is to get, as JSON in UTF-8."
    created: float
    "Seconds since the epoch. Order never depends on it."
    component: str = ""
    "Whose failure kept it, as in the failure's record; so are the next two."
    method: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The store has it, and a crash does not take it away."""

    seq: int
    "Place in its stream, counted from 1 without gaps."
    epoch: str
    "Changes when a stream is begun anew; never empty."
    duplicate: bool
    "The id was known: `seq` is the old place, and nothing was added."
    displaced: Dead | None = None
    "An event of a lower priority that had to make room, undelivered."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event as the store has it."""

    event: NewEvent
    seq: int
    state: State
    sends: int
    "How many times it was written to a connection: beyond 1 the client has got it twice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a stream stands."""

    epoch: str
    first_seq: int
    "The oldest place that is still kept; `next_seq` where none is."
    next_seq: int
    acked: int
    "The client has all up to here; 0 = none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A stream that has something to deliver."""

    stream: Stream
    events: int
    oldest: float
    "When the oldest of them was created, seconds since the epoch."


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """One event that will not be delivered by itself: in the overflow table, with the reason."""

    event_id: str
    stream: Stream
    run_id: str
    type: str
    reason: str
    "One of too_large, user_full, store_full, expired, trimmed, no_recipient, purged."
    size: int
    "Bytes of the body."
    body: bytes | None
    "None where it was beyond the hard limit, or was not kept."
    created: float
    component: str = ""
    "Whose failure had it kept."

    def to_dict(self) -> Mapping[str, object]:
        """Give all but the body, for JSON."""
        return {
            "event_id": self.event_id, "user_id": self.stream.user_id, "thread_id": self.stream.thread_id,
            "run_id": self.run_id, "type": self.type, "reason": self.reason, "size": self.size,
            "component": self.component, "has_body": self.body is not None, "created": self.created,
        }  # fmt: skip
