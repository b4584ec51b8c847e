"""Deliver what is kept: to its owner's connections alone, in order, with the pauses that `Retry` says.

The pump looks at the host's own connections ten times a second, so it needs no hook in the way a user comes back.
Whatever fails here stays in the store. A connection that has failed a stream is never written to for it again: on some
servers what "failed" arrives all the same, and again.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from shim.counting import follow
from shim.delivery.events import StoredEvent, Stream
from shim.delivery.landing import landed
from shim.delivery.outlet import Link, Outlet, fitting
from shim.delivery.retry import Retry
from shim.delivery.store import Store
from shim.delivery.trouble import Trouble
from shim.delivery.wording import MARK
from shim.guard import own_failure
from shim.ledger import Fate
from shim.recipients import learn
from shim.tally import Tally

__all__ = ["BATCH", "LOOK_S", "REST_S", "STREAMS", "Pump"]

LOOK_S = 0.1
"Seconds between looks at the host's connections; one takes microseconds."

REST_S = 1.0
"Seconds between looks at the store where nothing is new here: another process may have kept something."

BATCH = 50
"Events read, sent and marked at once: as many may come twice after a kill."

LEASE_S = 30.0
"Seconds a stream is reserved for this process, from the beginning of a batch."

SHORT = 200
"Characters of a field that goes with a reference to a body that is too long to send."

STREAMS = 64
"Streams delivered at once; a slow connection holds up its own alone."

DIRECT = 1_000
"Messages that wait for the case that the store is broken; beyond it the newest is lost, and counted."


class Pump:
    """One per process. `allowed` says of a component whether its events may be delivered now."""

    def __init__(
        self,
        store: Store,
        outlet: Outlet,
        *,
        holder: str,
        allowed: Callable[[str], bool],
        href: Callable[[str], str],
        retry: Retry | None = None,
    ) -> None:
        self._store, self._outlet, self._holder = store, outlet, holder
        self._allowed, self._href, self._retry = allowed, href, retry or Retry()
        self.trouble = Trouble(self._retry)
        self._direct: deque[tuple[Stream, Mapping[str, object]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._next = 0.0
        self._threads: dict[str, str] = {}
        self._under_way: dict[Stream, asyncio.Task[None]] = {}
        self._unmarked: dict[Stream, set[int]] = {}
        self.counts: Tally[str] = Tally()
        "delivered, duplicate (delivered before), failed, spent, direct, direct_lost."

    def wake(self) -> None:
        """Say, from any thread, that there is something new."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody looks any more
                self._loop.call_soon_threadsafe(self._woken.set)

    def direct(self, stream: Stream, message: Mapping[str, object]) -> None:
        """Send a message without the store, from any thread, at the next look; lost where nobody is connected then."""
        if len(self._direct) >= DIRECT:
            self.counts.add("direct_lost")
            return
        self._direct.append((stream, message))
        self.wake()

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        try:
            while True:
                pause = LOOK_S
                try:
                    await self.look()
                except Exception as error:  # noqa: BLE001  # an adapter or a store that fails: all stays where it is
                    own_failure("delivery.pump", error)
                    pause = REST_S
                with suppress(TimeoutError):  # not `wait_for`: before 3.12 it may lose a cancellation
                    async with asyncio.timeout(pause):
                        await self._woken.wait()
        finally:
            for task in self._under_way.values():
                task.cancel()
            await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    async def look(self) -> None:
        """Look once, and begin to deliver what can be delivered. Raises what the adapter or the store does."""
        woken, now = self._woken.is_set(), time.monotonic()
        self._woken.clear()
        links = tuple(self._outlet.links())
        came = self.trouble.look(links, now)
        self._learn(links)
        await self._send_direct(links)
        if not links or not (came or woken or now >= self._next):
            return
        self._next = now + REST_S
        waiting = await asyncio.to_thread(self._store.waiting, {link.user_id for link in links})
        if waiting:
            self._next = now
        for each in waiting:
            if each.stream in self._under_way or len(self._under_way) >= STREAMS:
                continue
            bad = self.trouble.bad(each.stream, time.monotonic())
            if bad is not None and (fit := fitting(each.stream, links, bad)):
                task = asyncio.create_task(self._deliver(each.stream, fit), name="failloud-deliver")
                self._under_way[each.stream] = task
                task.add_done_callback(partial(self._ended, each.stream))

    def _ended(self, stream: Stream, task: asyncio.Task[None]) -> None:
        del self._under_way[stream]
        if not task.cancelled() and (failed := task.exception()) is not None:  # all stays where it is
            own_failure("delivery.pump", failed)
            self.trouble.rest(stream, time.monotonic() + REST_S)

    def _learn(self, links: tuple[Link, ...]) -> None:
        """Remember whose the threads are that connections show: a run may fail before its context is made."""
        for link in links:
            if self._threads.get(link.id) != link.thread_id:
                learn("", link.thread_id, link.user_id)
        self._threads = {link.id: link.thread_id for link in links}

    async def _deliver(self, stream: Stream, links: list[Link]) -> None:
        """Send what waits, while no other process does."""
        now = time.time()
        if await landed(self._store.claim(stream, self._holder, now, now + LEASE_S)):
            try:
                await self._batches(stream, links)
            finally:
                self._store.claim(stream, self._holder, now, 0.0).add_done_callback(_reported)

    async def _batches(self, stream: Stream, links: list[Link]) -> None:
        """Send batch by batch, as long as a connection takes it."""
        after, more = 0, True
        while more:
            found = await asyncio.to_thread(self._store.pending, stream, after=after, limit=BATCH)
            ready = [each for each in found if self._allowed(each.event.component)]
            more = await self._batch(stream, links, ready) and len(found) == BATCH
            after = found[-1].seq if found else 0
            now = time.time()
            more = more and await landed(self._store.claim(stream, self._holder, now, now + LEASE_S))

    async def _batch(self, stream: Stream, links: list[Link], ready: list[StoredEvent]) -> bool:
        """Send, and mark what was sent before anybody reads again; True while a connection is left."""
        unmarked = self._unmarked.setdefault(stream, set())  # written, though the store could not be told
        ready = [each for each in ready if each.seq not in unmarked]
        try:
            for each in ready:
                if not await self._one(stream, links, self._message(each)):
                    break
                unmarked.add(each.seq)
        finally:  # also where a cancellation ends it: what was written is written
            marked = self._store.mark_sent(stream, set(unmarked)) if unmarked else None
        if marked is not None:
            again: int = await landed(marked)
            for _ in range(again):
                self.counts.add("duplicate")
        for each in ready:
            if each.seq in unmarked and not each.sends:
                follow(each.event.run_id, each.event.type, Fate.PENDING, Fate.SENT_UNCONFIRMED)
        del self._unmarked[stream]
        if links and marked is not None:
            self.trouble.succeeded(stream)
        return bool(links)

    async def _one(self, stream: Stream, links: list[Link], message: Mapping[str, object]) -> bool:
        """Write to each connection, and leave out those that fail; True where one took it."""
        if len(links) == 1:  # no task for it
            took = [await self._took(links[0], message)]
        else:
            took = await asyncio.gather(*(self._took(link, message) for link in links))
        for link in [link for link, good in zip(links, took, strict=True) if not good]:
            links.remove(link)
            self._failed(stream, link)
        if links:
            self.counts.add("delivered")
        return bool(links)

    async def _took(self, link: Link, message: Mapping[str, object]) -> bool:
        try:
            async with asyncio.timeout(self._retry.send_s):
                await self._outlet.send(link, message)
        except Exception as error:  # noqa: BLE001  # a socket of the host's; the event stays in the store
            own_failure("delivery.send", error)
            return False
        return True

    def _failed(self, stream: Stream, link: Link) -> None:
        self.counts.add("failed")
        if self.trouble.failed(stream, link, time.monotonic(), random.random()):  # noqa: S311  # jitter, no secret
            self.counts.add("spent")

    def _message(self, stored: StoredEvent) -> dict[str, object]:
        """Give what the client gets: its message and our mark, or a reference where the body is too long to send."""
        event = stored.event
        mark: dict[str, object] = {"id": event.event_id, "seq": stored.seq, "missed": True, "code": event.code}
        message: dict[str, object] = json.loads(event.body)
        if len(event.body) > self._store.limits.inline_bytes:
            mark |= {"body_ref": event.event_id, "size": len(event.body), "href": self._href(event.event_id)}
            return {name: value for name, value in message.items() if _is_short(value)} | {"payload": {}, MARK: mark}
        known = message.get(MARK)
        return message | {MARK: (known if isinstance(known, dict) else {}) | mark}

    async def _send_direct(self, links: tuple[Link, ...]) -> None:
        while self._direct:
            stream, message = self._direct.popleft()
            fit = fitting(stream, links, self.trouble.bad(stream, time.monotonic()) or ())
            done = [await self._took(link, message) for link in fit]
            self.counts.add("direct" if any(done) else "direct_lost")


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= SHORT


def _reported(done: Future[bool]) -> None:
    if (failed := done.exception()) is not None:
        own_failure("delivery.claim", failed)
