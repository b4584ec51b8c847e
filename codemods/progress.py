"""Progress on long work: one line on standard error, on a terminal only, once the work takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["line", "watched"]

Item = TypeVar("Item")
_PATIENCE = 1.0
"Seconds before anything is shown."
_LONG = 100
"Seconds from which time left is told in minutes."
_PAUSE = 0.1
"Seconds between two looks of the line: a terminal is slow."


def watched(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Hand the items on, showing how many are done, how fast, and what time is left."""
    if not sys.stderr.isatty():
        yield from items
        return
    started, shown_at = time.monotonic(), 0.0
    for done, item in enumerate(items, 1):
        now = time.monotonic()
        if now - started > _PATIENCE and (now - shown_at > _PAUSE or done == total):
            shown_at = now
            print(f"\r\x1b[K{line(label, done, total, now - started)}", end="", file=sys.stderr, flush=True)  # noqa: T201  # progress
        yield item
    if shown_at:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201  # the line goes, the report follows


def line(label: str, done: int, total: int, seconds: float) -> str:
    """Compose the line: `migrated: 120 of 1,731 files, 310 files/s, 5 s left`."""
    rate = done / seconds if seconds else 0.0
    left = f", {_duration((total - done) / rate)} left" if rate and done < total else ""
    return f"{label}: {done:,} of {total:,} files, {rate:,.0f} files/s{left}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < _LONG else f"{whole // 60} min {whole % 60} s"
