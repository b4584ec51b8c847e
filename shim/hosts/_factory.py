"""The interface of Netra's agent factory and of the emitter it makes: rows without a place. Data only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shim.contracts import Collaborator, Contract, Needs, Shows, Work
from shim.errors import (
    AgentCommunicationFailureError,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts._classes import CONNECT

__all__ = ["factory_rows", "lifecycle_rows", "user_emitter_rows"]

_USER_NOTIFIES = {
    "notify_agent_started": ("(self, agent_name, context=None)", "agent_started"),
    "notify_agent_thinking": (
        "(self, agent_name, reasoning, step_number=None, progress_percentage=None)",
        "agent_thinking",
    ),
    "notify_tool_executing": ("(self, agent_name, tool_name, parameters=None)", "tool_executing"),
    "notify_tool_completed": ("(self, agent_name, tool_name, result=None, execution_time_ms=None)", "tool_completed"),
    "notify_agent_completed": ("(self, agent_name, result=None, execution_time_ms=None)", "agent_completed"),
    "notify_agent_error": ("(self, agent_name, error, error_context=None)", "agent_error"),
}

_USER_EMITTER_HAS_BRIDGE = Needs(
    attribute="websocket_bridge",
    error=WebSocketBridgeUnavailableError,
    reason="the emitter's bridge is None",
    hint="the run was cleaned up already, or the factory was never configured",
)
_BRIDGE_NOTIFIES_FOR_USER = Collaborator(
    attribute="websocket_bridge",
    methods=tuple(_USER_NOTIFIES),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="WebSocket bridge returned failure",
    hint=CONNECT,
)
_FACTORY_HAS_BRIDGE = Needs(
    attribute="_websocket_bridge",
    error=WebSocketBridgeUnavailableError,
    reason="the factory has no bridge: agents made by it stay mute",
    hint="call configure() before agents are made",
)
_FACTORY_MAPS = Collaborator(
    attribute="_websocket_bridge",
    methods=("register_run_thread_mapping",),
    shows=Shows.FALSY,
    error=WebSocketContextValidationError,
    raised_error=AgentCommunicationFailureError,
    reason="the run is not mapped to its thread: its events cannot be routed",
)
_FACTORY_UNMAPS = replace(
    _FACTORY_MAPS,
    methods=("unregister_run_mapping",),
    shows=Shows.NEVER,
    reason="the run's mapping was not taken away",
)


def user_emitter_rows(target: str) -> Iterator[Contract]:
    """Rows of an emitter that goes through the bridge and reduces exceptions to False."""
    for name, (signature, event) in _USER_NOTIFIES.items():
        yield Contract(
            component="factory", target=target, method=name, signature=signature, is_async=True, shows=Shows.FALSY,
            error=WebSocketSendFailureError, reason="WebSocket bridge returned failure", event_type=event, category=4,
            needs=(_USER_EMITTER_HAS_BRIDGE,), watches=(replace(_BRIDGE_NOTIFIES_FOR_USER, methods=(name,)),),
        )  # fmt: skip


def factory_rows(target: str, context_signature: str) -> tuple[Contract, Contract]:
    """Rows of a factory: an agent made without a bridge stays mute, a run that is not mapped cannot be reached."""
    make = Contract(
        component="factory", target=target, method="create_agent_instance",
        signature="(self, agent_name, user_context, agent_class=None)", is_async=True, shows=Shows.NEVER,
        error=AgentCommunicationFailureError, reason="the agent cannot tell its user anything", work=Work.FOLLOWS,
        event_type="agent_created", category=7, needs=(_FACTORY_HAS_BRIDGE,), for_user=False,
    )  # fmt: skip
    context = Contract(
        component="factory", target=target, method="create_user_execution_context", signature=context_signature,
        is_async=True, shows=Shows.NEVER, error=AgentCommunicationFailureError,
        reason="the run's context was made, but its events cannot be routed", work=Work.PRECEDES,
        event_type="context_created", category=5, needs=(_FACTORY_HAS_BRIDGE,), watches=(_FACTORY_MAPS,),
        for_user=False,
    )  # fmt: skip
    return make, context


def lifecycle_rows(target: str) -> Iterator[Contract]:
    """Rows of what a factory does before and after a run: a clean-up that stops half way escalates."""
    yield Contract(
        component="factory", target=target, method="configure",
        signature="(self, agent_class_registry=None, agent_registry=None, websocket_bridge=None, "
        "websocket_manager=None)",
        is_async=False, shows=Shows.RAISES, error=AgentCommunicationFailureError,
        reason="the factory was not configured: it makes no agents", event_type="factory_configured", category=4,
        for_user=False,
    )  # fmt: skip
    for method, signature, reason in (
        ("cleanup_user_context", "(self, user_context)", "the context was not cleaned up"),
        ("cleanup_inactive_contexts", "(self, max_age_seconds=3600)", "contexts were not cleaned up as told"),
    ):
        yield Contract(
            component="factory", target=target, method=method, signature=signature, is_async=True, shows=Shows.NEVER,
            error=WebSocketContextValidationError, reason=reason, work=Work.PRECEDES, event_type=method, category=4,
            watches=(_FACTORY_UNMAPS,) if method == "cleanup_user_context" else (), for_user=False,
        )  # fmt: skip
