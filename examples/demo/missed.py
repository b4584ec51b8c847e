"""The act of missed events: users whose events fail, leave; the server is killed; they come back and lack nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.platform import USERS, Platform, drain
from shim.delivery.sqlite import SqliteStore

__all__ = ["IN_MEMORY", "NOBODYS", "Back", "come_back", "leave", "left_waiting"]

NOBODYS = frozenset({"run_id_missing", "run_id_registry"})
"Faults by which nobody can tell whose the events are: agents that were built with a placeholder for their user."


IN_MEMORY = frozenset({"buffer_evicts"})
"""Faults that leave events in the host's own buffer, which has reported them as sent and is gone after a kill: only a
client that acknowledges can tell of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What users who came back were told."""

    intended: Counter[str]
    at_once: int
    soon: int
    "Kept, and delivered before they left."
    later: int
    "Kept, and delivered after the kill."
    lost: Counter[str]
    twice: int
    out_of_order: int
    notices: int

    def problems(self) -> Iterator[str]:
        """Say which number does not hold."""
        if not self.later:
            yield "missed events: nothing was delivered later"
        if self.lost:
            yield f"missed events: {self.lost.total()} of {self.intended.total()} never arrived"
        if self.twice or self.out_of_order:
            yield f"missed events: {self.twice} came twice, {self.out_of_order} out of order"
        if not self.notices:
            yield "missed events: no user was told"


Events = list[dict[str, Any]]


def leave(platform: Platform) -> tuple[list[dict[str, Any]], Events]:
    """Let each user run once under each fault, connected, and then be gone; gives the runs and what arrived so far."""
    runs, events = [], []
    for fault in platform.faults():
        if fault["name"] in NOBODYS | IN_MEMORY:
            continue
        with ExitStack() as stack:
            who = [(user, f"{thread}_{fault['name']}") for user, thread in USERS]
            sockets = [stack.enter_context(platform.connect(*each)) for each in who]
            platform.ask("POST", f"/faults/{fault['name']}")
            runs += [platform.run(*each) for each in who]
            events += [event for socket in sockets for event in drain(socket)]
        platform.ask("DELETE", "/faults")
    return runs, events


def left_waiting(file: Path, seconds: float = 2.0) -> int:
    """Wait until nothing more is written; give how many events wait, notices among them."""
    store = SqliteStore(file)
    try:
        deadline, before = time.monotonic() + seconds, -1
        while (now := store.sums().emitted) != before and time.monotonic() < deadline:
            before = now
            time.sleep(0.2)
        return store.sums().pending
    finally:
        store.close()


def come_back(platform: Platform, runs: list[dict[str, Any]], before: Events) -> Back:
    """Connect every user again in each thread, and compare what arrived with what each run meant to tell."""
    after: Events = []
    for user, thread in dict.fromkeys((run["user_id"], run["thread_id"]) for run in runs):
        with platform.connect(user, thread) as socket:
            after += drain(socket)
    late = [event for event in after if "failloud" in event and event["type"] != "error"]
    ids = Counter(event["failloud"]["id"] for event in late)
    intended: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for run in runs:
        wanted = Counter(event["type"] for event in run["intended"])
        intended += wanted
        lost += wanted - Counter(e["type"] for e in [*before, *after] if e.get("run_id") == run["run_id"])
    return Back(
        intended=intended, at_once=sum("failloud" not in event for event in before),
        soon=sum("failloud" in event and event["type"] != "error" for event in before), later=len(late), lost=lost,
        twice=sum(count - 1 for count in ids.values()), out_of_order=_out_of_order(late),
        notices=sum(event["type"] == "error" for event in [*before, *after]),
    )  # fmt: skip


def _out_of_order(late: Events) -> int:
    places: dict[str, int] = {}
    wrong = 0
    for event in late:
        seq = event["failloud"]["seq"]
        wrong += seq < places.get(event["thread_id"], 0)
        places[event["thread_id"]] = seq
    return wrong
