"""What a store of missed events has to do. `tests/shim/delivery/suite.py` is what each one must pass.

Whatever changes it may be called from any thread, and from any event loop: it gives a future that is resolved once the
change outlasts a crash of the process. Whatever reads is short, and blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from shim.delivery.events import Accepted, Dead, NewEvent, Position, StoredEvent, Stream, Waiting
from shim.ledger import Sums

__all__ = [
    "Limits",
    "Store",
    "StoreBrokenError",
    "StoreClosedError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "TooLargeError",
]


class StoreError(Exception):
    """Root of what a store raises: `reason` says what and where, `hint` what to do next."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason, self.hint = reason, hint

    def __str__(self) -> str:
        return f"{self.reason}; next: {self.hint}" if self.hint else self.reason


class StoreFullError(StoreError):
    """Raised for the newest event where a limit, or the disk, leaves no room; what was accepted stays."""


class TooLargeError(StoreError):
    """Raised for a body beyond the hard limit; a row without the body is kept in the overflow table."""


class StoreCorruptError(StoreError):
    """Raised when the file is no store, is damaged, or was written by a newer version; it is never overwritten."""


class StoreBrokenError(StoreError):
    """Raised when the disk or the writer failed; the event was not accepted."""


class StoreClosedError(StoreError):
    """Raised when the store was closed; the event was not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept, and how long. Defaults and their reasons: docs/delivery.md."""

    events_per_stream: int = 10_000
    events_per_user: int = 50_000
    age_s: float = 86_400.0
    "Normal events; critical and terminal ones are kept `priority_age_s`."
    priority_age_s: float = 7 * 86_400.0
    store_bytes: int = 1 << 30
    inline_bytes: int = 64 << 10
    "A longer body goes to the overflow table; the client gets a reference to it."
    hard_bytes: int = 1 << 20
    "A longer body is refused."


class Store(Protocol):
    """Keeps missed events until their users have them."""

    limits: Limits

    def append(self, event: NewEvent) -> Future[Accepted]:
        """Keep an event. Fails with StoreFullError, TooLargeError, StoreBrokenError, StoreClosedError."""

    def mark_sent(self, stream: Stream, seqs: Collection[int]) -> Future[int]:
        """Count one more sending of each; gives how many of them had been sent before: duplicates."""

    def ack(self, stream: Stream, seq: int) -> Future[int]:
        """Take it from the client that it has all up to `seq`; gives how many that settles. Never goes back."""

    def expire(self, now: float) -> Future[tuple[Dead, ...]]:
        """Bury what is too old, `now` in seconds since the epoch. A jump of the clock expires nothing."""

    def bury(self, event: NewEvent, reason: str, *, counted: bool = True) -> Future[Dead]:
        """Put an event that cannot be delivered into the overflow table; `counted`: as emitted, and rejected."""

    def replay(self, stream: Stream, *, after: int = 0) -> Future[int]:
        """Have what was sent beyond `after`, and was not acknowledged, delivered again; gives how many."""

    def purge(self, stream: Stream) -> Future[int]:
        """Take all that is undelivered in a stream out, into the overflow table as `purged`; gives how many."""

    def claim(self, stream: Stream, holder: str, now: float, until: float) -> Future[bool]:
        """Reserve a stream for one process; False where another one holds it. Times in seconds since the epoch."""

    def waiting(self, users: Collection[str] | None = None) -> list[Waiting]:
        """Give the streams, of these users or of all, that have pending events; the longest waiting first."""

    def pending(self, stream: Stream, *, after: int = 0, limit: int = 300) -> list[StoredEvent]:
        """Give pending events in order, beyond `after`."""

    def events(self, stream: Stream, *, after: int = 0, limit: int = 300) -> list[StoredEvent]:
        """Give events in whatever state, in order."""

    def position(self, stream: Stream) -> Position | None:
        """Say where a stream stands; None for one that was never begun."""

    def body(self, user_id: str, event_id: str) -> bytes | None:
        """Give a body out of the overflow table to its owner; None where there is none, or it is somebody else's."""

    def dead(self, *, user_id: str | None = None, limit: int = 300) -> Sequence[Dead]:
        """Give the overflow table, newest first, without bodies."""

    def streams(self, *, user_id: str | None = None) -> list[tuple[Stream, Position, Sums]]:
        """Give every stream with its sums."""

    def sums(self) -> Sums:
        """Give the sums of all: `emitted = acked + sent_unconfirmed + pending + expired + rejected`, always."""

    def size(self) -> int:
        """Give the bytes that the store takes."""

    def close(self) -> None:
        """Write out what was given, then stop. Twice is once."""
