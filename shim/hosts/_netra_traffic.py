"""Netra under load, in process: its real bridge, manager, emitters and tool engine, with stub sockets at the edge.

The tree is found on the import path, or at FAILLOUD_HOST_TREE. An agent run is a script of the calls that its agents
make; what each asks for is written down before the call. Data and edges only: none of the host's code.
"""

from __future__ import annotations

import asyncio
import importlib
import time
import warnings
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import shim
from shim.counting import counting
from shim.errors import LoudFailure
from shim.fits import find
from shim.guard import own_failures
from shim.hosts._netra_edge import Socket, import_host, production
from shim.hosts.netra import BRIDGE, HOST, ISOLATED, USER_EMITTER
from shim.ledger import Ledger
from shim.recorder import FailureRecord, add_sink, remove_sink
from shim.snapshot import Mode
from shim.traffic import Asked, Ended, Event, Got, Mix, Regime, Seen, Story, TargetError, Told

__all__ = ["Target"]

_APP = "netra_backend.app"
MANAGER = f"{_APP}.websocket_core.manager"
ENGINE = f"{_APP}.agents.unified_tool_execution"
TOOL_SCHEMAS = f"{_APP}.schemas.tool"
_LAST = frozenset(Event(kind) for kind in HOST.terminal)

MIXES = {
    # A bridge that no start-up integrated has no manager; a connection is forgotten after 180 s, used or not.
    Regime.NORMAL: Mix(stories={Story.STEADY: 0.975, Story.UNREADY: 0.015, Story.IDLE: 0.01}, runs=2),
    Regime.HIGH_LOAD: Mix(stories={Story.STEADY: 0.815, Story.SLOW: 0.16, Story.IDLE: 0.025}, runs=4),
    Regime.AFTER_NETWORK_TROUBLE: Mix(
        stories={Story.STEADY: 0.40, Story.RELOADED: 0.40, Story.DROPPED: 0.1, Story.HALF_OPEN: 0.1}, runs=2
    ),
}
MOST_TENANTS = 60
"The manager's table holds 500 connections, and plans for 100."

SCALE = 0.01
"The manager's send timeout and back-off, 2 s and 0.5 s, are its settings; load runs them at this scale."


@dataclass(slots=True)
class _User:
    name: str
    sockets: list[Socket] = field(default_factory=list)

    @property
    def thread_id(self) -> str:
        return f"thread_{self.name.replace('-', 'b')}"


