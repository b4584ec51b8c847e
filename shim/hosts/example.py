"""The example host in `examples/agentchat`: Netra's interface on a small platform, silent in the same ways."""

from __future__ import annotations

from shim.contracts import Delivery, Host, HostClass, Legacy, Named
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
from shim.hosts._tools import BY_TOOL, tool_rows

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
            identity=BY_TOOL,
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
        *tool_rows(TOOLS),
    ),
    naming=(Named(pattern=r"bridge", target=BRIDGE),),
    legacy=(Legacy(old="agentchat.isolated:RunEventEmitter", new=ISOLATED),),
    terminal=TERMINAL,
    delivery=Delivery(
        outlet="shim.hosts._agentchat_outlet:Outlet",
        shown=frozenset(
            {
                "agent_name",
                "context",
                "reasoning",
                "step_number",
                "progress_percentage",
                "tool_name",
                "parameters",
                "result",
                "execution_time_ms",
                "error",
            }
        ),
    ),
    traffic="demo.traffic:Target",
)
