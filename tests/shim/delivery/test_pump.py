"""The pump: in order, to the owner alone, never twice to a connection that failed, and never louder than the flags."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from concurrent.futures import Future

import pytest
from store_case import ADA, BEN, conserved, event, ids, put

from shim.delivery.events import Stream
from shim.delivery.outlet import Link, fitting
from shim.delivery.pump import DIRECT, Pump
from shim.delivery.retry import Retry
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits, StoreFullError
from shim.delivery.trouble import Trouble
from shim.guard import own_failures

AT_ONCE = Retry(first_s=0.0, most_s=0.0, send_s=0.2)


class Connections:
    """An outlet whose connections do as they are told: take, raise, hang."""

    def __init__(self):
        self.open, self.known, self.got, self.bad = {}, {}, {}, {}
        self.serial = itertools.count()

    def connect(self, user, thread="t1", bad=""):
        link = Link(f"c{next(self.serial)}", user, thread)
        self.open[link.id] = self.known[link.id] = link
        self.got[link.id], self.bad[link.id] = [], bad
        return link.id

    def close(self, link):
        del self.open[link]

    def links(self):
        return list(self.open.values())

    async def send(self, link, message):
        if link.id not in self.open:
            raise LookupError(link.id)
        if self.bad[link.id] == "raises":
            raise ConnectionResetError("reset")
        if self.bad[link.id] == "hangs":
            await asyncio.sleep(60)
        self.got[link.id].append(message)

    def ids(self, link):
        return [message["failloud"]["id"] for message in self.got[link]]


@pytest.fixture
def store(tmp_path):
    made = SqliteStore(tmp_path / "m.sqlite")
    yield made
    conserved(made)
    made.close()


def pump_of(store, outlet, *, allowed=lambda _: True, retry=AT_ONCE, holder="me"):
    return Pump(store, outlet, holder=holder, allowed=allowed, href="/failloud/events/{}".format, retry=retry)


def look(pump, times=1):
    async def looks():
        for _ in range(times):
            pump.wake()
            pump._woken.set()
            await pump.look()
            await pump.idle()

    asyncio.run(looks())


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in another thread
            await asyncio.sleep(0.005)


def test_what_waits_is_delivered_in_order_when_its_user_comes(store):
    outlet = Connections()
    pump = pump_of(store, outlet)
    put(store, *range(120))
    look(pump)
    assert len(store.pending(ADA, limit=500)) == 120, "nobody is there"
    link = outlet.connect("ada")
    look(pump)
    assert outlet.ids(link) == [str(n) for n in range(120)], "more than one batch"
    assert conserved(store).sent_unconfirmed == 120
    look(pump)
    assert len(outlet.got[link]) == 120, "once"
    assert pump.counts.counts() == {"delivered": 120}


def test_a_message_is_what_the_host_worded_with_our_mark_beside_it(store):
    outlet = Connections()
    link = outlet.connect("ada")
    put(store, "a", body=b'{"type":"agent_thinking","payload":{"reasoning":"so"},"failloud":{"incomplete":true}}')
    look(pump_of(store, outlet))
    assert outlet.got[link] == [
        {
            "type": "agent_thinking", "payload": {"reasoning": "so"},
            "failloud": {"incomplete": True, "id": "a", "seq": 1, "missed": True, "code": "send_failed"},
        }
    ]  # fmt: skip


def test_a_body_too_long_to_send_goes_as_a_reference(tmp_path):
    store, outlet = SqliteStore(tmp_path / "m.sqlite", Limits(inline_bytes=100)), Connections()
    link = outlet.connect("ada")
    body = {"type": "agent_completed", "run_id": "run_1", "agent_name": "triage", "text": "x" * 300}
    put(store, "a", body=json.dumps(body).encode(), kind="agent_completed")
    look(pump_of(store, outlet))
    [message] = outlet.got[link]
    mark = message.pop("failloud")
    assert message == {"type": "agent_completed", "run_id": "run_1", "agent_name": "triage", "payload": {}}
    assert (mark["href"], mark["size"] > 300) == ("/failloud/events/a", True)
    store.close()


def test_a_connection_that_failed_is_not_written_to_again_and_a_new_one_goes_on_where_it_stopped(store):
    outlet = Connections()
    pump = pump_of(store, outlet)
    put(store, "a", "b", "c")
    link = outlet.connect("ada", bad="raises")
    before = own_failures().get("delivery.send", 0)
    look(pump, 3)
    assert own_failures()["delivery.send"] == before + 1, "tried once, and told"
    outlet.bad[link] = ""
    look(pump)
    assert outlet.got[link] == [], "what it had failed may be on its way all the same"
    new = outlet.connect("ada")
    look(pump)
    assert (outlet.ids(new), outlet.got[link]) == (["a", "b", "c"], [])
    outlet.close(link)
    put(store, "d")
    look(pump)
    assert outlet.ids(new)[-1] == "d"


def test_a_write_that_hangs_is_given_up_and_blocks_nobody_else_for_long(store):
    outlet = Connections()
    put(store, "a")
    put(store, "b", stream=BEN)
    outlet.connect("ada", bad="hangs")
    ben = outlet.connect("ben")
    began = time.monotonic()
    look(pump_of(store, outlet))
    assert time.monotonic() - began < 5
    assert outlet.ids(ben) == ["b"]
    assert ids(store.pending(ADA)) == ["a"]


def test_a_store_that_cannot_be_told_what_was_sent_has_it_sent_once_all_the_same(store):
    outlet = Connections()
    pump, link = pump_of(store, outlet), outlet.connect("ada")
    put(store, "a", "b")
    mark, before = store.mark_sent, own_failures().get("delivery.pump", 0)

    def full(*_):
        failed = Future()
        failed.set_exception(StoreFullError("no room"))
        return failed

    store.mark_sent = full
    look(pump)
    pump.trouble.rest(ADA, 0.0)
    look(pump, 3)
    assert outlet.ids(link) == ["a", "b"]
    assert own_failures()["delivery.pump"] == before + 2, "told each time it was tried, and tried with a pause"
    store.mark_sent = mark
    pump.trouble.rest(ADA, 0.0)
    look(pump)
    assert (outlet.ids(link), store.waiting()) == (["a", "b"], [])
    assert "duplicate" not in pump.counts.counts()


def test_a_slow_connection_holds_up_its_own_stream_alone(store):
    async def lives():
        outlet = Connections()
        put(store, "a")
        outlet.connect("ada", bad="hangs")
        pump = pump_of(store, outlet, retry=Retry(send_s=30.0))
        await pump.look()
        ben = outlet.connect("ben")
        put(store, "b", stream=BEN)
        await pump.look()
        await until(lambda: outlet.got[ben])
        for task in pump._under_way.values():
            task.cancel()
        await pump.idle()

    asyncio.run(lives())


def test_what_failed_half_way_is_marked_as_far_as_it_came(store):
    outlet = Connections()
    put(store, *range(10))
    link, sent = outlet.connect("ada"), outlet.send

    async def breaks_after_four(to, message):
        if len(outlet.got[link]) == 4:
            raise ConnectionResetError("reset")
        await sent(to, message)

    outlet.send = breaks_after_four
    pump = pump_of(store, outlet)
    look(pump)
    assert ids(store.pending(ADA)) == [str(n) for n in range(4, 10)]
    outlet.send = sent
    new = outlet.connect("ada")
    look(pump)
    assert outlet.ids(link) + outlet.ids(new) == [str(n) for n in range(10)]
    assert "duplicate" not in pump.counts.counts()


def test_the_pauses_grow_are_drawn_evenly_and_end():
    retry = Retry(attempts=4, first_s=1.0, most_s=5.0)
    assert [retry.pause(n, 1.0) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]
    assert retry.pause(3, 0.0) == 0.0
    assert retry.pause(3, 0.5) == 2.0
    assert [retry.is_spent(n) for n in (3, 4)] == [False, True]


def test_after_so_many_failed_connections_only_a_new_one_is_tried():
    trouble, links = Trouble(Retry(attempts=2, first_s=1.0)), [Link(f"c{n}", "ada", "t1") for n in range(4)]
    assert trouble.look(links, 0.0)
    assert not trouble.look(links, 1.0)
    assert trouble.failed(ADA, links[0], 10.0, 1.0) is False
    assert trouble.bad(ADA, 10.5) is None, "it pauses"
    assert trouble.bad(ADA, 11.5) == {"c0"}
    assert trouble.failed(ADA, links[1], 12.0, 1.0) is True
    assert trouble.bad(ADA, 12.0) == {"c0", "c1", "c2", "c3"}, "spent: all that there are"
    trouble.look([*links, Link("c4", "ada", "t1")], 13.0)
    assert [link.id for link in fitting(ADA, [*links, Link("c4", "ada", "t1")], trouble.bad(ADA, 13.0))] == ["c4"]
    trouble.look([Link("c4", "ada", "t1")], 14.0)
    assert trouble.bad(ADA, 14.0) == frozenset(), "what is closed is forgotten"


def test_what_a_call_could_not_send_has_failed_on_the_connections_that_were_open_when_it_began():
    trouble = Trouble(Retry())
    trouble.look([Link("old", "ada"), Link("other", "ben")], 10.0)
    trouble.look([Link("old", "ada"), Link("other", "ben"), Link("new", "ada")], 20.0)
    assert trouble.open_since("ada", 15.0) == {"old"}
    assert trouble.open_since("ada", 20.0) == {"old", "new"}
    assert trouble.open_since("nobody", 20.0) == frozenset()


def test_events_of_a_component_that_does_not_enforce_wait(store):
    outlet, on = Connections(), set()
    pump = pump_of(store, outlet, allowed=lambda component: component in on)
    link = outlet.connect("ada")
    put(store, "a")
    look(pump)
    assert outlet.got[link] == []
    on.add("bridge")
    look(pump)
    assert outlet.ids(link) == ["a"]


def test_two_processes_do_not_deliver_the_same_stream_at_once(tmp_path):
    file = tmp_path / "m.sqlite"
    stores = [SqliteStore(file), SqliteStore(file)]
    put(stores[0], *range(200))
    outlets = [Connections(), Connections()]
    links = [outlet.connect("ada") for outlet in outlets]
    pumps = [pump_of(*pair, holder=name) for *pair, name in zip(stores, outlets, "ab", strict=True)]

    async def both():
        for pump in pumps:
            pump._woken.set()
        await asyncio.gather(*(pump.look() for pump in pumps))
        await asyncio.gather(*(pump.idle() for pump in pumps))

    asyncio.run(both())
    got = [outlet.ids(link) for outlet, link in zip(outlets, links, strict=True)]
    assert sorted(map(len, got)) == [0, 200]
    put(stores[0], "next")
    for outlet, link in zip(outlets, links, strict=True):
        outlet.close(link)
    other = 0 if got[1] else 1
    back = outlets[other].connect("ada")
    look(pumps[other])
    assert outlets[other].ids(back) == ["next"], "a process that has delivered lets go"
    for store in stores:
        store.close()


def test_a_replay_is_delivered_again_with_the_same_id_and_counted_as_a_duplicate(store):
    outlet = Connections()
    pump, link = pump_of(store, outlet), outlet.connect("ada")
    put(store, "a", "b")
    look(pump)
    store.replay(ADA, after=1).result(10)
    look(pump)
    assert outlet.ids(link) == ["a", "b", "b"]
    assert pump.counts.counts()["duplicate"] == 1


def test_direct_messages_need_no_store_and_are_counted_when_nobody_is_there(store):
    outlet = Connections()
    pump = pump_of(store, outlet)
    pump.direct(ADA, {"type": "error"})
    look(pump)
    link = outlet.connect("ada")
    pump.direct(ADA, {"type": "error", "durable": False})
    look(pump)
    assert outlet.got[link] == [{"type": "error", "durable": False}]
    for _ in range(DIRECT + 5):
        pump.direct(BEN, {})
    assert pump.counts.counts() == {"direct_lost": 6, "direct": 1}


def test_a_running_pump_delivers_what_comes_and_ends_when_it_is_cancelled(store):
    async def lives():
        outlet = Connections()
        link, pump = outlet.connect("ada"), pump_of(store, outlet)
        running = asyncio.create_task(pump.run())
        await asyncio.sleep(0.05)
        put(store, "a")
        await asyncio.to_thread(pump.wake)
        await until(lambda: outlet.got[link])
        late = outlet.connect("ben")
        put(store, "b", stream=BEN)
        await until(lambda: outlet.got[late])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()

    asyncio.run(lives())


def test_an_adapter_that_raises_is_reported_and_the_pump_goes_on(store):
    async def lives():
        outlet = Connections()
        link, links, broken = outlet.connect("ada"), outlet.links, [True]

        def sometimes():
            if broken:
                broken.clear()
                raise KeyError("a table of the host's")
            return links()

        outlet.links = sometimes
        before = own_failures().get("delivery.pump", 0)
        put(store, "a")
        pump = pump_of(store, outlet)
        running = asyncio.create_task(pump.run())
        await until(lambda: pump.wake() or outlet.got[link])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert own_failures()["delivery.pump"] == before + 1

    asyncio.run(lives())


CHOICES = {
    "each window of the thread": (ADA, [Link("a", "ada", "t1"), Link("b", "ada", "t1")], ["a", "b"]),
    "a connection without a thread": (ADA, [Link("any", "ada")], ["any"]),
    "another thread of the user": (ADA, [Link("x", "ada", "t2")], []),
    "somebody else in the same thread": (ADA, [Link("x", "ben", "t1")], []),
    "an event without a thread": (Stream("ada", ""), [Link("x", "ada", "t2"), Link("y", "ben")], ["x"]),
    "nobody": (ADA, [], []),
}


@pytest.mark.parametrize("case", CHOICES)
def test_the_connections_that_a_stream_goes_to(case):
    stream, links, want = CHOICES[case]
    assert [link.id for link in fitting(stream, links, ())] == want


def test_a_window_that_fails_takes_nothing_from_the_others(store):
    outlet = Connections()
    put(store, "a", "b")
    bad, good, slow = outlet.connect("ada", bad="raises"), outlet.connect("ada"), outlet.connect("ada", bad="hangs")
    pump = pump_of(store, outlet)
    look(pump)
    assert [outlet.ids(link) for link in (bad, good, slow)] == [[], ["a", "b"], []]
    assert pump.counts.counts() == {"delivered": 2, "failed": 2}


def test_no_user_ever_gets_anothers_event_in_thousands_of_random_combinations(store):
    """Users come and go in threads that others use too, links fail, events are kept at random."""
    chance, outlet = random.Random(7), Connections()  # noqa: S311  # no secret
    pump, owners, streams = pump_of(store, outlet), {}, {}
    users, threads = [f"user{n}" for n in range(12)], ["t1", "t2", "t3", ""]
    for step in range(3_000):
        user, thread = chance.choice(users), chance.choice(threads)
        owners[str(step)], streams[str(step)] = user, thread
        store.append(event(step, Stream(user, thread)))
        action = chance.random()
        if action < 0.3:
            outlet.connect(chance.choice(users), chance.choice(threads), chance.choice(["", "", "raises"]))
        elif action < 0.5 and outlet.open:
            outlet.close(chance.choice(list(outlet.open)))
        if step % 25 == 0:
            look(pump)
    got = [(outlet.known[link], message["failloud"]) for link, sent in outlet.got.items() for message in sent]
    assert len(got) > 1_000
    assert [(link, mark) for link, mark in got if owners[mark["id"]] != link.user_id] == []
    assert max(Counter((link.id, mark["id"]) for link, mark in got).values()) == 1
    for link, sent in outlet.got.items():
        for thread in threads:
            seqs = [message["failloud"]["seq"] for message in sent if streams[message["failloud"]["id"]] == thread]
            assert seqs == sorted(seqs), link
