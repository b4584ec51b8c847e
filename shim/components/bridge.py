"""The bridge's paths that no result shows: a thread nobody is in, causes and reasons the host throws away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from shim.codes import Code
from shim.components.hearing import with_globals
from shim.errors import (
    UNKNOWN,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.frames import INSTANCE, PARENT, Call, Frame, Note, frame_of
from shim.guard import shown
from shim.proxy import Intercept, proxy_for, unwrap

__all__ = ["AgentchatBridgeMixin", "BridgeMixin"]

_GUESSED = "pattern_extraction"
"What a registry's mapping names as its source where the thread was guessed from the run id."
_MAP_IT = "call register_run_thread_mapping() when the run is made"


class RoutingMixin:
    """Goes before a bridge: whose thread a run's events go to, and whether anybody is there."""

    _thread_registry: Any
    _websocket_manager: Any
    failloud_mappings: ClassVar[str]
    "Attribute of the registry: run -> its mapping."
    failloud_connections: ClassVar[str]
    "Attribute of the manager: its connections."

    def failloud_resolved(self, call: Call, thread_id: Any, run_id: Any) -> None:
        """Look at the thread a run was resolved to, before the event goes there; a good call ends soon."""
        if not isinstance(thread_id, str) or not thread_id:
            return
        wanted = None if call[PARENT] is None else _thread_of_the_caller(call)
        if wanted is not None and wanted != thread_id:
            frame, reason = (
                Frame(call),
                f"the run was resolved to thread {thread_id}, its caller belongs to thread {wanted}",
            )
            frame.note(_misrouted(reason, thread_id, _cause(frame)))
        elif not self._is_mapped(run_id, thread_id) and not self._somebody_in(thread_id, Frame(call)):
            frame, reason = (
                Frame(call),
                f"thread {thread_id} was guessed from the run id, and nobody is connected to it",
            )
            frame.note(_misrouted(reason, thread_id, _cause(frame), doubt=True))

    def failloud_identity(self, known: Mapping[str, str]) -> dict[str, str]:
        """Complete thread and user from the host's own tables."""
        thread_id, user_id = known.get("thread_id", UNKNOWN), known.get("user_id", UNKNOWN)
        mapped, metadata = _mapping(self._mapping_of(known.get("run_id")))
        if thread_id == UNKNOWN and mapped:
            thread_id = mapped
        if user_id == UNKNOWN:
            users = {_field(one, "user_id") for one in self._connections() if _field(one, "thread_id") == thread_id}
            user_id = str(metadata.get("user_id") or (users.pop() if len(users) == 1 else UNKNOWN))
        return {"thread_id": thread_id, "user_id": user_id}

    def failloud_explain(self, frame: Frame) -> None:
        """Say what is wrong with the run id, where the host only says False."""
        arguments = _arguments(frame)
        reason, cause = _run_id_fault(arguments.get("run_id"))
        if "run_id" in arguments and reason:
            frame.note(
                Note(
                    key="own",
                    error=WebSocketContextValidationError,
                    reason=reason,
                    hint="pass the run_id of the user's own run",
                    cause=cause,
                )
            )

    def _is_mapped(self, run_id: Any, thread_id: str) -> bool:
        registry = self._thread_registry
        table = getattr(registry, self.failloud_mappings, None)
        if table is None:
            return registry is not None  # a registry of another make: its answer stands
        if type(table) is dict and type(run_id) is str and _is_plainly(table.get(run_id), thread_id):
            return True
        mapped, metadata = _mapping(self._mapping_of(run_id))
        return mapped == thread_id and metadata.get("source") != _GUESSED

    def _mapping_of(self, run_id: Any) -> Any:
        table = getattr(unwrap(self._thread_registry), self.failloud_mappings, None)
        is_table = type(table) is dict or isinstance(table, Mapping)  # asking an abstract class takes its time
        return table.get(run_id.strip()) if is_table and isinstance(run_id, str) else None  # type: ignore[union-attr]

    def _somebody_in(self, thread_id: str, frame: Frame) -> bool:
        user_id = _addressed_user(frame)
        return any(
            _field(one, "thread_id") == thread_id or (user_id is not None and _field(one, "user_id") == user_id)
            for one in self._connections()
        )

    def _connections(self) -> Iterator[Any]:
        try:
            found = getattr(unwrap(self._websocket_manager), self.failloud_connections, ())
            yield from list(found.values() if isinstance(found, Mapping) else found)
        except Exception:  # noqa: BLE001  # a table that cannot be read confirms nobody: that is what is reported
            return


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
        data = _arguments(frame)["data"]
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


