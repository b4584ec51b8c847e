"""The service: starts and stops cleanly, tells what expires; and nobody gets another's events on the example."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter

import agentchat.manager
import pytest
from store_case import ADA, conserved, event, put

import shim
from shim import undelivered
from shim.contracts import Host
from shim.delivery import service as service_module
from shim.delivery.events import Priority, Stream
from shim.delivery.place import store_path
from shim.delivery.service import Service
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits, StoreBrokenError
from shim.delivery.web import Web
from shim.errors import WebSocketSendFailureError
from shim.hosts import load_host
from shim.recorder import Action, record, recording
from shim.snapshot import Mode

EXAMPLE = load_host("example")


class Socket:
    """What the example's manager takes for a Starlette WebSocket."""

    def __init__(self, user, *, fails=False):
        self.user, self.fails, self.got = user, fails, []

    async def send_json(self, message):
        if self.fails:
            raise ConnectionResetError("reset")
        self.got.append(message)


@pytest.fixture
def manager(monkeypatch):
    """Give the example's own manager, fresh."""
    made = agentchat.manager.WebSocketManager()
    monkeypatch.setattr(agentchat.manager, "_websocket_manager", made)
    return made


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in another thread
            await asyncio.sleep(0.01)


def test_it_starts_and_stops_once_and_leaves_nothing_behind(tmp_path):
    async def lives():
        service = Service("example", SqliteStore(tmp_path / "m.sqlite"))
        await service.start()
        await service.start()
        assert len(undelivered._keepers) == 1
        await service.stop()
        await service.stop()
        assert undelivered._keepers == ()
        assert [task.get_name() for task in asyncio.all_tasks() if "failloud" in task.get_name()] == []
        service.store.close()

    asyncio.run(lives())


@pytest.mark.parametrize("kind", ["none of its own", "that fails", "that works"])
def test_an_application_is_served_with_any_kind_of_life(tmp_path, kind):
    said, store = [], SqliteStore(tmp_path / "m.sqlite")
    service = Service("example", store)

    async def app(scope, receive, send):
        if kind == "none of its own":
            assert scope["type"] == "http", "no lifespan here"
        await receive()
        if kind == "that fails":
            await send({"type": "lifespan.startup.failed"})
            raise RuntimeError("no database")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def lives():
        messages = asyncio.Queue()
        for name in ("startup", "shutdown"):
            messages.put_nowait({"type": f"lifespan.{name}"})

        async def send(message):
            said.append(message["type"].removeprefix("lifespan."))
            assert (len(undelivered._keepers) == 1) == (said[-1] == "startup.complete")

        async def nobody(_):
            return None

        await Web(app, service, authenticate=nobody)({"type": "lifespan"}, messages.get, send)

    if kind == "that fails":
        with pytest.raises(RuntimeError, match="no database"):
            asyncio.run(lives())
        assert said == ["startup.failed"]
    else:
        asyncio.run(lives())
        assert said == ["startup.complete", "shutdown.complete"]
    store.close()


def test_a_store_of_its_own_is_opened_where_the_environment_says_and_closed_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("FAILLOUD_STORE", str(tmp_path / "m.sqlite"))

    async def lives():
        async with Service("example") as service:
            put(service.store, "a")
            assert service.store.path == tmp_path / "m.sqlite"
        assert type(service.store.append(event("b")).exception(5)).__name__ == "StoreClosedError"

    asyncio.run(lives())


