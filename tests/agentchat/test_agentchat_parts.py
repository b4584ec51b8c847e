"""The parts of the example host by themselves: each answers a lost event the way the audit describes."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

import pytest
from agentchat.agents import ResearchAgent
from agentchat.bridge import AgentWebSocketBridge, ThreadRunRegistry
from agentchat.buffer import BufferConfig, WebSocketMessageBuffer
from agentchat.emitter import IsolatedWebSocketEventEmitter
from agentchat.events import RunLog, UserExecutionContext
from agentchat.factory import AgentInstanceFactory, AgentRegistry, UserWebSocketEmitter
from agentchat.faults import Switchboard, UnknownFaultError
from agentchat.manager import WebSocketManager
from agentchat.tools import CalculatorTool, SearchTool, ToolInput, UnifiedToolExecutionEngine
from agentchat.wiring import Platform

HOST = Path(__file__).parents[2] / "examples" / "agentchat"
CONTEXT = UserExecutionContext("ada", "alpha", "run_1", "research")


class Socket:
    """The side of a socket the manager writes to."""

    def __init__(self, *, dead=False):
        self.dead, self.sent = dead, []

    async def send_json(self, message):
        if self.dead:
            raise ConnectionResetError
        self.sent.append(message)


class CountingBuffer(WebSocketMessageBuffer):
    evicted = 0

    def _update_buffer_size(self, message, remove=False):  # noqa: FBT002 (the host's signature)
        self.evicted += remove
        super()._update_buffer_size(message, remove)


async def linked(*sockets, buffer=None):
    """Build a manager with the sockets on ada's thread alpha, and a bridge that knows run_1."""
    manager = WebSocketManager(buffer or WebSocketMessageBuffer())
    for socket in sockets:
        await manager.connect_user("ada", socket, "alpha")
    bridge = AgentWebSocketBridge()
    bridge._websocket_manager, bridge._thread_registry = manager, ThreadRunRegistry()
    assert await bridge.register_run_thread_mapping("run_1", "alpha")
    return manager, bridge


@pytest.mark.asyncio
async def test_an_oversize_message_is_refused_with_a_warning(caplog):
    buffer = WebSocketMessageBuffer(BufferConfig(max_message_size_bytes=100))
    assert await buffer.buffer_message("ada", {"type": "x"}) is True
    assert await buffer.buffer_message("ada", {"type": "x" * 100}) is False
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert buffer.waiting("ada") == 1


@pytest.mark.asyncio
async def test_a_full_buffer_refuses_without_a_log_line(caplog):
    caplog.set_level(logging.DEBUG)
    buffer = WebSocketMessageBuffer(BufferConfig(max_buffer_size_global=2))
    answers = [await buffer.buffer_message(user, {"n": 1}) for user in ("ada", "ben", "cleo")]
    assert answers == [True, True, False]
    assert not [record for record in caplog.records if record.name.startswith("agentchat")]


@pytest.mark.asyncio
async def test_a_full_user_evicts_the_oldest_and_claims_success():
    buffer = CountingBuffer(BufferConfig(max_buffer_size_per_user=2))
    assert [await buffer.buffer_message("ada", {"n": n}) for n in range(5)] == [True] * 5
    assert buffer.evicted == 3
    delivered = []

    async def take(message):
        delivered.append(message["n"])
        return True

    assert await buffer.deliver_buffered_messages("ada", take) == 2
    assert delivered == [3, 4]
    assert (buffer.evicted, buffer._total_messages, buffer._total_bytes) == (3, 0, 0)


@pytest.mark.asyncio
async def test_a_message_the_callback_declines_goes_on_waiting_in_its_place():
    buffer = WebSocketMessageBuffer()
    for n in range(4):
        await buffer.buffer_message("ada", {"n": n})

    async def odd_only(message):
        return message["n"] % 2 == 1

    assert await buffer.deliver_buffered_messages("ada", odd_only) == 2
    assert [entry.message["n"] for entry in buffer._buffers["ada"]] == [0, 2]
    assert buffer._total_messages == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("dead", "expected"),
    [((False,), True), ((True,), False), ((True, False), True), ((), False)],
    ids=["alive", "dead", "one of two dead", "nobody"],
)
async def test_what_the_manager_answers(dead, expected, caplog):
    manager, bridge = await linked(*[Socket(dead=each) for each in dead])
    assert await manager.send_to_thread("alpha", {"type": "x"}) is expected
    assert await manager.send_to_user("ada", {"type": "x"}) is expected
    assert await bridge.notify_agent_started("run_1", "research") is expected
    assert not [record for record in caplog.records if record.name == "agentchat.manager"]


@pytest.mark.asyncio
@pytest.mark.parametrize("run_id", [None, "", "  ", "registry", 7, "run_unknown"])
async def test_the_bridge_answers_false_to_a_run_it_cannot_place(run_id):
    socket = Socket()
    _, bridge = await linked(socket)
    assert await bridge.notify_agent_thinking(run_id, "research", "hm") is False
    assert await bridge.notify_custom(run_id, "research", "citations", {}) is False
    assert socket.sent == []


