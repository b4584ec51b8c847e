"""The example host under load: a real server in a process of its own, real sockets, a failing link for each user."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from demo.link import Link
from demo.platform import HERE, Platform, serving
from shim.hosts.example import HOST
from shim.ledger import Sums
from shim.snapshot import Mode, Snapshot, write
from shim.traffic import Asked, Ended, Event, Got, Mix, Regime, Seen, Story, TargetError, Told

__all__ = ["Target"]

_QUESTION = "tell me of tides and bread, and of 2 + 3 "
_BOSS = "supervisor"
_POLL_S = 0.03
_PATIENCE_S = 10.0
_ROUNDS = 3
"Round trips without a new message after which no more comes: each gives a server that waits to write another turn."


MIXES = {
    # A question of more than 32 KiB makes messages that the buffer refuses.
    Regime.NORMAL: Mix(stories={Story.STEADY: 1}, runs=2, long_texts=0.025),
    # 14 runs of a user who is away are some 280 messages; the buffer keeps 200 and evicts the oldest.
    Regime.HIGH_LOAD: Mix(stories={Story.STEADY: 0.45, Story.ASLEEP: 0.55}, runs=14, long_texts=0.025),
    Regime.AFTER_NETWORK_TROUBLE: Mix(
        stories={Story.STEADY: 0.35, Story.RELOADED: 0.45, Story.DROPPED: 0.1, Story.HALF_OPEN: 0.1}, runs=2
    ),
}
MOST_TENANTS = 4
"Five users who are away fill the buffer's global limit of 1,000: then all users lose together."


class Target:
    """Runs through the platform's own route; users through a proxy of their own."""

    def __init__(self) -> None:
        self.mixes, self.most_tenants = MIXES, MOST_TENANTS
        self._folder = tempfile.TemporaryDirectory(prefix="failloud-drive-")
        self._served = ExitStack()
        self._platform: Platform | None = None
        self._mode, self._end = Mode.OFF, Path(self._folder.name) / "end.json"
        self._users: dict[str, _User] = {}
        self._swallowed: list[bytes] = []
        self._records_read = 0

    async def start(self, mode: Mode) -> None:
        """Serve the checkout's own copy with every flag in one mode."""
        folder = Path(self._folder.name)
        write(folder, Snapshot(version=1, modes=dict.fromkeys(HOST.components, mode)))
        self._mode = mode
        try:
            self._platform = self._served.enter_context(serving(HERE, folder, folder / "records.jsonl", self._end))
        except RuntimeError as error:
            raise TargetError(str(error), "run it by hand: python -m agentchat, in examples/") from error

    async def connect(self, user: str) -> None:
        """Open a client through the user's link."""
        await (await self._user(user)).connect()

    async def pass_time(self) -> None:
        """Not of this host: it keeps a silent connection for ever."""
        raise NotImplementedError

    async def cut(self, user: str) -> None:
        """Close the link; the server sees the end of the connection."""
        await (await self._user(user)).link.cut()

    async def stall(self, user: str) -> None:
        """Let the link go dead."""
        (await self._user(user)).link.stall()

    async def slow(self, user: str) -> None:
        """Not of this host: it waits for a slow client."""
        raise NotImplementedError

    async def run(self, user: str, length: int, *, ready: bool = True) -> Asked:
        """Ask over HTTP; the events asked for are the run log's, written where the intention is."""
        if not ready:
            raise NotImplementedError
        text = _QUESTION + "x" * (length - len(_QUESTION))  # one long word: length must not become more questions
        body = {"user": user, "thread": f"thread_{user}", "message": text}
        run_id = (await self._ask("POST", "/runs", body))["run_id"]
        while (run := await self._ask("GET", f"/runs/{run_id}"))["status"] == "running":  # noqa: ASYNC110  # another process: asking is the only way
            await asyncio.sleep(_POLL_S)
        events = tuple(Event(event["type"], event["agent_name"]) for event in run["intended"])
        last = frozenset(Event(kind, _BOSS) for kind in HOST.terminal)
        return Asked(run_id=run_id, thread_id=f"thread_{user}", user_id=user, events=events, last=last)

    async def look(self) -> Seen:
        """Wait until every client has what the server wrote, read the records, and let every client leave."""
        users = list(self._users.values())
        quiet = 0
        while quiet < _ROUNDS:
            before = sum(len(user.texts) for user in users)
            await asyncio.gather(*(user.reach() for user in users))
            quiet = quiet + 1 if sum(len(user.texts) for user in users) == before else 0
        texts = {text for user in users for text in user.texts}  # a user with two sockets receives an event twice
        await self._leave()
        swallowed, self._swallowed = self._swallowed, []
        return Seen(received=_got(texts), swallowed=_got(swallowed), told=self._told())

    async def close(self) -> Ended:
        """End the server; gives what its shim says."""
        await self._leave()
        await asyncio.to_thread(self._served.close)
        try:
            if self._platform is None:  # it never came up
                return Ended(sums=None, own_failures={})
            if not self._end.exists():
                log = self._platform.records_file.with_suffix(".log").read_text(encoding="utf-8")
                raise TargetError(
                    f"the example host died before its last words; its log ends {log[-500:]!r}", "see the log"
                )
            said = json.loads(self._end.read_text(encoding="utf-8"))
            sums = None if self._mode is Mode.OFF else Sums(**said["sums"])
            return Ended(sums=sums, own_failures=said["own_failures"])
        finally:
            self._folder.cleanup()

    async def _leave(self) -> None:
        await asyncio.gather(*(user.leave() for user in self._users.values()))
        self._users.clear()

    async def _user(self, name: str) -> _User:
        if name not in self._users:
            port = urlsplit(self._at().url).port
            link = Link(port or 80, self._swallowed.append)
            self._users[name] = _User(name, link, await link.open())
        return self._users[name]

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self._at().ask, method, path, body)

    def _at(self) -> Platform:
        if self._platform is None:
            raise TargetError("the example host is not up", "call start() before anything else")
        return self._platform

    def _told(self) -> tuple[Told, ...]:
        records = self._at().records()[self._records_read :]
        self._records_read += len(records)
        names = ("run_id", "thread_id", "user_id", "event_type")
        return tuple(Told(**{name: record[name] for name in names}) for record in records)


