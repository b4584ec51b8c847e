"""The example host's open connections, for the delivery of missed events."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from shim.delivery.outlet import Link

__all__ = ["Outlet"]


class Outlet:
    """Reads the manager's own list; writes past the manager, whose buffer would order and drop by rules of its own."""

    def __init__(self) -> None:
        self._serial = itertools.count(1)
        self._ids: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._sockets: dict[str, Any] = {}

    def links(self) -> Iterable[Link]:
        """Give the connections that are open now."""
        module = sys.modules.get("agentchat.manager")
        manager = getattr(module, "_websocket_manager", None)
        found = [] if manager is None else list(manager._connections)  # noqa: SLF001  # where the host keeps them
        self._sockets = {self._id(one.websocket): one.websocket for one in found}
        return [Link(self._id(one.websocket), one.user_id, one.thread_id or "") for one in found]

    async def send(self, link: Link, message: Mapping[str, object]) -> None:
        """Write to one connection, once."""
        await self._sockets[link.id].send_json(message)

    def _id(self, websocket: Any) -> str:
        if websocket not in self._ids:
            self._ids[websocket] = f"link-{next(self._serial)}"
        return self._ids[websocket]
