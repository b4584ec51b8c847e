"""One failure is one record: nesting, forgiveness, loops, tasks, threads, mixed modes, cancellation."""

from __future__ import annotations

import asyncio
import contextvars
import gc

import pytest
from courier import beacon, channel, office, plant, relay
from courier.wire import Wire
from courier_run import drive, modes

import shim
from shim import flags, guard
from shim.contracts import Hook, Shows
from shim.errors import LoudFailure, WebSocketConnectionLostError, WebSocketSendFailureError
from shim.hooks import wrap_hook
from shim.recorder import add_sink, remove_sink
from shim.snapshot import Mode, Snapshot, kill, write

DOWN = ConnectionError("line down")

pytestmark = pytest.mark.usefixtures("courier")


def make_office(*users, **answers):
    wire = Wire(**answers)
    return office.Office(*(channel.Channel(user, wire) for user in users)), wire


def told(records):
    """Give the part of the records that says which call and what was done."""
    return [(found.component, found.method, str(found.action)) for found in records]


# --- nesting


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_the_outermost_call_records_once_with_the_innermost_cause(mode):
    made, _ = make_office("ann", ann=DOWN)
    with modes(mode), shim.recording() as records:
        try:
            assert drive(made.in_time, "r1", "ping") is False
        except LoudFailure:
            assert mode == "enforce"
    assert len(records) == 1
    assert (records[0].component, records[0].origin) == ("office", "channel.send")
    assert records[0].cause == "ConnectionError: line down"
    assert records[0].error.__cause__ is DOWN


def test_the_record_names_the_user_that_only_the_inner_call_knows():
    made, _ = make_office("bob", "ann", ann=False)
    with modes("observe"), shim.recording() as records:
        drive(made.broadcast, "r1", "ping")
    assert [found.user_id for found in records] == ["ann"]


def test_an_inner_call_gives_the_host_s_value_and_raises_nothing():
    made, wire = make_office("ann", "bob", ann=False)
    with modes("enforce"), pytest.raises(LoudFailure):
        drive(made.broadcast, "r1", "ping")
    assert [user for _, user, _ in wire.calls] == ["ann", "bob"]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_success_claimed_by_an_inner_call_does_not_hide_its_failure(mode):
    made = relay.Relay("r1", channel.Channel("ann", Wire(ann=False)))
    with modes(mode), shim.recording() as records:
        try:
            assert drive(made.claim, "ping") is True
        except LoudFailure:
            assert mode == "enforce"
    assert [found.origin for found in records] == ["channel.boast"]


# --- a later success forgives, and only the event that arrived


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("answers", [[False, True], [False, DOWN, True], [DOWN, True]], ids=repr)
def test_a_retry_that_succeeds_is_no_failure(mode, answers):
    made, wire = make_office("ann", ann=answers)
    with modes(mode), shim.recording() as records:
        assert drive(made.insist, "r1", "ping") is True
    assert len(wire.calls) == len(answers)
    assert records == []


def test_a_retry_that_never_succeeds_is_one_failure():
    made, wire = make_office("ann", ann=DOWN)
    with modes("enforce"), shim.recording() as records, pytest.raises(LoudFailure):
        drive(made.insist, "r1", "ping")
    assert len(wire.calls) == 3
    assert told(records) == [("office", "insist", "raised")]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_fallback_that_succeeds_is_no_failure(mode):
    wire = Wire(ann=[DOWN, True])
    made = office.Office(channel.Channel("ann", wire), channel.Channel("ann", wire))
    with modes(mode), shim.recording() as records:
        assert drive(made.either, "r1", "ping") is True
    assert records == []


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("method", ["or_spare", "or_by_hand"])
def test_a_fallback_through_another_collaborator_or_method_forgives(mode, method):
    wire = Wire(ann=[False, True])
    made = relay.Relay("r1", channel.Channel("ann", wire), channel.Channel("ann", wire))
    with modes(mode), shim.recording() as records:
        assert drive(getattr(made, method), "ping") is True
    assert len(wire.calls) == 2
    assert records == []


