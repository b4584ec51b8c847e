"""Whose a run is, and whose a thread: learnt where the host makes a run's context, for failures that know neither.

A thread that was seen with two users belongs to nobody here: what cannot be told is not guessed. Bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from shim.errors import UNKNOWN
from shim.locks import fresh_lock

__all__ = ["KEPT", "Recipient", "forget", "learn", "recipient"]

KEPT = 10_000
"Runs, and threads, that are remembered; the oldest goes first."


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to get an event; `unknown` where that cannot be told."""

    user_id: str = UNKNOWN
    thread_id: str = UNKNOWN


_lock = fresh_lock()
_of_run: OrderedDict[str, Recipient] = OrderedDict()
_of_thread: OrderedDict[str, str] = OrderedDict()


def learn(run_id: object, thread_id: object, user_id: object) -> None:
    """Remember whose a run and its thread are, as the host's own context says. What is no text is left out."""
    user, thread = _text(user_id), _text(thread_id)
    if user == UNKNOWN:
        return
    with _lock:
        if (run := _text(run_id)) != UNKNOWN:
            _put(_of_run, run, Recipient(user, thread))
        if thread != UNKNOWN:
            _put(_of_thread, thread, user if _of_thread.get(thread, user) == user else UNKNOWN)


def recipient(run_id: str, thread_id: str, user_id: str) -> Recipient:
    """Complete what a failure record says of its recipient. What the record knows is never replaced."""
    with _lock:
        known = _of_run.get(run_id, Recipient())
        thread = thread_id if thread_id != UNKNOWN else known.thread_id
        user = user_id
        if user == UNKNOWN and known.thread_id == thread:
            user = known.user_id
        if user == UNKNOWN:
            user = _of_thread.get(thread, UNKNOWN)
    return Recipient(user, thread)


def forget() -> None:
    """Forget all: for tests, and at uninstall."""
    with _lock:
        _of_run.clear()
        _of_thread.clear()


def _put(table: OrderedDict[str, Any], key: str, value: Any) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > KEPT:
        table.popitem(last=False)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else UNKNOWN
