"""What a host does to a message before it sends it: a placeholder in its place, another type than it was given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shim.codes import Code
from shim.components.sends import Sends
from shim.errors import WebSocketEventDroppedError
from shim.frames import ARGS, PARENT, STEP, Call, Note

__all__ = ["MARK", "alterations", "named", "replaced", "type_of"]

MARK = "serialization_error"
"The key of a message that stands for another."


def type_of(message: Any) -> str:
    """Give a message's event type as text; empty where it names none."""
    found = message.get("type") if isinstance(message, Mapping) else getattr(message, "type", None)
    return named(found)


def named(event_type: Any) -> str:
    """Give an event type as text: a member of an enumeration by its value, None as the empty text."""
    found = getattr(event_type, "value", event_type)
    return "" if found is None else str(found)


def alterations(
    call: Call,
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
        _describe_as(call, message, before)
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


def _describe_as(call: Call, message: Any, event_type: str) -> None:
    """Let the calls that send it be known by the event they were asked for: the host has rewritten the message."""
    around: Call | None = call
    while around is not None:
        if type(around[STEP]) is Sends:
            args = around[ARGS]
            around[ARGS] = tuple({**each, "type": event_type} if each is message else each for each in args)
        around = around[PARENT]


def _unserialisable(message: Any) -> Exception | None:
    try:
        json.dumps(message)
    except (TypeError, ValueError) as error:
        return error
    return None
