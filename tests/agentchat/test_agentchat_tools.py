"""The example host's tool engine: what enforce refuses to start, what it escalates, and what it raises."""

from __future__ import annotations

import pytest
from agentchat.events import UserExecutionContext
from agentchat.tools import ToolInput, UnifiedToolExecutionEngine

import shim
from shim.errors import WebSocketBridgeUnavailableError, WebSocketContextValidationError, WebSocketSendFailureError
from shim.hosts.example import HOST

CONTEXT = UserExecutionContext("ada", "alpha", "run_1")


class Bridge:
    """Tells of a tool, but for one event."""

    def __init__(self, *failing):
        self.failing = failing

    async def notify_tool_executing(self, *args):
        return "executing" not in self.failing

    async def notify_tool_completed(self, *args):
        return "completed" not in self.failing


class Tool:
    name = "sum"

    def __init__(self):
        self.ran = 0

    async def run(self):
        self.ran += 1
        return 12


@pytest.fixture(autouse=True, scope="module")
def installed():
    made = shim.install("example")
    yield
    assert made.uninstall() == []


async def run(mode, bridge, context=CONTEXT):
    tool, engine = Tool(), UnifiedToolExecutionEngine(bridge)
    answer = failed = None
    with shim.override(**dict.fromkeys(HOST.components, mode)), shim.recording() as records:
        try:
            answer = await engine.execute_tool_with_input(ToolInput("sum", {}), tool, {"context": context})
        except shim.LoudFailure as error:
            failed = error
    assert failed is (records[0].error if failed else None)
    assert engine._active_executions == {}
    return answer and answer.output, tool.ran, [(one.error_type, one.event_type, str(one.action)) for one in records]


NONE = WebSocketBridgeUnavailableError, None, CONTEXT
MUTE = WebSocketBridgeUnavailableError, object(), CONTEXT
NOBODY = WebSocketContextValidationError, Bridge(), None
EVENTS = ("tool_executing", "tool_completed")


@pytest.mark.asyncio
@pytest.mark.parametrize(("error", "bridge", "context"), [NONE, MUTE, NOBODY])
async def test_a_tool_that_nobody_could_be_told_of(error, bridge, context):
    name = error.__name__
    assert await run("off", bridge, context) == (12, 1, [])
    assert await run("observe", bridge, context) == (12, 1, [(name, event, "observed") for event in EVENTS])
    assert await run("enforce", bridge, context) == (None, 0, [(name, "tool_executing", "raised")])


@pytest.mark.asyncio
@pytest.mark.parametrize("event", ["executing", "completed"])
async def test_an_event_that_fails_costs_no_result(event):
    for mode, action in (("observe", "observed"), ("enforce", "escalated")):
        record = (WebSocketSendFailureError.__name__, f"tool_{event}", action)
        assert await run(mode, Bridge(event)) == (12, 1, [record])


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_without_a_fault_nothing_is_recorded(mode):
    assert await run(mode, Bridge()) == (12, 1, [])