def _misrouted(reason: str, thread_id: str, cause: BaseException | None, *, doubt: bool = False) -> Note:
    return Note(
        key="routing",
        error=WebSocketContextValidationError,
        reason=reason,
        hint=_MAP_IT,
        cause=cause,
        details={"code": Code.EVENT_MISROUTED, "thread_id": thread_id},
        doubt=doubt,
    )


def _failed(error: Any, reason: str, cause: Exception, *, decides: bool = True) -> Note:
    return Note(key=("cause", reason), error=error, reason=reason, cause=cause, decides=decides)


def _cause(frame: Frame) -> BaseException | None:
    return next((note.cause for note in frame.notes if note.cause is not None), None)


def _thread_of_the_caller(call: Call) -> str | None:
    """Give the thread that the emitter which called the bridge was made for."""
    outer: Call | None = call[PARENT]
    while outer is not None:
        wanted = getattr(outer[INSTANCE], "thread_id", None)
        if isinstance(wanted, str):
            return wanted
        outer = outer[PARENT]
    return None


def _mapping(found: Any) -> tuple[str | None, Mapping[str, Any]]:
    """Give thread and metadata of a mapping: the thread itself, or an object that has both."""
    if found is None or isinstance(found, str):
        return found, {}
    metadata = getattr(found, "metadata", None)
    is_mapping = type(metadata) is dict or isinstance(metadata, Mapping)
    return getattr(found, "thread_id", None), metadata if is_mapping else {}  # type: ignore[return-value]


def _is_plainly(found: Any, thread_id: str) -> bool:
    """Say whether that is a mapping to this thread, the quick way; False where a closer look is needed."""
    if type(found) is str:
        return found == thread_id
    if found is None:
        return False
    try:
        return bool(found.thread_id == thread_id and found.metadata.get("source") != _GUESSED)
    except AttributeError:
        return False


def _field(connection: Any, name: str) -> Any:
    return connection.get(name) if isinstance(connection, Mapping) else getattr(connection, name, None)


def _addressed_user(frame: Frame) -> Any:
    """Give the user an event's data names: the manager falls back to that user where the thread is empty."""
    data = _arguments(frame).get("data")
    if frame.row.method != "emit_agent_event" or not isinstance(data, Mapping):
        return None
    inner = data.get("data")
    return (inner.get("user_id") if isinstance(inner, Mapping) else None) or data.get("user_id")


def _arguments(frame: Frame) -> dict[str, Any]:
    """Name a call's arguments, as its row does."""
    names = [part.split("=")[0].strip() for part in frame.row.signature.strip("()").split(",")]
    return dict(zip(names[1:], frame.args, strict=False)) | dict(frame.kwargs)


def _run_id_fault(run_id: Any) -> tuple[str, Exception | None]:
    """Say what makes a run id unusable, as the host tests it; empty for one that is usable."""
    try:
        if run_id is None:
            return "run_id is None", None
        if run_id == "registry":
            return "run_id is 'registry': the system's own context has no user", None
        if not isinstance(run_id, str):
            return f"run_id is {type(run_id).__name__}, not text", None
        return ("", None) if run_id.strip() else ("run_id is blank", None)
    except Exception as error:  # noqa: BLE001  # a value whose comparison raises: that is what the host met
        return f"run_id of type {type(run_id).__name__} cannot be tested ({shown(error)})", error


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
