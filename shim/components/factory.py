"""The factory's paths that no result shows: agents that stay mute, and clean-ups that stop half way."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shim.codes import Code
from shim.components.hearing import listening
from shim.contracts import Work
from shim.errors import UNKNOWN, WebSocketBridgeUnavailableError, WebSocketContextValidationError
from shim.frames import Frame, Note, enclosing, frame_of
from shim.guard import shown
from shim.identity import arguments_of
from shim.recipients import learn

__all__ = ["ContextMixin", "FactoryMixin", "NotifyingMixin", "UserEmitterMixin"]

_DEPENDENCIES = ("llm_manager", "tool_dispatcher")
_GIVE_BRIDGE = "configure the factory with an AgentWebSocketBridge"
_MAPS = "register_run_thread_mapping"


class NotifyingMixin:
    """Goes before an emitter that goes through a bridge."""

    websocket_bridge: Any
    run_id: str

    def failloud_explain(self, frame: Frame) -> None:
        """Say why the bridge could not be called at all: it has no such method, or one that takes other arguments."""
        bridge, name = self.websocket_bridge, frame.row.method
        arguments = arguments_of(getattr(type(self), name), self, frame.args, frame.kwargs)
        del arguments["self"]
        try:
            inspect.signature(getattr(bridge, name)).bind(run_id=self.run_id, **arguments)  # as the host calls it
        except (AttributeError, TypeError) as error:
            reason = f"the bridge, a {type(bridge).__name__}, cannot be called ({shown(error)})"
            unavailable = WebSocketBridgeUnavailableError
            frame.note(Note(key="own", error=unavailable, reason=reason, hint=_GIVE_BRIDGE, cause=error))


class UserEmitterMixin(NotifyingMixin):
    """Netra's, which the factory also cleans up."""

    async def cleanup(self) -> None:
        """Hear what stops it, for the clean-up it is a step of; by itself it is no contracted call."""
        host, frame = super().cleanup, enclosing()  # type: ignore[misc]  # the host's, behind us in the MRO
        if frame is None or frame.row.work is not Work.PRECEDES:
            await host()
            return
        with listening(frame, "the emitter was not cleaned up") as heard:
            await heard.through(host)()


class ContextMixin:
    """Goes before a factory: what it makes of a run's context."""

    _websocket_bridge: Any

    async def create_user_execution_context(self, *args: Any, **kwargs: Any) -> Any:
        """Say why the run has no mapping, where the bridge was never asked for one."""
        host, frame = super().create_user_execution_context, frame_of(self)  # type: ignore[misc]  # the host's
        if frame is None:
            return await host(*args, **kwargs)
        with listening(frame, "the run is not mapped to its thread") as heard:
            context = await heard.through(host)(*args, **kwargs)
            learn(*(getattr(context, name, None) for name in ("run_id", "thread_id", "user_id")))
            heard.look(_unmapped(self._websocket_bridge, heard.cause))
        return context


