"""A tool engine's rows and how its calls name run, thread and user: Netra's, and every host that speaks so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shim.contracts import Collaborator, Contract, Hook, Needs, Shows, Work
from shim.errors import (
    AgentCommunicationFailureError,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts._classes import CONNECT

__all__ = ["BY_TOOL", "TOOL_HOOKS", "answer_rows", "progress_row", "state_row", "stuck_row", "tool_rows"]

_CONTEXTS = ("kwargs.context", "context", "state._websocket_context")
BY_TOOL = {
    "run_id": "|".join([*(f"{each}.run_id" for each in _CONTEXTS), "run_id"]),
    "thread_id": "|".join([*(f"{each}.thread_id" for each in _CONTEXTS), "state.chat_thread_id", "state.thread_id"]),
    "user_id": "|".join([*(f"{each}.user_id" for each in _CONTEXTS), "state.user_id", "user.id", "user_id"]),
    "subject": "tool_name|tool_input.tool_name|tool.name",
}

_TOLD = "the user was not told of the tool"
_EXECUTING, _COMPLETED, _PROGRESS = "notify_tool_executing", "notify_tool_completed", "notify_progress_update"
_BRIDGE_TELLS = Needs(
    attribute="websocket_bridge",
    methods=(_EXECUTING, _COMPLETED),
    error=WebSocketBridgeUnavailableError,
    reason="the tool engine has no bridge",
    hint="make the engine with the platform's bridge",
)
_CONTEXT_GIVEN = Needs(
    argument="context",
    error=WebSocketContextValidationError,
    reason="the tool runs without a context: nobody knows whom to tell",
    hint="pass the agent's execution context",
)
_NOTIFIES = Collaborator(
    attribute="websocket_bridge",
    methods=(_EXECUTING, _COMPLETED),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="WebSocket bridge returned failure",
    hint=CONNECT,
)

TOOL_HOOKS = (
    *(
        Hook(
            method=name,
            shows=Shows.RAISES,
            error=WebSocketSendFailureError,
            reason="the answer to a failed tool could not be made",
            check="failloud_failed",
        )
        for name in ("_create_error_tool_response", "_handle_execution_error")
    ),
    Hook(
        method="_calculate_remaining_time",
        shows=Shows.RAISES,
        error=WebSocketSendFailureError,
        reason="the progress could not be worded",
        hint="pass the percentage as a number",
    ),
)
"Of an engine that has all of Netra's methods."


def _telling(target: str, method: str, signature: str, event: str, notifies: str) -> Contract:
    return Contract(
        component="tools", target=target, method=method, signature=signature, is_async=True, shows=Shows.NEVER,
        error=WebSocketSendFailureError, reason=_TOLD, event_type=event, category=1,
        needs=(replace(_BRIDGE_TELLS, methods=(notifies,)), _CONTEXT_GIVEN),
        watches=(replace(_NOTIFIES, methods=(notifies,)),),
    )  # fmt: skip


def _running(target: str, method: str, signature: str, given: Needs) -> Contract:
    return Contract(
        component="tools", target=target, method=method, signature=signature, is_async=True, shows=Shows.NEVER,
        error=WebSocketSendFailureError, reason=_TOLD, work=Work.FOLLOWS, event_type="tool_executing", category=1,
        needs=(_BRIDGE_TELLS, given),
    )  # fmt: skip


def tool_rows(target: str) -> Iterator[Contract]:
    """Rows of a run of a tool, and of the two notifications around it."""
    given = replace(_CONTEXT_GIVEN, argument="kwargs.context")
    yield _running(target, "execute_tool_with_input", "(self, tool_input, tool, kwargs)", given)
    executing = "(self, context, tool_name, tool_input)"
    yield _telling(target, "_send_tool_executing", executing, "tool_executing", _EXECUTING)
    completed = "(self, context, tool_name, result, duration_ms, status, error_type=None)"
    yield _telling(target, "_send_tool_completed", completed, "tool_completed", _COMPLETED)


def state_row(target: str) -> Contract:
    """Row of a run of a tool by an agent's state: without a run the host makes one up, which nobody listens to."""
    given = Needs(
        argument="run_id|state._websocket_context.run_id",
        error=WebSocketContextValidationError,
        reason="no run_id was given: the host makes one up, which belongs to nobody",
        hint="pass the run_id of the user's own run",
    )
    return _running(target, "execute_with_state", "(self, tool, tool_name, parameters, state, run_id)", given)


def progress_row(target: str) -> Contract:
    """Row of the progress of a tool that takes long."""
    signature = "(self, context, tool_name, progress_percentage, status_message=None)"
    return _telling(target, "send_progress_update", signature, "progress_update", _PROGRESS)


def answer_rows(target: str) -> Iterator[Contract]:
    """Rows of runs that send nothing: a failure of the tool shows in the answer alone, its cause as text.

    They are given no run to tell of it, so the ledger does not count them.
    """
    runs = {
        "execute_tool": ("(self, tool_name, parameters)", Shows.UNSUCCESSFUL),
        "execute_with_permissions": ("(self, tool, arguments, user)", Shows.NEVER),
    }
    for name, (signature, shows) in runs.items():
        yield Contract(
            component="tools", target=target, method=name, signature=signature, is_async=True, shows=shows,
            error=WebSocketSendFailureError, reason="the tool failed and no event says so", work=Work.PRECEDES,
            event_type="tool_completed", category=4, for_user=False, hint="see the cause",
        )  # fmt: skip


def stuck_row(target: str) -> Contract:
    """Row of the clean-up of a user's stuck runs."""
    return Contract(
        component="tools", target=target, method="force_cleanup_user_executions", signature="(self, user_id)",
        is_async=True, shows=Shows.NEVER, error=AgentCommunicationFailureError,
        reason="stuck tools of the user were not cleaned up", work=Work.PRECEDES, event_type="tool_cleanup",
        category=7, for_user=False,
    )  # fmt: skip
