"""Outgoing messages per user: what waits for a user who is away, and what is about to be written to one who is not."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

logger = logging.getLogger(__name__)

Message = dict[str, Any]


class BufferPriority(IntEnum):
    LOW = 1
    NORMAL = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True)
class BufferConfig:
    max_buffer_size_per_user: int = 200
    max_buffer_size_global: int = 1000
    max_message_size_bytes: int = 32768


@dataclass(frozen=True)
class BufferedMessage:
    user_id: str
    message: Message
    size_bytes: int
    priority: BufferPriority = BufferPriority.NORMAL


class WebSocketMessageBuffer:
    def __init__(self, config: BufferConfig | None = None) -> None:
        self.config: BufferConfig = config or BufferConfig()
        self._buffers: dict[str, deque[BufferedMessage]] = {}
        self._total_messages = 0
        self._total_bytes = 0

    async def buffer_message(
        self, user_id: str, message: Message, priority: BufferPriority = BufferPriority.NORMAL
    ) -> bool:
        try:
            size = len(json.dumps(message, default=str).encode())
            if size > self.config.max_message_size_bytes:
                logger.warning("message of %d bytes for user %s is too large to buffer", size, user_id)
                return False
            if self._total_messages >= self.config.max_buffer_size_global:
                return False
            queue = self._buffers.setdefault(user_id, deque())
            while queue and len(queue) >= self.config.max_buffer_size_per_user:
                self._update_buffer_size(queue.popleft(), remove=True)
            entry = BufferedMessage(user_id, message, size, priority)
            queue.append(entry)
            self._update_buffer_size(entry)
            return True
        except Exception as error:
            logger.error("could not buffer a message for user %s: %s", user_id, error)
            return False

    async def deliver_buffered_messages(self, user_id: str, callback: Callable[[Message], Awaitable[bool]]) -> int:
        """Hand each waiting message to the callback, oldest first; one it answers with False goes on waiting."""
        queue = self._buffers.get(user_id)
        if not queue:
            return 0
        delivered = 0
        waiting: list[BufferedMessage] = []
        try:
            while queue:
                entry = queue.popleft()
                if await callback(entry.message):
                    self._total_messages -= 1
                    self._total_bytes -= entry.size_bytes
                    delivered += 1
                else:
                    waiting.append(entry)
        finally:
            queue.extendleft(reversed(waiting))
        return delivered

    def waiting(self, user_id: str) -> int:
        return len(self._buffers.get(user_id, ()))

    def clear(self) -> None:
        self._buffers.clear()
        self._total_messages = self._total_bytes = 0

    def _update_buffer_size(self, message: BufferedMessage, remove: bool = False) -> None:
        sign = -1 if remove else 1
        self._total_messages += sign
        self._total_bytes += sign * message.size_bytes


_message_buffer: WebSocketMessageBuffer | None = None


def get_message_buffer(config: BufferConfig | None = None) -> WebSocketMessageBuffer:
    global _message_buffer
    if _message_buffer is None:
        _message_buffer = WebSocketMessageBuffer(config)
    return _message_buffer
