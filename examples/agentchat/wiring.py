"""Puts the platform together, once per process, and starts runs on it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from functools import partial

from agentchat.agents import ResearchAgent, WriterAgent
from agentchat.bridge import AgentWebSocketBridge, get_agent_websocket_bridge
from agentchat.buffer import WebSocketMessageBuffer, get_message_buffer
from agentchat.events import RunLog, RunRecord
from agentchat.factory import AgentInstanceFactory, AgentRegistry, get_agent_instance_factory
from agentchat.manager import WebSocketManager, get_websocket_manager
from agentchat.supervisor import SupervisorAgent
from agentchat.tools import UnifiedToolExecutionEngine

logger = logging.getLogger(__name__)

START_SECONDS = 5.0


@dataclass
class Platform:
    buffer: WebSocketMessageBuffer
    manager: WebSocketManager
    bridge: AgentWebSocketBridge
    factory: AgentInstanceFactory
    tools: UnifiedToolExecutionEngine
    supervisor: SupervisorAgent
    registry: AgentRegistry
    run_log: RunLog
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    async def start(cls, pace: float = 0.0) -> Platform:
        """Build and connect everything. `pace` is the time in seconds an agent takes for one step."""
        bridge: AgentWebSocketBridge = await get_agent_websocket_bridge()
        integration = await asyncio.wait_for(bridge.ensure_integration(), START_SECONDS)
        if not integration.success:
            logger.error("starting without the bridge: %s", integration.error)
        manager, factory, run_log = get_websocket_manager(), get_agent_instance_factory(), RunLog()
        tools = UnifiedToolExecutionEngine(websocket_bridge=bridge)
        registry = AgentRegistry(tools, run_log, pace)
        classes = {agent.name: agent for agent in (ResearchAgent, WriterAgent)}
        factory.configure(classes, registry, bridge, manager)
        supervisor = SupervisorAgent(bridge, factory, run_log, manager)
        return cls(get_message_buffer(), manager, bridge, factory, tools, supervisor, registry, run_log)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.manager.shutdown()
        await self.bridge.shutdown()
        self.buffer.clear()

    def start_run(self, user_id: str, thread_id: str, message: str) -> RunRecord:
        record = self.run_log.open(RunRecord(f"run_{uuid.uuid4().hex}", user_id, thread_id, message))
        task = asyncio.create_task(self._execute(record), name=record.run_id)
        self.tasks.add(task)
        task.add_done_callback(partial(self._finished, record))
        return record

    async def notice(self, text: str) -> None:
        for user_id in self.manager.connected_users():
            await self.manager.send_to_user(user_id, {"type": "notice", "payload": {"text": text}})

    async def _execute(self, record: RunRecord) -> None:
        try:
            result = await self.supervisor.run(record)
            record.answer = result.output
        except Exception as error:
            logger.error("run %s ended early: %s", record.run_id, error)

    def _finished(self, record: RunRecord, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            record.status = "cancelled"
        elif error := task.exception():
            record.status, record.error = "failed", str(error)
        else:
            record.status = "completed"
