"""One message at one connection of Netra's manager: what its socket raises there never comes up."""

from __future__ import annotations

from typing import Any

from shim.codes import Code
from shim.components.known import Known, is_open, lost_of
from shim.components.sends import Lost, sends_of
from shim.components.witness import Witness, recording_proxy, witness_of, witnessing
from shim.frames import frame_of

__all__ = ["SocketMixin"]


class SocketMixin:
    """Goes before Netra's manager."""

    connections: Any

    async def _send_to_connection_with_retry(
        self, conn_id: str, websocket: Any, message_dict: Any, conn_info: Any
    ) -> Any:
        """See what the socket raises, which the host logs at DEBUG."""
        sends = sends_of(self)
        if sends is None:
            return await super()._send_to_connection_with_retry(conn_id, websocket, message_dict, conn_info)  # type: ignore[misc]
        with witnessing(witness := Witness(self)):
            proxy = recording_proxy(websocket, witness, "send_json")
            answer = await super()._send_to_connection_with_retry(conn_id, proxy, message_dict, conn_info)  # type: ignore[misc]
        sends.count(_lost(conn_id, conn_info, witness, "the socket is closed"), sent=bool(answer))
        return answer

    async def _send_to_connection(self, connection_id: str, message: Any) -> Any:
        """See why one connection failed. It is a step of loops over connections: in none of them it raises."""
        if (frame := frame_of(self)) is None:
            return await super()._send_to_connection(connection_id, message)  # type: ignore[misc]
        info, code = self.connections.get(connection_id), Code.CONNECTION_LOST
        reason = "the socket is closed"
        if info is None:
            info = Known.of(self).infos.get(connection_id, {})
            reason = "the manager does not know the connection"
            if info:
                reason, code = "the connection has expired from the manager's cache", Code.CONNECTION_EXPIRED
        elif not info.get("is_healthy", True):
            reason = "the connection failed its health check and was removed"
        with witnessing(witness := Witness(self)):
            answer = await super()._send_to_connection(connection_id, message)  # type: ignore[misc]
        if code is Code.CONNECTION_EXPIRED and not is_open(info.get("websocket")):
            return answer  # nobody is there any more
        lost, sends = _lost(connection_id, info, witness, reason, code), sends_of(self)
        if sends is not None:
            sends.count(lost, sent=bool(answer))
        elif not answer:
            frame.note(lost.note(separate=False))
        return answer

    async def _ping_connection(self, connection_id: str) -> Any:
        """See why the check of a connection fails that a message is to go to."""
        witness, info = witness_of(self), self.connections.get(connection_id)
        if witness is None or info is None or (socket := info.get("websocket")) is None:
            return await super()._ping_connection(connection_id)  # type: ignore[misc]
        if not hasattr(socket, "ping"):  # Starlette's: the check fails for every good one
            witness.saw(AttributeError(f"{type(socket).__name__!r} object has no attribute 'ping'", name="ping"))
            return await super()._ping_connection(connection_id)  # type: ignore[misc]
        info["websocket"] = proxy = recording_proxy(socket, witness, "ping")
        try:
            return await super()._ping_connection(connection_id)  # type: ignore[misc]
        finally:
            if info.get("websocket") is proxy:
                info["websocket"] = socket


def _lost(connection_id: str, info: Any, witness: Witness, reason: str, code: Code = Code.CONNECTION_LOST) -> Lost:
    if witness.cause is None:
        return lost_of(connection_id, info, reason, code)
    late = isinstance(witness.cause, TimeoutError)
    text = "the send took too long" if late else "the send failed"
    if witness.attempts:
        text += f", attempt {witness.attempts}"
    code = Code.TIMED_OUT if late else Code.SEND_FAILED
    return lost_of(connection_id, info, text, code, cause=witness.cause, attempt=witness.attempts)
