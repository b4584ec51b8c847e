"""The interface that Netra's classes have, and every host that speaks it: rows without a place. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shim.contracts import Collaborator, Contract, Needs, Shows, Work
from shim.errors import (
    WebSocketBridgeUnavailableError,
    WebSocketBufferOverflowError,
    WebSocketContextValidationError,
    WebSocketManagerNotInitializedError,
    WebSocketSendFailureError,
)
from shim.hosts._classes import CONNECT

__all__ = [
    "BRIDGE_NOTIFIES",
    "ISOLATED_EMITS",
    "TERMINAL",
    "buffer_row",
    "integration_rows",
    "isolated_rows",
    "mapping_rows",
    "notify_rows",
]

_START_BRIDGE = "await ensure_integration() before agents start"

_BRIDGE_HAS_MANAGER = Needs(
    attribute="_websocket_manager",
    error=WebSocketBridgeUnavailableError,
    reason="the bridge has no WebSocket manager",
    hint=_START_BRIDGE,
)
_MANAGER_SENDS = Collaborator(
    attribute="_websocket_manager",
    methods=("send_to_thread",),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=WebSocketSendFailureError,
    reason="WebSocket manager returned failure",
    hint=CONNECT,
    recipient="thread_id",
    writes=True,
)
_BRIDGE_HAS_REGISTRY = Needs(
    attribute="_thread_registry",
    error=WebSocketContextValidationError,
    reason="the bridge has no thread registry",
    hint=_START_BRIDGE,
)
_REGISTERS = Collaborator(
    attribute="_thread_registry",
    methods=("register",),
    shows=Shows.FALSY,
    error=WebSocketContextValidationError,
    raised_error=WebSocketContextValidationError,
    reason="the thread registry refused the mapping",
)
_UNREGISTERS = replace(
    _REGISTERS,
    methods=("unregister_run", "unregister"),
    shows=Shows.NEVER,
    reason="the thread registry kept the mapping",
)

# method -> (signature, event type)
BRIDGE_NOTIFIES = {
    "notify_agent_started": ("(self, run_id, agent_name, context=None)", "agent_started"),
    "notify_agent_thinking": (
        "(self, run_id, agent_name, reasoning, step_number=None, progress_percentage=None)",
        "agent_thinking",
    ),
    "notify_tool_executing": ("(self, run_id, agent_name, tool_name, parameters=None)", "tool_executing"),
    "notify_tool_completed": (
        "(self, run_id, agent_name, tool_name, result=None, execution_time_ms=None)",
        "tool_completed",
    ),
    "notify_agent_completed": ("(self, run_id, agent_name, result=None, execution_time_ms=None)", "agent_completed"),
    "notify_agent_error": ("(self, run_id, agent_name, error, error_context=None)", "agent_error"),
    "notify_agent_death": ("(self, run_id, agent_name, death_cause, death_context=None)", "agent_death"),
    "notify_progress_update": ("(self, run_id, agent_name, progress)", "progress_update"),
    "notify_custom": ("(self, run_id, agent_name, notification_type, data)", "{notification_type}"),
    "emit_agent_event": ("(self, event_type, data, run_id=None, agent_name=None)", "{event_type}"),
}
ISOLATED_EMITS = {
    "emit_agent_started": ("(self, agent_name, run_id)", "agent_started"),
    "emit_agent_thinking": ("(self, agent_name, message)", "agent_thinking"),
    "emit_tool_executing": ("(self, tool_name, run_id)", "tool_executing"),
    "emit_tool_completed": ("(self, tool_name, run_id, result=None)", "tool_completed"),
    "emit_agent_completed": ("(self, agent_name, run_id, result=None)", "agent_completed"),
    "notify_agent_started": ("(self, agent_name, run_id)", "agent_started"),
    "notify_agent_completed": ("(self, agent_name, run_id, result=None)", "agent_completed"),
    "notify_agent_error": ("(self, agent_name, run_id, error)", "agent_error"),
}

TERMINAL = frozenset({"agent_completed", "agent_error", "agent_death"})

_ISOLATED_HAS_MANAGER = Needs(
    attribute="websocket_manager",
    error=WebSocketManagerNotInitializedError,
    reason="the emitter was made without a WebSocket manager",
    hint="give the emitter a manager when it is made, or call set_websocket_manager()",
)
_ISOLATED_IS_OPEN = Needs(
    attribute="_is_cleaned",
    unset=True,
    error=WebSocketManagerNotInitializedError,
    reason="the emitter was cleaned up before the event",
    hint="emit before cleanup(), or make an emitter for the new run",
)
_ISOLATED_SENDS = Collaborator(
    attribute="websocket_manager",
    methods=("send_to_thread", "send_to_user", "send_message"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=WebSocketSendFailureError,
    reason="WebSocket manager returned failure, the emitter counted it as sent",
    hint=CONNECT,
    writes=True,
)


def notify_rows(target: str, names: Iterable[str]) -> Iterator[Contract]:
    """Rows of a bridge's notifications, for a host that has those of Netra's that `names` names."""
    for name in names:
        signature, event = BRIDGE_NOTIFIES[name]
        yield Contract(
            component="bridge", target=target, method=name, signature=signature, is_async=True, shows=Shows.FALSY,
            error=WebSocketSendFailureError, reason="WebSocket bridge returned failure", event_type=event, category=1,
            needs=(_BRIDGE_HAS_MANAGER,), watches=(_MANAGER_SENDS,),
        )  # fmt: skip


def mapping_rows(target: str) -> Iterator[Contract]:
    """Rows of a bridge's run-to-thread mapping.

    Taking a mapping away comes after the run, and "there was none" is no failure: only a registry that is missing or
    raises is.
    """
    yield Contract(
        component="bridge", target=target, method="register_run_thread_mapping",
        signature="(self, run_id, thread_id, metadata=None)", is_async=True, shows=Shows.FALSY,
        error=WebSocketContextValidationError, reason="the run's mapping to its thread failed",
        event_type="run_mapping", category=5, needs=(_BRIDGE_HAS_REGISTRY,), watches=(_REGISTERS,), for_user=False,
    )  # fmt: skip
    yield Contract(
        component="bridge", target=target, method="unregister_run_mapping", signature="(self, run_id)", is_async=True,
        shows=Shows.NEVER, error=WebSocketContextValidationError, reason="the run's mapping was not taken away",
        event_type="run_unmapping", category=5, work=Work.PRECEDES, needs=(_BRIDGE_HAS_REGISTRY,),
        watches=(_UNREGISTERS,), for_user=False,
    )  # fmt: skip


def integration_rows(target: str, signature: str, *, recovers: bool = False) -> Iterator[Contract]:
    """Rows of a bridge's start: without it every later event is lost. A repair in the background escalates."""
    yield Contract(
        component="bridge", target=target, method="ensure_integration", signature=signature, is_async=True,
        shows=Shows.UNSUCCESSFUL, error=WebSocketBridgeUnavailableError, reason="the bridge could not be integrated",
        event_type="bridge_integration", category=1, for_user=False,
    )  # fmt: skip
    if recovers:
        yield Contract(
            component="bridge", target=target, method="recover_integration", signature="(self)", is_async=True,
            shows=Shows.UNSUCCESSFUL, error=WebSocketBridgeUnavailableError, work=Work.PRECEDES,
            reason="the bridge could not be recovered", event_type="bridge_recovery", category=1, for_user=False,
        )  # fmt: skip


def isolated_rows(target: str, names: Iterable[str]) -> Iterator[Contract]:
    """Rows of an emitter that sends straight to the manager and declares None."""
    for name in names:
        signature, event = ISOLATED_EMITS[name]
        yield Contract(
            component="emitter", target=target, method=name, signature=signature, is_async=True, shows=Shows.NEVER,
            error=WebSocketSendFailureError, reason="the emitter did not send the event", event_type=event, category=3,
            needs=(_ISOLATED_IS_OPEN, _ISOLATED_HAS_MANAGER), watches=(_ISOLATED_SENDS,),
        )  # fmt: skip


def buffer_row(target: str) -> Contract:
    """Row of the message buffer."""
    return Contract(
        component="buffer",
        target=target,
        method="buffer_message",
        signature="(self, user_id, message, priority=Ellipsis)",
        is_async=True,
        shows=Shows.FALSY,
        error=WebSocketBufferOverflowError,
        reason="the buffer rejected the message",
        event_type="{message.type}",
        category=2,
        hint="raise the buffer's limits, or shorten the message",
    )
