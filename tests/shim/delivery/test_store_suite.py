"""What every store of missed events has to do. A second store joins by a line in `STORES`."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from store_case import ADA, BEN, NOW, conserved, event, ids, put

from shim.delivery.events import Priority, State, Stream
from shim.delivery.landing import landed
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits, StoreClosedError, StoreFullError, TooLargeError

STORES = {"sqlite": lambda folder, **given: SqliteStore(folder / "missed.sqlite", **given)}
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture(params=STORES)
def opened(request, tmp_path):
    """Give what opens a store in one place; all are closed at the end, and nothing in them is unaccounted for."""
    made = []

    def opens(**given):
        made.append(STORES[request.param](tmp_path, **given))
        return made[-1]

    yield opens
    for store in made:
        store.close()


@pytest.fixture
def store(opened):
    made = opened()
    yield made
    conserved(made)


def test_events_of_a_stream_have_places_from_1_without_gaps_and_come_back_in_order(store):
    assert put(store, "a", "b", "c") == [1, 2, 3]
    assert put(store, "d", stream=BEN) == [1]
    found = store.pending(ADA)
    assert (ids(found), [one.seq for one in found]) == (["a", "b", "c"], [1, 2, 3])
    assert {one.state for one in found} == {State.PENDING}
    assert ids(store.pending(ADA, after=1, limit=1)) == ["b"]


def test_what_comes_back_is_what_was_given(store):
    given = event("a", priority=Priority.TERMINAL, body='{"text": "grün \\u0000"}'.encode(), created=NOW + 0.25)
    store.append(given).result(10)
    assert store.pending(ADA)[0].event == given


def test_the_same_id_again_keeps_its_place_in_each_stream(store):
    first = store.append(event("a")).result(10)
    again = store.append(event("a", body=b"other")).result(10)
    assert (again.seq, again.epoch, again.duplicate) == (first.seq, first.epoch, True)
    assert not store.append(event("a", BEN)).result(10).duplicate, "somebody else's event of that id is another one"
    assert conserved(store).emitted == 2


def test_an_epoch_is_never_empty_and_each_stream_has_its_own(store):
    epochs = {store.append(event("a", stream)).result(10).epoch for stream in (ADA, BEN)}
    assert len(epochs) == 2
    assert all(epochs)
    assert store.position(ADA).epoch in epochs


def test_a_stream_that_was_never_begun_is_empty_and_has_no_position(store):
    nobody = Stream("nobody", "t")
    assert (store.pending(nobody), store.position(nobody), store.waiting()) == ([], None, [])
    assert [call(nobody, 1).result(10) for call in (store.ack, lambda s, n: store.mark_sent(s, [n]))] == [0, 0]
    assert [store.replay(nobody).result(10), store.purge(nobody).result(10)] == [0, 0]
    assert not store.claim(nobody, "me", NOW, NOW + 1).result(10)


def test_sent_is_unconfirmed_and_sent_again_is_a_duplicate(store):
    put(store, "a", "b")
    assert store.mark_sent(ADA, [1]).result(10) == 0
    assert ids(store.pending(ADA)) == ["b"]
    assert store.mark_sent(ADA, [1, 2]).result(10) == 1
    sums = conserved(store)
    assert (sums.pending, sums.sent_unconfirmed) == (0, 2)
    assert [(one.state, one.sends) for one in store.events(ADA)] == [
        (State.SENT_UNCONFIRMED, 2), (State.SENT_UNCONFIRMED, 1),
    ]  # fmt: skip


def test_an_ack_settles_all_up_to_it_once_and_never_goes_back(store):
    put(store, "a", "b", "c")
    store.mark_sent(ADA, [1, 2]).result(10)
    assert [store.ack(ADA, seq).result(10) for seq in (2, 2, 1)] == [2, 0, 0]
    assert store.position(ADA).acked == 2
    assert store.ack(ADA, 99).result(10) == 1, "no client is ahead of the store"
    assert store.position(ADA).acked == 3
    assert conserved(store).acked == 3


def test_a_replay_delivers_again_what_nobody_has_confirmed(store):
    put(store, "a", "b", "c")
    store.mark_sent(ADA, [1, 2, 3]).result(10)
    store.ack(ADA, 1).result(10)
    assert store.replay(ADA, after=2).result(10) == 1
    assert ids(store.pending(ADA)) == ["c"]
    assert store.replay(ADA).result(10) == 1
    assert ids(store.pending(ADA)) == ["b", "c"]
    conserved(store)


def test_a_purge_rejects_what_is_undelivered_and_keeps_a_row_of_each(store):
    put(store, "a", "b")
    store.mark_sent(ADA, [1]).result(10)
    assert store.purge(ADA).result(10) == 1
    sums = conserved(store)
    assert (sums.pending, sums.rejected, sums.sent_unconfirmed) == (0, 1, 1)
    assert [(one.event_id, one.reason) for one in store.dead()] == [("b", "purged")]


def test_waiting_names_the_streams_with_something_to_deliver_the_longest_first(store):
    put(store, "b", stream=BEN, created=NOW - 5)
    put(store, "a", "c")
    assert [(one.stream, one.events, one.oldest) for one in store.waiting()] == [(BEN, 1, NOW - 5), (ADA, 2, NOW)]
    assert [one.stream for one in store.waiting({"ada"})] == [ADA]
    assert store.waiting(set()) == []


def test_a_body_is_given_to_its_owner_alone(store):
    put(store, "a", body=b"mine")
    store.bury(event("b", body=b"dead"), "no_recipient").result(10)
    assert [store.body("ada", name) for name in ("a", "b", "c")] == [b"mine", b"dead", None]
    assert [store.body("ben", name) for name in ("a", "b")] == [None, None]


def test_what_is_buried_counts_as_rejected_and_is_in_the_overflow_table(store):
    gone = store.bury(event("a", body=b"12345"), "no_recipient").result(10)
    assert (gone.size, gone.reason) == (5, "no_recipient")
    assert [(one.event_id, one.reason, one.size) for one in store.dead(user_id="ada")] == [("a", "no_recipient", 5)]
    assert store.dead(user_id="ben") == []
    assert conserved(store).rejected == 1


def test_a_body_beyond_the_hard_limit_is_refused_with_a_row_without_it(opened):
    store = opened(limits=Limits(hard_bytes=10))
    with pytest.raises(TooLargeError, match="11 bytes, at most 10"):
        store.append(event("a", body=b"x" * 11)).result(10)
    assert store.append(event("b", body=b"x" * 10)).result(10).seq == 1
    assert [(one.event_id, one.reason, one.size, one.body) for one in store.dead()] == [("a", "too_large", 11, None)]
    assert conserved(store).rejected == 1


def test_a_full_stream_refuses_the_newest_loudly_and_others_go_on(opened):
    store = opened(limits=Limits(events_per_stream=3))
    put(store, "a", "b", "c")
    with pytest.raises(StoreFullError, match="3 events wait in the thread"):
        store.append(event("d")).result(10)
    assert store.append(event("b")).result(10).duplicate, "what it has, it knows"
    assert put(store, "e", stream=BEN) == [1]
    assert ids(store.pending(ADA)) == ["a", "b", "c"]
    sums = conserved(store)
    assert (sums.emitted, sums.rejected) == (5, 1)


def test_what_was_delivered_makes_room_first_and_stays_counted(opened):
    store = opened(limits=Limits(events_per_stream=2))
    put(store, "a", "b")
    store.mark_sent(ADA, [1]).result(10)
    assert put(store, "c") == [3]
    assert ids(store.events(ADA)) == ["b", "c"]
    assert conserved(store).sent_unconfirmed == 1


def test_an_event_that_matters_more_displaces_the_oldest_that_matters_less(opened):
    store = opened(limits=Limits(events_per_stream=3))
    put(store, "n1")
    put(store, "c1", priority=Priority.CRITICAL)
    put(store, "n2")
    made = [store.append(event(name, priority=kind)).result(10) for name, kind in (
        ("t1", Priority.TERMINAL), ("c2", Priority.CRITICAL), ("t2", Priority.TERMINAL), ("t3", Priority.TERMINAL),
    )]  # fmt: skip
    assert [one.displaced.event_id for one in made] == ["n1", "n2", "c1", "c2"]
    with pytest.raises(StoreFullError):
        store.append(event("t4", priority=Priority.TERMINAL)).result(10)
    assert ids(store.pending(ADA)) == ["t1", "t2", "t3"]
    assert {one.reason for one in store.dead()} == {"trimmed", "user_full"}
    assert (conserved(store).expired, store.position(ADA).first_seq) == (4, 6)


def test_a_user_with_many_threads_is_bounded_as_well(opened):
    store = opened(limits=Limits(events_per_user=40))
    refused = 0
    for number in range(100):
        try:
            put(store, "a", stream=Stream("ada", f"t{number}"))
        except StoreFullError:
            refused += 1
    assert refused == 60
    assert put(store, "end", stream=Stream("ada", "t99"), priority=Priority.TERMINAL) == [1], "the end of a run is kept"
    conserved(store)


def later(store, *, hours):
    """Look every five minutes for so long; gives the ids that expired."""
    steps = int(hours * 12)
    return [gone.event_id for step in range(steps) for gone in store.expire(NOW + 300.0 * (step + 1)).result(10)]


def test_an_event_expires_after_its_time_and_one_that_matters_later(opened):
    store = opened(limits=Limits(age_s=2 * HOUR, priority_age_s=5 * HOUR))
    store.expire(NOW).result(10)
    put(store, "a", "b")
    put(store, "t", priority=Priority.TERMINAL)
    store.mark_sent(ADA, [1]).result(10)
    assert later(store, hours=4) == ["b"], "what was sent has been delivered: it goes without a word"
    assert ids(store.events(ADA)) == ["t"]
    sums = conserved(store)
    assert (sums.expired, sums.sent_unconfirmed, sums.pending) == (1, 1, 1)
    assert [(one.event_id, one.reason) for one in store.dead()] == [("b", "expired")]
    assert store.position(ADA).first_seq == 3


@pytest.mark.parametrize("jump", [2 * HOUR, -2 * HOUR, 30 * DAY, -30 * DAY])
def test_a_clock_that_jumps_expires_nothing_and_loses_nothing(opened, jump):
    store = opened(limits=Limits(age_s=HOUR))
    store.expire(NOW).result(10)
    put(store, "a")
    assert store.expire(NOW + jump).result(10) == ()
    put(store, "b", created=NOW + jump)
    assert store.expire(NOW + 60).result(10) == ()
    assert ids(store.pending(ADA)) == ["a", "b"], "order is by place"


def test_an_acknowledged_event_stays_known_for_a_while(opened):
    store = opened()
    store.expire(NOW).result(10)
    put(store, "a")
    store.ack(ADA, 1).result(10)
    store.expire(NOW + 300).result(10)
    assert store.append(event("a")).result(10).duplicate
    for step in range(2, 6):
        store.expire(NOW + 300 * step).result(10)
    assert store.events(ADA) == []
    assert conserved(store).acked == 1


def test_an_abandoned_stream_is_forgotten_and_its_sums_are_not(opened):
    store = opened(limits=Limits(age_s=HOUR, priority_age_s=2 * HOUR))
    store.expire(NOW).result(10)
    epoch = store.append(event("a")).result(10).epoch
    later(store, hours=5)
    assert store.streams() == []
    assert conserved(store).expired == 1
    assert store.append(event("b")).result(10).epoch != epoch, "begun anew: a client that knows the old one has a gap"


def test_a_stream_is_delivered_by_one_process_at_a_time(store):
    put(store, "a")
    claims = [("one", 0, True), ("two", 1, False), ("one", 2, True), ("two", 20, True), ("one", 21, False)]
    for holder, after, granted in claims:
        assert store.claim(ADA, holder, NOW + after, NOW + after + 10).result(10) is granted, (holder, after)
    assert store.claim(ADA, "one", NOW - 7200, NOW - 7190).result(10), (
        "a clock that was set back holds nothing for hours"
    )


def test_what_was_accepted_is_there_after_a_close(opened):
    first = opened()
    put(first, *range(50))
    first.append(event("last"))
    first.close()
    assert ids(opened().pending(ADA)) == [*map(str, range(50)), "last"]


def test_a_closed_store_refuses_and_twice_is_once(opened):
    store = opened()
    store.close()
    store.close()
    with pytest.raises(StoreClosedError, match="the store is closed"):
        store.append(event("a")).result(10)
    with pytest.raises(StoreClosedError):
        store.pending(ADA)


@pytest.mark.parametrize("wait", [landed, asyncio.wrap_future])
def test_a_waiter_that_is_cancelled_loses_nothing(store, wait):
    async def cancelled():
        waiting = asyncio.ensure_future(wait(store.append(event("a"))))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancelled())
    put(store, "b")
    assert ids(store.pending(ADA)) == ["a", "b"]


def test_an_awaited_refusal_is_raised_and_a_loop_that_is_closed_holds_nothing_up(opened):
    store = opened(limits=Limits(hard_bytes=10))

    async def refused():
        with pytest.raises(TooLargeError):
            await landed(store.append(event("a", body=b"x" * 11)))

    async def gone():
        waiting = asyncio.ensure_future(landed(store._writer.submit(lambda _: time.sleep(0.2))))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(refused())
    asyncio.run(gone())
    put(store, "b", body=b"{}")
    assert asyncio.run(landed(store.append(event("c", body=b"{}")))).seq == 2


def test_threads_and_loops_append_at_once_and_each_stream_keeps_its_order(store):
    streams = [Stream(f"user{n}", "t") for n in range(8)]

    async def looped(stream):
        for n in range(50):
            await landed(store.append(event(f"loop{n}", stream)))

    def work(stream):
        asyncio.run(looped(stream)) if int(stream.user_id[-1]) % 2 else put(store, *range(50), stream=stream)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, streams))
    for stream in streams:
        found = store.pending(stream)
        wanted = [f"loop{n}" if int(stream.user_id[-1]) % 2 else str(n) for n in range(50)]
        assert (ids(found), [one.seq for one in found]) == (wanted, list(range(1, 51)))


def test_readers_are_not_held_up_by_a_writer_that_is_busy(store):
    put(store, "a")
    stop, counted = threading.Event(), []

    def read():
        while not stop.is_set():
            counted.append(len(store.pending(ADA)))

    reader = threading.Thread(target=read)
    reader.start()
    put(store, *(f"b{n}" for n in range(500)))
    stop.set()
    reader.join(10)
    assert counted == sorted(counted), "what was seen once is seen again"
    assert partial(store.size)() > 0
