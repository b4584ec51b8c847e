"""The switchboard: each way this host loses events, switched on by state or stubs at its edges, never in its code.

Inject while the clients are connected; those that concern connections touch the connections there are.
"""

# ruff: noqa: SLF001 (a fault reaches into the state of the host: that is what it is)
from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.websockets import WebSocketState

from agentchat.agents import ResearchAgent
from agentchat.buffer import BufferedMessage
from agentchat.factory import UserWebSocketEmitter
from agentchat.tools import SearchTool
from agentchat.wiring import Platform

LONG_PAGE = "water " * 8000
ABSENT_USER = "absent"


class UnknownFaultError(KeyError):
    """Raised for a name the switchboard does not have; the text lists those it has."""

    def __str__(self) -> str:
        return f"no fault is called {self.args[0]!r}; there are: {', '.join(sorted(FAULTS))}"


@dataclass(frozen=True)
class Fault:
    name: str
    category: int
    inject: Callable[[Platform], AbstractContextManager[None]]

    @property
    def text(self) -> str:
        return " ".join((self.inject.__doc__ or "").split())


FAULTS: dict[str, Fault] = {}


def fault(category: int) -> Callable[[Callable[[Platform], Iterator[None]]], Callable[[Platform], Any]]:
    def register(body: Callable[[Platform], Iterator[None]]) -> Callable[[Platform], Any]:
        inject = contextmanager(body)
        FAULTS[body.__name__] = Fault(body.__name__, category, inject)
        return inject

    return register


@contextmanager
def swapped(holder: Any, attribute: str, value: Any) -> Iterator[None]:
    before = getattr(holder, attribute)
    setattr(holder, attribute, value)
    try:
        yield
    finally:
        setattr(holder, attribute, before)


