"""Law 11: every event asked for is sent, rejected or under way; what is left over is the silent-failure number."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
from courier.channel import Channel
from courier.plant import Plant
from courier.wire import Wire
from courier_faults import FAULTS, GOOD
from courier_host import CONTRACTS, HOST
from courier_run import call, modes
from hypothesis import given, settings
from hypothesis import strategies as st

import shim
from shim.contracts import Work
from shim.counting import CountingError, counting
from shim.ledger import Fate, Ledger, Sums

ROWS = [
    pytest.param(row, fault, id=f"{row.key}-{fault.name.replace(' ', '-')}")
    for row in CONTRACTS
    for fault in FAULTS.get(row.key, ())
]
TERMS = ("acked", "sent_unconfirmed", "pending", "expired", "rejected")


@pytest.fixture(scope="module")
def installed():
    made = shim.install(HOST)
    yield made
    made.uninstall()


# The ledger by itself


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["thought", "done"]), st.sampled_from(
    ["sent", "rejected", "acked", "cancelled", "withdrawn", "left", "lost", "evicted", "pending"]
))), st.integers(1, 5))  # fmt: skip
def test_whatever_happens_the_sum_holds(moves, cap):
    ledger, expected, open_ = Ledger(terminal=frozenset({"done"}), cap=cap), Counter(), []
    for run, kind, what in moves:
        if what in ("lost", "evicted"):
            ledger.lose(run, kind, counted=what == "evicted")
            continue
        emission = ledger.emit(run, kind)
        if what in ("sent", "rejected", "acked"):
            ledger.move(emission, {"sent": Fate.SENT_UNCONFIRMED, "rejected": Fate.REJECTED, "acked": Fate.ACKED}[what])
        elif what == "pending":
            open_.append(emission)
        else:
            {"cancelled": ledger.cancel, "withdrawn": ledger.withdraw, "left": ledger.leave}[what](emission)
        expected[what] += 1
    found = ledger.totals()
    assert found.emitted == sum(getattr(found, term) for term in TERMS) + expected["left"] + expected["cancelled"]
    assert found.remainder == expected["left"] + expected["cancelled"]
    assert (found.pending, found.cancelled, found.acked) == (len(open_), expected["cancelled"], expected["acked"])
    assert min(found.to_dict().values()) >= 0
    kept = [name for name in "abcd" if ledger.run(name)]
    assert len(kept) <= cap


def test_the_sum_is_checked_against_a_wrong_one():
    assert Sums(emitted=5, sent_unconfirmed=2, rejected=1).remainder == 2


def test_runs_that_have_ended_go_first_and_evictions_are_counted():
    ledger = Ledger(terminal=frozenset({"done"}), cap=2)
    for run, kind in (("one", "thought"), ("two", "done"), ("three", "thought"), ("four", "thought")):
        ledger.move(ledger.emit(run, kind), Fate.SENT_UNCONFIRMED)
    assert [name for name in ("one", "two", "three", "four") if ledger.run(name)] == ["three", "four"]
    assert (ledger.evicted, ledger.evicted_unended) == (1, 1)
    assert ledger.totals().sent_unconfirmed == 4


def test_an_event_whose_run_was_dropped_moves_in_the_totals_all_the_same():
    ledger = Ledger(terminal=frozenset({"done"}), cap=1)
    first = ledger.emit("one", "done")
    ledger.move(ledger.emit("two", "thought"), Fate.SENT_UNCONFIRMED)
    ledger.move(first, Fate.REJECTED)
    assert (ledger.totals().rejected, ledger.totals().pending, ledger.run("one")) == (1, 0, None)


def test_the_terminal_event_of_a_run_is_seen_with_its_fate():
    ledger = Ledger(terminal=frozenset({"done"}))
    ledger.move(ledger.emit("one", "thought"), Fate.SENT_UNCONFIRMED)
    assert ledger.run("one").terminal is None
    ledger.move(ledger.emit("one", "done"), Fate.REJECTED)
    assert ledger.run("one").terminal is Fate.REJECTED


def test_threads_lose_no_count():
    ledger = Ledger()

    def many():
        for _ in range(500):
            ledger.move(ledger.emit("one", "thought"), Fate.SENT_UNCONFIRMED)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.totals().sent_unconfirmed == ledger.run("one").sums.emitted == 2000


def test_a_ledger_without_room_is_refused():
    with pytest.raises(ValueError, match="at least one run, not 0"):
        Ledger(cap=0)


# Fed by the calls of a host


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize(("row", "fault"), ROWS)
def test_each_record_of_an_event_is_one_rejected_event(installed, row, fault, mode):
    with counting() as ledger, modes(mode), shim.recording() as records:
        call(fault.make, row.method, *fault.args)
    found = ledger.totals()
    assert ledger.uncounted == ()
    assert found.rejected == len(records) >= 1
    assert found.emitted == found.rejected + found.sent_unconfirmed + found.cancelled


@pytest.mark.parametrize("row", CONTRACTS, ids=lambda row: row.key)
def test_without_a_fault_everything_counts_as_sent_and_nothing_as_confirmed(installed, row):
    make, args = GOOD[row.key]
    with counting() as ledger, modes("observe"):
        call(make, row.method, *args)
    found = ledger.totals()
    assert found == Sums(emitted=found.emitted, sent_unconfirmed=found.emitted)
    assert found.emitted == (1 if row.work is Work.NONE else found.emitted)


def test_off_counts_nothing(installed):
    with counting() as ledger, modes("off"):
        call(*_channel_call())
    assert ledger.totals() == Sums()


def test_who_counts_can_be_asked_by_run(installed):
    with counting() as ledger, modes("observe"):
        asyncio.run(_sends(Channel("ann", Wire(ann=False)), ["ping", "pong"]))
    assert ledger.run("r1").sums == Sums(emitted=2, rejected=2)
    assert ledger.run("another") is None


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=8),
    st.sampled_from(["observe", "enforce"]),
)
def test_calls_side_by_side_cancelled_or_not_are_conserved(installed, plan, mode):
    """Each cell: does the wire answer, is it inside work, is it cancelled while it waits."""
    with counting() as ledger, modes(mode), shim.recording() as records:
        asyncio.run(_side_by_side(plan))
    found = ledger.totals()
    assert found.rejected == len(records)
    assert found.emitted == found.rejected + found.sent_unconfirmed + found.cancelled
    assert found.cancelled <= sum(stops for *_, stops in plan)


async def _side_by_side(plan):
    async def one(place, works, inside, stops):
        wire = Slow(ann=works)
        thing = Plant("ann", wire) if inside else Channel("ann", wire)
        way = thing.start("job", f"r{place}") if inside else thing.send(f"r{place}", "ping")
        task = asyncio.ensure_future(way)
        await asyncio.sleep(0)
        if stops:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(one(place, *cell) for place, cell in enumerate(plan)))


class Slow(Wire):
    """A wire that lets others run before it answers."""

    async def push(self, *args, **kwargs):
        await asyncio.sleep(0)
        return await super().push(*args, **kwargs)


def test_counting_leaves_the_classes_as_they_were(installed):
    before = {row.key: vars(installed.classes[row.target])[row.method] for row in CONTRACTS}
    with counting():
        during = {row.key: vars(installed.classes[row.target])[row.method] for row in CONTRACTS}
    assert all(during[key] is not before[key] for key in before)
    assert before == {row.key: vars(installed.classes[row.target])[row.method] for row in CONTRACTS}


def test_two_who_count_are_refused_and_so_is_counting_nothing(installed):
    with counting(), pytest.raises(CountingError, match="somebody counts already"), counting():
        pass


def test_counting_needs_an_installed_host(monkeypatch):
    monkeypatch.setattr("shim.counting.installed", tuple)
    with pytest.raises(CountingError, match=r"call shim\.install\(\)"), counting():
        pass


async def _sends(channel, events):
    for event in events:
        await channel.send("r1", event)


def _channel_call():
    return (lambda: (Channel("ann", Wire(ann=False)), Wire())), "send", "r1", "ping"


def test_an_event_whose_fate_changes_after_its_call_is_followed_by_its_run():
    ledger = Ledger(terminal=frozenset({"agent_completed"}))
    ledger.move(ledger.emit("run_1", "agent_completed"), Fate.REJECTED)
    assert ledger.follow("run_1", "agent_completed", Fate.REJECTED, Fate.PENDING)
    assert not ledger.follow("run_1", "agent_completed", Fate.REJECTED, Fate.PENDING), "there was one"
    assert not ledger.follow("run_2", "agent_completed", Fate.REJECTED, Fate.PENDING), "nobody knows that run"
    assert ledger.follow("run_1", "agent_completed", Fate.PENDING, Fate.SENT_UNCONFIRMED)
    assert (ledger.totals().sent_unconfirmed, ledger.totals().remainder) == (1, 0)
    assert ledger.run("run_1").terminal is Fate.SENT_UNCONFIRMED
    assert ledger.run("run_2") is None
