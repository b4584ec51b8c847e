"""Events of one run, sent straight to its thread without the bridge."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentchat.events import EventType

if TYPE_CHECKING:
    from agentchat.manager import WebSocketManager

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebSocketEvent:
    event_type: str
    run_id: str
    data: dict[str, Any]

    def to_message(self) -> dict[str, Any]:
        return {
            "type": self.event_type,
            "run_id": self.run_id,
            "agent_name": self.data.get("agent_name"),
            "payload": self.data,
            "timestamp": datetime.now(UTC).isoformat(),
        }


class IsolatedWebSocketEventEmitter:
    def __init__(
        self, user_id: str, thread_id: str, run_id: str, websocket_manager: WebSocketManager | None = None
    ) -> None:
        self.user_id = user_id
        self.thread_id = thread_id
        self.run_id = run_id
        self.websocket_manager = websocket_manager
        self.events_sent = 0
        self.events_failed = 0
        self._is_cleaned = False

    async def cleanup(self) -> None:
        self.websocket_manager = None
        self._is_cleaned = True

    async def emit_agent_started(self, agent_name: str, run_id: str) -> None:
        await self._emit_event(EventType.AGENT_STARTED, {"agent_name": agent_name, "run_id": run_id})

    async def emit_agent_thinking(self, agent_name: str, message: str) -> None:
        await self._emit_event(EventType.AGENT_THINKING, {"agent_name": agent_name, "reasoning": message})

    async def emit_tool_executing(self, tool_name: str, run_id: str) -> None:
        await self._emit_event(EventType.TOOL_EXECUTING, {"tool_name": tool_name, "run_id": run_id})

    async def emit_tool_completed(self, tool_name: str, run_id: str, result: Any = None) -> None:
        await self._emit_event(EventType.TOOL_COMPLETED, {"tool_name": tool_name, "run_id": run_id, "result": result})

    async def emit_agent_completed(self, agent_name: str, run_id: str, result: Any = None) -> None:
        data = {"agent_name": agent_name, "run_id": run_id, "result": result}
        await self._emit_event(EventType.AGENT_COMPLETED, data)

    async def _emit_event(self, event_type: str, data: dict[str, Any]) -> None:
        if self._is_cleaned:
            logger.debug("emitter of run %s is cleaned up, %s is skipped", self.run_id, event_type)
            return
        if await self._send_event(WebSocketEvent(str(event_type), self.run_id, data)):
            self.events_sent += 1
        else:
            self.events_failed += 1

    async def _send_event(self, event: WebSocketEvent) -> bool:
        if not self.websocket_manager:
            logger.debug("no WebSocket manager, %s of run %s is not sent", event.event_type, self.run_id)
            return False
        try:
            await self.websocket_manager.send_to_thread(self.thread_id, event.to_message())
            return True
        except Exception as error:
            logger.error("%s of run %s failed: %s", event.event_type, self.run_id, error)
            return False
