"""The call-site verbs: what each does in each mode, and that nothing is recorded twice."""

from __future__ import annotations

import asyncio
import gc

import pytest
from courier import channel, office, plant
from courier.channel import Receipt
from courier.wire import Wire
from courier_run import COMPONENTS, drive, modes

import shim
from shim import guard
from shim.calls import delivered, escalate, missing, spawn
from shim.errors import (
    AgentCommunicationFailureError,
    LoudFailure,
    WebSocketBridgeUnavailableError,
    WebSocketConnectionLostError,
    WebSocketSendFailureError,
)

ALL_MODES = ["off", "observe", "enforce"]
ACTIONS = {"off": [], "observe": ["observed"], "enforce": ["raised"]}


def own(operation):
    return guard.own_failures().get(operation, 0)


def attempt(function, *args, **kwargs):
    """Call, and give the value and the loud failure."""
    try:
        return function(*args, **kwargs), None
    except LoudFailure as error:
        return None, error


# --- delivered


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    ("value", "contract"),
    [
        (False, "channel.send"),
        (None, "channel.send"),
        (0, "channel.send_now"),
        (Receipt(success=False), "channel.deliver"),
    ],
)
def test_delivered_on_a_failed_result_of_an_unshimmed_receiver(courier, mode, value, contract):
    with modes(mode), shim.recording() as records:
        found, error = attempt(delivered, value, contract, run_id=f"r-{mode}-{value!r}")
    assert [str(record.action) for record in records] == ACTIONS[mode]
    if mode == "enforce":
        assert type(error) is WebSocketSendFailureError
        assert records[0].error is error
    else:
        assert found is value
    for record in records:
        assert f"{record.component}.{record.method}" == contract
        assert (record.run_id, record.category, record.mode) == (f"r-{mode}-{value!r}", 1, mode)
        assert repr(value) in record.reason
        assert record.hint == "ask the channel"
        assert not record.cause_known


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    ("value", "contract"),
    [(True, "channel.send"), (1, "channel.send"), (Receipt(success=True), "channel.deliver"), (None, "beacon.emit")],
)
def test_delivered_gives_a_good_result_back(courier, mode, value, contract):
    with modes(mode), shim.recording() as records:
        assert delivered(value, contract) is value
    assert records == []


@pytest.mark.parametrize("method", ["finish_now"])
def test_delivered_escalates_where_the_work_is_done(courier, method):
    with modes("enforce"), shim.recording() as records:
        assert delivered(False, f"plant.{method}", run_id="r-done") is False
    assert [str(record.action) for record in records] == ["escalated"]


# --- delivered after a shim that recorded already


@pytest.mark.parametrize("run_id", ["r1", None])
def test_delivered_after_a_shimmed_call_does_not_record_again(courier, run_id):
    made = channel.Channel("ann", Wire(ann=False))
    with modes("observe"), shim.recording() as records:
        for _ in range(3):
            assert delivered(made.send_now("r1", "ping"), "channel.send_now", run_id=run_id) is False
            assert delivered(drive(made.send, "r1", "ping"), "channel.send", run_id=run_id) is False
    assert len(records) == 6


@pytest.mark.parametrize("way", ["await", "wait_for", "task", "gather", "thread"])
def test_delivered_after_a_call_in_a_task_or_thread_does_not_record_again(courier, way):
    made = channel.Channel("ann", Wire(ann=False))

    async def main():
        if way == "await":
            answer = await made.send("r1", "ping")
        elif way == "wait_for":
            answer = await asyncio.wait_for(made.send("r1", "ping"), 5)
        elif way == "task":
            answer = await asyncio.get_running_loop().create_task(made.send("r1", "ping"))
        elif way == "gather":
            (answer,) = await asyncio.gather(made.send("r1", "ping"))
        else:
            answer = await asyncio.to_thread(made.send_now, "r1", "ping")
        delivered(answer, "channel.send_now" if way == "thread" else "channel.send")

    with modes("observe"), shim.recording() as records:
        asyncio.run(main())
    assert len(records) == 1


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_delivered_inside_an_outer_contracted_call_is_the_same_one_failure(courier, mode):
    class Migrated(Wire):
        async def push(self, user, event):
            return delivered(await inner.send("r1", event), "channel.send")

    inner = channel.Channel("ann", Wire(ann=False))
    made = office.Office(channel.Channel("bob", Migrated()))
    with modes(mode), shim.recording() as records:
        attempt(drive, made.in_time, "r1", "ping")
    assert len(records) == 1


def test_a_mark_of_another_run_does_not_hide_a_failure(courier):
    with modes("observe"), shim.recording() as records:
        channel.Channel("ann", Wire(ann=False)).send_now("r1", "ping")  # nobody looks at this result
        delivered(False, "channel.send_now", run_id="r-other")
    assert [record.run_id for record in records] == ["r1", "r-other"]


