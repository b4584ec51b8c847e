"""The message buffer's paths that no result shows: evictions that report success, and which limit said no."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from shim.codes import Code
from shim.components.redelivery import RedeliveryMixin
from shim.components.waiting import dropped, under_way, without_limit
from shim.components.witness import Handled, cause_of
from shim.errors import WebSocketBufferOverflowError
from shim.frames import MODE, STEP, Call, Frame, Note, frame_of
from shim.snapshot import Mode

__all__ = ["AgentchatBufferMixin", "BufferMixin"]


_Before = tuple[int, dict[str, list[Any]] | None]
"""What one call of `buffer_message` met: how many messages were held, and the queues, where what is evicted for nothing
goes back."""
_ENFORCE = Mode.ENFORCE


class BufferMixin(RedeliveryMixin):
    """Goes before the host's buffer class; `config` holds the limits, two attributes what is buffered."""

    config: Any
    stats = Handled("stats")
    failloud_count: ClassVar[str] = "message_count"
    "Attribute: number of messages of all users."
    failloud_queues: ClassVar[str] = "user_buffers"
    "Attribute: user -> messages."

    def failloud_before_buffer_message(self, call: Call, user_id: str, _message: Any, *_: Any) -> _Before:
        """Keep what only now can be known. In enforce, what is evicted for nothing is to go back where it was."""
        count, kept = getattr(self, self.failloud_count), None
        if call[MODE] is _ENFORCE:
            queues = getattr(self, self.failloud_queues)
            if count >= self.config.max_buffer_size_global:
                kept = {user: list(queue) for user, queue in queues.items()}
            elif len(_waiting(queues, user_id)) >= self.config.max_buffer_size_per_user:
                without_limit(queues, user_id)
        return count, kept

    def failloud_after_buffer_message(self, call: Call, answer: Any, user_id: str, message: Any, *_: Any) -> None:
        """Say which limit rejected the message; tell the deliveries under way of one that came."""
        if not answer:
            self._explain(Frame(call), user_id, message, call[STEP][0], cause_of(call))
        elif under_way:
            for run in under_way.get(id(self), ()):
                if run.user_id == user_id:
                    run.entries.append(getattr(self, self.failloud_queues)[user_id][-1])

    def _update_buffer_size(self, message: Any, remove: bool = False) -> None:  # noqa: FBT001, FBT002  # the host's signature
        """Note who is removed; in enforce, keep what the host promises to keep, or removes for nothing."""
        frame = frame_of(self)
        if not remove or frame is None:
            super()._update_buffer_size(message, remove)  # type: ignore[misc]  # the host's, behind us in the MRO
            return
        if frame.row.method == "buffer_message":
            self._evict(frame, message)
            return
        super()._update_buffer_size(message, remove)  # type: ignore[misc]
        for run in under_way.get(id(self), ()):
            run.removed.add(id(message))
        if frame.row.method == "clear_user_buffer":
            frame.note(dropped(message, "was cleared before it was delivered", Code.EVENT_DROPPED))

    def _evict(self, frame: Frame, message: Any) -> None:
        step, queues = frame.call[STEP], getattr(self, self.failloud_queues)
        if step is not None and step[1] is not None:  # the new message is rejected all the same
            queue = queues[message.user_id]
            queue.clear()
            queue.extend(step[1][message.user_id])
            return
        if frame.mode is Mode.ENFORCE and self._promised(message):
            queues[message.user_id].appendleft(message)
            limit = self.config.max_buffer_size_per_user
            what = f"was about to be evicted though the host promises to keep it: kept, over the limit of {limit}"
            error = WebSocketBufferOverflowError
            frame.note(dropped(message, what, Code.BUFFER_FULL, error=error, separate=True, kept=True))
            return
        super()._update_buffer_size(message, True)  # type: ignore[misc]
        for run in under_way.get(id(self), ()):
            run.removed.add(id(message))
        frame.note(dropped(message, "was evicted to make room", Code.EVENT_EVICTED, separate=True))

    def _promised(self, message: Any) -> bool:
        is_critical = getattr(message, "is_critical", None)
        return bool(getattr(self.config, "never_drop_critical", False) and is_critical and is_critical(self.config))

    def _explain(self, frame: Frame, user_id: str, message: Any, count: int, cause: Exception | None) -> None:
        """Say why the message was rejected; `count` messages were held then. Sizes in bytes."""
        size, broken = _size(message)
        config, cause = self.config, cause or broken
        found: tuple[str, Code, int | None] | None = None
        if cause is not None:
            found = "the buffer failed to take the message", Code.BUFFER_OVERFLOW, None
        elif size is not None and size > (limit := config.max_message_size_bytes):
            found = f"Message too large: {size} bytes, limit {limit}", Code.MESSAGE_TOO_LARGE, limit
        elif count >= (limit := config.max_buffer_size_global):
            found = f"the buffer is full for all users: {count} of {limit} messages", Code.BUFFER_FULL, limit
        elif len(_waiting(getattr(self, self.failloud_queues), user_id)) >= (limit := config.max_buffer_size_per_user):
            found = f"the user's buffer is full: {limit} messages", Code.BUFFER_FULL, limit
        if found is not None:
            details = {"buffer_size": found[2], "message_size": size, "code": found[1]}
            error, hint = WebSocketBufferOverflowError, frame.row.hint
            frame.note(Note(key="own", error=error, reason=found[0], hint=hint, cause=cause, details=details))


class AgentchatBufferMixin(BufferMixin):
    """The same for the example host's buffer."""

    failloud_count = "_total_messages"
    failloud_queues = "_buffers"
    failloud_declining_waits = True


def _waiting(queues: Any, user_id: Any) -> Any:
    try:
        return queues.get(user_id, ())
    except TypeError:
        return ()  # an id that no table takes: the host is about to say so


def _size(message: Any) -> tuple[int | None, Exception | None]:
    """Measure as the host does, compact JSON in UTF-8; or say why it cannot be."""
    try:
        plain = message.model_dump() if hasattr(message, "model_dump") else message
        return len(json.dumps(plain, separators=(",", ":"), default=str).encode()), None
    except Exception as error:  # noqa: BLE001  # somebody's text or dump; it is told as the cause
        return None, error
