"""Messages that wait in a buffer: what is known of one, and how a user's queue is reached and put in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shim.codes import Code
from shim.components.alterations import type_of
from shim.errors import LoudFailure, WebSocketEventDroppedError
from shim.frames import Note

__all__ = ["Delivery", "described", "dropped", "ids", "put_first", "under_way", "without_limit"]


def described(entry: Any) -> dict[str, Any]:
    """Give the record fields of a buffered message: its own run and thread, not those of the call that meets it."""
    message = entry.message
    found = {"user_id": str(entry.user_id), "event_type": type_of(message) or type(message).__name__}
    inner = message.get("data") if isinstance(message, Mapping) else None
    parts = [part for part in (message, inner) if isinstance(part, Mapping)]
    for name in ("run_id", "thread_id"):
        value = next((part[name] for part in parts if part.get(name)), None) if parts else getattr(message, name, None)
        if value:
            found[name] = str(value)
    return found


def dropped(
    entry: Any,
    what: str,
    code: Code,
    *,
    error: type[LoudFailure] = WebSocketEventDroppedError,
    cause: Exception | None = None,
    separate: bool = False,
    kept: bool = False,
) -> Note:
    """Make the note of one buffered message; `what` completes `agent_started for user ada ...`.

    `kept`: the buffer still holds it.
    """
    fields = described(entry)
    reason = f"{fields['event_type']} for user {fields['user_id']} {what}"
    hint = "raise the buffer's limits, or deliver faster" if cause is None else "see the cause: the host swallows it"
    return Note(
        key=("buffered", id(entry)), error=error, reason=reason, hint=hint, cause=cause,
        details={**fields, "code": code}, separate=separate, message=entry.message, kept=kept,
    )  # fmt: skip


def ids(entries: Iterable[Any]) -> set[int]:
    """Give identities: two messages may be equal and are two."""
    return {id(entry) for entry in entries}


def without_limit(queues: Any, user_id: str) -> None:
    """Let a user's queue grow: a `deque` with a length of its own drops the oldest without a word."""
    queue = queues.get(user_id)
    if queue is not None and queue.maxlen is not None:
        queues[user_id] = deque(queue)


def put_first(queues: Any, user_id: str, entries: Collection[Any]) -> None:
    """Put messages back at the head of a user's queue, in the order given, each once."""
    if not entries:
        return
    known = ids(entries)
    queue = queues.get(user_id)
    rest = [entry for entry in queue or () if id(entry) not in known]
    if queue is None:
        queue = queues[user_id] = deque()
    queue.clear()
    queue.extend([*entries, *rest])


class Delivery:
    """One delivery of what waits for a user: which messages were tried, and what became of each."""

    def __init__(self, user_id: str, waiting: Iterable[Any]) -> None:
        self.user_id = user_id
        self.entries = list(waiting)
        "Those that waited when it began, and those that came since."
        self.tried: set[int] = set()
        self.delivered: set[int] = set()
        self.removed: set[int] = set()
        "Taken out on purpose: by the host's policy, or by somebody who cleared the buffer."
        self.causes: dict[int, Exception] = {}

    def watched(self, callback: Any) -> Any:
        """Give the callback that sees what becomes of each message."""

        async def awaited(message: Any) -> Any:
            entry = self._entry_of(message)
            self.tried.add(entry)
            try:
                answer = await callback(message)
            except Exception as error:
                self.causes[entry] = error
                raise
            if answer:
                self.delivered.add(entry)
            return answer

        return awaited

    def _entry_of(self, message: Any) -> int:
        return next((id(e) for e in self.entries if e.message is message and id(e) not in self.tried), 0)

    def failed(self) -> list[Any]:
        """Give the messages that were tried and did not arrive, in their order; cancelled ones as well."""
        return [entry for entry in self.entries if id(entry) in self.tried - self.delivered]

    def untried(self) -> list[Any]:
        """Give those whose turn did not come."""
        return [entry for entry in self.entries if id(entry) not in self.tried | self.removed]


under_way: dict[int, list[Delivery]] = {}
"Identity of a buffer -> its deliveries that run now."
