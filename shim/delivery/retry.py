"""When to try again: with back-off and jitter, a bounded number of times on the connections that are there."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Retry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how soon. A connection that failed is not tried again; one that is new begins at zero."""

    attempts: int = 5
    "Connections that may fail a stream in a row; then it waits for a new one, and its user is told once he is back."
    first_s: float = 0.5
    most_s: float = 30.0
    send_s: float = 5.0
    "Seconds one write may take. What takes longer is given up, and the connection with it: it may still arrive."

    def pause(self, failed: int, jitter: float) -> float:
        """Give the seconds until the next attempt, after `failed` (from 1); `jitter` is drawn evenly from 0 to 1.

        Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): workers that failed together do not come
        back together.
        """
        return jitter * min(self.most_s, self.first_s * 2.0 ** (failed - 1))

    def is_spent(self, failed: int) -> bool:
        """Say whether the connections that were there have used all attempts up."""
        return failed >= self.attempts
