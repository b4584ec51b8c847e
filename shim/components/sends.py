"""What became of one message at each connection while one call sends it; and what of that is a failure. No host here.

Nobody got it: one failure per user, the first one raised. Somebody got it: nothing is raised, since whoever catches it
would send again to those who have it; a user left out is one failure, a window left out of a user's several is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shim.codes import Code
from shim.components.witness import cause_of
from shim.errors import LoudFailure, WebSocketConnectionLostError, WebSocketSendFailureError
from shim.frames import INSTANCE, NOTES, OPEN, PARENT, STEP, Call, Frame, Note

__all__ = ["Lost", "Sends", "sends_of", "user_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A connection that did not get the message."""

    connection: str
    user_id: str
    thread_id: str = ""
    reason: str
    code: Code = Code.CONNECTION_LOST
    cause: Exception | None = None
    attempt: int = 0

    def note(self, more: int = 0, *, separate: bool) -> Note:
        """Make the note; `more` is the number of the user's other connections that failed as well."""
        error: type[LoudFailure] = WebSocketConnectionLostError if self.cause is None else WebSocketSendFailureError
        own = {
            "user_id": self.user_id, "thread_id": self.thread_id or "unknown", "connection_id": self.connection,
            "code": self.code, "attempt": self.attempt,
        }  # fmt: skip
        return Note(
            key=("lost", self.connection, self.user_id),
            error=error,
            reason=self.reason + (f", and {more} more connections of the user" if more else ""),
            hint="look at the connection: the user has to connect again",
            cause=self.cause,
            details=own,
            separate=separate,
        )


class Sends:
    """What one call that sends one message, to one or several connections, has come to. Each such call makes one."""

    __slots__ = ("altered", "lost", "reached", "type")

    def __init__(self, _call: object, _who: object, message: Any, *_: object) -> None:
        self.type: object = message.get("type") if type(message) is dict else None
        "What a plain message says of itself when the call begins; the host may change it."
        self.reached: dict[str, Mapping[str, Any] | None] = {}
        "Connection -> what is known of it."
        self.lost: dict[str, Lost] = {}
        self.altered: list[Note] = []
        "What was done to the message itself."

    def is_well(self, call: Call) -> bool:
        """Say whether somebody got the message and nothing tells of a loss: there is nothing to judge."""
        return bool(self.reached and call[PARENT] is None and not (self.lost or self.altered or call[NOTES]))

    def count(self, lost: Lost) -> None:
        """Count a connection that did not get the message."""
        if lost.connection not in self.reached:
            self.lost.setdefault(lost.connection, lost)

    def reach(self, connection_id: str, info: Mapping[str, Any] | None) -> None:
        """Count a connection that got it."""
        self.reached[connection_id] = info
        if self.lost:
            self.lost.pop(connection_id, None)

    def judge(self, call: Call, answer: object, nobody: str) -> None:
        """Note what failed, now that the host has answered. `nobody` is the reason where there was no connection."""
        frame = Frame(call)
        frame.forgive("own")  # what the calls for single connections answered is told here, by recipient
        if not self._handed_over(call):
            for note in self._told(frame, answer, nobody):
                frame.note(note)

    def _told(self, frame: Frame, answer: object, nobody: str) -> list[Note]:
        if self.reached:
            _set_apart(frame)
        told = any(not note.separate for note in frame.notes)  # an inner call of another component knows better
        alone = not self.reached and not told
        if alone and (cause_of(frame.call) is not None or not self.lost):
            return [_nobody(answer, nobody, cause_of(frame.call))]
        return [*self._by_recipient(raised=alone), *(self.altered if self.reached else ())]

    def abandoned(self, call: Call) -> None:
        """Note what was lost until an exception or a cancellation ended the call: nothing more will be known."""
        frame = Frame(call)
        frame.forgive("own")
        if not self._handed_over(call):
            for lost in self.lost.values():
                frame.note(lost.note(separate=True))

    def _handed_over(self, call: Call) -> bool:
        """Give all to the call around that sends the same message, where there is one: that one judges."""
        outer = sends_of(call[INSTANCE], call[PARENT])
        if outer is None:
            return False
        outer.reached |= self.reached
        for lost in self.lost.values():
            outer.count(lost)
        outer.altered += self.altered
        return True

    def _by_recipient(self, *, raised: bool) -> list[Note]:
        served = {user_of(info) for info in self.reached.values()}
        by_user: dict[str, list[Lost]] = {}
        for lost in self.lost.values():
            by_user.setdefault(lost.user_id, []).append(lost)
        notes: list[Note] = []
        for user_id, losses in by_user.items():
            if user_id in served:  # each window for itself
                notes += [self._partial(lost, 0, Code.PARTIAL_SEND) for lost in losses]
            elif served:
                notes.append(self._partial(losses[0], len(losses) - 1, losses[0].code))
            else:
                notes.append(losses[0].note(len(losses) - 1, separate=bool(notes) or not raised))
        return notes

    def _partial(self, lost: Lost, more: int, code: Code) -> Note:
        reason = f"{lost.reason}; other connections got the message ({len(self.reached)}) and the host reports success"
        if lost.code is Code.CONNECTION_EXPIRED:
            code = lost.code
        return replace(lost, reason=reason, code=code).note(more, separate=True)


def _set_apart(frame: Frame) -> None:
    """Somebody got the message: who did not is escalated, and nothing is raised."""
    for note in frame.notes:
        if not note.separate:
            frame.forgive(note.key)
            frame.note(replace(note, separate=True))


def _nobody(answer: object, nobody: str, cause: Exception | None) -> Note:
    error, reason, code = WebSocketConnectionLostError, nobody, Code.NO_CONNECTION
    if answer:
        reason, code = f"{nobody}, and the host reports success", Code.FALSE_SUCCESS
    if cause is not None:  # it never came to sending
        return Note(
            key="sends", error=WebSocketSendFailureError, reason="the send ended in an exception", cause=cause,
            hint="see the cause: the host swallows it",
        )  # fmt: skip
    hint = "check that the user is connected, and that the connection belongs to this thread"
    return Note(key="sends", error=error, reason=reason, hint=hint, details={"code": code})


def user_of(info: Mapping[str, Any] | None) -> str:
    """Give the user of a connection."""
    return str((info or {}).get("user_id") or "unknown")


def sends_of(instance: object, call: Call | None) -> Sends | None:
    """Give the innermost call of this instance that sends, from `call` outwards."""
    while call is not None:
        step = call[STEP]
        if type(step) is Sends:
            return step if call[OPEN] and call[INSTANCE] is instance else None
        call = call[PARENT]
    return None
