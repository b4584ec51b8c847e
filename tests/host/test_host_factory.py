"""The agent factory and the emitter it makes: each way they lose an event or stop half way, in all modes."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest
from factory_faults import KEY, WHO, Agent, configured, emitter, failing, faults, opened
from hostkit import (
    CALLS,
    RUN,
    THREAD,
    USER,
    Answers,
    Bridge,
    Fault,
    bridge_with,
    call,
    context,
    everything,
    in_enforce,
    in_quiet_modes,
    make,
    rows,
    swapped,
)

import shim
from shim.hosts.netra import FACTORY, USER_EMITTER

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

FAULTS = list(faults())
EACH = pytest.mark.parametrize("fault", FAULTS, ids=str)
MODES = pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
NOTIFIES = rows(USER_EMITTER)


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(installed: shim.Installation, fault: Fault) -> None:
    await in_quiet_modes(fault)


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(installed: shim.Installation, fault: Fault) -> None:
    await in_enforce(fault)


def test_every_contract_of_the_factory_has_a_fault() -> None:
    assert {row.key for row in (*rows(FACTORY), *rows(USER_EMITTER))} == {fault.contract for fault in FAULTS}


@pytest.mark.asyncio
@MODES
async def test_without_a_fault_nothing_is_recorded(installed: shim.Installation, mode: str) -> None:
    """A whole life: configured, a run opened, its agent made and heard, cleaned up; a run swept for its age."""
    factory, bridge = make(FACTORY), bridge_with(True)
    bridge._thread_registry = Answers(register=True, unregister_run=True)
    with everything(mode), shim.recording() as records:
        factory.configure(agent_registry=object(), websocket_bridge=bridge)
        async with factory.user_execution_scope(USER, THREAD, RUN, db_session=Answers(close=None)) as made:
            agent = await factory.create_agent_instance("triage", made, Agent)
            assert agent.bridge is bridge
            sender = factory._websocket_emitters[f"{KEY}_emitter"]
            for row in NOTIFIES:
                assert await call(sender, row)() is True
        await factory.create_user_execution_context(USER, THREAD, RUN)
        assert await factory.cleanup_inactive_contexts(3600) == 0
        assert await factory.cleanup_inactive_contexts(-1) == 1
        assert await factory.cleanup_inactive_contexts() == 0
    assert records == []
    assert factory.get_factory_metrics()["active_contexts"] == 0


@pytest.mark.asyncio
async def test_enforce_starts_nothing_that_nobody_could_be_told_of(installed: shim.Installation) -> None:
    factory = make(FACTORY)
    CALLS.clear()
    with everything("enforce"), pytest.raises(shim.LoudFailure):
        await factory.create_agent_instance("triage", context(), Agent)
    assert CALLS["agents"] == 0
    assert not hasattr(factory, "_agent_instances")
    assert factory.get_factory_metrics()["creation_errors"] == 0


@pytest.mark.asyncio
async def test_a_clean_up_in_a_finally_lets_the_run_s_own_exception_pass(installed: shim.Installation) -> None:
    factory, own = configured(Bridge(True)), ValueError("the agent's own")
    with everything("enforce"), shim.recording() as records, pytest.raises(ValueError, match="own") as caught:
        async with factory.user_execution_scope(USER, THREAD, RUN, db_session=failing("close")):
            raise own
    assert caught.value is own
    [found] = records
    assert (found.action, type(found.error.__cause__)) == ("escalated", OSError)
    assert factory.get_factory_metrics()["active_contexts"] == 0, "the rest of the clean-up was done"


@pytest.mark.asyncio
async def test_two_steps_of_a_clean_up_that_fail_are_two_records(installed: shim.Installation) -> None:
    factory = configured(Bridge(KeyError("lost")))
    with everything("enforce"), shim.recording() as records:
        await factory.cleanup_user_context(opened(db_session=failing("close")))
    assert sorted(one.cause.partition(":")[0] for one in records) == ["KeyError", "OSError"]
    assert [one.run_id for one in records] == [RUN, RUN]


@pytest.mark.asyncio
async def test_a_sweep_tells_of_each_context_for_itself(installed: shim.Installation) -> None:
    """Three are counted as cleaned up: one has no age, one's session does not close, one is well."""
    active = {
        "a": opened(run_id="run_a", created_at=None),
        "b": opened(run_id="run_b", db_session=failing("close")),
        "c": opened(run_id="run_c"),
    }
    factory = configured(Bridge(True), _active_contexts=active)
    with everything("observe"), shim.recording() as records:
        assert await factory.cleanup_inactive_contexts(-1) == 3
    assert sorted((one.run_id, one.cause.partition(":")[0]) for one in records) == [
        ("run_a", "TypeError"),
        ("run_b", "OSError"),
    ]


@pytest.mark.asyncio
async def test_agents_of_one_millisecond_overwrite_each_other_and_lose_no_event(installed: shim.Installation) -> None:
    """The host tracks one of a hundred; nothing but a clean-up reads that table, and each agent has its own bridge."""
    factory = configured(bridge_with(True))
    clock = importlib.import_module(FACTORY.partition(":")[0]).time
    with everything("enforce"), shim.recording() as records, swapped(clock, time=lambda: 1000.0):
        agents = [await factory.create_agent_instance("triage", context(), Agent) for _ in range(100)]
    assert len(factory._agent_instances) == 1
    with everything("enforce"), shim.recording() as more:
        for agent in agents:
            assert await agent.bridge.notify_agent_started(RUN, "triage") is True
    assert records == more == []


