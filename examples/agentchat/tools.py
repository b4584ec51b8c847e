"""Runs a tool for an agent and tells the user before and after."""

from __future__ import annotations

import ast
import logging
import operator
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from agentchat.bridge import AgentWebSocketBridge
    from agentchat.events import UserExecutionContext

logger = logging.getLogger(__name__)

PAGES = {
    "tides": "Tides follow the moon; two high waters come about 12 hours and 25 minutes apart.",
    "bridges": "The longest spans are suspension bridges, where the cable carries the load.",
    "bread": "Bread rises because yeast turns sugar into carbon dioxide.",
}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@dataclass(frozen=True)
class ToolInput:
    tool_name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    success: bool
    output: Any = None
    error: str | None = None


class Tool(Protocol):
    name: str

    @property
    def run(self) -> Callable[..., Awaitable[Any]]: ...


@dataclass
class SearchTool:
    name: str = "search"
    pages: dict[str, str] = field(default_factory=lambda: dict(PAGES))

    async def run(self, query: str) -> list[str]:
        words = query.lower().split()
        return [text for topic, text in self.pages.items() if any(topic in word for word in words)]


@dataclass
class CalculatorTool:
    name: str = "calculator"

    async def run(self, expression: str) -> float:
        return self._value(ast.parse(expression, mode="eval").body)

    def _value(self, node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self._value(left), self._value(right))
        raise ValueError(f"cannot calculate {ast.unparse(node)}")


class UnifiedToolExecutionEngine:
    def __init__(self, websocket_bridge: AgentWebSocketBridge | None = None) -> None:
        self.websocket_bridge = websocket_bridge
        self._active_executions: dict[int, str] = {}
        self._executions = 0

    async def execute_tool_with_input(self, tool_input: ToolInput, tool: Tool, kwargs: dict[str, Any]) -> ToolResult:
        context: UserExecutionContext | None = kwargs.get("context")
        self._executions += 1
        execution, started = self._executions, time.perf_counter()
        self._active_executions[execution] = tool.name
        await self._send_tool_executing(context, tool.name, tool_input)
        try:
            output = await tool.run(**tool_input.arguments)
            await self._send_tool_completed(context, tool.name, output, self._elapsed(started), "success")
            return ToolResult(success=True, output=output)
        except Exception as error:
            kind = type(error).__name__
            logger.error("tool %s failed with %s: %s", tool.name, kind, error)
            await self._send_tool_completed(context, tool.name, str(error), self._elapsed(started), "error", kind)
            return ToolResult(success=False, error=str(error))
        finally:
            self._active_executions.pop(execution, None)

    async def _send_tool_executing(
        self, context: UserExecutionContext | None, tool_name: str, tool_input: ToolInput
    ) -> None:
        if not context:
            logger.critical("tool %s runs without a context", tool_name)
            return
        if not self.websocket_bridge:
            logger.critical("bridge unavailable, tool %s runs unseen in run %s", tool_name, context.run_id)
            return
        try:
            sent = await self.websocket_bridge.notify_tool_executing(
                context.run_id, context.agent_name, tool_name, tool_input.arguments
            )
            if sent is False:
                logger.warning("tool_executing of %s was not sent", tool_name)
        except Exception as error:
            logger.error("tool_executing of %s failed: %s", tool_name, error)

    async def _send_tool_completed(
        self,
        context: UserExecutionContext | None,
        tool_name: str,
        result: Any,
        duration_ms: float,
        status: str,
        error_type: str | None = None,
    ) -> None:
        if not context:
            logger.critical("tool %s completed without a context", tool_name)
            return
        if not self.websocket_bridge:
            logger.critical("bridge unavailable, tool %s completed unseen in run %s", tool_name, context.run_id)
            return
        try:
            outcome = {"status": status, "output": result, "error_type": error_type}
            sent = await self.websocket_bridge.notify_tool_completed(
                context.run_id, context.agent_name, tool_name, outcome, duration_ms
            )
            if sent is False:
                logger.warning("tool_completed of %s was not sent", tool_name)
        except Exception as error:
            logger.error("tool_completed of %s failed: %s", tool_name, error)

    @staticmethod
    def _elapsed(started: float) -> float:
        return (time.perf_counter() - started) * 1000
