"""Reason codes: one stable word per kind of failure, a closed set, for metrics, alerts and searches.

Every LoudFailure class has a default code; whoever sees the failure may name a more precise one. A host's own
exception class may add one code of its own, by declaring it as its `default_code`.
"""

from __future__ import annotations

import difflib
import re
from enum import StrEnum

__all__ = ["Code", "UnknownCodeError", "checked", "declare", "known"]


class Code(StrEnum):
    """The codes of this package; the first nine are the defaults of the exception classes."""

    DELIVERY_FAILED = "delivery_failed"
    "Nothing more precise is known."
    BRIDGE_UNAVAILABLE = "bridge_unavailable"
    COMMUNICATION_FAILED = "communication_failed"
    BUFFER_OVERFLOW = "buffer_overflow"
    CONNECTION_LOST = "connection_lost"
    CONTEXT_INVALID = "context_invalid"
    EVENT_DROPPED = "event_dropped"
    MANAGER_MISSING = "manager_missing"
    SEND_FAILED = "send_failed"

    BUFFER_FULL = "buffer_full"
    CONNECTION_EXPIRED = "connection_expired"
    "Closed or removed by the host for its age, while in use or not."
    EVENT_EVICTED = "event_evicted"
    "Removed from a buffer to make room."
    EVENT_EXPIRED = "event_expired"
    EVENT_MISROUTED = "event_misrouted"
    "Sent to another user, thread or connection."
    EVENT_REPLACED = "event_replaced"
    "A placeholder was sent in its place."
    EVENT_RETYPED = "event_retyped"
    EVENT_UNSERIALIZABLE = "event_unserializable"
    FALSE_SUCCESS = "false_success"
    "The host reports success for what it did not do."
    LIMIT_REACHED = "limit_reached"
    "Rejected by a limit on connections, agents, users or rate."
    MESSAGE_TOO_LARGE = "message_too_large"
    NO_CONNECTION = "no_connection"
    "Nobody is connected for this user or thread."
    PARTIAL_SEND = "partial_send"
    "Some of the recipient's connections got it, some did not."
    RETRIES_EXHAUSTED = "retries_exhausted"
    SWALLOWED = "swallowed"
    "A loud failure was raised and stopped before a boundary."
    TIMED_OUT = "timed_out"
    UNMAPPED_RUN = "unmapped_run"
    "No thread or user is known for the run."


_SHAPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_known: set[str] = {str(code) for code in Code}


class UnknownCodeError(ValueError):
    """Raised where a reason code is named that nobody has declared; the nearest one is in the text."""

    def __init__(self, code: object, where: str) -> None:
        super().__init__(code, where)
        self.code, self.where = code, where

    def __str__(self) -> str:
        near = difflib.get_close_matches(str(self.code), sorted(_known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown reason code {self.code!r} in {self.where}{hint}; next: take one of shim.codes.Code"


def known() -> frozenset[str]:
    """Give every code there is: this package's, and those that a host's exception classes declared."""
    return frozenset(_known)


def declare(code: object, where: str) -> str:
    """Add the code of a host's own exception class. Raises UnknownCodeError for one that is not snake_case."""
    if not (isinstance(code, str) and _SHAPE.fullmatch(code)):
        raise UnknownCodeError(code, where)
    _known.add(str(code))
    return str(code)


def checked(code: object, where: str) -> str:
    """Give the code as text. Raises UnknownCodeError for one that nobody has declared."""
    if not isinstance(code, str) or code not in _known:
        raise UnknownCodeError(code, where)
    return str(code)