class _User:
    """One user: a link, the clients opened through it, and every text they have received."""

    def __init__(self, name: str, link: Link, port: int) -> None:
        self.link, self.texts = link, list[bytes]()
        self._url = f"ws://127.0.0.1:{port}/ws?user={name}&thread=thread_{name}"
        self._clients: list[tuple[ClientConnection, asyncio.Task[None]]] = []

    async def connect(self) -> None:
        client = await connect(self._url, compression=None, ping_interval=None, proxy=None)
        async with asyncio.timeout(_PATIENCE_S):
            await client.recv()  # the server's greeting: from here on events may come
        self._clients.append((client, asyncio.create_task(self._listen(client))))

    async def leave(self) -> None:
        for client, listening in self._clients:
            listening.cancel()
            client.transport.abort()
        await asyncio.gather(*(listening for _client, listening in self._clients), return_exceptions=True)
        await self.link.close()

    async def reach(self) -> None:
        """Go to the server and back: what it wrote before has arrived then."""
        if self._clients:
            async with asyncio.timeout(_PATIENCE_S):
                await (await self._clients[-1][0].ping())

    async def _listen(self, client: ClientConnection) -> None:
        try:
            while True:
                text = await client.recv(decode=False)
                self.texts.append(bytes(text))
        except ConnectionClosed:
            return


def _got(texts: Iterable[bytes]) -> tuple[Got, ...]:
    messages = [json.loads(text) for text in texts]
    return tuple(
        Got(message["run_id"], Event(message["type"], message.get("agent_name") or ""))
        for message in messages
        if "run_id" in message
    )
