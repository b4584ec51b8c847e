"""Tracebacks, rendered and rate-limited: in a spike the first few of a kind are printed, all are counted.

They are rendered here and handed on as text: a log handler that keeps what it is given would keep the exception
alive, and a pretty printer would show the values of local variables.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from shim.locks import fresh_lock

__all__ = ["BURST", "REFILL_S", "Limit", "rendered"]

BURST = 5
"Tracebacks of one kind printed at once."

REFILL_S = 12.0
"Seconds until one more of a kind may be printed: five a minute."

FRAMES = -30
"The innermost thirty frames of each exception."

LONGEST = 20_000
"Characters of one rendered traceback."

KINDS = 512
"Kinds limited apart; beyond it the rest share one allowance, so that a stray label cannot fill the memory."

Kind = tuple[str, str]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    left_out: int = 0


class Limit:
    """A token bucket for each kind of failure; a kind is (component, code)."""

    def __init__(self, burst: int = BURST, refill_s: float = REFILL_S) -> None:
        self._burst, self._refill_s = burst, refill_s
        self._buckets: dict[Kind, _Bucket] = {}
        self._lock = fresh_lock()  # a finalizer may fail while its own thread is in here

    def take(self, kind: Kind, now: float) -> tuple[bool, int]:
        """Say whether a traceback may be printed, and how many were left out since the last one, this one included.

        `now` is in seconds and never goes back.
        """
        with self._lock:
            if kind not in self._buckets and len(self._buckets) >= KINDS:
                kind = ("", "")
            bucket = self._buckets.setdefault(kind, _Bucket(float(self._burst), now))
            bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) / self._refill_s)
            bucket.at = now
            if bucket.tokens < 1:
                bucket.left_out += 1
                return False, bucket.left_out
            bucket.tokens -= 1
            left_out, bucket.left_out = bucket.left_out, 0
            return True, left_out


def rendered(error: BaseException) -> str:
    """Render an exception with its causes; never raises."""
    try:
        text = "".join(traceback.format_exception(error, limit=FRAMES)).rstrip()
    except Exception as broken:  # noqa: BLE001  # somebody's exception may do anything; told in the text itself
        return f"{type(error).__name__} (its traceback raises {type(broken).__name__})"
    if len(text) > LONGEST:
        text = f"... ({len(text) - LONGEST} characters left out)\n{text[-LONGEST:]}"
    return text.encode("utf-8", "backslashreplace").decode()
