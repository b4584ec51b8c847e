"""Faults on the real host's classes: state and stubs at their edges, none of the host's code."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from shim import errors
from shim.contracts import Contract
from shim.hosts.netra import HOST

RUN = "run_thread_abcd_1234"


@dataclass(frozen=True)
class Fault:
    """One way to make one contracted method fail; `build` gives a fresh call and what it must raise."""

    name: str
    build: Callable[[], Callable[[], Awaitable[Any]]]
    error: type[errors.LoudFailure]
    cause: type[BaseException] | None = None
    escalates: bool = False


class Manager:
    """A stub WebSocket manager: answers, or raises what it was given."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.connections: dict[str, Any] = {}
        self.calls = 0

    async def send_to_thread(self, thread_id: str, message: Any) -> Any:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Bridge:
    """A stub bridge whose every notification answers, or raises, the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if not name.startswith(("notify_", "register_", "unregister_")):
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def make(target: str, *args: Any, **kwargs: Any) -> Any:
    """Make an instance of a host class by its declared target."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(*args, **kwargs)


_VALUES = {
    "run_id": RUN, "thread_id": "thread_abcd", "user_id": "user_1", "agent_name": "triage", "tool_name": "search",
    "reasoning": "because", "error": "broken", "death_cause": "timeout", "progress": {"percent": 1},
    "notification_type": "note", "data": {"a": 1}, "event_type": "note", "message": "hello",
}  # fmt: skip


def arguments(row: Contract, **given: Any) -> dict[str, Any]:
    """Give values for a row's parameters that have no default, and for those named."""
    parts = [part.strip() for part in row.signature.strip("()").split(",")]
    required = [part for part in parts if "=" not in part and part != "self"]
    found = {name: _VALUES[name] for name in required}
    if "run_id=None" in row.signature:
        found["run_id"] = RUN
    return found | given


def bridge_with(answer: Any) -> Any:
    """Make a real bridge over a stub manager."""
    bridge = make("netra_backend.app.services.agent_websocket_bridge:AgentWebSocketBridge")
    bridge._websocket_manager = Manager(answer)
    return bridge


def rows(target: str) -> list[Contract]:
    """Give the rows of one class."""
    return [row for row in HOST.contracts if row.target == target]


def call(instance: Any, row: Contract, **given: Any) -> Callable[[], Awaitable[Any]]:
    """Bind one call of a row."""
    return lambda: getattr(instance, row.method)(**arguments(row, **given))


def context() -> SimpleNamespace:
    """Give what the factory reads of a user's context."""
    return SimpleNamespace(user_id="user_1", thread_id="thread_abcd", run_id=RUN, db_session=None)
