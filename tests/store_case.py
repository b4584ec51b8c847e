"""What the tests of a store share: events, and the check that nothing is unaccounted for."""

from __future__ import annotations

from shim.delivery.events import NewEvent, Priority, Stream

ADA = Stream("ada", "t1")
BEN = Stream("ben", "t1")
NOW = 1_800_000_000.0


def event(name, stream=ADA, *, priority=Priority.NORMAL, body=b'{"type":"x"}', kind="agent_thinking", created=NOW):
    return NewEvent(
        event_id=str(name), stream=stream, run_id="run_1", type=kind, priority=priority, body=body, created=created,
        component="bridge", method="notify_agent_thinking", code="send_failed",
    )  # fmt: skip


def put(store, *names, stream=ADA, **kind):
    """Keep events; gives their places."""
    return [done.result(10).seq for done in [store.append(event(name, stream, **kind)) for name in names]]


def ids(found):
    return [one.event.event_id for one in found]


def conserved(store):
    """DESIGN law 11 in the whole store, and stream by stream."""
    parts = [store.sums(), *(sums for _, _, sums in store.streams())]
    assert [part.remainder for part in parts] == [0] * len(parts), parts
    return parts[0]
