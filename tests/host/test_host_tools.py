"""The tool engine: every way it leaves a user without news of a tool, in all modes. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hostkit import (
    CALLS,
    RUN,
    THREAD,
    USER,
    Bridge,
    Fault,
    Manager,
    bare,
    bridge_with,
    everything,
    in_enforce,
    in_quiet_modes,
    make,
    rows,
    run,
)
from tools_faults import (
    COMPLETED,
    EXECUTING,
    FAULTS,
    TELLS,
    WHO,
    Only,
    Tool,
    Untold,
    context,
    engine,
    runs,
    stuck,
    tells,
    with_state,
)

import shim
from shim.errors import LoudFailure, WebSocketBridgeUnavailableError, WebSocketContextValidationError
from shim.hosts.netra import TOOLS

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

EACH = pytest.mark.parametrize("fault", FAULTS, ids=str)
BUILDS = pytest.mark.parametrize("build", [runs, with_state], ids=lambda build: build.__name__)
REFUSED = [fault for fault in FAULTS if fault.refused]


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(installed: shim.Installation, fault: Fault) -> None:
    await in_quiet_modes(fault)


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(installed: shim.Installation, fault: Fault) -> None:
    await in_enforce(fault)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", REFUSED, ids=str)
async def test_observe_names_both_events_of_a_run_nobody_is_told_of(installed: shim.Installation, fault: Fault) -> None:
    with everything("observe"), shim.recording() as records:
        await run(fault.build)
    assert sorted(one.event_type for one in records) == ["tool_completed", "tool_executing"]
    assert CALLS["arun"] == 1


@pytest.mark.asyncio
async def test_a_refused_run_leaves_nothing_behind(installed: shim.Installation) -> None:
    for made, given in ((engine(None), {"context": context()}), (engine(Bridge(True)), {})):
        CALLS.clear()
        with everything("enforce"), pytest.raises(LoudFailure):
            await made.execute_tool_with_input(None, Tool(), given)
        assert made.get_execution_metrics() == engine(None).get_execution_metrics()
        assert CALLS == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("method", [EXECUTING, COMPLETED])
@pytest.mark.parametrize("answer", [False, None, KeyError("lost")], ids=repr)
@BUILDS
async def test_the_result_comes_once_is_counted_once_and_told_once(
    installed: shim.Installation, build: Callable[..., Any], answer: Any, method: str
) -> None:
    with everything("enforce"), shim.recording() as records:
        found = await run(build(lambda: Only(method, answer)))
    assert found.error is None
    assert "the answer" in str(found.value)
    assert found.calls == {"arun": 1, EXECUTING: 1, COMPLETED: 1}
    assert [str(one.action) for one in records] == ["escalated"]
    if build is runs:
        assert found.value.endswith("[1, 1, 0] []")


@pytest.mark.asyncio
@pytest.mark.parametrize("method", TELLS)
@pytest.mark.parametrize("told", [True, False])
async def test_a_notification_called_in_an_except_body_escalates(
    installed: shim.Installation, method: str, told: bool
) -> None:
    call = tells(method, lambda: Bridge(False) if told else None)()
    with everything("enforce"), shim.recording() as records:
        try:
            _ = {}["disk"]
        except KeyError:
            assert await call() is None
    assert [str(one.action) for one in records] == ["escalated"]


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["observe", "enforce"])
async def test_progress_lost_inside_a_tool_leaves_the_tool_alone(installed: shim.Installation, mode: str) -> None:
    made = engine(Only("notify_progress_update", False))

    class Long(Tool):
        async def arun(self, _parameters: Any) -> Any:
            await made.send_progress_update(context(), "search", 50.0)
            return "the answer"

    with everything(mode), shim.recording() as records:
        found = await made.execute_with_state(Long(), "search", {}, SimpleNamespace(thread_id=THREAD), RUN)
    assert found["result"] == "the answer"
    assert [(one.event_type, one.origin) for one in records] == [("progress_update", "tools.send_progress_update")]


NESTED = [
    ({}, ["tools"] * 2, ["escalated"] * 2),
    ({"tools": "observe"}, ["tools"] * 2, ["observed"] * 2),
    ({"tools": "off"}, ["bridge"] * 2, ["raised"] * 2),
    ({"bridge": "observe"}, ["tools"] * 2, ["escalated"] * 2),
    ({"bridge": "off"}, ["tools"] * 2, ["escalated"] * 2),
    ({"connections": "off"}, ["tools"] * 2, ["escalated"] * 2),
]


@pytest.mark.asyncio
@BUILDS
@pytest.mark.parametrize(("but", "components", "actions"), NESTED, ids=[str(row[0]) for row in NESTED])
async def test_engine_bridge_and_manager_tell_a_failure_once(
    installed: shim.Installation, build: Any, but: dict[str, str], components: list[str], actions: list[str]
) -> None:
    """Of each event one record, by the outermost component that is on, with the manager's exception."""
    gone = OSError("gone")
    made = build(lambda: bridge_with(gone))
    with bare():
        before = await run(made)
    with everything("enforce", **but), shim.recording() as records:
        found = await run(made)
    assert [one.event_type for one in records] == ["tool_executing", "tool_completed"]
    assert [one.component for one in records] == components
    assert [str(one.action) for one in records] == actions
    if but.get("bridge") != "off":
        assert [one.error.__cause__ for one in records if one.error] == [gone, gone]
        assert {one.origin.partition(".")[0] for one in records} == {"bridge"}
    assert found.value == before.value, "the result, the counts, and nothing left in the table"
    assert found.error is None
    assert found.calls == before.calls == {"arun": 1, "send_to_thread": 2}


