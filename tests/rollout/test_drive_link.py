"""The failing link really fails: closed, the server is told; dead, it swallows what is written, and is the witness."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from demo.link import Frames, Link
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


_SIZES = st.one_of(st.integers(0, 300), st.integers(65_530, 65_540))


@settings(deadline=None)
@given(st.lists(_SIZES, max_size=5), st.integers(1, 5000))
def test_frames_are_found_wherever_the_bytes_are_split(sizes, step):
    texts = [bytes([number]) * size for number, size in enumerate(sizes)]
    data = HEAD + b"".join(Frame(Opcode.TEXT, text).serialize(mask=False) for text in texts)
    data += Frame(Opcode.PING, b"still there?").serialize(mask=False)
    frames, found, step = Frames(), [], max(step, len(data) // 200)
    for start in range(0, len(data), step):
        found += frames.feed(data[start : start + step])
    assert found == texts


class Server:
    """Remembers its connections, and which of them have ended."""

    def __init__(self):
        self.sockets, self.ended = [], []

    async def __call__(self, socket):
        self.sockets.append(socket)
        await socket.send("hello")
        try:
            await socket.wait_closed()
        finally:
            self.ended.append(socket)


@asynccontextmanager
async def linked():
    swallowed, handler = [], Server()
    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        link = Link(server.sockets[0].getsockname()[1], swallowed.append)
        url = f"ws://127.0.0.1:{await link.open()}"
        try:
            yield link, handler, swallowed, url
        finally:
            await link.close()


def client(url):
    return connect(url, compression=None, proxy=None)


@pytest.mark.asyncio
async def test_a_dead_link_takes_what_is_written_and_hands_nothing_on():
    async with linked() as (link, server, swallowed, url), client(url) as user:
        assert await user.recv() == "hello"
        link.stall()
        await server.sockets[0].send("lost")  # the server is told nothing
        await _until(lambda: swallowed)
        assert swallowed == [b"lost"]
        assert server.ended == []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(user.recv(), 0.05)
        async with client(url) as again:  # a new connection is good
            assert await again.recv() == "hello"
        user.transport.abort()


@pytest.mark.asyncio
async def test_a_cut_link_is_closed_on_both_sides_when_cut_returns():
    async with linked() as (link, server, swallowed, url), client(url) as user:
        assert await user.recv() == "hello"
        await link.cut()
        await _until(lambda: server.ended)
        with pytest.raises(ConnectionClosed):
            await user.recv()
        assert swallowed == []
        async with client(url) as again:
            assert await again.recv() == "hello"


async def _until(holds):
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come to pass")
