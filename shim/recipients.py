"""Whose a run is, and whose a thread, for failures that do not know it. Bounded.

A run is its context's, which the host makes for the user it has authenticated: that is the best evidence, and replaces
what a failure record took from elsewhere. Whose a thread is, the host's own table of connections says; one that was
seen with two users belongs to nobody here. What cannot be told is not guessed.
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
    """Remember whose a run and its thread are, as the host says. What is no text is left out."""
    run, thread, user = _text(run_id), _text(thread_id), _text(user_id)
    with _lock:
        if run != UNKNOWN and (user != UNKNOWN or run not in _of_run):
            _put(_of_run, run, Recipient(user, thread))
        if UNKNOWN not in (thread, user):
            _put(_of_thread, thread, user if _of_thread.get(thread, user) == user else UNKNOWN)


def recipient(run_id: str, thread_id: str, user_id: str) -> Recipient:
    """Say who is to get what a failure record speaks of."""
    with _lock:
        known = _of_run.get(run_id, Recipient())
        thread = known.thread_id if known.thread_id != UNKNOWN else thread_id
        user = known.user_id if known.user_id != UNKNOWN else user_id
        if user == UNKNOWN:
            user = _of_thread.get(thread, UNKNOWN)
    return Recipient(user, thread)


def forget() -> None:
    """Forget all: at uninstall."""
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
