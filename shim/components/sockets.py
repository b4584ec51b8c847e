"""One message at one connection of Netra's manager: what its socket raises there never comes up."""

from __future__ import annotations

from typing import Any

from shim.codes import Code
from shim.components.known import Known, is_open, lost_of
from shim.components.sends import Lost, Sends, sends_of
from shim.components.witness import Witness, recording_proxy, witness_of, witnessing
from shim.frames import BEGAN, INSTANCE, PARENT, PLAN, SEEN, STEP, Call, Frame, current, open_call

__all__ = ["SocketMixin", "removes"]

_Before = list[Any]
"What one send met: the known connections, the message's type; and this one's entry when the host removes it."


class SocketMixin:
    """Goes before Netra's manager."""

    connections: Any

    async def _send_to_connection_with_retry(
        self, conn_id: str, websocket: Any, message_dict: Any, conn_info: Any
    ) -> Any:
        """See what the socket raises, which the host logs at DEBUG."""
        sends = sends_of(self, current.get())
        if sends is None:
            return await super()._send_to_connection_with_retry(conn_id, websocket, message_dict, conn_info)  # type: ignore[misc]
        with witnessing(witness := Witness(self)):
            proxy = recording_proxy(websocket, witness, "send_json")
            answer = await super()._send_to_connection_with_retry(conn_id, proxy, message_dict, conn_info)  # type: ignore[misc]
        if answer:
            sends.reach(conn_id, conn_info)
        else:
            sends.count(_lost(conn_id, conn_info, witness, "the socket is closed"))
        return answer

    def failloud_before__send_to_connection(self, call: Call, connection_id: str, message: Any) -> _Before:
        """Keep what is known of the connection, which the host may remove, and the message's type, which it may change.

        Every send to a connection pays for this and for what comes after.
        """
        known = Known.of(self)
        if call[BEGAN] >= known.due.get(connection_id, 0.0):
            known.look(self, connection_id, call[BEGAN])
        return [known, message.get("type") if type(message) is dict else None, None]

    def failloud_after__send_to_connection(self, call: Call, answer: Any, connection_id: str, message: Any) -> None:
        """See why one connection failed. It is a step of loops over connections: in none of them it raises."""
        sends = sends_of(self, call[PARENT])
        known, before, removed = call[STEP]
        info = known.infos.get(connection_id)
        if sends is not None and type(message) is dict and message.get("type") != before:
            self.failloud_altered(call, sends, message, before, message)
        if answer:
            if sends is not None:
                sends.reach(connection_id, info)
            return
        reason, code = "the socket is closed", Code.CONNECTION_LOST
        if removed is None and connection_id not in self.connections:
            reason = "the manager does not know the connection"
            if info:
                reason, code = "the connection has expired from the manager's cache", Code.CONNECTION_EXPIRED
                if not is_open(info.get("websocket")):
                    return  # nobody is there any more
        elif removed is not None and not removed.get("is_healthy", True):
            reason = "the connection failed its health check and was removed"
        lost = _lost(connection_id, removed or info or {}, call[SEEN], reason, code)
        if sends is not None:
            sends.count(lost)
        else:
            Frame(call).note(lost.note(separate=False))

    def failloud_altered(
        self, call: Call, sends: Sends, message: Any, before: Any, made: Any, cause: Exception | None = None
    ) -> None:
        """Note what the host did to a message; `before` is the type it had, `cause` what the host handled."""
        raise NotImplementedError

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


def removes(manager: Any, connection_id: str) -> None:
    """Keep what the host knows of a connection that it was sending to and now removes."""
    call = open_call()
    if call is not None and call[INSTANCE] is manager and call[PLAN].row.method == "_send_to_connection":
        call[STEP][-1] = call[STEP][0].infos.get(connection_id) or {}


def _lost(
    connection_id: str, info: Any, witness: Witness | None, reason: str, code: Code = Code.CONNECTION_LOST
) -> Lost:
    if witness is None or witness.cause is None:
        return lost_of(connection_id, info, reason, code)
    late = isinstance(witness.cause, TimeoutError)
    text = "the send took too long" if late else "the send failed"
    if witness.attempts:
        text += f", attempt {witness.attempts}"
    code = Code.TIMED_OUT if late else Code.SEND_FAILED
    return lost_of(connection_id, info, text, code, cause=witness.cause, attempt=witness.attempts)
