"""Netra's own calls, on its real classes over collaborators of ours that take everything. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.subjects import Call, Subject, class_of
from shim.hosts.netra import BRIDGE, BUFFER, CONNECTIONS, HOST, ISOLATED, TOOLS, USER_EMITTER

__all__ = ["NoHostTreeError", "loud", "quiet", "subjects"]

_RUN = "run_thread_abcd_1234"
_WHO = ("user_1", "thread_abcd", _RUN)
_MESSAGE = {"type": "agent_thinking", "run_id": _RUN, "payload": {"text": "one line"}}


class NoHostTreeError(Exception):
    """Raised when FAILLOUD_HOST_TREE does not name the real host's tree."""

    def __str__(self) -> str:
        return "FAILLOUD_HOST_TREE names no host tree; export it first, see docs/host-netra.md"


class _Taker:
    connections: dict[str, Any] = {}  # noqa: RUF012  # the bridge looks for it

    def __init__(self, answer: bool) -> None:  # noqa: FBT001  # it is the answer
        self.answer = answer

    async def send_to_thread(self, thread_id: str, message: Any) -> bool:  # noqa: ARG002  # the manager's
        return self.answer

    send_to_user = send_to_thread

    async def notify_agent_started(self, run_id: str, agent_name: str, context: Any = None) -> bool:  # noqa: ARG002
        return self.answer

    async def notify_tool_executing(self, *given: Any, **named: Any) -> bool:  # noqa: ARG002  # the bridge's
        return self.answer

    notify_tool_completed = notify_tool_executing


class _Registry:
    def __init__(self) -> None:
        mapping = class_of("netra_backend.app.services.thread_run_registry:RunMapping")
        self._run_to_thread = {_RUN: mapping(_RUN, "thread_abcd")}  # what the shim looks at in the host's own

    async def get_thread(self, run_id: str) -> str:  # noqa: ARG002  # the registry's
        return "thread_abcd"


class _Socket:
    def __init__(self) -> None:
        from starlette.websockets import WebSocketState

        self.client_state = self.application_state = WebSocketState.CONNECTED

    async def send_json(self, message: Any) -> None:
        """Take it."""


async def _bridge(answer: bool = True) -> Call:  # noqa: FBT001, FBT002  # the taker's answer
    made = class_of(BRIDGE)()
    made._websocket_manager, made._thread_registry = _Taker(answer), _Registry()  # noqa: SLF001  # no integration here
    return lambda: made.notify_agent_started(_RUN, "triage")


async def _buffer() -> Call:
    config = class_of(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"))(
        max_buffer_size_per_user=10**9, max_buffer_size_global=10**9
    )
    made = class_of(BUFFER)(config)
    return lambda: made.buffer_message("user_1", dict(_MESSAGE))


async def _isolated(answer: bool = True) -> Call:  # noqa: FBT001, FBT002
    made = class_of(ISOLATED)(*_WHO, _Taker(answer))
    return lambda: made.emit_agent_started("triage", _RUN)


async def _emitter(answer: bool = True) -> Call:  # noqa: FBT001, FBT002
    made = class_of(USER_EMITTER)(*_WHO, _Taker(answer))
    return lambda: made.notify_agent_started("triage")


class _Tool:
    name = "search"

    async def arun(self, given: Any) -> str:  # noqa: ARG002  # the tool's
        return "found"


async def _engine(answer: bool = True) -> Call:  # noqa: FBT001, FBT002
    made = class_of(TOOLS)(_Taker(answer))
    who = dict(zip(("user_id", "thread_id", "run_id"), _WHO, strict=True))
    given = {"context": SimpleNamespace(**who, agent_name="triage", connection_id=None)}
    asked = class_of("netra_backend.app.schemas.tool:ToolInput")(tool_name="search", parameters={"query": "tides"})
    return lambda: made.execute_tool_with_input(asked, _Tool(), given)


async def _connected() -> Any:
    made = class_of(CONNECTIONS)()
    await made.connect_user("user_1", _Socket(), "thread_abcd")
    return made


async def _manager() -> Call:
    made = await _connected()
    return lambda: made.send_to_user("user_1", dict(_MESSAGE))


async def _thread() -> Call:
    made = await _connected()
    return lambda: made.send_to_thread("thread_abcd", dict(_MESSAGE))


async def _nobody() -> Call:
    made = class_of(CONNECTIONS)()
    return lambda: made.send_to_user("user_2", dict(_MESSAGE))


def quiet() -> None:
    """Silence the host's logging."""
    importlib.import_module("loguru").logger.remove()
    logging.disable(logging.CRITICAL)


def loud() -> None:
    """Give the host's logging the sink it has by default, at DEBUG; its lines go nowhere."""
    logger = importlib.import_module("loguru").logger
    logger.remove()
    logger.add(Path(os.devnull).open("w", encoding="utf-8"), level="DEBUG")  # noqa: SIM115  # for the whole run


def subjects() -> tuple[Subject, ...]:
    """Give the calls; imports the host. Raises NoHostTreeError."""
    tree = os.environ.get("FAILLOUD_HOST_TREE", "")
    if not (Path(tree) / "netra_backend").is_dir():
        raise NoHostTreeError
    os.environ.setdefault("TESTING", "1")
    sys.path.insert(0, tree)
    for declared in HOST.classes:
        importlib.import_module(declared.target.partition(":")[0])
    one, run = "notify_agent_started", "execute_tool_with_input"
    call = partial(Subject, host=HOST, collaborator=_Taker)
    return (
        call(target=BRIDGE, method=one, make=_bridge, fail=lambda: _bridge(False)),
        call(target=BUFFER, method="buffer_message", make=_buffer),
        call(target=ISOLATED, method="emit_agent_started", make=_isolated, fail=lambda: _isolated(False)),
        call(target=USER_EMITTER, method=one, make=_emitter, fail=lambda: _emitter(False)),
        call(target=TOOLS, method=run, make=_engine, fail=lambda: _engine(False)),
        call(target=CONNECTIONS, method="send_to_user", make=_manager, fail=_nobody),
        call(target=CONNECTIONS, method="send_to_thread", make=_thread),
    )
