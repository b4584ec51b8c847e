"""Missed events for one host in one process: the store, the keeper that fills it, the pump that empties it.

    async with Service("example"):
        ...                                # what enforce records as undelivered is kept, and delivered later

`shim.delivery.web.Web` does that around an ASGI application, and serves bodies that are too long to send.
"""

from __future__ import annotations

import asyncio
import os
import pkgutil
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from shim import flags, undelivered
from shim.codes import Code
from shim.contracts import Host
from shim.counting import follow
from shim.delivery.events import Dead
from shim.delivery.keeper import Keeper
from shim.delivery.landing import landed
from shim.delivery.outlet import Outlet
from shim.delivery.place import store_path
from shim.delivery.pump import Pump
from shim.delivery.retry import Retry
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Store
from shim.errors import WebSocketEventDroppedError
from shim.guard import own_failure
from shim.hosts import load_host
from shim.ledger import Fate
from shim.recorder import Action, record
from shim.snapshot import Mode

__all__ = ["EXPIRE_S", "RELEASE_S", "Service"]

EXPIRE_S = 60.0
"Seconds between looks for events that are too old."


RELEASE_S = 0.1
"Seconds between looks for the users of events that were kept for nobody yet."


class Service:
    """`host` is a `Host`, or what `shim.install` takes. Without `store`, a file is opened (see `store_path`)."""

    def __init__(
        self,
        host: Host | str,
        store: Store | None = None,
        *,
        outlet: Outlet | None = None,
        retry: Retry | None = None,
        prefix: str = "/failloud",
    ) -> None:
        self.host = load_host(host) if isinstance(host, str) else host
        if self.host.delivery is None:
            raise ValueError(f"host {self.host.name!r} declares no delivery; next: give its Host a Delivery row")
        self.prefix = prefix.rstrip("/")
        self.store: Store = SqliteStore(store_path()) if store is None else store
        self._owned = store is None
        self._components = frozenset(self.host.components)
        made: Outlet = pkgutil.resolve_name(self.host.delivery.outlet)() if outlet is None else outlet
        self.pump = Pump(
            self.store, made, holder=f"{os.uname().nodename}:{os.getpid()}", allowed=self._allowed, href=self.href,
            retry=retry,
        )  # fmt: skip
        self.keeper = Keeper(self.host, self.store, pump=self.pump, lost=self._expired, href=self.href)
        self._tasks: list[asyncio.Task[None]] = []

    def href(self, event_id: str) -> str:
        """Say where a client fetches a body."""
        return f"{self.prefix}/events/{event_id}"

    async def start(self) -> None:
        """Keep and deliver from now on, in this event loop. Twice is once."""
        if not self._tasks:
            undelivered.add_keeper(self.keeper.keep)
            self._tasks = [
                asyncio.create_task(self.pump.run(), name="failloud-pump"),
                asyncio.create_task(self._expire(), name="failloud-expire"),
                asyncio.create_task(self._release(), name="failloud-release"),
            ]

    async def stop(self) -> None:
        """Stop keeping, then delivering; what is kept stays. Twice is once."""
        if not self._tasks:
            return
        undelivered.remove_keeper(self.keeper.keep)
        self.keeper.release(time.monotonic(), last=True)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        if self._owned:
            await asyncio.to_thread(self.store.close)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def counts(self) -> dict[str, int]:
        """Give what the keeper and the pump have counted in this process."""
        return self.keeper.counts.counts() | self.pump.counts.counts()

    def _allowed(self, component: str) -> bool:
        """Deliver only for components that enforce now: after a rollback what is kept waits, and off is off."""
        return component not in self._components or flags.current(component) is Mode.ENFORCE

    async def _expire(self) -> None:
        while True:
            try:
                for gone in await landed(self.store.expire(time.time())):
                    self._expired(gone)
            except Exception as error:  # noqa: BLE001  # the store's; the next look tries again
                own_failure("delivery.expire", error)
            await asyncio.sleep(EXPIRE_S)

    async def _release(self) -> None:
        while True:
            await asyncio.sleep(RELEASE_S)
            self.keeper.release(time.monotonic())

    def _expired(self, gone: Dead) -> None:
        """Record an event that was never delivered, and never will be by itself; its user is told."""
        why = "waited too long" if gone.reason == "expired" else "made room for one that matters more"
        error = WebSocketEventDroppedError(
            f"{gone.type} for user {gone.stream.user_id} {why} and was not delivered", component=gone.component,
            method="delivery", event_type=gone.type, run_id=gone.run_id or "unknown", user_id=gone.stream.user_id,
            thread_id=gone.stream.thread_id or "unknown", code=Code.EVENT_EXPIRED,
            hint="failloud missed show, for its body",
        )  # fmt: skip
        follow(gone.run_id, gone.type, Fate.PENDING, Fate.EXPIRED)
        made = record(error, mode=Mode.ENFORCE, action=Action.ESCALATED, cause_known=True)
        self.keeper.tell(made, gone.stream, kept=False)
