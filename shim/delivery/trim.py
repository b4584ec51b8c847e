"""Take away what is too old: undelivered events into the overflow table, delivered ones for good, streams at last."""

from __future__ import annotations

import sqlite3

from shim.delivery.aging import aged
from shim.delivery.events import Dead, Priority
from shim.delivery.rows import ACKED, PENDING, SENT, drop_dead, expire_rows
from shim.delivery.store import Limits

__all__ = ["DEDUP_S", "ROWS", "expire"]

DEDUP_S = 600.0
"Seconds an acknowledged event stays known, so that the same id again is no new event."

ROWS = 2_000
"Rows of a kind that one look takes away: what others have asked for meanwhile does not wait longer."


def expire(db: sqlite3.Connection, now: float, limits: Limits) -> tuple[Dead, ...]:
    """Look once, at `now`; gives what was undelivered and is expired now."""
    wall, age = db.execute("SELECT wall, age FROM total").fetchone()
    age = aged(age, wall, now)
    db.execute("UPDATE total SET wall = ?, age = ?", (now, age))
    old = "SELECT id FROM event WHERE state = ? AND aged < ? AND {} ORDER BY aged LIMIT ?"
    normal, longer = f"priority = {int(Priority.NORMAL)}", f"priority <> {int(Priority.NORMAL)}"
    gone: list[Dead] = []
    for which, limit in ((normal, limits.age_s), (longer, limits.priority_age_s)):
        rows = db.execute(old.format(which), (PENDING, age - limit, ROWS)).fetchall()
        gone += expire_rows(db, [row[0] for row in rows], "expired", limits)
    small = f"length(body) <= {limits.inline_bytes}"  # a client may still fetch a body that it has only a reference to
    for state, which, limit in ((ACKED, small, DEDUP_S), (ACKED, "1", limits.age_s), (SENT, "1", limits.age_s)):
        rows = db.execute(old.format(which), (state, age - limit, ROWS)).fetchall()
        db.executemany("DELETE FROM event WHERE id = ?", rows)
    _old_dead(db, now, limits)
    _old_streams(db, age - limits.priority_age_s)
    return tuple(gone)


def _old_dead(db: sqlite3.Connection, now: float, limits: Limits) -> None:
    query = "SELECT id FROM dead WHERE created < ? ORDER BY id LIMIT ?"
    rows = db.execute(query, (now - 2 * limits.priority_age_s, ROWS)).fetchall()
    drop_dead(db, [row[0] for row in rows])


def _old_streams(db: sqlite3.Connection, before: float) -> None:
    """Fold the sums of streams with nothing left into the total: one that is begun anew gets another epoch."""
    query = (
        "SELECT id, emitted, acked, sent, expired, rejected FROM stream WHERE touched < ? AND pending = 0"
        " AND NOT EXISTS (SELECT 1 FROM event WHERE event.stream = stream.id) LIMIT ?"
    )
    for number, *sums in db.execute(query, (before, ROWS)).fetchall():
        db.execute(
            "UPDATE total SET emitted = emitted + ?, acked = acked + ?, sent = sent + ?, expired = expired + ?,"
            " rejected = rejected + ?",
            sums,
        )
        db.execute("DELETE FROM stream WHERE id = ?", (number,))
