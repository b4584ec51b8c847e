"""Connections that are to go: what fails while they are cleaned up is collected by the host and thrown away."""

from __future__ import annotations

import sys
from typing import Any

from shim.components.sockets import removes
from shim.components.witness import Witness, look, witnessing
from shim.errors import WebSocketConnectionLostError
from shim.frames import Frame, Note, frame_of
from shim.proxy import proxy_for

__all__ = ["LeavingMixin"]


class LeavingMixin:
    """Goes before Netra's manager."""

    async def disconnect_user(self, user_id: str, websocket: Any, *args: Any, **kwargs: Any) -> Any:
        """See what the host handles while it disconnects: it looks at the socket then."""
        frame = frame_of(self)
        if frame is None or websocket is None:
            return await super().disconnect_user(user_id, websocket, *args, **kwargs)  # type: ignore[misc]
        witness = Witness(self)

        def seen(_socket: Any, _name: str, value: Any) -> Any:
            witness.saw(sys.exception())
            return value

        with witnessing(witness):
            proxy = proxy_for(websocket, seen)
            answer = await super().disconnect_user(user_id, proxy, *args, **kwargs)  # type: ignore[misc]
        if witness.cause is not None:
            _tell(frame, ("disconnect", user_id), f"user {user_id} could not be disconnected", witness.cause)
        return answer

    async def _cleanup_connection(self, connection_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show what is being handled (a send that failed); tell of a connection that stays in the table."""
        look(self)
        removes(self, connection_id)
        try:
            return await super()._cleanup_connection(connection_id, *args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            frame = frame_of(self)
            if frame is not None and frame.row.method in ("disconnect_user", "shutdown"):
                _tell(frame, ("cleanup", connection_id), f"connection {connection_id} could not be removed", error)
            raise


def _tell(frame: Frame, key: tuple[str, str], what: str, cause: Exception) -> None:
    reason = f"{what}: it may stay in the manager's table, and later events go to a socket that is gone"
    hint = "see the cause; remove the connection by hand, or restart"
    frame.note(Note(key=key, error=WebSocketConnectionLostError, reason=reason, hint=hint, cause=cause))
