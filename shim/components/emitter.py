"""The isolated emitter's paths that no result shows: an event of another run, a manager that cannot send."""

from __future__ import annotations

from typing import Any

from shim.codes import Code
from shim.errors import WebSocketContextValidationError, WebSocketManagerNotInitializedError
from shim.frames import Call, Frame, Note

__all__ = ["EmitterMixin"]

_SENDS = ("send_to_thread", "send_to_user", "send_message")


class EmitterMixin:
    """Goes before the host's emitter."""

    run_id: str
    websocket_manager: Any

    def failloud_sent(self, call: Call, answer: Any, event: Any) -> None:
        """Look at one event and what its sending answered."""
        manager = self.websocket_manager
        if not answer and manager is not None and not any(hasattr(manager, name) for name in _SENDS):
            reason = f"the manager, a {type(manager).__name__}, has no method to send with"
            Frame(call).note(Note(key="own", error=WebSocketManagerNotInitializedError, reason=reason))
        data = getattr(event, "data", None)
        run_id = data.get("run_id", self.run_id) if isinstance(data, dict) else self.run_id
        if run_id != self.run_id:
            reason = f"the event is of run {run_id!r}, it went out as one of the emitter's run {self.run_id!r}"
            Frame(call).note(
                Note(
                    key="run",
                    error=WebSocketContextValidationError,
                    reason=reason,
                    hint="make an emitter for each run",
                    details={"code": Code.EVENT_MISROUTED},
                    doubt=True,
                )
            )
