"""What is done to the tables inside one transaction: keep, mark, acknowledge, bury. The counters go with the rows."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Collection, Iterable

from shim.delivery.events import Accepted, Dead, NewEvent, Priority, Stream
from shim.delivery.store import Limits, StoreFullError, TooLargeError

__all__ = [
    "ACKED",
    "PENDING",
    "SENT",
    "ack",
    "append",
    "bury",
    "claim",
    "drop_dead",
    "expire_rows",
    "make_room",
    "mark_sent",
    "purge",
    "replay",
]

PENDING, SENT, ACKED = 0, 1, 2
"States of a row; an event that is expired or rejected has none any more."

DEAD_KEPT = 10_000
"Rows of the overflow table; beyond it the oldest goes, and is counted in `total.dead_dropped`."

DEAD_SHARE = 0.25
"Share of the store that bodies in the overflow table may take."

LEASE_MOST_S = 60.0
"A reservation that lies further ahead was made by a clock that has been set back since."

_CHECK_EVERY = 16
"Appends to a stream between two sums over all streams of its user."


def append(db: sqlite3.Connection, event: NewEvent, limits: Limits) -> Accepted:
    """Keep one event. Raises StoreFullError and TooLargeError before anything but the refusal's own rows is changed."""
    if len(event.body) > limits.hard_bytes:
        bury(db, event, "too_large", limits, keep_body=False)
        raise TooLargeError(
            f"{event.type} of {len(event.body)} bytes, at most {limits.hard_bytes} are kept", "shorten the result"
        )
    number, epoch, seq, unconfirmed = _stream(db, event, limits)
    displaced: Dead | None = None
    if unconfirmed >= limits.events_per_stream:
        if (old := _place_of(db, number, event.event_id)) is not None:
            return Accepted(seq=old, epoch=epoch, duplicate=True)
        room, displaced = _displace(db, number, event.priority, limits)
        if not room:
            _refuse(db, number, event, limits, f"{limits.events_per_stream} events wait in the thread")
    values = (
        number, seq, event.event_id, event.run_id, event.type, int(event.priority), event.body, event.created,
        event.component, event.method, event.code,
    )  # fmt: skip
    done = db.execute(
        "INSERT INTO event(stream, seq, event_id, run_id, type, priority, body, created, aged, component, method, code)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT age FROM total), ?, ?, ?) ON CONFLICT DO NOTHING",
        values,
    )
    if not done.rowcount and (old := _place_of(db, number, event.event_id)) is not None:
        return Accepted(seq=old, epoch=epoch, duplicate=True)
    db.execute(
        "UPDATE stream SET next_seq = next_seq + 1, emitted = emitted + 1, pending = pending + 1,"
        " touched = (SELECT age FROM total) WHERE id = ?",
        (number,),
    )
    return Accepted(seq=seq, epoch=epoch, duplicate=False, displaced=displaced)


def _place_of(db: sqlite3.Connection, stream: int, event_id: str) -> int | None:
    query = "SELECT seq FROM event WHERE stream = ? AND event_id = ?"
    row = db.execute(query, (stream, event_id)).fetchone()
    return None if row is None else int(row[0])


def _stream(db: sqlite3.Connection, event: NewEvent, limits: Limits) -> tuple[int, str, int, int]:
    """Find or begin a stream: its row, epoch, next place, and how many of its events nobody has confirmed."""
    who = (event.stream.user_id, event.stream.thread_id)
    query = "SELECT id, epoch, next_seq, pending + sent FROM stream WHERE user_id = ? AND thread_id = ?"
    found: tuple[int, str, int, int] | None = db.execute(query, who).fetchone()
    if found is None or found[2] % _CHECK_EVERY == 0:
        query = "SELECT coalesce(sum(pending + sent), 0), count(*) FROM stream WHERE user_id = ?"
        held, streams = db.execute(query, who[:1]).fetchone()
        full = held >= limits.events_per_user or (found is None and streams >= limits.events_per_user)
        if full and event.priority is Priority.NORMAL:
            text = f"{held} events of the user wait in {streams} threads"
            _refuse(db, None if found is None else found[0], event, limits, text)
    if found is None:
        epoch = uuid.uuid4().hex[:12]
        made = db.execute("INSERT INTO stream(user_id, thread_id, epoch, touched) VALUES (?, ?, ?, 0)", (*who, epoch))
        assert made.lastrowid is not None  # noqa: S101  # an insert has one
        found = made.lastrowid, epoch, 1, 0
    return found


