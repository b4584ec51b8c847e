"""The SQLite file of missed events: its tables, how it is opened, and when it is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shim.delivery.store import Limits, StoreBrokenError, StoreCorruptError, StoreError, StoreFullError

__all__ = ["VERSION", "connect", "prepare", "translated"]

VERSION = 1
"Of the tables; kept in the file's `user_version`."

_OURS = 0x464C4C44
"`FLLD`, the file's `application_id`: no other program's database is ever written to."

_HEADER = b"SQLite format 3\x00"

BUSY_S = 5.0
"Seconds to wait for another process's transaction: the writer's own take milliseconds."

_TABLES = """
CREATE TABLE stream(
  id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, thread_id TEXT NOT NULL, epoch TEXT NOT NULL,
  next_seq INTEGER NOT NULL DEFAULT 1, acked_seq INTEGER NOT NULL DEFAULT 0, lost_seq INTEGER NOT NULL DEFAULT 0,
  emitted INTEGER NOT NULL DEFAULT 0, acked INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
  touched REAL NOT NULL, holder TEXT, held_until REAL, UNIQUE(user_id, thread_id));
CREATE TABLE event(
  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream(id), seq INTEGER NOT NULL,
  event_id TEXT NOT NULL, run_id TEXT NOT NULL, type TEXT NOT NULL, priority INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, sends INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL, created REAL NOT NULL,
  aged REAL NOT NULL, component TEXT NOT NULL, method TEXT NOT NULL, code TEXT NOT NULL,
  UNIQUE(stream, seq), UNIQUE(stream, event_id));
CREATE INDEX event_pending ON event(stream, seq) WHERE state = 0;
CREATE INDEX event_aged ON event(aged);
CREATE TABLE dead(
  id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, user_id TEXT NOT NULL, thread_id TEXT NOT NULL,
  run_id TEXT NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL, size INTEGER NOT NULL, body BLOB,
  created REAL NOT NULL, component TEXT NOT NULL);
CREATE INDEX dead_owner ON dead(user_id, event_id);
CREATE TABLE total(
  emitted INTEGER NOT NULL, acked INTEGER NOT NULL, sent INTEGER NOT NULL, expired INTEGER NOT NULL,
  rejected INTEGER NOT NULL, dead_bytes INTEGER NOT NULL, dead_dropped INTEGER NOT NULL, wall REAL NOT NULL,
  age REAL NOT NULL);
INSERT INTO total VALUES (0, 0, 0, 0, 0, 0, 0, 0, 0);
"""
# `lost_seq`: the last place whose event expired or was trimmed before it was delivered; a client below it has a gap.
# `aged` is on the scale of `total.age`: seconds that passed while somebody looked, see `shim.delivery.aging`.
# `total` has what streams that are gone have left behind; a stream that is gone has nothing pending.


def connect(path: Path, limits: Limits, durability: str = "NORMAL") -> sqlite3.Connection:
    """Open a connection with our settings. Raises a StoreError."""
    if durability not in ("NORMAL", "FULL"):
        raise ValueError(f"durability is NORMAL or FULL, not {durability!r}")
    try:
        made = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA journal_mode = WAL")
        made.execute(f"PRAGMA synchronous = {durability}")
        page = made.execute("PRAGMA page_size").fetchone()[0]
        made.execute(f"PRAGMA max_page_count = {max(16, limits.store_bytes // page)}")
        made.execute("PRAGMA journal_size_limit = 16777216")
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return made


def prepare(path: Path, limits: Limits) -> None:
    """Make the file where there is none, look at it where there is. Raises a StoreError; changes no foreign file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)  # it holds what users were told
        with path.open("rb") as stream:
            head = stream.read(len(_HEADER))
    except OSError as error:
        raise StoreBrokenError(
            f"{path} cannot be opened: {error.strerror}", "check the folder and its rights"
        ) from error
    if head not in (b"", _HEADER):
        raise StoreCorruptError(f"{path} is no store: it does not begin as an SQLite file does", _aside(path))
    try:
        look = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            empty = _is_empty(look, path)
        finally:
            look.close()
        made = connect(path, limits)
        try:
            if empty:
                _make(made)
            _look_through(made, path)
        finally:
            made.close()
    except sqlite3.Error as error:
        raise translated(error, path) from error


def _is_empty(look: sqlite3.Connection, path: Path) -> bool:
    """Say whether it is to be made; refuse somebody else's before any setting of ours could change it."""
    owner, version = (look.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if not owner and not look.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if owner != _OURS:
        raise StoreCorruptError(f"{path} is another program's database", "name another file in FAILLOUD_STORE")
    if version != VERSION:
        known = f"version {version}, this release knows version {VERSION}"
        raise StoreCorruptError(
            f"{path} was written by another release: {known}", "install that release, or name another file"
        )
    return False


def _make(made: sqlite3.Connection) -> None:
    made.execute("BEGIN IMMEDIATE")
    if made.execute("PRAGMA application_id").fetchone()[0] != _OURS:  # else another process was quicker
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                made.execute(statement)
        made.execute(f"PRAGMA application_id = {_OURS}")
        made.execute(f"PRAGMA user_version = {VERSION}")
    made.execute("COMMIT")


def _look_through(made: sqlite3.Connection, path: Path) -> None:
    found = made.execute("PRAGMA quick_check(3)").fetchall()
    if found != [("ok",)]:
        raise StoreCorruptError(f"{path} is damaged: {'; '.join(row[0] for row in found)}", _aside(path))


def _aside(path: Path) -> str:
    name = path.name
    return (
        f"stop the processes that use it, then move {name}, {name}-wal and {name}-shm aside (a new store is made), and "
        f"get out what can be saved with: sqlite3 {name} .recover"
    )


def translated(error: sqlite3.Error, path: Path) -> StoreError:
    """Give the error of ours for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StoreFullError(f"no room in {path}: {error}", "free space on its disk, or raise the limit store_bytes")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreCorruptError(f"{path} is damaged: {error}", _aside(path))
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBrokenError(f"{path} is held by another process for {BUSY_S:.0f} s", "look for one that hangs")
    return StoreBrokenError(f"{path}: {type(error).__name__}: {error}", "check the disk and the rights of the file")
