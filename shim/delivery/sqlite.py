"""The store of missed events in one SQLite file, by the standard library alone; several processes may share it."""

from __future__ import annotations

import atexit
import sqlite3
import weakref
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from shim.delivery import rows, trim
from shim.delivery.events import Accepted, Dead, NewEvent, Position, Priority, State, StoredEvent, Stream, Waiting
from shim.delivery.schema import connect, prepare, translated
from shim.delivery.store import Limits, StoreClosedError
from shim.delivery.writer import Writer
from shim.ledger import Sums
from shim.locks import after_fork, fresh_lock

__all__ = ["SqliteStore"]

_STATES = {rows.PENDING: State.PENDING, rows.SENT: State.SENT_UNCONFIRMED, rows.ACKED: State.ACKED}
_EVENT = "seq, state, sends, event_id, run_id, type, priority, body, created, component, method, code"
_USERS = 500
"Users asked for at once."
_SUMS = "emitted, acked, sent, pending, expired, rejected"
_SUMMED = ", ".join(f"coalesce(sum({name}), 0)" for name in _SUMS.split(", "))


class SqliteStore:
    """Opens `path`, or makes it. Raises a StoreError where it cannot be used, and leaves it as it is.

    `durability` is NORMAL (what was accepted outlasts a crash of the process) or FULL (also a loss of power).
    """

    def __init__(self, path: Path | str, limits: Limits | None = None, *, durability: str = "NORMAL") -> None:
        self.path, self.limits, self._durability = Path(path), limits or Limits(), durability
        prepare(self.path, self.limits)
        self._writer = Writer(self._connect, lambda error: translated(error, self.path), rows.make_room)
        self._lock = fresh_lock()
        self._reader: sqlite3.Connection | None = None
        self._closed = False
        _stores.add(self)

    def _connect(self) -> sqlite3.Connection:
        return connect(self.path, self.limits, self._durability)

    def append(self, event: NewEvent) -> Future[Accepted]:
        """Keep an event."""
        return self._writer.submit(lambda db: rows.append(db, event, self.limits))

    def mark_sent(self, stream: Stream, seqs: Collection[int]) -> Future[int]:
        """Count one more sending of each; gives how many had been sent before."""
        return self._writer.submit(lambda db: rows.mark_sent(db, stream, seqs))

    def ack(self, stream: Stream, seq: int) -> Future[int]:
        """Take it from the client that it has all up to `seq`; gives how many that settles."""
        return self._writer.submit(lambda db: rows.ack(db, stream, seq))

    def expire(self, now: float) -> Future[tuple[Dead, ...]]:
        """Bury what is too old, `now` in seconds since the epoch."""
        return self._writer.submit(lambda db: trim.expire(db, now, self.limits))

    def bury(self, event: NewEvent, reason: str, *, counted: bool = True) -> Future[Dead]:
        """Put an event that cannot be delivered into the overflow table."""
        keep_body = len(event.body) <= self.limits.hard_bytes
        return self._writer.submit(
            lambda db: rows.bury(db, event, reason, self.limits, counted=counted, keep_body=keep_body)
        )

    def replay(self, stream: Stream, *, after: int = 0) -> Future[int]:
        """Have what was sent beyond `after`, and was not acknowledged, delivered again; gives how many."""
        return self._writer.submit(lambda db: rows.replay(db, stream, after))

    def purge(self, stream: Stream) -> Future[int]:
        """Take all that is undelivered in a stream out; gives how many."""
        return self._writer.submit(lambda db: rows.purge(db, stream, self.limits))

    def claim(self, stream: Stream, holder: str, now: float, until: float) -> Future[bool]:
        """Reserve a stream for one process; False where another one holds it."""
        return self._writer.submit(lambda db: rows.claim(db, stream, holder, now, until))

    def waiting(self, users: Collection[str] | None = None) -> list[Waiting]:
        """Give the streams that have pending events, the longest waiting first."""
        query = (
            "SELECT s.user_id, s.thread_id, s.pending, (SELECT min(created) FROM event e WHERE e.stream = s.id AND"
            " e.state = 0) FROM stream s WHERE s.pending > 0"
        )
        wanted = None if users is None else list(users)
        found = self._read(query) if wanted is None else []
        for place in range(0, len(wanted or ()), _USERS):
            part = (wanted or [])[place : place + _USERS]
            found += self._read(f"{query} AND s.user_id IN ({','.join('?' * len(part))})", part)
        made = [Waiting(stream=Stream(user, thread), events=n, oldest=at or 0.0) for user, thread, n, at in found]
        return sorted(made, key=lambda each: each.oldest)

    def pending(self, stream: Stream, *, after: int = 0, limit: int = 300) -> list[StoredEvent]:
        """Give pending events in order, beyond `after`."""
        return self._events(stream, "AND state = 0", after, limit)

    def events(self, stream: Stream, *, after: int = 0, limit: int = 300) -> list[StoredEvent]:
        """Give events in whatever state, in order."""
        return self._events(stream, "", after, limit)

    def _events(self, stream: Stream, which: str, after: int, limit: int) -> list[StoredEvent]:
        query = (
            f"SELECT {_EVENT} FROM event WHERE stream = (SELECT id FROM stream WHERE user_id = ? AND thread_id = ?)"  # noqa: S608  # our own words
            f" {which} AND seq > ? ORDER BY seq LIMIT ?"
        )
        found = self._read(query, (stream.user_id, stream.thread_id, after, limit))
        return [_stored(stream, row) for row in found]

    def position(self, stream: Stream) -> Position | None:
        """Say where a stream stands; None for one that was never begun."""
        found = self._positions("WHERE user_id = ? AND thread_id = ?", (stream.user_id, stream.thread_id))
        return found[0][1] if found else None

    def streams(self, *, user_id: str | None = None) -> list[tuple[Stream, Position, Sums]]:
        """Give every stream with its sums."""
        if user_id is None:
            return self._positions("ORDER BY user_id, thread_id", ())
        return self._positions("WHERE user_id = ? ORDER BY thread_id", (user_id,))

    def _positions(self, which: str, values: tuple[object, ...]) -> list[tuple[Stream, Position, Sums]]:
        query = (
            "SELECT user_id, thread_id, epoch, next_seq, acked_seq, max(lost_seq + 1, coalesce((SELECT min(seq) FROM"  # noqa: S608  # our own words
            f" event WHERE event.stream = stream.id), next_seq)), {_SUMS} FROM stream {which}"
        )
        return [
            (
                Stream(user, thread),
                Position(epoch=epoch, first_seq=first, next_seq=following, acked=acked),
                _sums(counts),
            )
            for user, thread, epoch, following, acked, first, *counts in self._read(query, values)
        ]

    def body(self, user_id: str, event_id: str) -> bytes | None:
        """Give a body to its owner; None where there is none, or it is somebody else's."""
        query = (
            "SELECT body FROM event JOIN stream ON stream.id = event.stream WHERE user_id = ? AND event_id = ?"
            " UNION ALL SELECT body FROM dead WHERE user_id = ? AND event_id = ? AND body IS NOT NULL LIMIT 1"
        )
        found = self._read(query, (user_id, event_id, user_id, event_id))
        return bytes(found[0][0]) if found else None

    def dead(self, *, user_id: str | None = None, limit: int = 300) -> Sequence[Dead]:
        """Give the overflow table, newest first, without bodies."""
        which, values = ("", ()) if user_id is None else ("WHERE user_id = ?", (user_id,))
        query = (
            "SELECT event_id, user_id, thread_id, run_id, type, reason, size, CASE WHEN body IS NULL THEN NULL ELSE x''"  # noqa: S608  # our own words
            f" END, created, component FROM dead {which} ORDER BY id DESC LIMIT ?"
        )
        return [_dead(row) for row in self._read(query, (*values, limit))]

    def sums(self) -> Sums:
        """Give the sums of all."""
        query = f"SELECT {_SUMMED} FROM (SELECT {_SUMS} FROM stream UNION ALL"  # noqa: S608  # our own words
        query += " SELECT emitted, acked, sent, 0, expired, rejected FROM total)"
        return _sums(self._read(query)[0])

    def size(self) -> int:
        """Give the bytes that the store takes."""
        pages, page = (self._read(f"PRAGMA {name}")[0][0] for name in ("page_count", "page_size"))
        return int(pages * page)

    def close(self) -> None:
        """Write out what was given, then stop. Twice is once."""
        self._writer.close()
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def _read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            if self._closed:
                raise StoreClosedError("the store is closed", "open it again")
            try:
                self._reader = self._reader or self._connect()
                return self._reader.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise translated(error, self.path) from error

    def _renew(self) -> None:
        """In a forked child: the parent's connection must be neither used nor closed here."""
        _parents.append(self._reader)
        self._reader = None
        self._writer.renew()


