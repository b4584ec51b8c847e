"""How the classes of that interface name their run, thread and user, and which own methods are hooked. Data only."""

from __future__ import annotations

from shim.contracts import Hook, Shows
from shim.errors import WebSocketContextValidationError, WebSocketSendFailureError

__all__ = [
    "BRIDGE_HOOKS",
    "BY_ARGUMENT",
    "BY_CONTEXT",
    "BY_INSTANCE",
    "BY_MESSAGE",
    "CONNECT",
    "EMITTER_HOOKS",
]

CONNECT = "check that the user is connected, and that the connection belongs to this thread"

# Where the records' run, thread and user come from.
BY_ARGUMENT = {"run_id": "run_id", "subject": "agent_name"}
BY_INSTANCE = {
    "run_id": "self.run_id",
    "thread_id": "self.thread_id",
    "user_id": "self.user_id",
    "subject": "agent_name",
}
BY_MESSAGE = {"user_id": "user_id", "run_id": "message.run_id", "thread_id": "message.thread_id"}
BY_CONTEXT = {
    "run_id": "run_id|user_context.run_id",
    "thread_id": "thread_id|user_context.thread_id",
    "user_id": "user_id|user_context.user_id",
    "subject": "agent_name",
}

BRIDGE_HOOKS = (
    Hook(
        method="_validate_event_context",
        shows=Shows.FALSY,
        error=WebSocketContextValidationError,
        reason="run_id is missing, blank, or the system's own",
        hint="pass the run_id of the user's own run",
    ),
    Hook(
        method="_resolve_thread_id_from_run_id",
        shows=Shows.RAISES,
        error=WebSocketContextValidationError,
        reason="no thread is known for the run",
        hint="call register_run_thread_mapping() when the run is made",
    ),
)
EMITTER_HOOKS = (
    Hook(
        method="_send_event",
        shows=Shows.FALSY,
        error=WebSocketSendFailureError,
        reason="the emitter could not send the event",
        hint=CONNECT,
    ),
)
