"""Netra, at commit 28403bca (2025-09-03): the first host. Data only; names and signatures, none of its code."""

from __future__ import annotations

from shim.contracts import Delivery, Host, HostClass, Legacy, Named
from shim.hosts._classes import (
    BRIDGE_HOOKS,
    BY_ARGUMENT,
    BY_CONTEXT,
    BY_INSTANCE,
    BY_MESSAGE,
    EMITTER_HOOKS,
)
from shim.hosts._connections import BY_CONNECTION, delivery_row, manager_rows, retry_rows
from shim.hosts._factory import factory_rows, lifecycle_rows, user_emitter_rows
from shim.hosts._interface import (
    BRIDGE_NOTIFIES,
    ISOLATED_EMITS,
    TERMINAL,
    buffer_row,
    integration_rows,
    isolated_rows,
    mapping_rows,
    notify_rows,
)
from shim.hosts._tools import BY_TOOL, TOOL_HOOKS, answer_rows, progress_row, state_row, stuck_row, tool_rows

__all__ = ["HOST"]

_APP = "netra_backend.app"
BRIDGE = f"{_APP}.services.agent_websocket_bridge:AgentWebSocketBridge"
BUFFER = f"{_APP}.websocket_core.message_buffer:WebSocketMessageBuffer"
CONNECTIONS = f"{_APP}.websocket_core.manager:WebSocketManager"
ISOLATED = f"{_APP}.websocket_core.isolated_event_emitter:IsolatedWebSocketEventEmitter"
USER_EMITTER = f"{_APP}.agents.supervisor.agent_instance_factory:UserWebSocketEmitter"
FACTORY = f"{_APP}.agents.supervisor.agent_instance_factory:AgentInstanceFactory"
TOOLS = f"{_APP}.agents.unified_tool_execution:UnifiedToolExecutionEngine"

_OTHER_NAMES = (
    "batch_message_core:BatchMessageHandler",
    "broadcast_core:BroadcastManager",
    "connection_executor:ConnectionExecutor",
    "error_recovery_handler:WebSocketRecoveryManager",
    "reconnection_handler:WebSocketRecoveryManager",
    "recovery:WebSocketRecoveryManager",
    "state_synchronization_manager:StateSynchronizationManager",
)
"""Names that modules of `websocket_core` give the one manager. The classes that share a name with a declared class
(UserWebSocketEmitter in two more modules) are constructed in another way: nothing takes their place."""

HOST = Host(
    name="netra",
    package=_APP,
    facade=f"{_APP}.loud",
    components=("bridge", "buffer", "connections", "emitter", "factory", "tools"),
    classes=(
        HostClass(
            component="bridge",
            target=BRIDGE,
            identity=BY_ARGUMENT,
            hooks=BRIDGE_HOOKS,
            mixin="shim.components.bridge:BridgeMixin",
        ),
        HostClass(component="buffer", target=BUFFER, identity=BY_MESSAGE, mixin="shim.components.buffer:BufferMixin"),
        HostClass(
            component="connections",
            target=CONNECTIONS,
            identity=BY_CONNECTION,
            mixin="shim.components.manager:ManagerMixin",
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
            mixin="shim.components.factory:UserEmitterMixin",
        ),
        HostClass(
            component="factory", target=FACTORY, identity=BY_CONTEXT, mixin="shim.components.factory:FactoryMixin"
        ),
        HostClass(
            component="tools",
            target=TOOLS,
            identity=BY_TOOL,
            hooks=TOOL_HOOKS,
            mixin="shim.components.tools:ToolsMixin",
        ),
    ),
    contracts=(
        *notify_rows(BRIDGE, BRIDGE_NOTIFIES),
        *mapping_rows(BRIDGE),
        *integration_rows(BRIDGE, "(self, supervisor=None, registry=None, force_reinit=False)", recovers=True),
        buffer_row(BUFFER),
        delivery_row(BUFFER, "(self, user_id, delivery_callback)"),
        *retry_rows(BUFFER),
        *manager_rows(CONNECTIONS),
        *isolated_rows(ISOLATED, ISOLATED_EMITS),
        *user_emitter_rows(USER_EMITTER),
        *factory_rows(
            FACTORY,
            "(self, user_id, thread_id, run_id, db_session=None, websocket_connection_id=None, metadata=None)",
        ),
        *lifecycle_rows(FACTORY),
        *tool_rows(TOOLS),
        state_row(TOOLS),
        progress_row(TOOLS),
        *answer_rows(TOOLS),
        stuck_row(TOOLS),
    ),
    naming=(Named(pattern=r"bridge", target=BRIDGE),),
    legacy=tuple(Legacy(old=f"{_APP}.websocket_core.{name}", new=CONNECTIONS) for name in _OTHER_NAMES),
    terminal=TERMINAL,
    delivery=Delivery(
        outlet="shim.hosts._netra_outlet:Outlet",
        # what its sanitizers look through (parameters, result, error, context, data) is not shown without them
        shown=frozenset({"agent_name", "tool_name", "step_number", "progress_percentage", "execution_time_ms"}),
        critical=frozenset({"agent_started", "tool_executing", "tool_completed"}),
    ),
    traffic="shim.hosts._netra_traffic:Target",
)
