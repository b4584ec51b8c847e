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

from typing import Unpack

from shim import failure
from shim.codes import Code
from shim.failure import Common, LoudFailure

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

UNKNOWN = failure.UNKNOWN
"What an identifier reads where the host gave none. Not exported: a façade hands on classes alone."


class WebSocketBridgeUnavailableError(LoudFailure):
    """Raised when the bridge is None or has no manager."""

    phrase = "bridge unavailable"
    default_code = Code.BRIDGE_UNAVAILABLE
    context_keys = ("operation",)

    def __init__(self, reason: str = "", *, operation: str = UNKNOWN, **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"operation": operation}, **common)


class WebSocketContextValidationError(LoudFailure):
    """Raised when the run or user context is missing or invalid."""

    phrase = "context validation failed"
    default_code = Code.CONTEXT_INVALID
    context_keys = ("run_id", "validation_error")

    def __init__(self, reason: str = "", *, validation_error: str = "", **common: Unpack[Common]) -> None:
        text = validation_error or reason or "Missing execution context"
        super().__init__(reason or text, context={"validation_error": text}, **common)


class WebSocketSendFailureError(LoudFailure):
    """Raised when a send returned failure, or raised below the emitter."""

    phrase = "send failure"
    default_code = Code.SEND_FAILED
    context_keys = ("event_type", "failure_reason")

    def __init__(self, reason: str = "", *, failure_reason: str = "", **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"failure_reason": failure_reason or reason}, **common)


class AgentCommunicationFailureError(LoudFailure):
    """Raised when one agent's notification of another failed with an exception."""

    phrase = "communication failure"
    default_code = Code.COMMUNICATION_FAILED
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
    default_code = Code.BUFFER_OVERFLOW
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
    default_code = Code.CONNECTION_LOST
    context_keys = ("last_event",)

    def __init__(self, reason: str = "", *, last_event: str = UNKNOWN, **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"last_event": last_event}, **common)


class WebSocketEventDroppedError(LoudFailure):
    """Raised when an event was evicted, retyped or replaced."""

    phrase = "event dropped"
    default_code = Code.EVENT_DROPPED
    context_keys = ("event_type", "drop_reason")

    def __init__(self, reason: str = "", *, drop_reason: str = "", **common: Unpack[Common]) -> None:
        super().__init__(reason, context={"drop_reason": drop_reason or reason}, **common)


class WebSocketManagerNotInitializedError(LoudFailure):
    """Raised when there is no WebSocket manager."""

    phrase = "manager not initialized"
    default_code = Code.MANAGER_MISSING
    context_keys = ("component",)
