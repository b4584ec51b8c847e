"""From agents to sockets: knows which thread a run belongs to and words the event."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agentchat.events import EventType
from agentchat.manager import WebSocketManager, get_websocket_manager

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class IntegrationResult:
    success: bool
    error: str | None = None


class ThreadRunRegistry:
    def __init__(self) -> None:
        self._threads: dict[str, str] = {}

    async def register(self, run_id: str, thread_id: str, metadata: dict[str, Any] | None = None) -> bool:
        self._threads[run_id] = thread_id
        return True

    async def get_thread(self, run_id: str) -> str | None:
        return self._threads.get(run_id)

    async def unregister(self, run_id: str) -> bool:
        return self._threads.pop(run_id, None) is not None


class AgentWebSocketBridge:
    def __init__(self) -> None:
        self._websocket_manager: WebSocketManager | None = None
        self._thread_registry: ThreadRunRegistry | None = None

    async def ensure_integration(self) -> IntegrationResult:
        try:
            self._websocket_manager = get_websocket_manager()
            self._thread_registry = self._thread_registry or ThreadRunRegistry()
            return IntegrationResult(success=True)
        except Exception as error:
            logger.error("bridge integration failed: %s", error)
            return IntegrationResult(success=False, error=str(error))

    async def shutdown(self) -> None:
        self._websocket_manager = None
        self._thread_registry = None

    async def register_run_thread_mapping(
        self, run_id: str, thread_id: str, metadata: dict[str, Any] | None = None
    ) -> bool:
        if not self._thread_registry:
            logger.warning("no thread registry, run %s is not mapped", run_id)
            return False
        try:
            return await self._thread_registry.register(run_id, thread_id, metadata)
        except Exception as error:
            logger.error("run %s could not be mapped: %s", run_id, error)
            return False

    async def unregister_run_mapping(self, run_id: str) -> bool:
        if not self._thread_registry:
            return False
        return await self._thread_registry.unregister(run_id)

    async def notify_agent_started(self, run_id: str, agent_name: str, context: dict[str, Any] | None = None) -> bool:
        return await self._notify(run_id, EventType.AGENT_STARTED, agent_name, {"context": context or {}})

    async def notify_agent_thinking(
        self,
        run_id: str,
        agent_name: str,
        reasoning: str,
        step_number: int | None = None,
        progress_percentage: float | None = None,
    ) -> bool:
        payload = {"reasoning": reasoning, "step_number": step_number, "progress_percentage": progress_percentage}
        return await self._notify(run_id, EventType.AGENT_THINKING, agent_name, payload)

    async def notify_tool_executing(
        self, run_id: str, agent_name: str, tool_name: str, parameters: dict[str, Any] | None = None
    ) -> bool:
        payload = {"tool_name": tool_name, "parameters": parameters or {}}
        return await self._notify(run_id, EventType.TOOL_EXECUTING, agent_name, payload)

    async def notify_tool_completed(
        self,
        run_id: str,
        agent_name: str,
        tool_name: str,
        result: dict[str, Any] | None = None,
        execution_time_ms: float | None = None,
    ) -> bool:
        payload = {"tool_name": tool_name, "result": result, "execution_time_ms": execution_time_ms}
        return await self._notify(run_id, EventType.TOOL_COMPLETED, agent_name, payload)

    async def notify_agent_completed(
        self,
        run_id: str,
        agent_name: str,
        result: dict[str, Any] | None = None,
        execution_time_ms: float | None = None,
    ) -> bool:
        payload = {"result": result, "execution_time_ms": execution_time_ms}
        return await self._notify(run_id, EventType.AGENT_COMPLETED, agent_name, payload)

    async def notify_agent_error(
        self, run_id: str, agent_name: str, error: str, error_context: dict[str, Any] | None = None
    ) -> bool:
        payload = {"error": error, "error_context": error_context or {}}
        return await self._notify(run_id, EventType.AGENT_ERROR, agent_name, payload)

    async def notify_custom(self, run_id: str, agent_name: str, notification_type: str, data: dict[str, Any]) -> bool:
        return await self._notify(run_id, notification_type, agent_name, data)

    async def _notify(self, run_id: str, event_type: str, agent_name: str, payload: dict[str, Any]) -> bool:
        try:
            if not self._validate_event_context(run_id, event_type, agent_name):
                return False
            if not self._websocket_manager:
                logger.warning("no WebSocket manager, %s of run %s is not sent", event_type, run_id)
                return False
            thread_id = await self._resolve_thread_id_from_run_id(run_id)
            message = {
                "type": str(event_type),
                "run_id": run_id,
                "agent_name": agent_name,
                "payload": payload,
                "timestamp": datetime.now(UTC).isoformat(),
            }
            sent = await self._websocket_manager.send_to_thread(thread_id, message)
            if not sent:
                logger.error("%s of run %s was not sent", event_type, run_id)
            return sent
        except Exception as error:
            logger.error("%s of run %s failed: %s", event_type, run_id, error)
            return False

    def _validate_event_context(self, run_id: str | None, event_type: str, agent_name: str | None = None) -> bool:
        if not isinstance(run_id, str) or not run_id.strip() or run_id == "registry":
            logger.warning("%s of agent %s has no usable run id: %r", event_type, agent_name, run_id)
            return False
        return True

    async def _resolve_thread_id_from_run_id(self, run_id: str) -> str:
        thread_id = await self._thread_registry.get_thread(run_id) if self._thread_registry else None
        if thread_id:
            return thread_id
        if run_id.startswith("thread_"):
            return run_id
        raise ValueError(f"no thread is known for run {run_id}")


_bridge_instance: AgentWebSocketBridge | None = None


async def get_agent_websocket_bridge() -> AgentWebSocketBridge:
    global _bridge_instance
    if _bridge_instance is None:
        _bridge_instance = AgentWebSocketBridge()
    return _bridge_instance