def test_a_mark_answers_for_one_result_only(courier):
    with modes("observe"), shim.recording() as records:
        answer = channel.Channel("ann", Wire(ann=False)).send_now("r-once", "ping")
        delivered(answer, "channel.send_now", run_id="r-once")
        delivered(False, "channel.send_now", run_id="r-once")
    assert len(records) == 2


def test_a_verb_s_record_shows_no_placeholder(courier):
    with modes("observe"), shim.recording() as records:
        delivered(False, "channel.send", run_id="r-event")
        missing("channel", "send")
    assert [record.event_type for record in records] == ["unknown", "unknown"]


# --- delivered in the contracted method itself


class Telling(channel.Channel):
    """A channel no shim covers, whose own code says that its answer is a failure."""

    def send_now(self, run_id, event, *, urgent=False):
        try:
            raise OSError("down") if self.wire == "down" else ValueError
        except OSError:
            return delivered(None, "channel.send_now", run_id=run_id, own=True)
        except ValueError:
            pass
        return delivered(True, "channel.send_now", run_id=run_id, own=True)


def bare(wire):
    """Make one that is not shimmed: its class was made after the install and does not inherit the shim's method."""
    return Telling("ann", wire)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_an_own_answer_is_a_failure_whatever_its_value(courier, mode):
    with modes(mode), shim.recording() as records:
        value, error = attempt(bare("up").send_now, "r1", "ping")
    assert [str(record.action) for record in records] == ACTIONS[mode]
    assert (value, type(error)) == ((None, WebSocketSendFailureError) if mode == "enforce" else (True, type(None)))
    assert all("the method answers True" in record.reason and not record.cause_known for record in records)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_an_own_answer_in_a_handler_keeps_the_cause_and_is_escalated(courier, mode):
    with modes(mode), shim.recording() as records:
        assert bare("down").send_now("r1", "ping") is None
    told = [(str(record.action), record.cause, record.cause_known) for record in records]
    action = {"off": [], "observe": ["observed"], "enforce": ["escalated"]}[mode]
    assert told == [(each, "OSError: down", True) for each in action]
    assert all(isinstance(record.error.__cause__, OSError) for record in records)


def test_an_exception_handled_further_out_is_no_cause_of_an_own_answer(courier):
    with modes("observe"), shim.recording() as records:
        try:
            raise KeyError("outer")  # noqa: TRY301  # what is tested
        except KeyError:
            bare("up").send_now("r1", "ping")
    assert [(record.cause, record.cause_known) for record in records] == [("", False)]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_the_call_site_does_not_tell_again_what_the_method_told(courier, mode):
    with modes(mode), shim.recording() as records:
        for run_id in ("r1", None):
            assert delivered(bare("down").send_now("r1", "ping"), "channel.send_now", run_id=run_id) is None
    assert len(records) == 2


def test_an_own_answer_that_raised_leaves_no_mark_for_the_call_site(courier):
    with modes("enforce"), shim.recording() as records:
        attempt(bare("up").send_now, "r-mark", "ping")
        attempt(delivered, False, "channel.send_now", run_id="r-mark")
    assert len(records) == 2


def test_an_own_raise_that_meets_the_method_s_own_handler_is_told_once_and_seen(courier):
    def method():
        try:
            return delivered(False, "channel.send_now", run_id="r1", own=True)
        except Exception:  # noqa: BLE001  # what is tested
            return delivered(False, "channel.send_now", run_id="r1", own=True)

    with modes("enforce"), shim.recording() as records:
        assert method() is False
    assert [str(record.action) for record in records] == ["raised"]
    assert records[0].error.seen_by == "channel.send_now"


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_an_own_answer_inside_its_shimmed_call_hands_the_cause_to_that_one_record(courier, mode):
    class Careful(channel.Channel):
        def _valid(self, run_id):
            try:
                raise OSError("no list")  # noqa: TRY301  # what is tested
            except OSError:
                delivered(False, "channel.send_now", run_id=run_id, own=True)
            return run_id

    with modes(mode), shim.recording() as records:
        attempt(Careful("ann", Wire(ann=False)).send_now, "r1", "ping")
    assert [(record.cause, record.cause_known) for record in records] == [("OSError: no list", True)]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_an_own_answer_of_a_method_that_says_nothing_is_recorded_by_its_shim(courier, mode):
    from courier import beacon

    class Dumb(beacon.Beacon):
        async def _ready(self):
            delivered(None, "beacon.emit", own=True)
            return True

    with modes(mode), shim.recording() as records:
        attempt(drive, Dumb("r1", "ann", Wire()).emit, "ping")
    assert [(record.method, record.origin) for record in records] == [("emit", "beacon.emit")]


