"""One thread writes: it takes all that was asked for meanwhile into one transaction, and answers after the commit.

That makes a commit cheap for each (group commit), and keeps SQLite's lock out of the event loop. Where a transaction
fails, each part is done again by itself, so that one bad event costs nobody else.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from shim.delivery.store import StoreBrokenError, StoreClosedError, StoreError, StoreFullError
from shim.guard import own_failure
from shim.locks import fresh_lock

__all__ = ["BATCH", "QUEUED", "Job", "Writer"]

BATCH = 256
"Jobs in one transaction."

LINGER_S = 0.0005
"""Seconds to wait for more where the last transaction had several jobs: a commit in NORMAL takes less than it takes the
waiting producers to ask again, and a transaction for each would cost more than the waiting."""

QUEUED = 20_000
"Jobs that wait; beyond it the newest is refused, so that a disk that hangs does not fill the memory."

Work = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do, and who waits for it."""

    work: Work
    answer: Future[Any]


class Writer:
    """Runs jobs on a connection of its own.

    `open_file` makes that, `translated` names its errors, `make_room` gives how many rows it could take away where the
    file is full.
    """

    def __init__(
        self,
        open_file: Callable[[], sqlite3.Connection],
        translated: Callable[[sqlite3.Error], StoreError],
        make_room: Callable[[sqlite3.Connection], int],
    ) -> None:
        self._open, self._translated, self._make_room = open_file, translated, make_room
        self._queue: queue.Queue[Job | None] = queue.Queue(QUEUED)
        self._lock = fresh_lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._busy = False

    def submit(self, work: Work) -> Future[Any]:
        """Ask for work; the future ends when it is committed, or with the StoreError that says why it is not."""
        answer: Future[Any] = Future()
        with self._lock:
            if self._closed:
                answer.set_exception(StoreClosedError("the store is closed", "open it again"))
                return answer
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="failloud-store", daemon=True)
                self._thread.start()
            try:
                self._queue.put_nowait(Job(work, answer))
            except queue.Full:
                text = f"{QUEUED} events wait to be written"
                answer.set_exception(StoreFullError(text, "look at the disk: it is too slow, or hangs"))
        return answer

    def close(self) -> None:
        """Write what was asked for, then end. Twice is once."""
        with self._lock:
            self._closed, thread, self._thread = True, self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._queue.put(None)
            thread.join()

    def renew(self) -> None:
        """Begin anew in a forked child: the thread, its jobs and its connection are the parent's."""
        self._queue, self._thread = queue.Queue(QUEUED), None

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        more = True
        while more:
            jobs, more = self._next()
            try:
                db = self._open() if db is None else db
                self._do(db, jobs)
            except Exception as error:  # noqa: BLE001  # told to everybody who waits
                _answer(jobs, [self._named(error)] * len(jobs))
        if db is not None:
            db.close()

    def _next(self) -> tuple[list[Job], bool]:
        """Wait for jobs, and take all there are; False once it is to end."""
        found = [self._queue.get()]
        if self._busy:
            time.sleep(LINGER_S)
        while len(found) < BATCH and found[-1] is not None and not self._queue.empty():
            found.append(self._queue.get())
        self._busy = len(found) > 1
        return [job for job in found if job is not None], found[-1] is not None

    def _do(self, db: sqlite3.Connection, jobs: list[Job]) -> None:
        """Do jobs in one transaction; where it fails, each again in one of its own."""
        ended = self._transaction(db, jobs)
        if not isinstance(ended, StoreError):
            _answer(jobs, ended)
        elif len(jobs) == 1:
            if isinstance(ended, StoreFullError) and self._has_made_room(db):
                ended = self._transaction(db, jobs)
            _answer(jobs, [ended] if isinstance(ended, StoreError) else ended)
        else:
            for job in jobs:
                self._do(db, [job])

    def _has_made_room(self, db: sqlite3.Connection) -> bool:
        done = self._transaction(db, [Job(self._make_room, Future())])
        return not isinstance(done, StoreError) and done[0] > 0

    def _transaction(self, db: sqlite3.Connection, jobs: list[Job]) -> list[Any] | StoreError:
        """Give what each job came to, refusals among them; or why nothing was written."""
        try:
            db.execute("BEGIN IMMEDIATE")
            ended = [_ended(db, job.work) for job in jobs]
            db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  # told to everybody who waits
            named = self._named(error)
            if db.in_transaction:
                db.execute("ROLLBACK")
            return named
        return ended

    def _named(self, error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        if isinstance(error, sqlite3.Error):
            return self._translated(error)
        own_failure("delivery.writer", error)  # a bug of ours
        return StoreBrokenError(f"the store failed: {type(error).__name__}: {error}", "report it")


def _ended(db: sqlite3.Connection, work: Work) -> Any:
    try:
        return work(db)
    except StoreError as refused:  # a refusal is an answer: what it has counted is to be kept
        return refused


def _answer(jobs: list[Job], ended: list[Any]) -> None:
    for job, value in zip(jobs, ended, strict=True):
        if job.answer.done() or not job.answer.set_running_or_notify_cancel():
            continue  # nobody waits any more; it is done all the same
        if isinstance(value, StoreError):
            job.answer.set_exception(value)
        else:
            job.answer.set_result(value)
