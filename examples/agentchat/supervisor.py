"""The agent the user talks to: plans, hands the work to other agents, and reports."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from agentchat.agents import BaseAgent
from agentchat.bridge import AgentWebSocketBridge
from agentchat.events import AgentResult, EventType, RunLog, RunRecord, UserExecutionContext
from agentchat.factory import AgentInstanceFactory
from agentchat.isolated import RunEventEmitter
from agentchat.manager import WebSocketManager

logger = logging.getLogger(__name__)

AGENTS_AT_ONCE = 20


class SupervisorAgent:
    name = "supervisor"

    def __init__(
        self,
        bridge: AgentWebSocketBridge,
        factory: AgentInstanceFactory,
        run_log: RunLog,
        websocket_manager: WebSocketManager | None = None,
    ) -> None:
        self.bridge = bridge
        self.factory = factory
        self.run_log = run_log
        self.websocket_manager = websocket_manager
        self._slots = asyncio.Semaphore(AGENTS_AT_ONCE)
        self.unfinished = 0

    async def run(self, record: RunRecord) -> AgentResult:
        context = await self.factory.create_user_execution_context(
            record.user_id, record.thread_id, record.run_id, {"message": record.message}
        )
        emitter = RunEventEmitter(context.user_id, context.thread_id, context.run_id, self.websocket_manager)
        await self._open(context)
        await self._plan(context, emitter, ["research", "writer"])
        findings = await self._delegate(context, "research", record.message)
        answer = await self._delegate(context, "writer", findings.output)
        await self._cite(context, findings)
        await self._progress(context, emitter, 1.0)
        await self._close(context, answer)
        return answer

    async def _open(self, context: UserExecutionContext) -> bool:
        self.run_log.intend(context, EventType.AGENT_STARTED, self.name)
        try:
            sent = await self.bridge.notify_agent_started(context.run_id, self.name, context.metadata)
            if sent:
                logger.debug("run %s is announced", context.run_id)
            return sent
        except Exception as error:
            logger.error("run %s could not be announced: %s", context.run_id, error)
            return False

    async def _plan(self, context: UserExecutionContext, emitter: RunEventEmitter, names: list[str]) -> None:
        for name in names:
            self.run_log.intend(context, EventType.AGENT_THINKING, self.name)
            await emitter.emit_agent_thinking(self.name, f"I will ask the {name} agent")

    async def _delegate(self, context: UserExecutionContext, name: str, task: str) -> AgentResult:
        try:
            agent: BaseAgent = await self.factory.create_agent_instance(name, context)
            async with self._slots:
                return await agent.run(replace(context, agent_name=name), task)
        except Exception as error:
            self.run_log.intend(context, EventType.AGENT_ERROR, name)
            await self.bridge.notify_agent_error(context.run_id, name, str(error), {"task": task})
            return AgentResult(success=False, output="", error=str(error))

    async def _cite(self, context: UserExecutionContext, findings: AgentResult) -> None:
        self.run_log.intend(context, EventType.CITATIONS, self.name)
        try:
            if hasattr(self.bridge, "notify_custom"):
                await self.bridge.notify_custom(
                    context.run_id, self.name, EventType.CITATIONS, {"found": findings.success}
                )
        except Exception:
            pass

    async def _progress(self, context: UserExecutionContext, emitter: RunEventEmitter, share: float) -> None:
        self.run_log.intend(context, EventType.AGENT_THINKING, self.name)
        await emitter.emit_agent_thinking(self.name, f"{share:.0%} done")

    async def _close(self, context: UserExecutionContext, answer: AgentResult) -> bool:
        self.run_log.intend(context, EventType.AGENT_COMPLETED, self.name)
        try:
            return await self.bridge.notify_agent_completed(context.run_id, self.name, {"answer": answer.output})
        except Exception:
            self.unfinished += 1
            raise
