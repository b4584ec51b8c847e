"""The control store: one SQLite file with the current plan and an append-only history.

A change is one transaction that names the revision it was decided on; whoever comes second gets a ConflictError.
A store that this release does not understand is refused and left as it is. Standard library only.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from rollout.control import Control, Entry
from rollout.rows import COLUMNS, ENTRY_COLUMNS, SCHEMA_SQL, from_row, to_row

__all__ = ["APPLICATION_ID", "CONTROL_DB", "SCHEMA", "ConflictError", "Store", "StoreError"]

CONTROL_DB = "control.db"
APPLICATION_ID = 0x4641494C
"ASCII `FAIL`, in the file's header: tells our store from any other database."
SCHEMA = 1
BUSY_S = 5.0
"How long to wait for another operator's transaction, in seconds; each takes milliseconds."


class StoreError(Exception):
    """Raised when the control store is missing, cannot be opened, or is not understood; nothing was changed."""

    def __init__(self, path: str, reason: str, hint: str) -> None:
        super().__init__(path, reason, hint)
        self.path, self.reason, self.hint = path, reason, hint

    def __str__(self) -> str:
        return f"control store {self.path}: {self.reason}; nothing in it was changed; next: {self.hint}"


class ConflictError(Exception):
    """Raised when another operator changed the plan first; `expected` and `found` are revisions."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(expected, found)
        self.expected, self.found = expected, found

    def __str__(self) -> str:
        return (
            f"conflict: the plan moved from revision {self.expected} to {self.found} meanwhile, nothing was done; "
            "next: look at 'failloud rollout status' and 'failloud rollout history', then decide again"
        )


class Store:
    """An open control store. Use as a context manager."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._db = connection

    @classmethod
    def open(cls, directory: Path, *, create: bool = False, timeout: float = BUSY_S) -> Self:
        """Open the store of a state directory, `timeout` in seconds. Raises StoreError."""
        path = directory / CONTROL_DB
        try:
            if create and not path.exists():
                _create(directory)
            if not path.exists():
                hint = "name the directory a plan was started in (--state-dir), or: failloud rollout start PLAN"
                raise StoreError(str(path), "there is none", hint)
            uri = f"file:{quote(str(path.resolve()))}?mode=rw"
            connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise _unreachable(path, error) from error
        store = cls(directory, connection)
        try:
            store._understand()
        except BaseException:
            connection.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._db.close()

    def _understand(self) -> None:
        path = self.directory / CONTROL_DB
        with self._reported():
            identity = self._db.execute("PRAGMA application_id").fetchone()[0]
            schema = self._db.execute("PRAGMA user_version").fetchone()[0]
        if identity != APPLICATION_ID:
            hint = "move that file away, or name another --state-dir"
            raise StoreError(str(path), "it is not a failloud control store", hint)
        if schema != SCHEMA:
            reason = f"schema {schema} is not known here; this failloud reads schema {SCHEMA}"
            raise StoreError(str(path), reason, "use the failloud release that wrote it")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreachable(self.directory / CONTROL_DB, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._reported():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        with self._reported():
            self._db.execute("COMMIT")

    def current(self) -> Control:
        """Give the current state. Raises StoreError."""
        with self._reported():
            row = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM control WHERE id = 1").fetchone()  # noqa: S608
            return from_row(row)

    def change(self, expected: int, new: Control, entry: Entry, *, floor: int = 0) -> Control:
        """Replace the state if it is still at revision `expected`, and add `entry` to the history.

        `floor` is the highest snapshot version on disk. Gives the state as stored. Raises ConflictError, StoreError.
        """
        with self._transaction():
            before = self.current()
            if before.rev != expected:
                raise ConflictError(expected, before.rev)
            return self._store(before, new, entry, floor)

    def force(self, decide: Callable[[Control], tuple[Control, Entry]], *, floor: int = 0) -> Control:
        """Replace the state whatever its revision: for a rollback, which no promotion may win against."""
        with self._transaction():
            before = self.current()
            new, entry = decide(before)
            return self._store(before, new, entry, floor)

    def _store(self, before: Control, new: Control, entry: Entry, floor: int) -> Control:
        stored = replace(new, rev=before.rev + 1, version=max(before.version, floor) + 1)
        marks = ", ".join(f"{name} = ?" for name in COLUMNS)
        with self._reported():
            self._db.execute(f"UPDATE control SET {marks} WHERE id = 1", to_row(stored))  # noqa: S608
        self.note(replace(entry, rev=stored.rev))
        return stored

    @contextmanager
    def exclusive(self) -> Iterator[Control]:
        """Hold the store while its state is written to disk, so that the last snapshot is always the last state's."""
        with self._transaction():
            yield self.current()

    def note(self, entry: Entry) -> None:
        """Add a row to the history; inside a transaction it shares that transaction's fate."""
        marks = ", ".join("?" * len(ENTRY_COLUMNS))
        values = [getattr(entry, name) for name in ENTRY_COLUMNS]
        with self._reported():
            self._db.execute(f"INSERT INTO history ({', '.join(ENTRY_COLUMNS)}) VALUES ({marks})", values)  # noqa: S608

    def history(self) -> tuple[Entry, ...]:
        """Give the whole history, oldest first. Raises StoreError."""
        with self._reported():
            rows = self._db.execute(f"SELECT {', '.join(ENTRY_COLUMNS)} FROM history ORDER BY seq").fetchall()  # noqa: S608
        return tuple(Entry(**dict(zip(ENTRY_COLUMNS, row, strict=True))) for row in rows)


def _create(directory: Path) -> None:
    """Build a whole store beside its place and link it in: nobody ever sees half of one, the first of many wins."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{CONTROL_DB}.{os.getpid()}"
    _remove(temporary)  # of a process that died here and had the same number
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA_SQL)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA}")
            marks = ", ".join("?" * len(COLUMNS))
            db.execute(f"INSERT INTO control (id, {', '.join(COLUMNS)}) VALUES (1, {marks})", to_row(Control()))  # noqa: S608
        (directory / CONTROL_DB).hardlink_to(temporary)
    except FileExistsError:
        return  # another operator was first; theirs is as good as ours
    finally:
        _remove(temporary)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _unreachable(path: Path, error: Exception) -> StoreError:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return StoreError(str(path), f"held by another operator ({error})", "try again in a few seconds")
    hint = "repair or restore that file; 'failloud rollback' works without it"
    return StoreError(str(path), f"cannot be read or written ({error})", hint)