class FactoryMixin(ContextMixin):
    """Netra's factory."""

    _active_contexts: dict[str, Any]

    def configure(self, *args: Any, **kwargs: Any) -> Any:
        """Keep what the class registry raised: the host raises a text of its own in its place."""
        host, frame = super().configure, frame_of(self)  # type: ignore[misc]  # the host's, behind us in the MRO
        if frame is None:
            return host(*args, **kwargs)
        with listening(frame, "the factory was not configured") as heard:
            return heard.through(host)(*args, **kwargs)

    async def create_agent_instance(self, *args: Any, **kwargs: Any) -> Any:
        """Look at the agent that was made: whether it can tell its user anything, and has what it asks for."""
        host, frame = super().create_agent_instance, frame_of(self)  # type: ignore[misc]  # the host's, behind us
        if frame is None:
            return await host(*args, **kwargs)
        with listening(frame, "the agent has no bridge") as heard:
            agent = await heard.through(host)(*args, **kwargs)
            if self._websocket_bridge is not None and not heard.errors:
                heard.look(_mute(agent))
            heard.look(_without_dependencies(frame, agent))
        return agent

    async def cleanup_user_context(self, *args: Any, **kwargs: Any) -> Any:
        """Hear what stops a step of the clean-up."""
        host, frame = super().cleanup_user_context, frame_of(self)  # type: ignore[misc]  # the host's, behind us
        if frame is None:
            return await host(*args, **kwargs)
        with listening(frame, "the context was not cleaned up") as heard:
            return await heard.through(host)(*args, **kwargs)

    async def cleanup_inactive_contexts(self, *args: Any, **kwargs: Any) -> Any:
        """Say whose context was cleaned up for want of an age; he may still wait for his events."""
        host, frame = super().cleanup_inactive_contexts, frame_of(self)  # type: ignore[misc]  # the host's, behind us
        if frame is None:
            return await host(*args, **kwargs)
        active = list(self._active_contexts.values())
        with listening(frame, "the context was cleaned up, or counted as cleaned up, after an error") as heard:
            count = await heard.through(host)(*args, **kwargs)
            if heard.errors:
                heard.look(_ageless(frame, heard.errors, active))
        return count


def _unmapped(bridge: Any, cause: Exception | None) -> Iterator[Note]:
    """Tell of a bridge that cannot map runs; `cause` is what came of it where the host tried."""
    if bridge is not None and not hasattr(bridge, _MAPS):
        reason = f"the run is not mapped to its thread: the bridge, a {type(bridge).__name__}, has no {_MAPS}"
        error, details = WebSocketContextValidationError, {"code": Code.UNMAPPED_RUN}
        yield Note(key="own", error=error, reason=reason, hint=_GIVE_BRIDGE, cause=cause, details=details)


def _mute(agent: Any) -> Iterator[Note]:
    error, hint = WebSocketBridgeUnavailableError, "derive the agent from the host's base agent"
    if not hasattr(agent, "set_websocket_bridge"):
        reason = f"the agent, a {type(agent).__name__}, has no set_websocket_bridge: it stays mute"
        yield Note(key="mute", error=error, reason=reason, hint=hint)
        return
    has_bridge = getattr(getattr(agent, "_websocket_adapter", None), "has_websocket_bridge", None)
    if has_bridge is not None and not has_bridge():
        reason = f"the agent, a {type(agent).__name__}, did not keep the bridge it was given: it stays mute"
        yield Note(key="mute", error=error, reason=reason, hint=hint)


def _without_dependencies(frame: Frame, agent: Any) -> Iterator[Note]:
    """Tell of an agent whose own constructor takes both, and that was made with neither."""
    made = vars(type(agent)).get("__init__")
    if not inspect.isfunction(made) or not set(_DEPENDENCIES) <= inspect.signature(made).parameters.keys():
        return
    if all(getattr(agent, name, None) is None for name in _DEPENDENCIES):
        reason = f"the agent, a {type(agent).__name__}, was made without {' and '.join(_DEPENDENCIES)}"
        hint = "configure the factory with a registry that has both"
        yield Note(key="dependencies", error=frame.row.error, reason=reason, hint=hint)


def _has_age(context: Any) -> bool:
    try:
        _ = datetime.now(UTC) - context.created_at  # what the host does with it
    except Exception:  # noqa: BLE001  # the host met it too, and its exception is the note's cause
        return False
    return True


def _ageless(frame: Frame, errors: list[Exception], active: list[Any]) -> Iterator[Note]:
    """Pair what the host handled with the contexts whose age cannot be told: it looks at them in this order."""
    ageless = [context for context in active if not _has_age(context)]
    for place, (error, context) in enumerate(zip(errors, ageless, strict=False)):
        who = {name: str(getattr(context, name, UNKNOWN)) for name in ("user_id", "thread_id", "run_id")}
        reason = f"the context was cleaned up, since its age cannot be told ({shown(error)})"
        hint = "look at the context's created_at; its run may be under way"
        yield Note(key=("age", place), error=frame.row.error, reason=reason, hint=hint, cause=error, details=who)
