"""Where a run's events go: the thread the run was resolved to, whether somebody is there, and what a run id lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from shim.codes import Code
from shim.errors import (
    UNKNOWN,
    WebSocketContextValidationError,
)
from shim.frames import INSTANCE, PARENT, Call, Frame, Note
from shim.guard import shown
from shim.proxy import unwrap

__all__ = ["RoutingMixin", "arguments_of_row"]

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
        arguments = arguments_of_row(frame)
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
    data = arguments_of_row(frame).get("data")
    if frame.row.method != "emit_agent_event" or not isinstance(data, Mapping):
        return None
    inner = data.get("data")
    return (inner.get("user_id") if isinstance(inner, Mapping) else None) or data.get("user_id")


def arguments_of_row(frame: Frame) -> dict[str, Any]:
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
