"""The example host in `examples/agentchat`: Netra's interface on a small platform, silent in the same ways."""

from __future__ import annotations

from shim.contracts import Collaborator, Contract, Host, HostClass, Legacy, Named, Needs, Shows, Work
from shim.errors import AgentCommunicationFailureError, WebSocketBridgeUnavailableError, WebSocketSendFailureError
from shim.hosts._classes import (
    BY_ARGUMENT,
    BY_CONTEXT,
    BY_INSTANCE,
    BY_MESSAGE,
    EMITTER_HOOKS,
    RESOLVER,
)
from shim.hosts._factory import factory_rows, user_emitter_rows
from shim.hosts._interface import (
    TERMINAL,
    buffer_row,
    integration_rows,
    isolated_rows,
    mapping_rows,
    notify_rows,
)

__all__ = ["HOST"]

BRIDGE = "agentchat.bridge:AgentWebSocketBridge"
BUFFER = "agentchat.buffer:WebSocketMessageBuffer"
ISOLATED = "agentchat.emitter:IsolatedWebSocketEventEmitter"
USER_EMITTER = "agentchat.factory:UserWebSocketEmitter"
FACTORY = "agentchat.factory:AgentInstanceFactory"
TOOLS = "agentchat.tools:UnifiedToolExecutionEngine"

_NOTIFIES = (
    "notify_agent_started",
    "notify_agent_thinking",
    "notify_tool_executing",
    "notify_tool_completed",
    "notify_agent_completed",
    "notify_agent_error",
    "notify_custom",
)
_EMITS = (
    "emit_agent_started",
    "emit_agent_thinking",
    "emit_tool_executing",
    "emit_tool_completed",
    "emit_agent_completed",
)
_TOOLS_HAVE_BRIDGE = Needs(
    attribute="websocket_bridge",
    error=WebSocketBridgeUnavailableError,
    reason="the tool engine has no bridge",
    hint="make the engine with the platform's bridge",
)
_TOOLS_NOTIFY = Collaborator(
    attribute="websocket_bridge",
    methods=("notify_tool_executing", "notify_tool_completed"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="WebSocket bridge returned failure",
)


def _tool_row(method: str, signature: str, event: str, work: Work = Work.NONE) -> Contract:
    return Contract(
        component="tools", target=TOOLS, method=method, signature=signature, is_async=True, shows=Shows.NEVER,
        error=WebSocketSendFailureError, reason="the user was not told of the tool", work=work, event_type=event,
        category=1, needs=(_TOOLS_HAVE_BRIDGE,), watches=() if work is Work.FOLLOWS else (_TOOLS_NOTIFY,),
    )  # fmt: skip


_TOOL_ROWS = (
    _tool_row("execute_tool_with_input", "(self, tool_input, tool, kwargs)", "tool_executing", Work.FOLLOWS),
    _tool_row("_send_tool_executing", "(self, context, tool_name, tool_input)", "tool_executing"),
    _tool_row(
        "_send_tool_completed",
        "(self, context, tool_name, result, duration_ms, status, error_type=None)",
        "tool_completed",
    ),
)

HOST = Host(
    name="example",
    package="agentchat",
    facade="agentchat.loud",
    versions=">=1,<2",
    version_attribute="agentchat:__version__",
    components=("bridge", "buffer", "emitter", "factory", "tools"),
    classes=(
        HostClass(
            component="bridge",
            target=BRIDGE,
            identity=BY_ARGUMENT,
            hooks=(RESOLVER,),
            mixin="shim.components.bridge:AgentchatBridgeMixin",
        ),
        HostClass(
            component="buffer", target=BUFFER, identity=BY_MESSAGE, mixin="shim.components.buffer:AgentchatBufferMixin"
        ),
        HostClass(
            component="emitter",
            target=ISOLATED,
            identity=BY_INSTANCE,
            hooks=EMITTER_HOOKS,
            mixin="shim.components.emitter:EmitterMixin",
        ),
        HostClass(
            component="factory",
            target=USER_EMITTER,
            identity=BY_INSTANCE,
            mixin="shim.components.factory:NotifyingMixin",
        ),
        HostClass(
            component="factory", target=FACTORY, identity=BY_CONTEXT, mixin="shim.components.factory:ContextMixin"
        ),
        HostClass(
            component="tools",
            target=TOOLS,
            identity={
                "run_id": "kwargs.context.run_id|context.run_id",
                "thread_id": "kwargs.context.thread_id|context.thread_id",
                "user_id": "kwargs.context.user_id|context.user_id",
                "subject": "tool_name|tool_input.tool_name",
            },
        ),
    ),
    contracts=(
        *notify_rows(BRIDGE, _NOTIFIES),
        *mapping_rows(BRIDGE),
        *integration_rows(BRIDGE, "(self)"),
        buffer_row(BUFFER),
        *isolated_rows(ISOLATED, _EMITS),
        *user_emitter_rows(USER_EMITTER),
        *factory_rows(FACTORY, "(self, user_id, thread_id, run_id, metadata=None)"),
        *_TOOL_ROWS,
    ),
    naming=(Named(pattern=r"bridge", target=BRIDGE),),
    legacy=(Legacy(old="agentchat.isolated:RunEventEmitter", new=ISOLATED),),
    terminal=TERMINAL,
    traffic="demo.traffic:Target",
)