@pytest.mark.parametrize("method", ["broadcast", "broadcast_now", "together"])
@pytest.mark.parametrize("users", [("ann", "bob"), ("bob", "ann"), ("bob", "ann", "eve")], ids="-".join)
@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_success_for_one_recipient_does_not_forgive_another(method, users, mode):
    made, wire = make_office(*users, ann=False)
    with modes(mode), shim.recording() as records:
        try:
            drive(getattr(made, method), "r1", "ping")
        except LoudFailure:
            assert mode == "enforce"
    assert sorted(user for _, user, _ in wire.calls) == sorted(users), "the loop was cut short"
    assert told(records) == [("office", method, "raised" if mode == "enforce" else "observed")]


def test_two_recipients_that_fail_are_two_failures():
    made, _ = make_office("ann", "bob", "eve", ann=False, eve=DOWN)
    with modes("observe"), shim.recording() as records:
        assert drive(made.broadcast, "r1", "ping") is True
    assert len(records) == 2
    assert {found.cause for found in records} == {"", "ConnectionError: line down"}


class Talker(Wire):
    """A collaborator that itself sends several events through one channel."""

    def __init__(self, channel, *thoughts):
        super().__init__()
        self.channel, self.thoughts = channel, thoughts

    async def push(self, user, event):
        for thought in self.thoughts:
            await self.channel.send("r1", thought)
        return True

    announce = push


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize(("answers", "lost"), [([False, False, True], 2), ([False] * 3, 3), ([True] * 3, 0)], ids=repr)
def test_several_events_of_a_kind_inside_one_call_are_told_apart(mode, answers, lost):
    inner = channel.Channel("ann", Wire(ann=answers))
    made = plant.Plant("ann", Talker(inner, "ping", "pong", "pang"))
    with modes(mode), shim.recording() as records:
        assert drive(made.finish, "job", "r1") == "result of job"
    assert len(records) == lost


@pytest.mark.parametrize(("mode", "action"), [("observe", "observed"), ("enforce", "escalated")])
def test_what_was_lost_before_a_cancellation_is_recorded(mode, action):
    class Stops(Talker):
        async def announce(self, user, event):
            await super().announce(user, event)
            raise asyncio.CancelledError

    made = plant.Plant("ann", Stops(channel.Channel("ann", Wire(ann=False)), "ping"))
    with modes(mode), shim.recording() as records, pytest.raises(asyncio.CancelledError):
        drive(made.finish, "job", "r1")
    assert [str(found.action) for found in records] == [action]


def test_a_kill_is_obeyed_by_a_call_under_way(tmp_path, monkeypatch):
    class Killing(Wire):
        def push_now(self, user, event):
            kill(tmp_path)
            flags.refresh()
            return False

    write(tmp_path, Snapshot(version=1, modes={"channel": Mode.ENFORCE}))
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(tmp_path))
    flags.refresh()
    with shim.recording() as records:
        assert channel.Channel("ann", Killing()).send_now("r1", "ping") is False
    assert records == []
    monkeypatch.delenv("FAILLOUD_STATE_DIR")
    flags.refresh()


# --- tasks and threads


@pytest.mark.parametrize("method", ["together", "in_time", "shielded", "in_thread"])
def test_tasks_and_threads_inside_the_call_belong_to_it(method):
    made, _ = make_office("ann", ann=DOWN)
    with modes("enforce"), shim.recording() as records, pytest.raises(LoudFailure) as caught:
        drive(getattr(made, method), "r1", "ping")
    assert told(records) == [("office", method, "raised")]
    assert caught.value is records[0].error


@pytest.mark.parametrize(("mode", "action"), [("observe", "observed"), ("enforce", "escalated")])
def test_a_task_that_outlives_its_call_is_recorded_once_and_escalates(mode, action):
    made, _ = make_office("ann", ann=False)
    with modes(mode), shim.recording() as records:
        assert drive(made.later, "r1", "ping") is True
    assert [str(found.action) for found in records] == [action]
    assert made.tasks[0].result() is False, "the host's own value is given to whoever awaits the task"


def test_a_task_that_begins_after_the_call_answers_for_itself():
    made, _ = make_office("ann", ann=False)
    with modes("enforce"), shim.recording() as records:
        assert drive(made.much_later, "r1", "ping") is True
    assert told(records) == [("channel", "send", "raised")]
    assert made.tasks[0].exception() is records[0].error


