"""Ten thousand calls at once, threads and tasks mixed, faults in every part: no result lost, no failure hidden."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
from collections import Counter

import pytest
from courier.beacon import Beacon
from courier.channel import Channel
from courier.office import Office
from courier.plant import Plant
from courier.relay import Relay
from courier.wire import Wire
from courier_run import call, modes

import shim
from shim import frames, guard, recorder
from shim.errors import LoudFailure, WebSocketSendFailureError
from shim.recorder import Action, FailureRecord, record
from shim.snapshot import Mode

ANSWERS = (True, True, False, True, True, True, True, ConnectionError, True, True)
"Two of ten fail: one is refused, one raises."


@pytest.fixture
def lines():
    """Count the lines of the logger `failloud`, and keep them from everybody else."""
    got, handler, log = [], logging.Handler(), logging.getLogger("failloud")
    handler.emit = got.append
    log.addHandler(handler)
    log.propagate = False
    yield got
    log.propagate = True
    log.removeHandler(handler)


@pytest.fixture
def sink():
    """Collect what a sink gets."""
    got = []
    recorder.add_sink(got.append)
    yield got
    recorder.remove_sink(got.append)


def channel(number):
    answer = ANSWERS[number % 10]
    return Channel("ann", Wire(ann=answer if isinstance(answer, bool) else answer("line down")))


def fails(number):
    return ANSWERS[number % 10] is not True


def told(lines):
    """Give the ids of the recorded failures that have a line."""
    return [line.failloud["id"] for line in lines if line.getMessage().startswith("failloud.failure_recorded")]


def since(before, counts):
    return {key: number - before.get(key, 0) for key, number in counts.items() if number != before.get(key, 0)}


async def outcome(call):
    """Give the answer, or the loud failure; anything else ends the test."""
    try:
        return await call
    except LoudFailure as error:
        return error


# --- many at once


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize(("calls", "outer"), [(10_000, False), (2_000, True)], ids=["plain", "inside another call"])
def test_ten_thousand_concurrent_calls(courier, lines, sink, mode, calls, outer):
    async def one(number):
        made = Office(channel(number), channel(number)) if outer else channel(number)
        return await outcome((made.either if outer else made.send)(f"r{number}", "ping"))

    async def all_of_them():
        return await asyncio.gather(*(one(number) for number in range(calls)))

    before, own = recorder.counts(), guard.own_failures()
    with modes(mode), shim.recording() as records:
        answers = asyncio.run(all_of_them())
    failed = {f"r{number}" for number in range(calls) if fails(number)}
    assert len(failed) == calls // 5
    assert Counter(made.run_id for made in records) == dict.fromkeys(failed, 1)
    assert [made.id for made in sink] == [made.id for made in records]
    assert told(lines) == [made.id for made in records]
    found = since(before, recorder.counts())
    assert sum(found.values()) == calls // 5
    assert {action for _, _, action in found} == {"observed" if mode == "observe" else "raised"}
    assert since(own, guard.own_failures()) == {}
    errors = {made.run_id: made.error for made in records}
    for number, answer in enumerate(answers):
        if mode == "observe" or not fails(number):
            assert answer is (not fails(number))
        else:
            assert answer is errors[f"r{number}"]
    assert frames.current.get() is None


def plainly(numbers, answers):
    for number in numbers:
        try:
            answers[number] = channel(number).send_now(f"r{number}", "ping")
        except LoudFailure as error:
            answers[number] = error


def in_a_loop(numbers, answers):
    async def one(number):
        made, run_id = channel(number), f"r{number}"
        if number % 25 == 2:
            answers[number] = await outcome(Office(made).in_thread(run_id, "ping"))
        else:
            answers[number] = await outcome(made.send(run_id, "ping"))

    async def main():
        await asyncio.gather(*(one(number) for number in numbers))

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_threads_and_tasks_together(courier, lines, sink, mode):
    each, total, answers, own = 250, 2000, {}, guard.own_failures()
    with modes(mode), shim.recording() as records:
        threads = [
            threading.Thread(target=(plainly, in_a_loop)[n // each % 2], args=(range(n, n + each), answers))
            for n in range(0, total, each)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    failed = {f"r{number}" for number in range(total) if fails(number)}
    assert Counter(made.run_id for made in records) == dict.fromkeys(failed, 1)
    assert len({made.id for made in records}) == len(records) == len(sink) == len(told(lines))
    assert since(own, guard.own_failures()) == {}
    for number in range(total):
        loud = mode == "enforce" and fails(number)
        assert isinstance(answers[number], LoudFailure) if loud else answers[number] is (not fails(number))


# --- what a host may put where a text belongs


class Hostile:
    """An object that can be neither shown nor compared."""

    def _refuse(self, *args):
        raise RuntimeError("not for you")

    __str__ = __repr__ = __format__ = __eq__ = _refuse
    __hash__ = object.__hash__


class HostileError(Exception):
    __str__ = __repr__ = Hostile._refuse


class Answer(Hostile):
    """A false answer that cannot be shown."""

    def __bool__(self):
        return False


class Doubt(Hostile):
    """An answer that is neither true nor false."""

    __bool__ = Hostile._refuse


def _wired(make, answer):
    def made():
        wire = Wire(ann=answer)
        return make(wire), wire

    return made


FAULTS = [
    ("an answer that cannot be shown", lambda w: Channel("ann", w), Answer(), "send", ("r1", "ping"), 1),
    ("the same, plain", lambda w: Channel("ann", w), Answer(), "send_now", ("r1", "ping"), 1),
    ("the same where the host ignores it", lambda w: Channel("ann", w), Answer(), "boast", ("r1", "ping"), 1),
    ("the same from a beacon", lambda w: Beacon("r1", "ann", w), Answer(), "emit", ("ping",), 1),
    ("the same around finished work", lambda w: Plant("ann", w), Answer(), "finish", ("job", "r1"), 1),
    ("a cause that cannot be shown", lambda w: Channel("ann", w), HostileError(), "deliver_now", ("r1", "ping"), 1),
    ("the same from a beacon", lambda w: Beacon("r1", "ann", w), HostileError(), "emit", ("ping",), 1),
    ("an answer in doubt", lambda w: Channel("ann", w), Doubt(), "send", ("r1", "ping"), 0),
    ("a run id that cannot be shown", lambda w: Channel("ann", w), False, "boast", (Hostile(), "ping"), 1),
    ("a run id that cannot be hashed", lambda w: Channel("ann", w), False, "boast", ([], "ping"), 1),
    ("a run id that cannot be written", lambda w: Channel("ann", w), False, "boast", ("\ud800\x00\n", "ping"), 1),
    ("a run of any length", lambda w: Channel("ann", w), False, "boast", ("r" * 1_000_000, "ping"), 1),
    ("the same through a relay", lambda w: Relay(Hostile(), Channel("ann", w)), False, "claim", ("ping",), 1),
]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("fault", FAULTS, ids=[row[0].replace(" ", "-") for row in FAULTS])
def test_what_cannot_be_read_hides_no_failure(courier, lines, mode, fault):
    _, make, answer, method, args, number = fault

    def bare(wire):
        made = make(wire)
        made.__class__ = type(made).__failloud_host__
        if isinstance(made, Relay.__failloud_host__):
            made.channel.__class__ = Channel.__failloud_host__
        return made

    before = call(_wired(bare, answer), method, *args)
    with modes(mode), shim.recording() as records:
        found = call(_wired(make, answer), method, *args)
    assert len(records) == len(told(lines)) == number
    assert len(found.calls) == len(before.calls)
    if mode == "enforce" and before.error is None and number and records[0].raised:
        assert isinstance(found.error, LoudFailure)
    else:
        assert found.value is before.value or isinstance(found.value, type(before.value))
        assert type(found.error) is type(before.error)
    for made in records:
        fields = {name: getattr(made, name) for name in FailureRecord.__slots__ if name not in ("error", "at")}
        assert all(type(value) in (str, int, bool) or isinstance(value, str) for value in fields.values())
        "".join(str(value) for value in fields.values()).encode()
    assert all("\n" not in line.getMessage().partition("\nTraceback")[0] for line in lines)


def test_a_loud_failure_of_the_host_s_own_may_hold_anything(lines):
    hostile = Hostile()
    error = LoudFailure("why", component="alpha", method=hostile, run_id=hostile, user_id=hostile, hint=hostile)
    made = record(error, mode=Mode.OBSERVE, action=Action.OBSERVED, cause_known=True)
    assert made.user_id == "Hostile (its text raises RuntimeError)"
    assert made.message == "LoudFailure (its text raises RuntimeError)"
    assert (made.reason, made.component) == ("why", "alpha")
    assert told(lines) == [made.id]


class HalfError(LoudFailure):
    """A host's own class that never calls ours."""

    def __init__(self, job):
        self.job = job


