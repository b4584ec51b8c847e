"""What the client is to get for an event that failed: as the host worded it, or made of what may be shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shim.contracts import Delivery
from shim.errors import UNKNOWN
from shim.guard import own_failure
from shim.recipients import Recipient
from shim.undelivered import Undelivered

__all__ = ["MARK", "body_of", "plain"]

MARK = "failloud"
"Key of what we add to a message: a client that does not know it loses nothing."

_TOP = ("agent_name",)
"Arguments that stand beside `type` in a message of this interface; all others stand in `payload`."


def plain(message: object) -> dict[str, object] | None:
    """Give a message as a dict of its own; None for what is neither a mapping nor a model."""
    if isinstance(message, Mapping):
        return dict(message)
    dump = getattr(message, "model_dump", None)
    try:
        made = dump(mode="json") if callable(dump) else None
    except Exception as error:  # noqa: BLE001  # a model of the host's; the event is worded without it
        own_failure("delivery.wording", error)
        return None
    return dict(made) if isinstance(made, Mapping) else None


def body_of(missed: Undelivered, whose: Recipient, declared: Delivery) -> bytes:
    """Give the event's body, JSON in UTF-8. Never raises for what the host put into it: what is no JSON is left out."""
    record = missed.record
    made = plain(missed.message)
    if made is None:
        made = _worded(missed, declared)
    made["type"] = record.event_type  # what it was before the host rewrote it
    for name, value in (("run_id", record.run_id), ("thread_id", whose.thread_id)):
        if value != UNKNOWN:
            made.setdefault(name, value)
    return _dumped(made).encode()


def _worded(missed: Undelivered, declared: Delivery) -> dict[str, object]:
    """Word an event that failed before the host did, from the arguments that may be shown."""
    given: dict[str, object] = {}
    for event in missed.events:
        given = {name: value for name, value in event.arguments.items() if name in declared.shown} | given
    at = datetime.fromtimestamp(missed.record.at, UTC).isoformat()
    top = {name: given.pop(name) for name in _TOP if name in given}
    payload = {name: value for name, value in given.items() if value is not None}
    return {**top, "payload": payload, "timestamp": at, MARK: {"incomplete": True}}


def _dumped(made: dict[Any, object]) -> str:
    try:
        return json.dumps(made, default=str, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # a key that is no text, a circle
        kept = {name: value for name, value in made.items() if isinstance(name, str) and _is_json(value)}
        return json.dumps(kept | {MARK: {"incomplete": True}}, default=str, separators=(",", ":"))


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
