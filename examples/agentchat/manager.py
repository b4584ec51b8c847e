"""Connections of users to threads. Every message passes the buffer: who reconnects finds what was said."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentchat.buffer import WebSocketMessageBuffer, get_message_buffer

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

logger = logging.getLogger(__name__)

RECONNECT_GRACE_SECONDS = 120.0

Message = dict[str, Any]


@dataclass
class Connection:
    user_id: str
    thread_id: str | None
    websocket: WebSocket


class WebSocketManager:
    def __init__(self, message_buffer: WebSocketMessageBuffer | None = None) -> None:
        self._message_buffer: WebSocketMessageBuffer = message_buffer or get_message_buffer()
        self._connections: list[Connection] = []
        self._away: dict[tuple[str, str | None], float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def connect_user(self, user_id: str, websocket: WebSocket, thread_id: str | None = None) -> None:
        async with self._lock(user_id):
            self._connections.append(Connection(user_id, thread_id, websocket))
            self._away.pop((user_id, thread_id), None)
            await self._flush(user_id)

    async def disconnect_user(self, user_id: str, websocket: WebSocket) -> None:
        gone = [c for c in self._connections if c.websocket is websocket]
        self._connections = [c for c in self._connections if c.websocket is not websocket]
        for connection in gone:
            if not self._sockets(user_id, connection.thread_id):
                self._away[user_id, connection.thread_id] = time.monotonic()

    async def send_to_user(self, user_id: str, message: Message) -> bool:
        thread_id = message.get("thread_id")
        if not self._sockets(user_id, thread_id) and not self._expected_back(user_id, thread_id):
            logger.debug("user %s is not connected", user_id)
            return False
        async with self._lock(user_id):
            if not await self._message_buffer.buffer_message(user_id, message):
                return False
            return await self._flush(user_id, message)

    async def send_to_thread(self, thread_id: str, message: Message) -> bool:
        addressed = {**message, "thread_id": thread_id}
        users = [c.user_id for c in self._connections if c.thread_id in (thread_id, None)]
        users += [user for user, thread in self._away if thread == thread_id and self._expected_back(user, thread)]
        if not users:
            logger.debug("nobody is connected to thread %s", thread_id)
            return False
        results = [await self.send_to_user(user, addressed) for user in dict.fromkeys(users)]
        return any(results)

    def connected_users(self) -> list[str]:
        return list(dict.fromkeys(c.user_id for c in self._connections))

    async def shutdown(self) -> None:
        self._connections.clear()
        self._away.clear()
        self._locks.clear()

    async def _flush(self, user_id: str, latest: Message | None = None) -> bool:
        """Write out what waits; False if the latest message reached no socket. One that waits on counts as sent."""
        reached = True

        async def write(message: Message) -> bool:
            nonlocal reached
            sockets = self._sockets(user_id, message.get("thread_id"))
            if not sockets:
                return False
            sent = [await self._write(socket, message) for socket in sockets]
            if message is latest:
                reached = any(sent)
            return True

        await self._message_buffer.deliver_buffered_messages(user_id, write)
        return reached

    async def _write(self, connection: Connection, message: Message) -> bool:
        try:
            await connection.websocket.send_json(message)
            return True
        except Exception as error:
            logger.debug("socket of user %s is dead: %s", connection.user_id, error)
            return False

    def _sockets(self, user_id: str, thread_id: str | None) -> list[Connection]:
        mine = [c for c in self._connections if c.user_id == user_id]
        return mine if thread_id is None else [c for c in mine if c.thread_id in (thread_id, None)]

    def _expected_back(self, user_id: str, thread_id: str | None) -> bool:
        left = self._away.get((user_id, thread_id))
        return left is not None and time.monotonic() - left < RECONNECT_GRACE_SECONDS

    def _lock(self, user_id: str) -> asyncio.Lock:
        return self._locks.setdefault(user_id, asyncio.Lock())


_websocket_manager: WebSocketManager | None = None


def get_websocket_manager() -> WebSocketManager:
    global _websocket_manager
    if _websocket_manager is None:
        _websocket_manager = WebSocketManager()
    return _websocket_manager
