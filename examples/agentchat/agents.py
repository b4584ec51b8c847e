"""The agents that do the work: one looks things up, one writes the answer."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentchat.events import AgentResult, EventType, RunLog, UserExecutionContext
from agentchat.tools import CalculatorTool, SearchTool, Tool, ToolInput, ToolResult, UnifiedToolExecutionEngine

if TYPE_CHECKING:
    from agentchat.factory import UserWebSocketEmitter

logger = logging.getLogger(__name__)

EXPRESSION = re.compile(r"\d[\d.]*(?:\s*[-+*/]\s*\d[\d.]*)+")


class BaseAgent:
    name = "agent"

    def __init__(self, tools: UnifiedToolExecutionEngine, run_log: RunLog, pace: float = 0.0) -> None:
        self.tools = tools
        self.run_log = run_log
        self.pace = pace
        self.emitter: UserWebSocketEmitter | None = None

    async def run(self, context: UserExecutionContext, task: str) -> AgentResult:
        raise NotImplementedError

    async def use_tool(self, context: UserExecutionContext, tool: Tool, **arguments: Any) -> ToolResult:
        self.run_log.intend(context, EventType.TOOL_EXECUTING, self.name)
        await asyncio.sleep(self.pace)
        result = await self.tools.execute_tool_with_input(ToolInput(tool.name, arguments), tool, {"context": context})
        self.run_log.intend(context, EventType.TOOL_COMPLETED, self.name)
        return result

    async def think(self, context: UserExecutionContext, reasoning: str, step: int | None = None) -> bool:
        self.run_log.intend(context, EventType.AGENT_THINKING, self.name)
        await asyncio.sleep(self.pace)
        if not self.emitter:
            return False
        return await self.emitter.notify_agent_thinking(self.name, reasoning, step)


class ResearchAgent(BaseAgent):
    name = "research"
    search = SearchTool()

    async def run(self, context: UserExecutionContext, task: str) -> AgentResult:
        await self._announce(context, task)

        async def on_question(number: int, question: str) -> None:
            await self.think(context, f"Looking up: {question}", number)

        found = await self._look_up(context, task, on_question)
        if not found:
            raise LookupError("nothing was found")
        await self._finish(context, found)
        return AgentResult(success=True, output=" ".join(found))

    async def _announce(self, context: UserExecutionContext, task: str) -> None:
        self.run_log.intend(context, EventType.AGENT_STARTED, self.name)
        try:
            if self.emitter:
                await self.emitter.notify_agent_started(self.name, {"task": task})
        except Exception as error:
            logger.debug("research could not announce itself: %s", error)

    async def _look_up(
        self, context: UserExecutionContext, task: str, on_question: Callable[[int, str], Awaitable[None]]
    ) -> list[str]:
        found: list[str] = []
        for number, question in enumerate(self._questions(task), start=1):
            await on_question(number, question)
            try:
                result = await self.use_tool(context, self.search, query=question)
                found.extend(result.output or [])
            except Exception as error:
                logger.warning("search for %r failed: %s", question, error)
                continue
        return found

    async def _finish(self, context: UserExecutionContext, found: list[str]) -> None:
        self.run_log.intend(context, EventType.AGENT_COMPLETED, self.name)
        try:
            if self.emitter:
                sent = await self.emitter.notify_agent_completed(self.name, {"findings": len(found)})
                if not sent:
                    logger.warning("the end of research was not sent in run %s", context.run_id)
        except Exception as error:
            logger.error("the end of research failed: %s", error)

    @staticmethod
    def _questions(task: str) -> list[str]:
        return [part.strip() for part in re.split(r"\band\b|[,;?]", EXPRESSION.sub("", task)) if part.strip()]


class WriterAgent(BaseAgent):
    name = "writer"
    calculator = CalculatorTool()

    async def run(self, context: UserExecutionContext, task: str) -> AgentResult:
        await self._say(context, EventType.AGENT_STARTED, {"task": "write the answer"})
        await self.think(context, "Ordering the findings")
        sums = [await self._calculate(context, text) for text in EXPRESSION.findall(context.metadata["message"])]
        answer = " ".join([task, *sums])
        await self._say(context, EventType.AGENT_COMPLETED, {"characters": len(answer)})
        return AgentResult(success=True, output=answer)

    async def _calculate(self, context: UserExecutionContext, expression: str) -> str:
        result = await self.use_tool(context, self.calculator, expression=expression)
        return f"{expression} = {result.output:g}." if result.success else f"{expression}: {result.error}."

    async def _say(self, context: UserExecutionContext, event_type: EventType, detail: dict[str, Any]) -> bool:
        """Dispatch by name, the way a forwarder does."""
        self.run_log.intend(context, event_type, self.name)
        try:
            notify = getattr(self.emitter, f"notify_{event_type}", None)
            if notify is None:
                return False
            return await notify(self.name, detail)
        except Exception as error:
            logger.error("%s of the writer failed: %s", event_type, error)
            return False
