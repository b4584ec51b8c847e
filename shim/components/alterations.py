"""What a host does to a message before it sends it: a placeholder in its place, another type than it was given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shim.codes import Code
from shim.components.sends import Sends
from shim.errors import WebSocketEventDroppedError
from shim.frames import ARGS, Note

__all__ = ["MARK", "alterations", "replaced", "type_of"]

MARK = "serialization_error"
"The key of a message that stands for another."


def type_of(message: Any) -> str:
    """Give a message's event type as text; empty where it names none."""
    if type(message) is dict and type(found := message.get("type")) is str:
        return found
    found = message.get("type") if isinstance(message, Mapping) else getattr(message, "type", None)
    found = getattr(found, "value", found)
    return "" if found is None else str(found)


def alterations(
    sends: Sends,
    message: Any,
    before: str,
    made: Any,
    *,
    cause: Exception | None,
    catch_all: str,
    aliases: frozenset[str],
) -> None:
    """Compare what was to be sent with what the host makes of it.

    `before`: the type it had; `cause`: what the host handled; `catch_all`: the type that unknown ones are given.
    """
    if not isinstance(made, Mapping):
        return
    after = type_of(made)
    if MARK in made and not (isinstance(message, Mapping) and MARK in message):
        replaced(sends, str(made[MARK]), cause or _unserialisable(message))
    elif after == catch_all and before and before not in aliases:
        _describe_as(sends, message, before)
        reason = f"the manager sent {before} as {after}: the user's client cannot know it"
        _alter(sends, "retyped", reason, Code.EVENT_RETYPED, None, before, separate=True)


def replaced(sends: Sends, text: str, cause: Exception | None) -> None:
    """Note that a placeholder goes out in place of the message: nobody gets the event."""
    reason = f"the message could not be serialised, a placeholder was sent in its place ({text})"
    _alter(sends, "replaced", reason, Code.EVENT_REPLACED, cause, "", separate=False)


def _alter(
    sends: Sends, kind: str, reason: str, code: Code, cause: Exception | None, event: str, *, separate: bool
) -> None:
    if any(note.key == ("altered", kind) for note in sends.altered):
        return  # a user's second connection: the same message
    details = {"code": code} | ({"event_type": event} if event else {})
    hint = "add the type to those the manager knows" if event else "send plain data: what JSON can hold"
    note = Note(
        key=("altered", kind), error=WebSocketEventDroppedError, reason=reason, hint=hint, cause=cause,
        details=details, separate=separate,
    )  # fmt: skip
    sends.altered.append(note)


def _describe_as(sends: Sends, message: Any, event_type: str) -> None:
    """Let the call be known by the event it was asked for: the host has rewritten the caller's own message."""
    call: Sends | None = sends
    while call is not None:
        args = call.call[ARGS]
        call.call[ARGS] = tuple({**each, "type": event_type} if each is message else each for each in args)
        call = call.outer


def _unserialisable(message: Any) -> Exception | None:
    try:
        json.dumps(message)
    except (TypeError, ValueError) as error:
        return error
    return None