# --- missing


@pytest.mark.parametrize("mode", ALL_MODES)
def test_missing(courier, mode):
    with modes(mode), shim.recording() as records:
        _, error = attempt(missing, "channel", "send", run_id="r1")
    assert [str(record.action) for record in records] == ACTIONS[mode]
    assert type(error) is (WebSocketBridgeUnavailableError if mode == "enforce" else type(None))
    for record in records:
        assert record.reason == "the channel is None"
        assert (record.method, record.run_id, record.error_type) == ("send", "r1", "WebSocketBridgeUnavailableError")
        assert record.cause_known


def test_missing_without_a_declared_need_takes_the_contract_s_error(courier):
    with modes("enforce"), pytest.raises(AgentCommunicationFailureError, match="the plant is None"):
        missing("plant", "publish")


# --- escalate


@pytest.mark.parametrize("mode", ALL_MODES)
def test_escalate_is_loud_without_raising(courier, mode):
    error = WebSocketConnectionLostError("gone", component="channel", method="send", run_id="r1")
    with modes(mode), shim.recording() as records:
        escalate(error)
    expected = {"off": [], "observe": ["observed"], "enforce": ["escalated"]}[mode]
    assert [(str(record.action), record.error) for record in records] == [(action, error) for action in expected]


@pytest.mark.parametrize("component", ["chanel", "unknown"])
def test_escalate_of_an_unknown_component_is_reported(courier, component):
    before = own("calls.escalate")
    with modes("enforce"), shim.recording() as records:
        escalate(WebSocketConnectionLostError("gone", component=component))
    assert records == []
    assert own("calls.escalate") == before + 1


# --- spawn


def run_spawned(body):
    async def main():
        task = spawn(body(), name="mailer")
        gc.collect()  # the task is kept alive by spawn alone
        await asyncio.wait([task])
        return task

    return asyncio.run(main())


@pytest.mark.parametrize("mode", ALL_MODES)
def test_spawn_gives_the_task_and_reports_its_failure(courier, mode, caplog):
    async def body():
        await asyncio.sleep(0)
        raise OSError("mail down")

    before = own("task.mailer")
    with modes(mode):
        task = run_spawned(body)
    assert task.get_name() == "mailer"
    assert own("task.mailer") == before + 1
    assert "mail down" in caplog.text


@pytest.mark.parametrize("end", ["result", "cancelled"])
def test_spawn_reports_neither_success_nor_cancellation(courier, end):
    async def body():
        await asyncio.sleep(0)
        if end == "cancelled":
            raise asyncio.CancelledError
        return 7

    before = guard.own_failures()
    with modes("enforce"), shim.recording() as records:
        task = run_spawned(body)
    assert task.cancelled() if end == "cancelled" else task.result() == 7
    assert records == []
    assert guard.own_failures() == before


def test_a_loud_failure_in_a_spawned_task_is_recorded_once(courier):
    before = guard.own_failures()
    with modes("enforce"), shim.recording() as records:
        task = run_spawned(lambda: channel.Channel("ann", Wire(ann=False)).send("r1", "ping"))
    assert [record.error for record in records] == [task.exception()]
    assert guard.own_failures() == before


def test_spawn_needs_a_running_loop():
    async def body():
        pytest.fail("it ran")

    coro = body()
    with pytest.raises(RuntimeError, match="no running event loop"):
        spawn(coro, name="early")
    coro.close()


# --- without an installation, and with a typo


def test_without_an_installation_the_verbs_are_inert():
    before = guard.own_failures()
    with shim.recording() as records:
        assert delivered(False, "channel.send") is False
        missing("channel", "send")
    assert records == []
    assert guard.own_failures() == before


@pytest.mark.parametrize("mode", ALL_MODES)
def test_an_unknown_contract_is_reported_and_changes_nothing(courier, mode, caplog):
    before = own("calls.unknown_contract")
    with modes(mode), shim.recording() as records:
        assert delivered(False, "channel.sned") is False
        missing("chanel", "send")
    assert records == []
    assert own("calls.unknown_contract") == before + 2
    assert "'channel.sned'" in caplog.text
    assert "'chanel.send'" in caplog.text


def test_the_components_of_these_tests_are_the_host_s(courier):
    assert courier.host.components == COMPONENTS
    assert isinstance(plant.Plant("ann", None), plant.Plant)


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_missing_inside_an_outer_contracted_call_is_the_same_one_failure(courier, mode):
    class Migrated(channel.Channel):
        def _valid(self, run_id):
            missing("channel", "send_now", run_id=run_id)
            return False

    with modes(mode), shim.recording() as records:
        _, error = attempt(Migrated("ann", None).send_now, "r1", "ping")
    assert len(records) == 1
    assert (error is records[0].error) == (mode == "enforce")
