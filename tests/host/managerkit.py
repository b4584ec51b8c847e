"""A real connection manager per scenario, with sockets of ours; what a caller, the log and the sockets see of it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import shim
from shim.hosts.netra import CONNECTIONS, HOST

MODULE = CONNECTIONS.partition(":")[0]
_ID = re.compile(r"conn_([a-z0-9_]+?)_[0-9a-f]{8}\b")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Socket:
    """The side of a Starlette socket that the manager uses."""

    def __init__(self, *errors: Exception, name: str = "") -> None:
        from starlette.websockets import WebSocketState

        self.states, self.errors, self.sent, self.tries = WebSocketState, list(errors), [], 0
        self.client_state = WebSocketState.CONNECTED
        self.name = name

    async def send_json(self, message: Any) -> None:
        self.tries += 1
        if self.errors:
            raise self.errors[min(self.tries, len(self.errors)) - 1]
        self.sent.append(dict(message))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.hang_up()

    def hang_up(self) -> None:
        self.client_state = self.states.DISCONNECTED


class Slow(Socket):
    """A socket that takes no message; with `hangs_up`, it is closed by then."""

    hangs_up = False

    async def send_json(self, message: Any) -> None:
        self.tries += 1
        if self.hangs_up:
            self.hang_up()
        await importlib.import_module("asyncio").sleep(60)


class Pinged(Socket):
    """A socket of another kind, which has a ping."""

    async def ping(self, payload: bytes = b"") -> None:
        raise OSError("no pong")


@dataclass
class World:
    """One scenario's manager and its sockets."""

    manager: Any
    module: Any
    sockets: list[Socket] = field(default_factory=list)

    async def connect(self, socket: Socket, user: str = "ada", thread: str | None = "alpha") -> str:
        self.sockets.append(socket)
        made: str = await self.manager.connect_user(user, socket, thread)
        return made

    def expire(self, connection_id: str) -> None:
        """Let the cache forget it, as it does 180 s after the connect."""
        self.manager.connections.pop(connection_id)


Play = Callable[[World], Awaitable[Any]]


@dataclass
class Outcome:
    """What can be seen from outside."""

    answer: Any = None
    error: BaseException | None = None
    lines: list[str] = field(default_factory=list)
    ours: list[str] = field(default_factory=list)
    "Log lines that the shim wrote into the host's log."
    sent: list[Any] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)

    def seen(self) -> tuple[Any, ...]:
        lines = sorted(self.lines)  # the host goes through a set of random ids
        return _plain(self.answer), type(self.error), _plain(self.error), lines, self.sent


def _plain(value: Any) -> str:
    return _ADDRESS.sub("", _ID.sub(r"conn_\1", repr(value)))


def make(ttl: float = 180, size: int = 500) -> World:
    """Make a manager as a fresh process would; `ttl` in seconds shortens its caches, `size` makes them small."""
    module = importlib.import_module(MODULE)
    manager = module.WebSocketManager()
    manager.base_backoff, manager.send_timeout = 0.0, 0.02
    for name in ("connections", "user_connections"):
        setattr(manager, name, module.TTLCache(maxsize=size, ttl=ttl))
    module._websocket_manager = manager
    return World(manager, module)


def forget() -> None:
    """Leave no manager behind: it is a singleton of the class and of its module."""
    module = importlib.import_module(MODULE)
    for cls in (
        module.WebSocketManager,
        getattr(module.WebSocketManager, "__failloud_host__", module.WebSocketManager),
    ):
        cls._instance = None
    module._websocket_manager = None


async def run(play: Play, mode: str | None) -> Outcome:
    """Play a scenario, bare (None) or in a mode of every component."""
    found = Outcome()
    loguru = importlib.import_module("loguru").logger

    def keep(text: Any) -> None:
        line = text.record["message"]
        (found.ours if line.startswith("failloud.") else found.lines).append(_plain(line))

    sink = loguru.add(keep, level="DEBUG")
    forget()
    world = make()
    try:
        if mode is None:
            await _play(play, world, found)
        else:
            with shim.override(**dict.fromkeys(HOST.components, mode)), shim.recording() as records:
                await _play(play, world, found)
            found.records = records
    finally:
        loguru.remove(sink)
        world.manager._serialization_executor.shutdown(wait=False)
        forget()
    found.sent = [[_without_time(message) for message in socket.sent] for socket in world.sockets]
    return found


async def _play(play: Play, world: World, found: Outcome) -> None:
    try:
        found.answer = await play(world)
    except Exception as error:  # noqa: BLE001  # what came out is what we compare
        found.error = error


def _without_time(message: dict[str, Any]) -> str:
    return _plain({name: value for name, value in message.items() if name != "timestamp"})
