"""A link that fails as links do: a TCP proxy between one user's clients and the server.

It can close (the server is told), or go dead: it goes on taking what the server writes, and gives it to nobody. What
is lost that way it reads first, so that there is a witness other than the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

__all__ = ["Frames", "Link"]

_CHUNK = 65536
_TEXT = 1
_PATIENCE_S = 10.0


class Frames:
    """Takes a server's bytes and gives the texts of its WebSocket frames. Unmasked, whole frames, no compression."""

    def __init__(self) -> None:
        self._buffer = b""
        self._is_open = False

    def feed(self, data: bytes) -> list[bytes]:
        """Give the payloads that are whole now; what comes before the first frame is HTTP."""
        self._buffer += data
        if not self._is_open:
            _head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return []
            self._is_open, self._buffer = True, rest
        found = []
        while (frame := self._next()) is not None:
            if frame[0] == _TEXT:
                found.append(frame[1])
        return found

    def _next(self) -> tuple[int, bytes] | None:
        data = self._buffer
        if len(data) < 2:
            return None
        size, start = data[1] & 127, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(data) < start:
                return None
            size = int.from_bytes(data[2:start])
        if len(data) < start + size:
            return None
        self._buffer = data[start + size :]
        return data[0] & 15, data[start : start + size]


class Link:
    """One user's way to the server. Connections opened after a failure are good again."""

    def __init__(self, port: int, swallowed: Callable[[bytes], None]) -> None:
        self._port, self._swallowed = port, swallowed
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Start to listen; gives the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1")
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def stall(self) -> None:
        """Let the connections there are go dead: nobody is told."""
        for connection in self._connections:
            connection.is_dead = True

    async def cut(self) -> None:
        """Close the connections there are from the client's side, and wait until the server has closed them as well."""
        there = list(self._connections)
        for connection in there:
            connection.is_dead = True
            connection.hang_up()
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*(connection.ended.wait() for connection in there))

    async def close(self) -> None:
        """Cut everything and stop to listen."""
        await self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer, self._swallowed)
        self._connections.add(connection)
        try:
            await connection.carry(self._port)
        finally:
            self._connections.discard(connection)


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallowed: Callable[[bytes], None]
    ) -> None:
        self._from_client, self._to_client, self._swallowed = reader, writer, swallowed
        self._to_server: asyncio.StreamWriter | None = None
        self.is_dead = False
        self.ended = asyncio.Event()

    def hang_up(self) -> None:
        """Close towards both; what the server still writes is read until it has closed as well."""
        self._to_client.close()
        if self._to_server is not None:
            self._to_server.write_eof()

    async def carry(self, port: int) -> None:
        """Carry both directions until the server closes."""
        from_server, self._to_server = await asyncio.open_connection("127.0.0.1", port)
        upwards = asyncio.create_task(self._upwards(self._to_server))
        frames = Frames()
        try:
            while data := await from_server.read(_CHUNK):
                texts = frames.feed(data)
                if self.is_dead:
                    for text in texts:
                        self._swallowed(text)
                else:
                    self._to_client.write(data)
        except ConnectionError:
            pass  # the server closed hard: there is nothing more to carry
        finally:
            self.ended.set()
            upwards.cancel()
            self._to_client.close()
            self._to_server.close()

    async def _upwards(self, to_server: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):  # the client closed hard: the same as its end
            while data := await self._from_client.read(_CHUNK):
                if not self.is_dead:
                    to_server.write(data)
        if not self.is_dead and to_server.can_write_eof():
            to_server.write_eof()
