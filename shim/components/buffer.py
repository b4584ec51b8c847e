"""The message buffer's paths that no result shows: evictions that report success, and which limit said no."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from shim.errors import WebSocketBufferOverflowError, WebSocketEventDroppedError
from shim.frames import Frame, Note, frame_of

__all__ = ["AgentchatBufferMixin", "BufferMixin"]


class BufferMixin:
    """Goes before the host's buffer class; `config` holds the limits, two attributes what is buffered."""

    config: Any
    failloud_count: ClassVar[str] = "message_count"
    "Attribute: number of messages of all users."
    failloud_queues: ClassVar[str] = "user_buffers"
    "Attribute: user -> messages."

    def _update_buffer_size(self, message: Any, remove: bool = False) -> None:  # noqa: FBT001, FBT002  # the host's signature
        """Note an eviction: the host removes somebody's message to make room and reports success."""
        super()._update_buffer_size(message, remove)  # type: ignore[misc]  # the host's, behind us in the MRO
        frame = frame_of(self)
        if not remove or frame is None or frame.row.method != "buffer_message":
            return
        kind = (
            message.message.get("type", "unknown")
            if isinstance(message.message, dict)
            else type(message.message).__name__
        )
        frame.note(
            Note(
                key=("evicted", id(message)),
                error=WebSocketEventDroppedError,
                reason=f"{kind} for user {message.user_id} was evicted to make room",
                hint="raise the buffer's limits, or deliver faster",
                details={**_run_of(message.message), "event_type": kind, "user_id": message.user_id},
                separate=True,
            )
        )

    def failloud_explain(self, frame: Frame) -> None:
        """Say which limit rejected the message; sizes in bytes, counts in messages."""
        if frame.row.method != "buffer_message":
            return
        user_id, message = frame.args[0] if frame.args else frame.kwargs["user_id"], _message_of(frame)
        size, limit = _size(message), self.config.max_message_size_bytes
        count, queues = getattr(self, self.failloud_count), getattr(self, self.failloud_queues)
        if size is not None and size > limit:
            self._note(frame, f"Message too large: {size} bytes, limit {limit}", limit, size)
        elif count >= (limit := self.config.max_buffer_size_global):
            self._note(frame, f"the buffer is full for all users: {count} of {limit} messages", limit, size)
        elif len(queues.get(user_id, ())) >= (limit := self.config.max_buffer_size_per_user):
            self._note(frame, f"the user's buffer is full: {limit} messages", limit, size)

    def _note(self, frame: Frame, reason: str, buffer_size: int, message_size: int | None) -> None:
        details = {"buffer_size": buffer_size, "message_size": message_size}
        frame.note(
            Note(key="own", error=WebSocketBufferOverflowError, reason=reason, hint=frame.row.hint, details=details)
        )


class AgentchatBufferMixin(BufferMixin):
    """The same for the example host's buffer."""

    failloud_count = "_total_messages"
    failloud_queues = "_buffers"


def _run_of(message: object) -> dict[str, str]:
    """Give the run and thread an evicted message names: not those of the call that evicted it."""
    if not isinstance(message, dict):
        return {}
    inner = message.get("data")
    parts = (message, inner if isinstance(inner, dict) else {})
    found = {name: next((part[name] for part in parts if part.get(name)), "") for name in ("run_id", "thread_id")}
    return {name: str(value) for name, value in found.items() if value}


def _message_of(frame: Frame) -> Any:
    return frame.args[1] if len(frame.args) > 1 else frame.kwargs["message"]


def _size(message: Any) -> int | None:
    """Measure as the host does: compact JSON in UTF-8; None where the message is no JSON."""
    plain = message.model_dump() if hasattr(message, "model_dump") else message
    try:
        return len(json.dumps(plain, separators=(",", ":"), default=str).encode())
    except (TypeError, ValueError):
        return None