def test_two_calls_at_the_same_time_do_not_share_their_failures():
    good, _ = make_office("ann")
    bad, _ = make_office("bob", bob=False)

    async def main():
        return await asyncio.gather(good.in_time("r1", "ping"), bad.in_time("r2", "ping"), return_exceptions=True)

    with modes("enforce"), shim.recording() as records:
        first, second = asyncio.run(main())
    assert first is True
    assert second is records[0].error
    assert [found.run_id for found in records] == ["r2"]


# --- mixed modes

MIXED = [
    ("off", "observe", [("channel", "send", "observed")], False),
    ("off", "enforce", [("channel", "send", "raised")], True),
    ("observe", "off", [("office", "in_time", "observed")], False),
    ("observe", "enforce", [("office", "in_time", "observed")], False),
    ("enforce", "off", [("office", "in_time", "raised")], True),
    ("enforce", "observe", [("office", "in_time", "raised")], True),
]


@pytest.mark.parametrize(("outer", "inner", "expected", "raises"), MIXED)
def test_the_outermost_call_that_is_not_off_decides(outer, inner, expected, raises):
    made, _ = make_office("ann", ann=False)
    with shim.override(office=outer, channel=inner), shim.recording() as records:
        try:
            assert drive(made.in_time, "r1", "ping") is False
            assert not raises
        except LoudFailure:
            assert raises
    assert told(records) == expected