@pytest.mark.asyncio
async def test_an_unknown_run_raises_below_the_bridge_method():
    _, bridge = await linked()
    with pytest.raises(ValueError, match="run_unknown"):
        await bridge._resolve_thread_id_from_run_id("run_unknown")


@pytest.mark.asyncio
async def test_a_bridge_without_its_parts_answers_false():
    bare = AgentWebSocketBridge()
    assert await bare.notify_agent_error("run_1", "research", "x") is False
    assert await bare.register_run_thread_mapping("run_1", "alpha") is False
    assert (await bare.ensure_integration()).success
    assert await bare.register_run_thread_mapping("run_1", "alpha") is True


@pytest.mark.asyncio
@pytest.mark.parametrize(("connected", "sent", "failed"), [(True, 1, 0), (False, 1, 0), (None, 0, 1)])
async def test_the_isolated_emitter_ignores_what_the_manager_answers(connected, sent, failed):
    manager, _ = await linked(*[Socket()] * bool(connected))
    emitter = IsolatedWebSocketEventEmitter("ada", "alpha", "run_1", None if connected is None else manager)
    assert await emitter.emit_agent_thinking("research", "hm") is None
    assert (emitter.events_sent, emitter.events_failed) == (sent, failed)


@pytest.mark.asyncio
async def test_the_user_emitter_reduces_an_exception_to_false():
    emitter = UserWebSocketEmitter("ada", "alpha", "run_1", None)
    assert await emitter.notify_agent_started("research") is False
    assert await emitter.notify_agent_thinking("research", "hm") is False
    assert await emitter.notify_tool_executing("research", "search") is False
    assert await emitter.notify_tool_completed("research", "search") is False
    assert await emitter.notify_agent_completed("research") is False
    assert await emitter.notify_agent_error("research", "x") is False


@pytest.mark.asyncio
@pytest.mark.parametrize("context", [CONTEXT, None])
async def test_a_tool_runs_unseen_without_a_bridge_or_a_context(context, caplog):
    engine = UnifiedToolExecutionEngine()
    sum_ = ToolInput("calculator", {"expression": "2 * (3 + 4) - 6 / 3"})
    result = await engine.execute_tool_with_input(sum_, CalculatorTool(), {"context": context})
    assert (result.success, result.output) == (True, 12)
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "CRITICAL"]
    assert engine._active_executions == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("expression", ["__import__('os')", "2 ** 8", "1 / 0", "(", "'a'"])
async def test_the_calculator_refuses_all_but_arithmetic(expression):
    engine = UnifiedToolExecutionEngine()
    result = await engine.execute_tool_with_input(
        ToolInput("calculator", {"expression": expression}), CalculatorTool(), {"context": CONTEXT}
    )
    assert (result.success, bool(result.error)) == (False, True)


@pytest.mark.asyncio
async def test_an_unconfigured_factory_hands_none_to_its_agents():
    factory = AgentInstanceFactory()
    with pytest.raises(RuntimeError, match="no registry"):
        await factory.create_agent_instance("research", CONTEXT)
    tools = UnifiedToolExecutionEngine()
    factory.configure({"research": ResearchAgent}, AgentRegistry(tools, RunLog()))
    context = await factory.create_user_execution_context("ada", "alpha", "run_1")
    agent = await factory.create_agent_instance("research", context)
    assert agent.emitter.websocket_bridge is None
    assert (await agent.run(context, "tides")).output == SearchTool().pages["tides"]


@pytest.mark.asyncio
async def test_a_run_without_an_owner_is_refused():
    with pytest.raises(ValueError, match="a user, a thread and a run id"):
        await AgentInstanceFactory().create_user_execution_context("ada", "", "run_1")


@pytest.mark.asyncio
async def test_a_mapping_that_fails_is_only_warned(caplog):
    factory = AgentInstanceFactory()
    factory.configure(websocket_bridge=AgentWebSocketBridge())
    assert await factory.create_user_execution_context("ada", "alpha", "run_1")
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@pytest.mark.asyncio
async def test_the_switchboard_as_a_block_puts_everything_back():
    platform = await Platform.start()
    try:
        switchboard = Switchboard(platform)
        manager = platform.bridge._websocket_manager
        with switchboard.inject("bridge_without_manager") as chosen, switchboard.inject("buffer_full"):
            assert (chosen.category, platform.bridge._websocket_manager) == (1, None)
            assert switchboard.active == ["bridge_without_manager", "buffer_full"]
            assert platform.buffer._total_messages == platform.buffer.config.max_buffer_size_global
        assert (switchboard.active, platform.bridge._websocket_manager) == ([], manager)
        assert platform.buffer._total_messages == 0
        with pytest.raises(UnknownFaultError, match="no fault is called 'gremlin'; there are: bridge_raises"):
            switchboard.switch_on("gremlin")
    finally:
        await platform.stop()


def test_the_host_knows_nothing_of_our_packages():
    files = sorted(HOST.glob("*.py"))
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"shim", "codemods", "rollout", "failloud"}, path