def _displace(db: sqlite3.Connection, stream: int, priority: Priority, limits: Limits) -> tuple[bool, Dead | None]:
    """Make room for one: what was delivered goes first, then the oldest event of a lower priority, which is given."""
    query = "SELECT id, seq FROM event WHERE stream = ? AND state <> 0 ORDER BY seq LIMIT 1"
    if delivered := db.execute(query, (stream,)).fetchone():
        db.execute("DELETE FROM event WHERE id = ?", delivered[:1])
        return True, None
    query = "SELECT id FROM event WHERE stream = ? AND state = 0 AND priority < ? ORDER BY priority, seq LIMIT 1"
    lower = db.execute(query, (stream, int(priority))).fetchone()
    if lower is None:
        return False, None
    return True, expire_rows(db, lower, "trimmed", limits)[0]


def _refuse(db: sqlite3.Connection, stream: int | None, event: NewEvent, limits: Limits, why: str) -> None:
    bury(db, event, "user_full", limits, keep_body=False)
    where = "" if stream is None else f", thread {event.stream.thread_id!r}"
    raise StoreFullError(
        f"{event.type} of user {event.stream.user_id!r}{where} is refused: {why}",
        "the user has to connect, or: failloud missed purge",
    )


def make_room(db: sqlite3.Connection, rows: int = 500) -> int:
    """Take away the oldest rows that were delivered; gives how many. What was counted stays counted."""
    query = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE state <> 0 ORDER BY aged LIMIT ?)"
    return db.execute(query, (rows,)).rowcount


def mark_sent(db: sqlite3.Connection, stream: Stream, seqs: Collection[int]) -> int:
    """Count one more sending of each; gives how many had been sent before.

    One that is gone by now has expired, or was acknowledged, while it was on its way.
    """
    number = _number(db, stream)
    if number is None or not seqs:
        return 0
    which = f"stream = ? AND seq IN ({','.join('?' * len(seqs))})"
    query = f"SELECT coalesce(sum(sends > 0), 0), coalesce(sum(state = ?), 0) FROM event WHERE {which}"  # noqa: S608  # our own words
    again, first = db.execute(query, (PENDING, number, *seqs)).fetchone()
    query = f"UPDATE event SET sends = sends + 1, state = max(state, ?) WHERE {which}"  # noqa: S608
    db.execute(query, (SENT, number, *seqs))
    db.execute("UPDATE stream SET pending = pending - ?, sent = sent + ? WHERE id = ?", (first, first, number))
    return int(again)


def ack(db: sqlite3.Connection, stream: Stream, seq: int) -> int:
    """Settle all up to `seq`; gives how many events that settles."""
    query = "SELECT id, acked_seq FROM stream WHERE user_id = ? AND thread_id = ?"
    row = db.execute(query, (stream.user_id, stream.thread_id)).fetchone()
    if row is None or seq <= row[1]:  # nothing up to there is open any more
        return 0
    number, acked = row
    settled = {}
    for state in (PENDING, SENT):
        query = "UPDATE event SET state = ? WHERE stream = ? AND seq > ? AND seq <= ? AND state = ?"
        settled[state] = db.execute(query, (ACKED, number, acked, seq, state)).rowcount
    db.execute(
        "UPDATE stream SET pending = pending - ?, sent = sent - ?, acked = acked + ?,"
        " acked_seq = max(acked_seq, min(?, next_seq - 1)) WHERE id = ?",
        (settled[PENDING], settled[SENT], sum(settled.values()), seq, number),
    )
    return sum(settled.values())


def replay(db: sqlite3.Connection, stream: Stream, after: int) -> int:
    """Have what was sent and not acknowledged delivered again."""
    number = _number(db, stream)
    query = "UPDATE event SET state = ? WHERE stream = ? AND seq > ? AND state = ?"
    count = db.execute(query, (PENDING, number, after, SENT)).rowcount
    db.execute("UPDATE stream SET pending = pending + ?, sent = sent - ? WHERE id = ?", (count, count, number))
    return count