# --- what passes untouched


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_exits_pass_and_record_nothing(kind, mode):
    sent = kind("now")
    made = channel.Channel("ann", Wire(ann=sent))
    with modes(mode), shim.recording() as records:
        with pytest.raises(kind) as caught:
            made.send_now("r1", "ping")
        assert caught.value is sent
        made.wire.answers["ann"] = [True]
        assert made.send_now("r1", "ping") is True, "the frame of the call before was left open"
    assert records == []


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_cancellation_passes_and_records_nothing(mode):
    class Slow(Wire):
        async def push(self, user, event):
            await asyncio.sleep(60)

    made = office.Office(channel.Channel("ann", Slow()))

    async def main():
        task = asyncio.get_running_loop().create_task(made.in_time("r1", "ping"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    with modes(mode), shim.recording() as records:
        assert asyncio.run(main())
    assert records == []


def test_a_call_closed_from_another_context_ends_as_the_bare_one_does():
    class Waiting(Wire):
        async def push(self, user, event):
            await asyncio.Future()

    async def begin(made):
        call = made.send("r1", "ping")
        contextvars.copy_context().run(call.send, None)
        call.close()  # what the loop or the collector does with a call nobody awaits any more
        del call
        gc.collect()

    with modes("observe"), shim.recording() as records:
        asyncio.run(begin(channel.Channel("ann", Waiting())))
    assert records == []


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_the_host_s_own_exception_passes_unchanged_with_one_record(mode):
    made = plant.Plant("ann", Wire(ann=False))
    with modes(mode), shim.recording() as records, pytest.raises(ConnectionError, match="nobody took ping") as caught:
        made.publish_now("r1", "ping")
    assert not isinstance(caught.value, LoudFailure)
    assert told(records) == [("plant", "publish_now", "raised")]


def test_a_host_exception_without_another_cause_is_the_cause():
    class Broken(plant.Plant):
        desk = property(lambda self: 1 / 0, lambda self, value: None)

    with modes("observe"), shim.recording() as records, pytest.raises(ZeroDivisionError):
        Broken("ann", None).publish_now("r1", "ping")
    assert [(found.error_type, found.cause) for found in records] == [
        ("AgentCommunicationFailureError", "ZeroDivisionError: division by zero")
    ]


def test_a_loud_failure_from_inside_passes_and_is_not_recorded_again():
    sent = WebSocketConnectionLostError("gone", component="channel", method="send")
    made = channel.Channel("ann", Wire())
    made._valid = lambda run_id: shim.escalate(sent) or (_ for _ in ()).throw(sent)
    with modes("enforce"), shim.recording() as records, pytest.raises(WebSocketConnectionLostError) as caught:
        made.send_now("r1", "ping")
    assert caught.value is sent
    assert [found.error for found in records] == [sent]


def test_a_loud_failure_that_the_host_raises_itself_is_recorded_once():
    sent = WebSocketConnectionLostError("gone", component="channel", method="send")
    made = channel.Channel("ann", Wire())
    made._valid = lambda run_id: (_ for _ in ()).throw(sent)
    with modes("enforce"), shim.recording() as records, pytest.raises(WebSocketConnectionLostError):
        made.send_now("r1", "ping")
    assert [(found.error, str(found.action)) for found in records] == [(sent, "raised")]


def test_an_identity_that_raises_does_not_cost_the_record():
    class Shy(channel.Channel):
        user_id = property(lambda self: 1 / 0, lambda self, value: None)

        def send_to(self):
            return self.wire.push_now("ann", "ping")

    made = Shy("ann", None)
    with modes("observe"), shim.recording() as records:
        assert made.deliver_now.__func__ is channel.Channel.deliver_now
        made.wire = None
        with pytest.raises(ZeroDivisionError):
            made.send_now("r1", "ping")
    assert [(found.user_id, found.run_id) for found in records] == [("unknown", "r1")]


# --- our own failures never hide the host's


def test_a_sink_that_raises_hides_nothing():
    def broken(record):
        raise OSError("sink down")

    before = guard.own_failures().get("recorder.sink", 0)
    add_sink(broken)
    try:
        made = channel.Channel("ann", Wire(ann=False))
        with modes("enforce"), shim.recording() as records, pytest.raises(WebSocketSendFailureError):
            made.send_now("r1", "ping")
    finally:
        remove_sink(broken)
    assert len(records) == 1
    assert guard.own_failures()["recorder.sink"] == before + 1


class Unreadable:
    """An argument or answer that cannot be read: its truth, text and attributes raise."""

    def __getattr__(self, name):
        raise RuntimeError("unreadable")

    def __bool__(self):
        raise RuntimeError("unreadable")

    __str__ = __repr__ = __bool__


@pytest.mark.parametrize("run_id", ["r1", Unreadable()], ids=["plain", "unreadable"])
@pytest.mark.parametrize("mode", ["off", "observe"])
def test_what_the_shim_cannot_read_is_the_host_s_answer_still(run_id, mode):
    class Easy(channel.Channel):
        def _valid(self, run_id):
            return True

    made = office.Office(Easy("ann", Wire()))
    answer = Unreadable()
    made.channels[0].wire.answers["ann"] = [answer]
    with modes(mode):
        assert made.channels[0].send_now(run_id, "ping") is answer


class Textless(Exception):  # noqa: N818
    """An exception of the host's whose text raises."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Odd(Unreadable):
    """A run id whose truth is asked for by the hook, and raises without a text."""

    def __bool__(self):
        raise Textless

    __str__ = __repr__ = __bool__


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("where", ["hook", "wire", "host"])
def test_an_exception_without_a_text_is_recorded_and_replaced_by_nothing(mode, where):
    made = channel.Channel("ann", Wire(ann=Textless()))
    telling = plant.Plant("ann", Wire(ann=Textless()))
    with modes(mode), shim.recording() as records:
        if where == "wire":
            try:
                assert made.send_now("r1", "ping") is False
            except LoudFailure:
                assert mode == "enforce"
        else:
            with pytest.raises(Textless):
                made.send_now(Odd(), "ping") if where == "hook" else telling.publish_now("r1", "ping")
    assert len(records) == 1
    assert "its text raises RuntimeError" in records[0].reason + records[0].cause


def test_a_hook_s_answer_that_cannot_be_read_is_given_back():
    hook = Hook(method="_valid", shows=Shows.FALSY, error=WebSocketSendFailureError, reason="not valid")
    answer = Unreadable()
    with modes("observe"):
        assert wrap_hook(lambda self: answer, hook, "channel")(object()) is answer


def test_a_beacon_in_a_call_of_another_instance_is_not_confused_with_it():
    first, second = beacon.Beacon("r1", "ann", Wire(ann=False)), beacon.Beacon("r2", "bob", Wire())

    class Linked(Wire):
        def push_now(self, user, event):
            second.emit_now(event)
            return True

    first.wire = Linked()
    with modes("enforce"), shim.recording() as records:
        first.emit_now("ping")
    assert records == []
    assert len(second.wire.calls) == 1
