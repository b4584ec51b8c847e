"""What the agents tell the user, and the server's own list of what each run meant to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

RUNS_KEPT = 1000


class EventType(StrEnum):
    AGENT_STARTED = "agent_started"
    AGENT_THINKING = "agent_thinking"
    TOOL_EXECUTING = "tool_executing"
    TOOL_COMPLETED = "tool_completed"
    AGENT_COMPLETED = "agent_completed"
    AGENT_ERROR = "agent_error"
    CITATIONS = "citations"


@dataclass(frozen=True)
class UserExecutionContext:
    """Whose run this is; handed from agent to agent and on to the tools."""

    user_id: str
    thread_id: str
    run_id: str
    agent_name: str = "supervisor"
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AgentResult:
    success: bool
    output: str
    error: str | None = None


@dataclass
class RunRecord:
    run_id: str
    user_id: str
    thread_id: str
    message: str
    status: str = "running"
    error: str | None = None
    answer: str | None = None
    intended: list[dict[str, str]] = field(default_factory=list)


class RunLog:
    """Run -> the events it meant to send, written where the intention is, before anything can go wrong with it."""

    def __init__(self) -> None:
        self._runs: dict[str, RunRecord] = {}

    def open(self, record: RunRecord) -> RunRecord:
        self._runs[record.run_id] = record
        if len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        return record

    def get(self, run_id: str) -> RunRecord | None:
        return self._runs.get(run_id)

    def intend(self, context: UserExecutionContext, event_type: EventType, agent_name: str) -> None:
        record = self._runs.get(context.run_id)
        if record is not None:
            record.intended.append({"type": event_type.value, "agent_name": agent_name})
