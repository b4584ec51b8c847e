"""The example host's calls: bridge, buffer, emitters, tool engine, manager, over a socket that takes everything."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.subjects import Call, Subject, class_of
from shim.hosts.example import BRIDGE, BUFFER, HOST, ISOLATED, TOOLS, USER_EMITTER

__all__ = ["subjects"]

_MANAGER = "agentchat.manager:WebSocketManager"
_MESSAGE = {"type": "agent_thinking", "run_id": "r1", "payload": {"text": "one line"}}
_WHO = ("ann", "t1", "r1")


class _Socket:
    async def send_json(self, message: Any) -> None:
        """Take it."""

    send_text = send_json


class _Taker:
    """Takes every message, or none; stands for the manager of the classes above it."""

    def __init__(self, answer: bool) -> None:  # noqa: FBT001  # it is the answer
        self.answer = answer

    async def send_to_thread(self, thread_id: str, message: Any) -> bool:  # noqa: ARG002  # the manager's
        return self.answer

    send_to_user = send_to_thread

    async def notify_agent_started(self, run_id: str, agent_name: str, context: Any = None) -> bool:  # noqa: ARG002
        return self.answer

    async def notify_tool_executing(self, *given: Any, **named: Any) -> bool:  # noqa: ARG002
        return self.answer


async def _bridge(answer: bool = True) -> Call:  # noqa: FBT001, FBT002  # the taker's answer
    made = class_of(BRIDGE)()
    made._websocket_manager = _Taker(answer)  # noqa: SLF001  # as ensure_integration() does
    made._thread_registry = class_of("agentchat.bridge:ThreadRunRegistry")()  # noqa: SLF001
    await made._thread_registry.register("r1", "t1")  # noqa: SLF001
    return lambda: made.notify_agent_started("r1", "triage")


async def _buffer() -> Call:
    config = class_of("agentchat.buffer:BufferConfig")(10**9, 10**9)
    made = class_of(BUFFER)(config)
    return lambda: made.buffer_message("ann", _MESSAGE)


async def _isolated(answer: bool = True) -> Call:  # noqa: FBT001, FBT002
    made = class_of(ISOLATED)(*_WHO, _Taker(answer))
    return lambda: made.emit_agent_started("triage", "r1")


async def _emitter(answer: bool = True) -> Call:  # noqa: FBT001, FBT002
    made = class_of(USER_EMITTER)(*_WHO, _Taker(answer))
    return lambda: made.notify_agent_started("triage")


async def _tools() -> Call:
    made = class_of(TOOLS)(_Taker(True))
    context = SimpleNamespace(user_id="ann", thread_id="t1", run_id="r1", agent_name="triage")
    given = class_of("agentchat.tools:ToolInput")("search", {"query": "tides"})
    return lambda: made._send_tool_executing(context, "search", given)  # noqa: SLF001


async def _manager() -> Call:
    made = class_of(_MANAGER)(class_of(BUFFER)())
    await made.connect_user("ann", _Socket(), "t1")
    return lambda: made.send_to_user("ann", {**_MESSAGE, "thread_id": "t1"})


def subjects() -> tuple[Subject, ...]:
    """Give the calls; puts the example host on the import path."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
    one = "notify_agent_started"
    return (
        Subject(host=HOST, target=BRIDGE, method=one, make=_bridge, fail=lambda: _bridge(False)),
        Subject(host=HOST, target=BUFFER, method="buffer_message", make=_buffer),
        Subject(host=HOST, target=ISOLATED, method="emit_agent_started", make=_isolated, fail=lambda: _isolated(False)),
        Subject(host=HOST, target=USER_EMITTER, method=one, make=_emitter, fail=lambda: _emitter(False)),
        Subject(host=HOST, target=TOOLS, method="_send_tool_executing", make=_tools),
        Subject(host=HOST, target=_MANAGER, method="send_to_user", make=_manager),
    )
