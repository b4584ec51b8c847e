"""How the classes of that interface name their run, thread and user, and which own methods are hooked. Data only."""

from __future__ import annotations

from shim.codes import Code
from shim.contracts import Hook, Shows
from shim.errors import (
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)

__all__ = [
    "BRIDGE_HOOKS",
    "BY_ARGUMENT",
    "BY_CONTEXT",
    "BY_INSTANCE",
    "BY_MESSAGE",
    "CONNECT",
    "EMITTER_HOOKS",
    "RESOLVER",
]

CONNECT = "check that the user is connected, and that the connection belongs to this thread"

# Where the records' run, thread and user come from.
BY_ARGUMENT = {"run_id": "run_id", "thread_id": "thread_id", "subject": "agent_name"}
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

RESOLVER = Hook(
    method="_resolve_thread_id_from_run_id",
    shows=Shows.RAISES,
    error=WebSocketContextValidationError,
    reason="no thread is known for the run",
    hint="call register_run_thread_mapping() when the run is made",
    code=Code.UNMAPPED_RUN,
    check="failloud_resolved",
)
_SANITIZERS = (
    "_sanitize_parameters",
    "_sanitize_result",
    "_sanitize_error_message",
    "_sanitize_error_context",
    "_sanitize_progress_data",
    "_sanitize_custom_data",
    "_get_user_friendly_death_message",
)
_STEPS = (
    "_initialize_websocket_manager",
    "_initialize_registry",
    "_initialize_thread_registry",
    "_setup_registry_integration",
)
BRIDGE_HOOKS = (
    RESOLVER,
    *(
        Hook(
            method=name,
            shows=Shows.RAISES,
            error=WebSocketSendFailureError,
            reason="the event could not be worded",
            hint="see the cause: an argument has not the type that the signature says",
        )
        for name in _SANITIZERS
    ),
    *(
        Hook(
            method=name,
            shows=Shows.RAISES,
            error=WebSocketBridgeUnavailableError,
            reason="a step of the integration failed",
            hint="see the cause; no event reaches a user until ensure_integration() succeeds",
        )
        for name in _STEPS
    ),
    Hook(
        method="_verify_integration",
        shows=Shows.FALSY,
        error=WebSocketBridgeUnavailableError,
        reason="the integration was made, but does not verify",
        check="failloud_verified",
    ),
)
EMITTER_HOOKS = (
    Hook(
        method="_send_event",
        shows=Shows.FALSY,
        error=WebSocketSendFailureError,
        reason="the emitter could not send the event",
        hint=CONNECT,
        check="failloud_sent",
    ),
)