@pytest.mark.asyncio
async def test_an_emitter_that_another_of_its_run_replaced_still_sends(installed: shim.Installation) -> None:
    factory = configured(bridge_with(True))
    factory._websocket_bridge._thread_registry = Answers(register=True, unregister_run=True)
    with everything("enforce"), shim.recording() as records:
        first = await factory.create_user_execution_context(USER, THREAD, RUN)
        before = factory._websocket_emitters[f"{KEY}_emitter"]
        await factory.create_user_execution_context(USER, THREAD, RUN)
        assert factory._websocket_emitters[f"{KEY}_emitter"] is not before
        assert await before.notify_agent_started("triage") is True
        await factory.cleanup_user_context(first)
        assert await before.notify_agent_completed("triage") is True
    assert records == []


@pytest.mark.asyncio
@MODES
async def test_an_agent_made_twice_has_one_voice(installed: shim.Installation, mode: str) -> None:
    """The host makes two and drops the first before it has a bridge: 200 for 100, and a hundred can be heard."""
    given: list[Any] = []

    class Counted(Agent):
        def set_websocket_bridge(self, bridge: Any, run_id: str) -> None:
            given.append(self)

    factory = configured(Bridge(True))
    CALLS.clear()
    with everything(mode), shim.recording() as records:
        made = [await factory.create_agent_instance("triage", context(), Counted) for _ in range(100)]
    assert CALLS["agents"] == 200
    assert given == made
    assert records == []


@pytest.mark.asyncio
async def test_an_emitter_counts_what_it_did_not_send(installed: shim.Installation) -> None:
    made = emitter(Bridge(False))
    with everything("observe"), shim.recording() as records:
        for row in NOTIFIES:
            await call(made, row)()
    assert made.get_emitter_status()["event_count"] == len(records) == len(NOTIFIES)


@pytest.mark.asyncio
@MODES
async def test_readers_and_clean_ups_of_nothing_are_silent(installed: shim.Installation, mode: str) -> None:
    """The context class has no summary at this commit: each entry says so, in its own text."""
    factory = configured(Bridge(True), _active_contexts={KEY: opened()})
    with everything(mode), shim.recording() as records:
        assert "error" in factory.get_active_contexts_summary()["contexts"][KEY]
        assert await factory.cleanup_user_context(None) is None
        assert await make(FACTORY).cleanup_inactive_contexts() == 0
        missing = configured(Bridge(False))
        assert await missing.cleanup_user_context(opened()) is None, "no mapping to take away is no failure"
    assert records == []


@pytest.mark.asyncio
async def test_the_host_s_own_agent_without_its_dependencies_is_told(installed: shim.Installation) -> None:
    """The class registry gives a class that works without both; the warning names no user."""
    agents = importlib.import_module("netra_backend.app.agents.data_sub_agent.data_sub_agent")
    factory = configured(Bridge(True))
    with everything("observe"), shim.recording() as records:
        await factory.create_agent_instance("data", context(), agents.DataSubAgent)
    [found] = records
    assert "a DataSubAgent, was made without llm_manager and tool_dispatcher" in found.reason
    assert {name: getattr(found, name) for name in WHO} == WHO


@pytest.mark.asyncio
async def test_a_placeholder_of_a_run_id_is_told_with_the_exception_behind_the_host_s(
    installed: shim.Installation,
) -> None:
    factory = configured(Bridge(True))
    with everything("observe"), shim.recording() as records, pytest.raises(RuntimeError, match="creation failed"):
        await factory.create_user_execution_context(USER, THREAD, "registry")
    [found] = records
    assert type(found.error.__cause__).__name__ == "InvalidContextError"


@pytest.mark.asyncio
async def test_a_caller_s_own_exception_is_not_taken_for_the_cause(installed: shim.Installation) -> None:
    factory = configured(Bridge(True))
    with everything("observe"), shim.recording() as records:
        try:
            raise KeyError("the caller's own")  # noqa: TRY301
        except KeyError:
            await factory.cleanup_user_context(opened(db_session=failing("close")))
            with pytest.raises(ValueError, match="cannot be None"):
                factory.configure()
    assert [type(one.error.__cause__) for one in records] == [OSError, ValueError]


@pytest.mark.asyncio
async def test_cancellation_passes(installed: shim.Installation) -> None:
    factory = configured(Bridge(True))
    with everything("enforce"), shim.recording() as records, pytest.raises(asyncio.CancelledError):
        await factory.cleanup_user_context(opened(db_session=Answers(close=asyncio.CancelledError())))
    assert records == []


@pytest.mark.asyncio
async def test_an_agent_whose_attributes_raise_costs_no_agent(installed: shim.Installation) -> None:
    """What we look at is the agent's; what it raises there is our own failure, counted, and the agent is given."""

    class Prickly(Agent):
        def __init__(self, llm_manager: Any = None, tool_dispatcher: Any = None) -> None:
            super().__init__()

        @property
        def llm_manager(self) -> Any:
            raise RuntimeError("not now")

    factory, before = configured(Bridge(True)), shim.guard.own_failures().get("hearing.look", 0)
    with everything("enforce"), shim.recording() as records:
        assert type(await factory.create_agent_instance("triage", context(), Prickly)) is Prickly
    assert records == []
    assert shim.guard.own_failures()["hearing.look"] == before + 1
