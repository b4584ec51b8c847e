"""The isolated emitter: it answers None whatever happens. Every way it loses an event, in all modes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hostkit import RUN, THREAD, USER, Fault, Manager, call, everything, find, in_enforce, in_quiet_modes, make, rows

import shim
from shim.errors import (
    WebSocketContextValidationError,
    WebSocketManagerNotInitializedError,
    WebSocketSendFailureError,
)
from shim.hosts.netra import ISOLATED

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

ROWS = rows(ISOLATED)
Build = Callable[[], Callable[[], Awaitable[Any]]]


def emitter(manager: Any) -> Any:
    return make(ISOLATED, USER, THREAD, RUN, manager)


class Mute:
    """A manager without any method to send with."""


class User:
    """A manager that sends to users only."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def send_to_user(self, user_id: str, message: Any) -> Any:
        return self.answer


class Old:
    """A manager that only takes messages."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def send_message(self, message: Any) -> Any:
        return self.answer


def with_manager(row: Any, manager: Callable[[], Any], **given: Any) -> Build:
    return lambda: call(emitter(manager()), row, **given)


def cleaned(row: Any, again: Any = None) -> Build:
    """Emit after the cleanup; `again` is a manager that somebody gives the emitter afterwards."""

    def build() -> Callable[[], Awaitable[Any]]:
        made = emitter(Manager(True))

        async def emit() -> Any:
            await made.cleanup()
            if again is not None:
                made.set_websocket_manager(again)
            return await call(made, row)()

        return emit

    return build


def _faults() -> Iterator[Fault]:
    none, send = WebSocketManagerNotInitializedError, WebSocketSendFailureError
    who = {"run_id": RUN, "thread_id": THREAD, "user_id": USER}
    for row in ROWS:
        key = row.key
        yield Fault(contract=key, name="no manager", build=with_manager(row, lambda: None), error=none, record=who)
        for answer in (False, None):
            build = with_manager(row, lambda answer=answer: Manager(answer))
            yield Fault(contract=key, name=f"manager answers {answer}", build=build, error=send, record=who)
        for name, kind in (("send_to_user", User), ("send_message", Old)):
            build = with_manager(row, lambda kind=kind: kind(False))
            yield Fault(contract=key, name=f"{name} answers False", build=build, error=send, record=who)
        build = with_manager(row, lambda: Manager(OSError("gone")))
        yield Fault(contract=key, name="manager raises", build=build, error=send, cause=OSError, record=who)
        yield Fault(
            contract=key, name="manager cannot send", build=with_manager(row, Mute), error=none, record=who,
            reason="the manager, a Mute, has no method to send with",
        )  # fmt: skip
        late = "cleaned up before"
        yield Fault(contract=key, name="after cleanup", build=cleaned(row), error=none, record=who, reason=late)
        build = cleaned(row, Manager(True))
        yield Fault(contract=key, name="after cleanup, manager set", build=build, error=none, record=who, reason=late)
        if "run_id" in row.signature:
            build = with_manager(row, lambda: Manager(True), run_id="run_other")
            yield Fault(
                contract=key, name="another run", build=build, error=WebSocketContextValidationError,
                reason="the event is of run 'run_other'", record=who,
            )  # fmt: skip


FAULTS = list(_faults())
EACH = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(installed: shim.Installation, fault: Fault) -> None:
    await in_quiet_modes(fault)


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(installed: shim.Installation, fault: Fault) -> None:
    await in_enforce(fault)


@pytest.mark.asyncio
async def test_what_the_replay_list_drops_was_recorded_when_it_was_lost(installed: shim.Installation) -> None:
    made = emitter(Manager(False))
    with everything("observe"), shim.recording() as records:
        for number in range(101):
            await made.emit_agent_thinking("triage", f"thought {number}")
        assert len(made.event_buffer) == 50, "the host keeps the newest half"
        assert made.events_sent == 101, "the host counts every one of them as sent"
        await made.cleanup()
        assert made.event_buffer == []
    assert len(records) == 101
    assert {one.error_type for one in records} == {"WebSocketSendFailureError"}


@pytest.mark.asyncio
async def test_nothing_replays_the_list(installed: shim.Installation) -> None:
    made = emitter(Manager(True))
    with everything("enforce"), shim.recording() as records:
        await made.emit_agent_thinking("triage", "thought")
        await made.cleanup()
        await made.cleanup()
    assert records == []
    assert made.get_event_stats()["events_sent"] == 1


@pytest.mark.asyncio
async def test_no_cleanup_can_raise(installed: shim.Installation) -> None:
    """The handlers around it stop nothing: it clears a list and sets two plain attributes."""
    router = _router()
    for run_id, manager in (("run_1", Manager(True)), ("run_2", None)):
        made = await router.get_or_create_emitter(USER, THREAD, run_id, manager)
        assert type(made) is find(ISOLATED)
        assert type(made.event_buffer) is list
        assert not any(hasattr(getattr(type(made), name, None), "__set__") for name in ("_is_cleaned", "event_buffer"))
    await router.cleanup_all_emitters()
    assert router.emitters == {}
    assert made._is_cleaned


def _router() -> Any:
    return make(ISOLATED.replace("IsolatedWebSocketEventEmitter", "WebSocketEventRouter"))


@pytest.mark.asyncio
async def test_the_two_places_that_give_no_manager(installed: shim.Installation) -> None:
    """The supervisor asks the bridge for an attribute it has not; the execution factory passes None."""
    bridge = make("netra_backend.app.services.agent_websocket_bridge:AgentWebSocketBridge")
    assert not hasattr(bridge, "websocket_manager")
    supervisors = find(ISOLATED).create_for_user(USER, THREAD, RUN, websocket_manager=None)
    with everything("observe"), shim.recording() as records:
        await supervisors.emit_agent_started("triage", RUN)
        await supervisors.notify_agent_completed("triage", RUN)
    assert [one.error_type for one in records] == ["WebSocketManagerNotInitializedError"] * 2
    assert {(one.user_id, one.thread_id, one.run_id) for one in records} == {(USER, THREAD, RUN)}


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
@pytest.mark.parametrize("manager", [Manager(True), User(True), Old(True)], ids=lambda one: type(one).__name__)
async def test_without_a_fault_nothing_is_recorded(installed: shim.Installation, mode: str, manager: Any) -> None:
    made = emitter(manager)
    with everything(mode), shim.recording() as records:
        for row in ROWS:
            assert await call(made, row)() is None
    assert records == []
    assert (made.events_sent, made.events_failed) == (len(ROWS), 0)


def test_every_contract_of_the_emitter_has_a_fault() -> None:
    assert {row.key for row in ROWS} == {fault.contract for fault in FAULTS}
