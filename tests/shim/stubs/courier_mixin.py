"""The mixin for what the store hides: evictions that report success, and why it refused."""

from __future__ import annotations

from shim.errors import WebSocketBufferOverflowError, WebSocketEventDroppedError
from shim.frames import Note, frame_of


class StoreMixin:
    def _evict(self):
        user, item = found = super()._evict()
        frame = frame_of(self)
        if frame is not None:
            reason = item + " was evicted"
            details = {"user_id": user, "event_type": item}
            key = ("evicted", item)
            frame.note(Note(key=key, error=WebSocketEventDroppedError, reason=reason, details=details, separate=True))
        return found

    def failloud_explain(self, frame):
        size = len(frame.args[1])
        details = {"buffer_size": self.longest, "message_size": size}
        frame.note(Note(key="own", error=WebSocketBufferOverflowError, reason="item too long", details=details))
