"""Netra's open connections, for the delivery of missed events."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from shim.components.known import Known, is_open
from shim.delivery.outlet import Link

__all__ = ["Outlet"]

_MODULE, _CLASS = "netra_backend.app.websocket_core.manager", "WebSocketManager"


class Outlet:
    """Reads the manager's table, and what the shim remembers beyond the 180 s that the table keeps an open connection.

    Writes past the manager: its sends retype what they do not know, and repeat on the same socket what timed out.
    """

    def __init__(self) -> None:
        self._sockets: dict[str, Any] = {}

    def links(self) -> Iterable[Link]:
        """Give the connections that are open now and whose user is known."""
        manager = getattr(getattr(sys.modules.get(_MODULE), _CLASS, None), "_instance", None)
        found: dict[str, Any] = {}
        if manager is not None:
            found = dict(Known.of(manager).infos)
            found |= {each: manager.connections.get(each) for each in list(manager.connections)}
        ready = {
            each: info
            for each, info in found.items()
            if isinstance(info, Mapping) and info.get("user_id") and is_open(info.get("websocket"))
        }
        self._sockets = {each: info["websocket"] for each, info in ready.items()}
        return [Link(each, str(info["user_id"]), str(info.get("thread_id") or "")) for each, info in ready.items()]

    async def send(self, link: Link, message: Mapping[str, object]) -> None:
        """Write to one connection, once."""
        await self._sockets[link.id].send_json(message)