class _Script:
    """One agent run as its user would see it: each event is written down, then asked for."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.events: list[Event] = []
        self.is_stopped = False

    async def end(self, by: Callable[[], Awaitable[Any]]) -> None:
        """Tell the user of a run that was stopped, as its boundary would; what cannot be told is recorded."""
        if self.is_stopped:
            self.events.append(Event("agent_error"))
            with suppress(LoudFailure):
                await by()

    async def ask(self, *types: str, by: Callable[[], Awaitable[Any]]) -> None:
        """Ask for events by one call; a loud failure ends the run, as a boundary would see to."""
        if self.is_stopped:
            return
        self.events += [Event(each) for each in types]
        try:
            await by()
        except LoudFailure:
            self.is_stopped = True


class Target:
    """One manager and one integrated bridge for all users, as in one worker."""

    def __init__(self) -> None:
        self.mixes, self.most_tenants = MIXES, MOST_TENANTS
        self._stack = ExitStack()
        self._bridge: Any = None
        self._users: dict[str, _User] = {}
        self._told: list[Told] = []
        self._late_by = 0.0
        self._ledger: Ledger | None = None
        self._mode = Mode.OFF
        self._runs = 0

    async def start(self, mode: Mode) -> None:
        """Import the host, install its shims, and integrate a bridge with a manager of its own."""
        self._mode = mode
        self._stack.enter_context(production())
        modules = import_host(MANAGER, ENGINE, TOOL_SCHEMAS)
        self._state = importlib.import_module("starlette.websockets").WebSocketState
        made = shim.install(HOST)
        self._stack.callback(made.uninstall)
        self._stack.enter_context(shim.override(**dict.fromkeys(HOST.components, mode)))
        self._stack.callback(remove_sink, self._record)
        add_sink(self._record)
        self._ledger = self._stack.enter_context(counting())
        self._manager = self._fresh_manager(modules[MANAGER])
        self._bridge, self._unready = _made(BRIDGE), _made(BRIDGE)
        done = await self._bridge.ensure_integration()
        if not done.success:
            raise TargetError(f"the bridge cannot be integrated: {done.error}", "look at the host's log")
        engine = modules[ENGINE].UnifiedToolExecutionEngine
        self._input = modules[TOOL_SCHEMAS].ToolInput(tool_name="search")
        self._tools, self._unready_tools = engine(self._bridge), engine(self._unready)

    async def connect(self, user: str) -> None:
        """Open a socket and hand it to the manager, as the route does."""
        found = self._user(user)
        found.sockets.append(Socket(self._state, hang_s=5 * self._manager.send_timeout))
        await self._manager.connect_user(user, found.sockets[-1], found.thread_id)

    async def pass_time(self) -> None:
        """Put the clock of the manager's tables past the time they keep an entry."""
        self._late_by += self._manager.TTL_CACHE_SECONDS + 1
        await asyncio.sleep(0)

    async def cut(self, user: str) -> None:
        """Close the user's sockets and tell the manager, as the route does when receiving ends."""
        for socket in self._user(user).sockets:
            socket.drop()
            await self._manager.disconnect_user(user, socket)

    async def stall(self, user: str) -> None:
        """Let the user's sockets go dead: they take everything and hand nothing on."""
        for socket in self._user(user).sockets:
            socket.is_dead = True

    async def slow(self, user: str) -> None:
        """Let the user's sockets take longer than the manager waits."""
        for socket in self._user(user).sockets:
            socket.is_slow = True

    async def run(self, user: str, length: int, *, ready: bool = True) -> Asked:
        """Play one agent run on the integrated bridge, or on one that nobody integrated."""
        who, bridge = self._user(user), self._bridge if ready else self._unready
        tools = self._tools if ready else self._unready_tools
        self._runs += 1
        script = _Script(f"run_{who.thread_id}_{self._runs}")
        run_id, agent = script.run_id, "triage"
        ids = (user, who.thread_id, run_id)
        emitter, isolated = _made(USER_EMITTER, *ids, bridge), _made(ISOLATED, *ids, self._manager)
        context = SimpleNamespace(run_id=run_id, thread_id=who.thread_id, user_id=user, agent_name=agent)
        tool = SimpleNamespace(name="search", arun=_found)
        with suppress(LoudFailure):  # recorded; the events that cannot be routed are counted one by one
            await bridge.register_run_thread_mapping(run_id, who.thread_id)
        question = {"user_query": "x" * length}
        await script.ask("agent_started", by=lambda: bridge.notify_agent_started(run_id, agent, question))
        await script.ask("agent_thinking", by=lambda: emitter.notify_agent_thinking(agent, "what is asked for", 1))
        await script.ask(
            "tool_executing",
            "tool_completed",
            by=lambda: tools.execute_tool_with_input(self._input, tool, {"context": context}),
        )
        await script.ask("agent_thinking", by=lambda: isolated.emit_agent_thinking(agent, "what was found"))
        await script.ask("agent_completed", by=lambda: bridge.notify_agent_completed(run_id, agent, {"answer": "42"}))
        await script.end(lambda: bridge.notify_agent_error(run_id, agent, "the run could not be told"))
        return Asked(run_id=run_id, thread_id=who.thread_id, user_id=user, events=tuple(script.events), last=_LAST)

    async def look(self) -> Seen:
        """Give what the sockets took since the last look; every user leaves."""
        users = list(self._users.values())
        received = [message for user in users for socket in user.sockets for message in socket.received]
        swallowed = [message for user in users for socket in user.sockets for message in socket.swallowed]
        for user in users:
            await self.cut(user.name)
        self._users.clear()
        told, self._told = tuple(self._told), []
        return Seen(received=_got(received), swallowed=_got(swallowed), told=told)

    async def close(self) -> Ended:
        """Shut the bridge and the manager down, and take the shims out."""
        try:
            if self._bridge is not None:
                await self._bridge.shutdown()
            sums = self._ledger.totals() if self._ledger is not None and self._mode is not Mode.OFF else None
            return Ended(sums=sums, own_failures=own_failures())
        finally:
            self._stack.close()

    def _user(self, name: str) -> _User:
        return self._users.setdefault(name, _User(name))

    def _record(self, made: FailureRecord) -> None:
        ids = {"run_id": made.run_id, "thread_id": made.thread_id, "user_id": made.user_id}
        self._told.append(Told(event_type=made.event_type, **ids))

    def _fresh_manager(self, module: Any) -> Any:
        """Make the process's one manager anew, on a clock that `pass_time` can put forward."""
        module.WebSocketManager._instance = module._websocket_manager = None  # noqa: SLF001  # the host's singletons
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the host deprecates its own getter
            manager = module.get_websocket_manager()
        for name in ("connections", "user_connections"):
            cache = getattr(manager, name)
            setattr(manager, name, type(cache)(cache.maxsize, cache.ttl, timer=self._clock))
        manager.send_timeout *= SCALE
        manager.base_backoff *= SCALE
        return manager

    def _clock(self) -> float:
        return time.monotonic() + self._late_by


async def _found(_arguments: object) -> str:
    return "the answer"


def _made(target: str, *args: Any) -> Any:
    return find(target)(*args)


def _got(messages: list[dict[str, Any]]) -> tuple[Got, ...]:
    """Read the two forms that events have on the wire: fields at the top, or under `data`."""
    return tuple(
        Got(message.get("run_id") or message.get("data", {}).get("run_id", ""), Event(message["type"]))
        for message in messages
    )
