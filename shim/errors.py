"""The loud exceptions: one root, names a host may already know, data first and text second.

LoudFailure
├── AgentCommunicationFailureError
├── WebSocketBridgeUnavailableError
├── WebSocketBufferOverflowError
├── WebSocketConnectionLostError
├── WebSocketContextValidationError
├── WebSocketEventDroppedError
├── WebSocketManagerNotInitializedError
└── WebSocketSendFailureError

The root is a plain `Exception`: never RuntimeError, ConnectionError or TimeoutError, which host handlers
catch by name. No class shares a name with a builtin: a "consolidation" into builtins once turned these
keyword arguments into a TypeError and the loud failure into `return False`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self, TypedDict, TypeVar, Unpack

__all__ = [
    "AgentCommunicationFailureError",
    "Common",
    "LoudFailure",
    "WebSocketBridgeUnavailableError",
    "WebSocketBufferOverflowError",
    "WebSocketConnectionLostError",
    "WebSocketContextValidationError",
    "WebSocketEventDroppedError",
    "WebSocketManagerNotInitializedError",
    "WebSocketSendFailureError",
]

UNKNOWN = "unknown"
"What an identifier reads where the host gave none."


class Common(TypedDict, total=False):
    """Fields every loud exception takes, all optional, all keyword-only."""

    component: str
    method: str
    event_type: str
    run_id: str
    thread_id: str
    user_id: str
    cause: str
    hint: str


class LoudFailure(Exception):  # noqa: N818  # the name host code catches
    """Raised when an event was not delivered, dropped, rejected, misrouted or falsely confirmed.

    `reason` says what was found; `context` holds the keys named by `context_keys`. The text is composed in
    `__str__`. Pickles by its fields; `__cause__` does not travel, its rendered text (`cause`) does.
    """

    phrase: ClassVar[str] = "delivery failure"
    "Words that searches and dashboards look for; first in the text."

    context_keys: ClassVar[tuple[str, ...]] = ()
    "Keyword arguments of this class beyond `Common`; they are the keys of `context`."

    def __init__(
        self, reason: str = "", *, context: Mapping[str, object] | None = None, **common: Unpack[Common]
    ) -> None:
        if unknown := common.keys() - Common.__annotations__.keys():
            msg = f"{type(self).__name__} takes no keyword {', '.join(sorted(unknown))}"
            raise TypeError(msg)
        super().__init__(reason)
        self.reason = reason
        self.component = common.get("component", UNKNOWN)
        self.method = common.get("method", UNKNOWN)
        self.event_type = common.get("event_type", UNKNOWN)
        self.run_id = common.get("run_id", UNKNOWN)
        self.thread_id = common.get("thread_id", UNKNOWN)
        self.user_id = common.get("user_id", UNKNOWN)
        self.cause = common.get("cause", "")
        self.hint = common.get("hint", "")
        own = dict(context or {})
        self.context: dict[str, object] = own | {key: getattr(self, key) for key in self.context_keys if key not in own}
        self._given = (common, own)
        self.recorded = False
        "Set by the recorder: this very exception has its record."

    @classmethod
    def build(cls, reason: str, details: Mapping[str, object], **common: Unpack[Common]) -> Self:
        """Make one from loose details: of `details` only this class's own `context_keys` are taken."""
        own = {k: details[k] for k in cls.context_keys if k in details and k not in Common.__annotations__}
        return _rebuild(cls, reason, {**common, **own})

    def to_dict(self) -> dict[str, object]:
        """Give the fields as plain data; the first five keys are the ones the host's maintainers published."""
        return {
            "error_type": type(self).__name__,
            "message": str(self),
            "user_id": self.user_id,
            "thread_id": self.thread_id,
            "context": dict(self.context),
            "component": self.component,
            "method": self.method,
            "event_type": self.event_type,
            "run_id": self.run_id,
            "reason": self.reason,
            "cause": self.cause,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        text = f"{self.phrase}: {self.component}.{self.method} for user {self.user_id}, run {self.run_id}"
        if self.reason:
            text += f": {self.reason}"
        if self.cause and self.cause not in self.reason:
            text += f" (cause: {self.cause})"
        if self.hint:
            text += f"; next: {self.hint}"
        return text

    def __reduce__(self) -> tuple[object, ...]:
        common, own = self._given
        extra = own if self.context_keys else {"context": own}
        return _rebuild, (type(self), self.reason, {**common, **extra})


_Failure = TypeVar("_Failure", bound=LoudFailure)


def _rebuild(cls: type[_Failure], reason: str, fields: Mapping[str, object]) -> _Failure:
    return cls(reason, **fields)  # type: ignore[arg-type]  # the keys are the class's own


class WebSocketBridgeUnavailableError(LoudFailure):
    """Raised when the bridge is None or has no manager."""

    phrase = "bridge unavailable"
    context_keys = ("operation",)

    def __init__(self, reason: str = "", *, operation: str = UNKNOWN, **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"operation": operation}, **common)


class WebSocketContextValidationError(LoudFailure):
    """Raised when the run or user context is missing or invalid."""

    phrase = "context validation failed"
    context_keys = ("run_id", "validation_error")

    def __init__(self, reason: str = "", *, validation_error: str = "", **common: Unpack[Common]) -> None:
        text = validation_error or reason or "Missing execution context"
        super().__init__(reason or text, context={"validation_error": text}, **common)


class WebSocketSendFailureError(LoudFailure):
    """Raised when a send returned failure, or raised below the emitter."""

    phrase = "send failure"
    context_keys = ("event_type", "failure_reason")

    def __init__(self, reason: str = "", *, failure_reason: str = "", **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"failure_reason": failure_reason or reason}, **common)


class AgentCommunicationFailureError(LoudFailure):
    """Raised when one agent's notification of another failed with an exception."""

    phrase = "communication failure"
    context_keys = ("from_agent", "to_agent", "failure_reason")

    def __init__(
        self,
        reason: str = "",
        *,
        from_agent: str = UNKNOWN,
        to_agent: str = UNKNOWN,
        failure_reason: str = "",
        **common: Unpack[Common],
    ) -> None:
        context = {"from_agent": from_agent, "to_agent": to_agent, "failure_reason": failure_reason or reason}
        super().__init__(reason, context=context, **common)


class WebSocketBufferOverflowError(LoudFailure):
    """Raised when a message is too large, or a buffer is full; sizes in bytes, or messages where those are counted."""

    phrase = "buffer overflow"
    context_keys = ("buffer_size", "message_size")

    def __init__(
        self,
        reason: str = "",
        *,
        buffer_size: int | None = None,
        message_size: int | None = None,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(reason, context={"buffer_size": buffer_size, "message_size": message_size}, **common)


class WebSocketConnectionLostError(LoudFailure):
    """Raised when the connection is gone."""

    phrase = "connection lost"
    context_keys = ("last_event",)

    def __init__(self, reason: str = "", *, last_event: str = UNKNOWN, **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"last_event": last_event}, **common)


class WebSocketEventDroppedError(LoudFailure):
    """Raised when an event was evicted, retyped or replaced."""

    phrase = "event dropped"
    context_keys = ("event_type", "drop_reason")

    def __init__(self, reason: str = "", *, drop_reason: str = "", **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"drop_reason": drop_reason or reason}, **common)


class WebSocketManagerNotInitializedError(LoudFailure):
    """Raised when there is no WebSocket manager."""

    phrase = "manager not initialized"
    context_keys = ("component",)
