"""A connection manager's rows and how its calls name run, thread and user: Netra's, and every host that speaks so."""

from __future__ import annotations

from collections.abc import Iterator

from shim.contracts import Contract, Shows, Work
from shim.errors import WebSocketConnectionLostError, WebSocketEventDroppedError, WebSocketSendFailureError
from shim.hosts._classes import CONNECT

__all__ = ["BY_CONNECTION", "delivery_row", "manager_rows", "retry_rows", "send_rows"]

BY_CONNECTION = {
    "user_id": "user_id|message.user_id|message.data.user_id",
    "thread_id": "thread_id|message.thread_id",
    "run_id": "message.run_id|message.payload.run_id",
}


def send_rows(target: str, send_to_user: str, connect_user: str) -> Iterator[Contract]:
    """Rows of what sends; the signatures of two methods differ from host to host."""
    sends = {"send_to_user": send_to_user, "send_to_thread": "(self, thread_id, message)"}
    for name, signature in sends.items():
        yield Contract(
            component="connections", target=target, method=name, signature=signature, is_async=True, shows=Shows.FALSY,
            error=WebSocketSendFailureError, reason="the manager did not send the message", event_type="{message.type}",
            category=6, hint=CONNECT, writes=True,
        )  # fmt: skip
    yield Contract(
        component="connections", target=target, method="connect_user", signature=connect_user, is_async=True,
        shows=Shows.NEVER, error=WebSocketConnectionLostError, reason="the user could not be connected",
        work=Work.PRECEDES, event_type="connect", category=6, for_user=False, hint="see the cause",
    )  # fmt: skip


def manager_rows(target: str) -> Iterator[Contract]:
    """Rows of Netra's manager."""
    yield from send_rows(
        target,
        "(self, user_id, message, retry=True, priority=Ellipsis, require_confirmation=False)",
        "(self, user_id, websocket, thread_id=None, client_ip=None)",
    )
    yield _step_row(target)
    yield _thread_row(target)
    yield from _cleanup_rows(target)


def _step_row(target: str) -> Contract:
    """Row of the send to one connection: a step of loops over connections, so it escalates and never raises."""
    return Contract(
        component="connections", target=target, method="_send_to_connection",
        signature="(self, connection_id, message)", is_async=True, shows=Shows.FALSY, error=WebSocketSendFailureError,
        reason="the connection did not get the message", work=Work.PRECEDES, event_type="{message.type}", category=6,
        hint=CONNECT, writes=True, for_user=False,
    )  # fmt: skip


def _thread_row(target: str) -> Contract:
    """Row of telling which thread a user's connections are at: without it no event of the thread arrives."""
    return Contract(
        component="connections", target=target, method="update_connection_thread",
        signature="(self, user_id, thread_id)", is_async=False, shows=Shows.FALSY, error=WebSocketConnectionLostError,
        reason="no connection of the user is known: the thread's events cannot reach it",
        event_type="thread_association",
        category=5, hint="the user has to connect first, or to connect again", for_user=False,
    )  # fmt: skip


def _cleanup_rows(target: str) -> Iterator[Contract]:
    """Rows of taking connections away: the answer says nothing, and the work is done."""
    methods = {
        "disconnect_user": ("(self, user_id, websocket, code=1000, reason='Normal closure')", "disconnect"),
        "shutdown": ("(self)", "shutdown"),
        "_cleanup_stale_connections": ("(self)", "stale_cleanup"),
    }
    for name, (signature, event) in methods.items():
        yield Contract(
            component="connections", target=target, method=name, signature=signature, is_async=True, shows=Shows.NEVER,
            error=WebSocketConnectionLostError, reason="connections could not be cleaned up", work=Work.PRECEDES,
            event_type=event, category=6, for_user=False, hint="see the cause",
        )  # fmt: skip


def delivery_row(target: str, signature: str) -> Contract:
    """Row of a buffer's delivery: it goes through messages of one user, so it escalates and never raises."""
    return Contract(
        component="buffer", target=target, method="deliver_buffered_messages", signature=signature, is_async=True,
        shows=Shows.NEVER, error=WebSocketSendFailureError, reason="a buffered message could not be delivered",
        work=Work.PRECEDES, event_type="buffered_delivery", category=2, hint="see the cause",
    )  # fmt: skip


def retry_rows(target: str) -> Iterator[Contract]:
    """Rows of a buffer that retries, and of the ways it is emptied."""
    methods = {"_process_retry_queue": "(self)", "clear_user_buffer": "(self, user_id)", "stop": "(self)"}
    for name, signature in methods.items():
        yield Contract(
            component="buffer", target=target, method=name, signature=signature, is_async=True, shows=Shows.NEVER,
            error=WebSocketEventDroppedError, reason="buffered messages were lost", work=Work.PRECEDES,
            event_type="buffered_delivery", category=2, hint="see the cause",
        )  # fmt: skip