@pytest.mark.asyncio
async def test_cancelled_while_it_tells_that_it_begins(installed: shim.Installation) -> None:
    """The host enters a run before its try: bare and in observe a cancelled one stays in the table."""

    class Hanging(Bridge):
        def __getattr__(self, name: str) -> Any:
            return lambda **_: asyncio.sleep(60)

    for mode, left in (("off", 1), ("observe", 1), ("enforce", 0)):
        made = engine(Hanging(True))
        with everything(mode), shim.recording() as records:
            task = asyncio.create_task(made.execute_tool_with_input(None, Tool(), {"context": context()}))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(made._active_executions) == left, mode
        assert records == []


@pytest.mark.asyncio
async def test_a_context_without_an_agent_is_the_host_s_exception_and_leaves_nothing(
    installed: shim.Installation,
) -> None:
    half = SimpleNamespace(**WHO)
    for mode, left in (("off", 1), ("observe", 1), ("enforce", 0)):
        made = engine(Bridge(True))
        with everything(mode), shim.recording() as records, pytest.raises(AttributeError, match="agent_name"):
            await made.execute_tool_with_input(None, Tool(), {"context": half})
        assert len(made._active_executions) == left, mode
        assert len(records) == (mode != "off")


@pytest.mark.asyncio
async def test_a_bridge_that_is_passed_as_a_manager_by_a_dispatcher(installed: shim.Installation) -> None:
    """The dispatcher hands its manager on as the bridge: every tool of it runs unseen, and enforce starts none."""
    module = importlib.import_module("netra_backend.app.agents.tool_dispatcher_execution")
    made = module.ToolExecutionEngine(Manager(True))
    with everything("enforce"), pytest.raises(WebSocketBridgeUnavailableError, match="is a Manager, which has no"):
        await made.execute_tool_with_input(None, Tool(), {"context": context()})
    with everything("enforce"), pytest.raises(WebSocketBridgeUnavailableError, match="is a Manager, which has no"):
        await made.execute_with_state(Tool(), "search", {}, SimpleNamespace(), RUN)


@pytest.mark.asyncio
async def test_a_dispatcher_enhanced_without_a_manager_is_refused(installed: shim.Installation) -> None:
    dispatcher = SimpleNamespace(executor=None)
    enhance = importlib.import_module(TOOLS.partition(":")[0]).enhance_tool_dispatcher_with_notifications
    await enhance(dispatcher, None)
    with everything("enforce"), pytest.raises(WebSocketBridgeUnavailableError, match="the tool engine has no bridge"):
        await dispatcher.executor.execute_tool_with_input(None, Tool(), {"context": context()})