def purge(db: sqlite3.Connection, stream: Stream, limits: Limits) -> int:
    """Take what is undelivered out, as rejected."""
    number = _number(db, stream)
    rows = db.execute("SELECT id FROM event WHERE stream = ? AND state = 0", (number,)).fetchall()
    expire_rows(db, [row[0] for row in rows], "purged", limits, counter="rejected")
    return len(rows)


def claim(db: sqlite3.Connection, stream: Stream, holder: str, now: float, until: float) -> bool:
    """Reserve a stream for one process."""
    done = db.execute(
        "UPDATE stream SET holder = ?, held_until = ? WHERE user_id = ? AND thread_id = ?"
        " AND (holder IS NULL OR holder = ? OR held_until < ? OR held_until > ?)",
        (holder, until, stream.user_id, stream.thread_id, holder, now, now + LEASE_MOST_S),
    )
    return done.rowcount > 0


def bury(
    db: sqlite3.Connection,
    event: NewEvent,
    reason: str,
    limits: Limits,
    *,
    counted: bool = True,
    keep_body: bool = True,
) -> Dead:
    """Put an event into the overflow table; `counted`: as emitted, and rejected."""
    made = Dead(
        event_id=event.event_id, stream=event.stream, run_id=event.run_id, type=event.type, reason=reason,
        size=len(event.body), body=event.body if keep_body else None, created=event.created,
        component=event.component,
    )  # fmt: skip
    _insert_dead(db, [made], limits)
    if counted:
        db.execute("UPDATE total SET emitted = emitted + 1, rejected = rejected + 1")
    return made


def expire_rows(
    db: sqlite3.Connection, ids: Iterable[int], reason: str, limits: Limits, *, counter: str = "expired"
) -> list[Dead]:
    """Move undelivered events into the overflow table, and count them."""
    gone = []
    for each in ids:
        row = db.execute(
            "SELECT s.id, s.user_id, s.thread_id, e.event_id, e.run_id, e.type, e.body, e.created, e.seq, e.component"
            " FROM event e JOIN stream s ON s.id = e.stream WHERE e.id = ? AND e.state = 0",
            (each,),
        ).fetchone()
        if row is None:
            continue
        number, user, thread, event_id, run_id, kind, body, created, seq, component = row
        made = Dead(
            event_id=event_id, stream=Stream(user, thread), run_id=run_id, type=kind, reason=reason, size=len(body),
            body=body, created=created, component=component,
        )  # fmt: skip
        gone.append(made)
        db.execute("DELETE FROM event WHERE id = ?", (each,))
        db.execute(
            f"UPDATE stream SET pending = pending - 1, {counter} = {counter} + 1, lost_seq = max(lost_seq, ?)"  # noqa: S608  # one of two words of ours
            " WHERE id = ?",
            (seq, number),
        )
    _insert_dead(db, gone, limits)
    return gone


def _insert_dead(db: sqlite3.Connection, rows: Collection[Dead], limits: Limits) -> None:
    for one in rows:
        where = (one.event_id, one.stream.user_id, one.stream.thread_id, one.run_id, one.type)
        db.execute(
            "INSERT INTO dead(event_id, user_id, thread_id, run_id, type, reason, size, body, created, component)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*where, one.reason, one.size, one.body, one.created, one.component),
        )
    db.execute("UPDATE total SET dead_bytes = dead_bytes + ?", (sum(len(one.body or b"") for one in rows),))
    while rows:
        held = db.execute("SELECT dead_bytes, (SELECT count(*) FROM dead), (SELECT min(id) FROM dead) FROM total")
        size, count, oldest = held.fetchone()
        if count <= DEAD_KEPT and size <= limits.store_bytes * DEAD_SHARE:
            break
        drop_dead(db, [oldest])


def drop_dead(db: sqlite3.Connection, ids: Collection[int]) -> None:
    """Take rows out of the overflow table for good, and count them."""
    for each in ids:
        size = db.execute("SELECT coalesce(length(body), 0) FROM dead WHERE id = ?", (each,)).fetchone()[0]
        db.execute("DELETE FROM dead WHERE id = ?", (each,))
        db.execute("UPDATE total SET dead_dropped = dead_dropped + 1, dead_bytes = dead_bytes - ?", (size,))


def _number(db: sqlite3.Connection, stream: Stream) -> int | None:
    query = "SELECT id FROM stream WHERE user_id = ? AND thread_id = ?"
    row = db.execute(query, (stream.user_id, stream.thread_id)).fetchone()
    return None if row is None else int(row[0])