def _stored(stream: Stream, row: Sequence[Any]) -> StoredEvent:
    seq, state, sends, event_id, run_id, kind, priority, body, created, component, method, code = row
    event = NewEvent(
        event_id=event_id, stream=stream, run_id=run_id, type=kind, priority=Priority(priority), body=bytes(body),
        created=created, component=component, method=method, code=code,
    )  # fmt: skip
    return StoredEvent(event=event, seq=seq, state=_STATES[state], sends=sends)


def _dead(row: Sequence[Any]) -> Dead:
    event_id, user, thread, run_id, kind, reason, size, body, created, component = row
    return Dead(
        event_id=event_id, stream=Stream(user, thread), run_id=run_id, type=kind, reason=reason, size=size, body=body,
        created=created, component=component,
    )  # fmt: skip


def _sums(row: Sequence[int]) -> Sums:
    emitted, acked, sent, pending, expired, rejected = row
    return Sums(
        emitted=emitted, acked=acked, sent_unconfirmed=sent, pending=pending, expired=expired, rejected=rejected
    )


_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_parents: list[sqlite3.Connection | None] = []
"Connections of the parent, in a forked child: kept, since closing one would let go of the parent's locks."


def _renew_all() -> None:
    for store in list(_stores):
        store._renew()  # noqa: SLF001  # ours


def _close_all() -> None:
    for store in list(_stores):
        store.close()


after_fork(_renew_all)
atexit.register(_close_all)
