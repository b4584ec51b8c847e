"""Counts that stay exact: under threads, and where a finalizer or a signal handler counts in the middle of counting.

A lock alone would not do: the garbage collector may run a finalizer that records while the same thread holds it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from shim.locks import after_fork

__all__ = ["Tally"]

_Key = TypeVar("_Key", bound=Hashable)


class Tally(Generic[_Key]):
    """Counts by key. Adding never waits: what cannot be counted now is left to whoever is counting."""

    def __init__(self) -> None:
        self._waiting: deque[_Key] = deque()
        self._counts: Counter[_Key] = Counter()
        self._lock = threading.Lock()
        after_fork(self._renew)

    def add(self, key: _Key) -> None:
        """Count one."""
        self._waiting.append(key)
        while self._waiting and self._lock.acquire(blocking=False):  # looked at again once the lock is free
            try:
                self._count()
            finally:
                self._lock.release()

    def counts(self) -> dict[_Key, int]:
        """Give all counts."""
        with self._lock:
            self._count()
            return dict(self._counts)

    def _count(self) -> None:
        while self._waiting:
            self._counts[self._waiting.popleft()] += 1

    def _renew(self) -> None:
        self._lock = threading.Lock()  # another thread may have held it when the process was forked