class StubbornError(LoudFailure):
    """A host's own class that cannot be made from what a note knows."""

    def __init__(self, job):
        super().__init__(f"job {job}")


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_host_s_own_class_that_is_half_made_is_recorded_and_goes_on(courier, lines, mode):
    error = HalfError("job 1")

    class Desk:
        def announce_now(self, user, event):
            raise error

    with modes(mode), shim.recording() as records, pytest.raises(HalfError) as caught:
        Plant("ann", Desk()).publish_now("r1", "ping")
    assert caught.value is error
    (made,) = records
    assert (made.error_type, made.raised, made.code) == ("HalfError", True, "delivery_failed")
    assert HalfError("x").to_dict()["context"] == {}


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_note_whose_class_cannot_be_made_is_told_by_the_root(courier, lines, mode):
    class Noting:
        def push_now(self, user, event):
            frames.enclosing().note(frames.Note(key="x", error=StubbornError, reason="job gone"))
            return False

    before = guard.own_failures()
    with modes(mode), shim.recording() as records:
        try:
            answer = Channel("ann", Noting()).send_now("r1", "ping")
        except LoudFailure as error:
            answer = error
    (made,) = records
    assert (made.error_type, made.reason, made.run_id) == ("LoudFailure", "job gone", "r1")
    assert answer is (False if mode == "observe" else made.error)
    assert since(before, guard.own_failures()) == {"settle.build": 1}


