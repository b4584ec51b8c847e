"""One agent and one emitter per run: nothing is shared between users, except what the registry keeps ready."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from agentchat.events import RunLog, UserExecutionContext

if TYPE_CHECKING:
    from agentchat.agents import BaseAgent
    from agentchat.bridge import AgentWebSocketBridge
    from agentchat.manager import WebSocketManager
    from agentchat.tools import UnifiedToolExecutionEngine

logger = logging.getLogger(__name__)


class UserWebSocketEmitter:
    """Events of one user's run, through the bridge."""

    def __init__(self, user_id: str, thread_id: str, run_id: str, websocket_bridge: AgentWebSocketBridge) -> None:
        self.user_id = user_id
        self.thread_id = thread_id
        self.run_id = run_id
        self.websocket_bridge = websocket_bridge

    async def notify_agent_started(self, agent_name: str, context: dict[str, Any] | None = None) -> bool:
        try:
            return await self.websocket_bridge.notify_agent_started(self.run_id, agent_name, context)
        except Exception as error:
            logger.error("agent_started of %s failed: %s", agent_name, error)
            return False

    async def notify_agent_thinking(
        self,
        agent_name: str,
        reasoning: str,
        step_number: int | None = None,
        progress_percentage: float | None = None,
    ) -> bool:
        try:
            return await self.websocket_bridge.notify_agent_thinking(
                self.run_id, agent_name, reasoning, step_number, progress_percentage
            )
        except Exception as error:
            logger.error("agent_thinking of %s failed: %s", agent_name, error)
            return False

    async def notify_tool_executing(
        self, agent_name: str, tool_name: str, parameters: dict[str, Any] | None = None
    ) -> bool:
        try:
            return await self.websocket_bridge.notify_tool_executing(self.run_id, agent_name, tool_name, parameters)
        except Exception as error:
            logger.error("tool_executing of %s failed: %s", agent_name, error)
            return False

    async def notify_tool_completed(
        self,
        agent_name: str,
        tool_name: str,
        result: dict[str, Any] | None = None,
        execution_time_ms: float | None = None,
    ) -> bool:
        try:
            return await self.websocket_bridge.notify_tool_completed(
                self.run_id, agent_name, tool_name, result, execution_time_ms
            )
        except Exception as error:
            logger.error("tool_completed of %s failed: %s", agent_name, error)
            return False

    async def notify_agent_completed(
        self, agent_name: str, result: dict[str, Any] | None = None, execution_time_ms: float | None = None
    ) -> bool:
        try:
            sent = await self.websocket_bridge.notify_agent_completed(
                self.run_id, agent_name, result, execution_time_ms
            )
            if not sent:
                logger.error("agent_completed of %s was not sent", agent_name)
            return sent
        except Exception as error:
            logger.error("agent_completed of %s failed: %s", agent_name, error)
            return False

    async def notify_agent_error(
        self, agent_name: str, error: str, error_context: dict[str, Any] | None = None
    ) -> bool:
        try:
            return await self.websocket_bridge.notify_agent_error(self.run_id, agent_name, error, error_context)
        except Exception as failure:
            logger.error("agent_error of %s failed: %s", agent_name, failure)
            return False


@dataclass
class AgentRegistry:
    """What all agents share, and agents built ahead of the first request."""

    tools: UnifiedToolExecutionEngine
    run_log: RunLog
    pace: float = 0.0
    prebuilt: dict[str, BaseAgent] = field(default_factory=dict)


class AgentInstanceFactory:
    def __init__(self) -> None:
        self._agent_class_registry: Mapping[str, type[BaseAgent]] = {}
        self._agent_registry: AgentRegistry | None = None
        self._websocket_bridge: AgentWebSocketBridge | None = None
        self._websocket_manager: WebSocketManager | None = None

    def configure(
        self,
        agent_class_registry: Mapping[str, type[BaseAgent]] | None = None,
        agent_registry: AgentRegistry | None = None,
        websocket_bridge: AgentWebSocketBridge | None = None,
        websocket_manager: WebSocketManager | None = None,
    ) -> None:
        self._agent_class_registry = agent_class_registry or {}
        self._agent_registry = agent_registry
        self._websocket_bridge = websocket_bridge
        self._websocket_manager = websocket_manager

    async def create_user_execution_context(
        self, user_id: str, thread_id: str, run_id: str, metadata: dict[str, Any] | None = None
    ) -> UserExecutionContext:
        if not (user_id and thread_id and run_id):
            raise ValueError("a run needs a user, a thread and a run id")
        context = UserExecutionContext(user_id, thread_id, run_id, metadata=metadata or {})
        if self._websocket_bridge:
            try:
                mapped = await self._websocket_bridge.register_run_thread_mapping(run_id, thread_id, metadata)
                if not mapped:
                    logger.warning("run %s is not mapped to thread %s", run_id, thread_id)
            except Exception as error:
                logger.warning("run %s could not be mapped: %s", run_id, error)
        return context

    async def create_agent_instance(
        self, agent_name: str, user_context: UserExecutionContext, agent_class: type[BaseAgent] | None = None
    ) -> BaseAgent:
        registry = self._agent_registry
        if registry is None:
            raise RuntimeError("the agent factory has no registry")
        if agent_name in registry.prebuilt:
            return registry.prebuilt[agent_name]
        context = replace(user_context, agent_name=agent_name)
        agent = (agent_class or self._agent_class_registry[agent_name])(registry.tools, registry.run_log, registry.pace)
        agent.emitter = UserWebSocketEmitter(context.user_id, context.thread_id, context.run_id, self._websocket_bridge)
        return agent


_factory_instance: AgentInstanceFactory | None = None


def get_agent_instance_factory() -> AgentInstanceFactory:
    global _factory_instance
    if _factory_instance is None:
        _factory_instance = AgentInstanceFactory()
    return _factory_instance
