"""The bridge's paths that no result shows: a thread nobody is in, causes and reasons the host throws away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shim.components.hearing import with_globals
from shim.components.routing import RoutingMixin, arguments_of_row
from shim.errors import (
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.frames import Call, Frame, Note, frame_of
from shim.guard import shown
from shim.proxy import Intercept, proxy_for

__all__ = ["AgentchatBridgeMixin", "BridgeMixin"]


class BridgeMixin(RoutingMixin):
    """Netra's bridge."""

    _orchestrator: Any
    _registry: Any
    failloud_mappings = "_run_to_thread"
    failloud_connections = "connections"

    def failloud_explain(self, frame: Frame) -> None:
        """Say what is wrong with the run id, or with an event's data."""
        super().failloud_explain(frame)
        if frame.notes or frame.row.method != "emit_agent_event":
            return
        data = arguments_of_row(frame)["data"]
        try:
            _ = {**data}  # what the host does with it
        except TypeError as error:
            frame.note(_failed(WebSocketSendFailureError, f"the event's data is a {type(data).__name__}", error))

    def failloud_verified(self, call: Call, answer: Any) -> None:
        """Say which condition of the integration does not hold, as the host tests them."""
        frame, registry = Frame(call), self._registry
        if answer or any(note.cause is not None for note in frame.notes):
            return
        if not self._websocket_manager:
            reason = "the bridge has no WebSocket manager"
        elif not self._orchestrator:
            reason = "the bridge has no agent execution registry"
        elif registry and hasattr(registry, "websocket_manager") and not registry.websocket_manager:
            reason = "the agent registry has no WebSocket manager"
        else:
            reason = "the agent execution registry's metrics are no mapping"
        frame.note(Note(key="own", error=WebSocketBridgeUnavailableError, reason=reason))

    def _track_resolution_failure(self, failure_source: str, error_message: str) -> None:
        """Note what a look-up raised: the host calls this inside the handler that swallows it."""
        error = sys.exc_info()[1] if failure_source != "complete_failure" else None
        super()._track_resolution_failure(failure_source, error_message)  # type: ignore[misc]  # the host's, behind us
        frame = frame_of(self)
        if frame is not None and isinstance(error, Exception):
            reason = f"looking the thread up in {failure_source} raised {shown(error)}"
            frame.note(_failed(WebSocketContextValidationError, reason, error, decides=False))

    async def _verify_integration(self) -> bool:
        """Hear what the execution registry raises when it is asked for its metrics: the host keeps False."""
        host = super()._verify_integration  # type: ignore[misc]  # the host's, behind us in the MRO
        frame = frame_of(self)
        if frame is None:
            return bool(await host())
        heard: list[Exception] = []
        answer: bool = await host.__func__(proxy_for(self, _hearing_methods("_orchestrator", "get_metrics", heard)))
        if heard:
            reason = f"the agent execution registry does not answer ({shown(heard[-1])})"
            frame.note(_failed(WebSocketBridgeUnavailableError, reason, heard[-1], decides=False))
        return answer

    async def _initialize_websocket_manager(self) -> None:
        """Hear what the manager's getter raises: the host tries three times and keeps the text of the last."""
        host = super()._initialize_websocket_manager  # type: ignore[misc]  # the host's, behind us in the MRO
        frame = frame_of(self)
        if frame is None:
            await host()
            return
        heard: list[Exception] = []
        try:
            await _hearing(host.__func__, "get_websocket_manager", heard)(self)
        except Exception:
            if heard:
                reason = f"the WebSocket manager could not be made ({shown(heard[-1])})"
                frame.note(_failed(WebSocketBridgeUnavailableError, reason, heard[-1]))
            raise


class AgentchatBridgeMixin(RoutingMixin):
    """The example host's bridge."""

    failloud_mappings = "_threads"
    failloud_connections = "_connections"


def _failed(error: Any, reason: str, cause: Exception, *, decides: bool = True) -> Note:
    return Note(key=("cause", reason), error=error, reason=reason, cause=cause, decides=decides)


def _hearing(host: Any, name: str, heard: list[Exception]) -> Callable[..., Any]:
    """Make a copy of a host function that sees `name` of its module through a function that keeps what it raises."""
    getter = host.__globals__[name]

    def hear(*args: Any, **kwargs: Any) -> Any:
        with _kept(heard):
            return getter(*args, **kwargs)

    return with_globals(host, **{name: hear})


def _hearing_methods(attribute: str, method: str, heard: list[Exception]) -> Intercept:
    """Make the view of an object through which one collaborator's coroutine method keeps what it raises."""

    def of_collaborator(_: Any, name: str, value: Any) -> Any:
        async def hear(*args: Any, **kwargs: Any) -> Any:
            with _kept(heard):
                return await value(*args, **kwargs)

        return hear if name == method else value

    def of_holder(_: Any, name: str, value: Any) -> Any:
        return proxy_for(value, of_collaborator) if name == attribute and value is not None else value

    return of_holder


@contextmanager
def _kept(heard: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        heard.append(error)
        raise