@pytest.mark.asyncio
async def test_a_state_that_carries_the_agent_s_context_needs_no_run_id(installed: shim.Installation) -> None:
    state = {"_websocket_context": SimpleNamespace(**WHO, agent_name="triage", retry_count=0, max_retries=3)}
    with everything("enforce"), shim.recording() as records:
        found = await run(with_state(lambda: Bridge(True), run_id=None, state=state))
    assert found.error is None
    assert records == []
    with everything("enforce"), pytest.raises(WebSocketContextValidationError):
        await with_state(lambda: Bridge(True), run_id=None)()()


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_tool_that_fails_is_told_to_the_user(installed: shim.Installation, mode: str) -> None:
    """The tool's exception becomes a result of status error, and an event that says so: nothing is lost."""
    told: list[Any] = []

    class Noting(Bridge):
        async def notify_tool_completed(self, **given: Any) -> bool:
            told.append(given["result"])
            return True

    for build in (runs, with_state):
        with everything(mode), shim.recording() as records:
            found = await run(build(lambda: Noting(True), lambda: Tool(OSError("disk"))))
        assert "disk" in str(found.value)
        assert records == []
    assert [(one["status"], one["error"], one["error_type"]) for one in told] == [("error", "disk", "OSError")] * 2


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_parameters_without_a_summary_cost_no_event(installed: shim.Installation, mode: str) -> None:
    told: list[Any] = []

    class Noting(Bridge):
        async def notify_tool_executing(self, **given: Any) -> bool:
            told.append(given)
            return True

    with everything(mode), shim.recording() as records:
        await engine(Noting(True))._send_tool_executing(context(), "search", {"filters": Untold()})
    [given] = told
    assert given["parameters"] == {"summary": "Complex parameters"}
    assert (given["run_id"], given["tool_name"]) == (RUN, "search")
    assert records == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_the_health_check_is_loud_by_itself(installed: shim.Installation, mode: str) -> None:
    with everything(mode), pytest.raises(AttributeError, match="get_security_status"):
        await engine(Bridge(True)).health_check()


@pytest.mark.asyncio
async def test_only_a_stuck_tool_of_that_user_counts(installed: shim.Installation) -> None:
    made = engine(Bridge(True))
    stuck_one = {"tool_name": "search", "start_time": 0.0, "context": SimpleNamespace(user_id="somebody else")}
    fresh = {"tool_name": "search", "start_time": 1e12, "context": context()}
    nobody = {"tool_name": "search", "start_time": 0.0, "context": None}
    made._active_executions.update({"a": stuck_one, "b": fresh, "c": nobody})
    with everything("enforce"), shim.recording() as records:
        assert await made.force_cleanup_user_executions(USER) == 0
    assert records == []
    assert stuck()


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
@pytest.mark.parametrize("bridge", [lambda: Bridge(True), lambda: bridge_with(True)], ids=["stub", "real"])
async def test_without_a_fault_nothing_is_recorded(installed: shim.Installation, mode: str, bridge: Any) -> None:
    tool = SimpleNamespace(name="search", handler=lambda _arguments, _user: "found", input_schema=None)
    with everything(mode), shim.recording() as records:
        for build in (runs, with_state):
            found = await run(build(bridge))
            assert "the answer" in str(found.value)
        for method in TELLS:
            assert await tells(method, bridge)()() is None
        made = engine(bridge())
        assert (await made.execute_with_permissions(tool, {}, SimpleNamespace(id=USER))).result == "found"
        assert await made.force_cleanup_user_executions(USER) == 0
        assert made.get_execution_metrics()["active_executions"] == 0
    assert records == []


@pytest.mark.asyncio
async def test_a_tool_by_name_that_succeeds_makes_no_record(installed: shim.Installation) -> None:
    production = importlib.import_module("netra_backend.app.agents.production_tool").ProductionTool

    async def arun(_tool: Any, _parameters: Any) -> str:
        return "found"

    before, production.arun = production.arun, arun
    try:
        with everything("enforce"), shim.recording() as records:
            assert (await engine(None).execute_tool("search", {})).data == "found"
    finally:
        production.arun = before
    assert records == []


def test_every_contract_of_the_engine_has_a_fault() -> None:
    assert {row.key for row in rows(TOOLS)} == {fault.contract for fault in FAULTS}
    assert make(TOOLS, None).websocket_bridge is None