class Broken:
    """A collaborator whose methods raise when awaited; with `spared`, only its notifications do."""

    def __init__(self, text: str, spared: Any = None) -> None:
        self._text = text
        self._spared = spared

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._spared is not None and not name.startswith("notify_"):
            return getattr(self._spared, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError(f"{name}: {self._text}")

        return call


@fault(1)
def bridge_without_manager(platform: Platform) -> Iterator[None]:
    """Audit 1, "WebSocket Bridge Initialization Failures": the bridge was never given its manager."""
    with swapped(platform.bridge, "_websocket_manager", None):
        yield


@fault(1)
def tool_engine_without_bridge(platform: Platform) -> Iterator[None]:
    """Audit 1, "Lines 549-558: Silent failure when bridge unavailable": tools run, the user sees nothing."""
    with swapped(platform.tools, "websocket_bridge", None):
        yield


@fault(2)
def oversize_message(platform: Platform) -> Iterator[None]:
    """Audit 2, "Lines 180-183: Messages silently dropped": a search finds a page larger than a message may be."""
    pages = dict.fromkeys(SearchTool().pages, LONG_PAGE)
    with swapped(ResearchAgent, "search", SearchTool(pages=pages)):
        yield


@fault(2)
def buffer_full(platform: Platform) -> Iterator[None]:
    """Audit 2, "buffer overflows cause silent message loss": messages of users who never came back fill the buffer."""
    buffer = platform.buffer
    room = max(0, buffer.config.max_buffer_size_global - buffer._total_messages)
    entry = BufferedMessage(ABSENT_USER, {"type": "notice"}, 0)
    buffer._buffers[ABSENT_USER] = deque([entry] * room)
    buffer._total_messages += room
    try:
        yield
    finally:
        buffer._total_messages -= len(buffer._buffers.pop(ABSENT_USER, ()))


@fault(2)
def buffer_evicts(platform: Platform) -> Iterator[None]:
    """Audit 2, "Critical agent events disappear during high load": on reconnect the oldest are gone."""
    small = replace(platform.buffer.config, max_buffer_size_per_user=3)
    with swapped(platform.buffer, "config", small), connections_gone(platform) as gone:
        platform.manager._away.update({(c.user_id, c.thread_id): time.monotonic() for c in gone})
        yield


@fault(3)
def emitter_without_manager(platform: Platform) -> Iterator[None]:
    """Audit 3, "Lines 250-252: No manager = no events": the run's own emitter is built without a manager."""
    with swapped(platform.supervisor, "websocket_manager", None):
        yield


@fault(3)
def send_raises(platform: Platform) -> Iterator[None]:
    """Audit 3, "WebSocket Send Operation Failures": below the manager every send raises."""
    with swapped(platform.manager, "_message_buffer", Broken("store unreachable")):
        yield


@fault(4)
def bridge_raises(platform: Platform) -> Iterator[None]:
    """Audit 4, "Lines 84-86: Exception caught but not re-raised": the sub-agents' bridge raises."""
    with swapped(platform.factory, "_websocket_bridge", Broken("bridge is shutting down", spared=platform.bridge)):
        yield


@fault(5)
def run_id_missing(platform: Platform) -> Iterator[None]:
    """Audit 5, "Lines 1516-1517: Validation failures return False": an agent was built ahead without a run id."""
    with prebuilt_research(platform, None):
        yield


@fault(5)
def run_id_registry(platform: Platform) -> Iterator[None]:
    """Audit 5, "Invalid context silently blocks notifications": an agent kept its placeholder run id "registry"."""
    with prebuilt_research(platform, "registry"):
        yield


@fault(6)
def socket_dead(platform: Platform) -> Iterator[None]:
    """Audit 6, "Sends to disconnected sockets fail silently": every socket is broken and nobody noticed."""
    connections = list(platform.manager._connections)
    with ExitStack() as stack:
        for connection in connections:
            stack.enter_context(swapped(connection, "websocket", Broken("connection reset")))
        yield
    platform.manager._connections = [c for c in platform.manager._connections if still_open(c)]


@fault(6)
def nobody_connected(platform: Platform) -> Iterator[None]:
    """Audit 6, "WebSocket disconnections not always detected": the table forgot connections that are still open."""
    with connections_gone(platform):
        yield


@fault(7)
def factory_unconfigured(platform: Platform) -> Iterator[None]:
    """Audit 7, "test_bridge_none_causes_silent_notification_failure": the factory hands None to its agents."""
    with swapped(platform.factory, "_websocket_bridge", None):
        yield


@fault(7)
def thread_registry_missing(platform: Platform) -> Iterator[None]:
    """Audit 7, "test_bridge_dependency_missing_causes_silent_failure": the bridge has no thread registry."""
    with swapped(platform.bridge, "_thread_registry", None):
        yield


@contextmanager
def connections_gone(platform: Platform) -> Iterator[list[Any]]:
    gone = list(platform.manager._connections)
    platform.manager._connections = []
    try:
        yield gone
    finally:
        back = [c for c in gone if still_open(c)]
        platform.manager._connections += back
        for connection in back:
            platform.manager._away.pop((connection.user_id, connection.thread_id), None)


@contextmanager
def prebuilt_research(platform: Platform, run_id: Any) -> Iterator[None]:
    agent = ResearchAgent(platform.tools, platform.run_log, platform.registry.pace)
    agent.emitter = UserWebSocketEmitter("registry", "registry", run_id, platform.bridge)
    with swapped(platform.registry, "prebuilt", {agent.name: agent}):
        yield


def still_open(connection: Any) -> bool:
    return connection.websocket.client_state is WebSocketState.CONNECTED


class Switchboard:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._active: dict[str, ExitStack] = {}

    @property
    def active(self) -> list[str]:
        return list(self._active)

    @contextmanager
    def inject(self, name: str) -> Iterator[Fault]:
        chosen = self.switch_on(name)
        try:
            yield chosen
        finally:
            self.switch_off(name)

    def switch_on(self, name: str) -> Fault:
        if name not in FAULTS:
            raise UnknownFaultError(name)
        if name not in self._active:
            stack = ExitStack()
            stack.enter_context(FAULTS[name].inject(self._platform))
            self._active[name] = stack
        return FAULTS[name]

    def switch_off(self, name: str) -> None:
        if name in self._active:
            self._active.pop(name).close()

    def clear(self) -> None:
        for name in reversed(self.active):
            self.switch_off(name)