def test_where_nothing_says_where_it_is_kept_nothing_starts(monkeypatch):
    for name in ("FAILLOUD_STORE", "FAILLOUD_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreBrokenError, match="set FAILLOUD_STORE"):
        store_path()


def test_a_host_that_declares_no_delivery_is_refused(tmp_path):
    bare = Host(**{name: getattr(EXAMPLE, name) for name in Host.__slots__ if name != "delivery"})
    with pytest.raises(ValueError, match="declares no delivery"):
        Service(bare, SqliteStore(tmp_path / "m.sqlite"))


def test_what_expires_is_recorded_and_its_user_is_told(tmp_path, monkeypatch, manager):
    monkeypatch.setattr(service_module, "EXPIRE_S", 0.01)
    clock = iter(range(2_000_000_000, 3_000_000_000, 300))
    monkeypatch.setattr(service_module.time, "time", lambda: next(clock))
    store = SqliteStore(tmp_path / "m.sqlite", Limits(age_s=900.0))
    store.expire(2_000_000_000 - 300).result(10)
    put(store, "a", kind="agent_thinking")
    put(store, "end", kind="agent_completed", priority=Priority.TERMINAL)

    async def lives():
        with recording() as records:
            async with Service("example", store):
                await until(lambda: records and store.sums().emitted == 3)
        return records

    [made] = asyncio.run(lives())
    assert (made.code, made.action, made.event_type, made.user_id) == (
        "event_expired", "escalated", "agent_thinking", "ada",
    )  # fmt: skip
    assert made.component == "bridge"
    told = [one for one in store.pending(ADA) if one.event.type == "error"]
    assert json.loads(told[0].event.body)["error"]["title"] == "Older updates were removed"
    assert store.pending(ADA)[0].event.event_id == "end", "what ends a run outlives it"
    conserved(store)
    store.close()


def test_what_makes_room_for_one_that_matters_more_is_told_as_well(tmp_path):
    store = SqliteStore(tmp_path / "m.sqlite", Limits(events_per_stream=10))
    put(store, *range(10))
    error = WebSocketSendFailureError(
        "not sent", component="bridge", method="notify_agent_completed", event_type="agent_completed", run_id="run_1",
        thread_id="t1", user_id="ada",
    )  # fmt: skip

    async def lives():
        async with Service("example", store):
            with recording() as records:
                made = record(error, mode=Mode.ENFORCE, action=Action.ESCALATED, cause_known=True)
                undelivered.hand_on(made, (), began=time.monotonic(), message={"type": "agent_completed"})
                await until(lambda: len(store.dead()) >= 3)
        return records

    _, *expired = asyncio.run(lives())  # for the event, for its notice, and for the notice of what was displaced
    assert {one.code for one in expired} == {"event_expired"}
    assert "made room for one that matters more" in expired[0].reason
    assert {one.reason for one in store.dead()} == {"trimmed"}
    store.close()


def test_no_user_gets_anothers_event_in_thousands_of_combinations_on_the_examples_manager(tmp_path, manager):
    """Users come and go in threads that others use too, on the host's own table; events are kept at random."""
    chance = random.Random(3)  # noqa: S311  # no secret
    users, threads = [f"user{n}" for n in range(15)], ["t1", "t2", "t3"]
    store, sockets, owners = SqliteStore(tmp_path / "m.sqlite"), [], {}

    async def lives():
        components = dict.fromkeys(EXAMPLE.components, "enforce")
        with shim.override(**components):
            async with Service("example", store) as service:
                for step in range(4_000):
                    user, thread = chance.choice(users), chance.choice(threads)
                    owners[str(step)] = (user, thread)
                    store.append(event(step, Stream(user, thread)))
                    await _someone_moves(chance, manager, sockets, users, threads)
                    if step % 50 == 0:
                        await asyncio.sleep(0.02)
                for user in users:
                    for thread in threads:
                        sockets.append(Socket(user))
                        await manager.connect_user(user, sockets[-1], thread)
                await until(lambda: not store.waiting())
                return service.counts()

    made = shim.install("example")
    try:
        counts = asyncio.run(lives())
    finally:
        made.uninstall()
    got = [(socket.user, message["failloud"]) for socket in sockets for message in socket.got]
    assert [(user, mark) for user, mark in got if owners[mark["id"]][0] != user] == []
    assert {mark["id"] for _, mark in got} == owners.keys(), "and nobody lacks one of his"
    assert counts["delivered"] >= 4_000
    for socket in sockets:
        _in_order([message["failloud"] for message in socket.got], owners)
    conserved(store)
    store.close()


def _in_order(marks, owners):
    seqs = Counter()
    for mark in marks:
        thread = owners[mark["id"]][1]
        assert mark["seq"] > seqs[thread]
        seqs[thread] = mark["seq"]


async def _someone_moves(chance, manager, sockets, users, threads):
    action = chance.random()
    if action < 0.1:
        sockets.append(Socket(chance.choice(users), fails=chance.random() < 0.2))
        await manager.connect_user(sockets[-1].user, sockets[-1], chance.choice(threads))
    elif action < 0.18 and sockets:
        gone = chance.choice(sockets)
        await manager.disconnect_user(gone.user, gone)
