"""Locks that no fork and no finalizer can leave locked for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

__all__ = ["after_fork", "fresh_lock"]


def fresh_lock() -> threading.RLock:
    """Make a lock for the life of the process.

    It is free in a forked child, whoever held it, as the standard library's own are; and the same thread may take it
    twice, since the garbage collector may run somebody's finalizer while it is held.
    """
    lock = threading.RLock()
    after_fork(lock._at_fork_reinit)  # type: ignore[attr-defined]  # noqa: SLF001  # what the standard library calls
    return lock


def after_fork(renew: Callable[[], None]) -> None:
    """Have `renew` called in each forked child, for the life of the process."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