def test_kinds_without_end_are_counted_together(monkeypatch):
    monkeypatch.setattr(recorder, "KINDS", len(recorder._kinds) + 2)
    logging.getLogger("failloud").setLevel(logging.CRITICAL + 1)
    before = recorder.counts()
    try:
        for number in range(10):
            error = WebSocketSendFailureError("x", component=f"run {number}")
            record(error, mode=Mode.OBSERVE, action=Action.OBSERVED, cause_known=True)
    finally:
        logging.getLogger("failloud").setLevel(logging.NOTSET)
    found = since(before, recorder.counts())
    assert found[recorder.OTHER] == 8
    assert sum(found.values()) == 10
    recorder._kinds.difference_update([*found])


# --- sinks, logging and finalizers that make failures themselves


def test_a_sink_that_makes_a_contracted_call_ends(courier, lines):
    done = []

    def nosy(made):
        done.append(made.run_id)
        with contextlib.suppress(LoudFailure):
            channel(2).send_now(f"{made.run_id}+", "ping")

    recorder.add_sink(nosy)
    before = guard.own_failures()
    try:
        with modes("enforce"), shim.recording() as records, pytest.raises(LoudFailure) as caught:
            channel(2).send_now("r1", "ping")
    finally:
        recorder.remove_sink(nosy)
    assert [made.run_id for made in records] == ["r1", "r1+"]
    assert caught.value is records[0].error
    assert done == ["r1"]
    assert since(before, guard.own_failures()) == {"recorder.sink_reentered": 1}
    assert len(told(lines)) == 2


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_log_handler_that_makes_a_contracted_call_ends(courier, mode, capsys):
    class Nosy(logging.Handler):
        def emit(self, line):
            with contextlib.suppress(LoudFailure):
                channel(7).send_now("r2", "ping")

    handler, log = Nosy(), logging.getLogger("failloud")
    log.addHandler(handler)
    try:
        with modes(mode), shim.recording() as records:
            try:
                answer = channel(2).send_now("r1", "ping")
            except LoudFailure as error:
                answer = error
    finally:
        log.removeHandler(handler)
    assert [made.run_id for made in records] == ["r1", "r2"]
    assert answer is (False if mode == "observe" else records[0].error)
    assert "for user ann, run r2" in capsys.readouterr().err


class Garbage:
    """Garbage in a circle, whose finalizer makes a contracted call that fails."""

    made = 0

    def __init__(self):
        self.circle = self

    def __del__(self):
        Garbage.made += 1
        with contextlib.suppress(LoudFailure):
            channel(2).send_now(f"garbage {Garbage.made}", "ping")


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_finalizers_that_fail_in_the_middle_of_recording(courier, lines, mode):
    calls, Garbage.made, before = 400, 0, recorder.counts()
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(3)  # the collector comes by all the time, inside our code as well
    try:
        with modes(mode), shim.recording() as records:
            for number in range(calls):
                Garbage()
                with contextlib.suppress(LoudFailure):
                    channel(2).send_now(f"r{number}", "ping")
            gc.collect()
    finally:
        gc.set_threshold(*thresholds)
    assert Garbage.made == calls
    made = Counter(made.run_id for made in records)
    assert [made[f"r{number}"] for number in range(calls)] == [1] * calls
    assert sum(since(before, recorder.counts()).values()) == len(records)
    assert len(records) + _outside(made) >= 2 * calls


def _outside(made):
    """Give the number of finalizers that ran inside a contracted call: what fails there is that call's own event."""
    return sum(made[f"garbage {number}"] == 0 for number in range(1, Garbage.made + 1))
