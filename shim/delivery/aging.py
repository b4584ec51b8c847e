"""How old an event is, by a clock that nobody can set: time counts while somebody looks.

The wall clock jumps (a virtual machine that slept, a correction by two hours), and the monotonic one starts anew with
the machine. So the store keeps an age of its own: each look adds what the wall clock says has passed since the last
look, nothing where it went back, and at most `MOST_S`. A jump forward expires nothing early; time in which no process
ran makes nothing older, so an event is kept a little too long rather than lost.
"""

from __future__ import annotations

__all__ = ["MOST_S", "aged"]

MOST_S = 300.0
"Seconds one look may add: looks are a minute apart while a process runs."


def aged(age: float, wall: float, now: float) -> float:
    """Give the age of the store at `now`; it was `age` at the last look, at `wall` (0 = never). All in seconds."""
    return age if wall == 0 else age + min(max(0.0, now - wall), MOST_S)
