"""The connection manager's paths that no result shows: partial sends, placeholders, retyped and expired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from shim.codes import Code
from shim.components.alterations import alterations, named, replaced, type_of
from shim.components.known import Known, lost_of
from shim.components.leaving import LeavingMixin
from shim.components.sends import Lost, Sends, sends_of
from shim.components.sockets import SocketMixin
from shim.components.witness import Handled, Witness, witnessing
from shim.frames import STEP, Call, Note, current, frame_of

__all__ = ["ManagerMixin"]


class ManagerMixin(SocketMixin, LeavingMixin):
    """Goes before Netra's manager: `connections` and `user_connections` say who is there, for 180 s."""

    connections: Any
    user_connections: Any
    connection_stats = Handled("connection_stats")

    failloud_catch_all: ClassVar[str] = "user_message"
    "What an unknown event type is rewritten to."
    failloud_aliases: ClassVar[frozenset[str]] = frozenset({"user_message", "user_input"})
    "Types that rightly become that."

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Keep the host's single instance on the host's class alone: with and without the shim it is the same one."""
        made = super().__new__(cls, *args, **kwargs)
        if "_instance" in vars(cls):
            del cls._instance  # type: ignore[attr-defined]
        host: Any = cls.__failloud_host__  # type: ignore[attr-defined]
        host._instance = made  # noqa: SLF001  # where the host itself keeps it
        return made

    async def connect_user(self, *args: Any, **kwargs: Any) -> Any:
        """Remember the connection beyond the host's cache."""
        connection_id = await super().connect_user(*args, **kwargs)  # type: ignore[misc]
        if frame_of(self) is not None:
            Known.of(self).refresh(self, (connection_id,))
        return connection_id

    failloud_before_send_to_user = failloud_before_send_to_thread = Sends

    def failloud_after_send_to_user(self, call: Call, answer: Any, user_id: str, *_: Any) -> None:
        """Judge what became of the message there, and at those that the host has lost sight of."""
        sends, known = call[STEP], Known.of(self)
        if answer and sends.is_well(call) and known.is_covered(user_id, sends.reached):
            return
        _leave_out(sends, known.left_out(self, {*sends.reached, *sends.lost}, user_id=user_id))
        sends.judge(call, answer, f"user {user_id} has no connection")

    def failloud_after_send_to_thread(self, call: Call, answer: Any, thread_id: str, message: Any) -> None:
        """Judge what became of the message at the thread's connections."""
        sends: Sends = call[STEP]
        if type(message) is dict and message.get("type") != sends.type:
            self.failloud_altered(call, sends, message, sends.type, message)
        if not (answer and sends.is_well(call)):
            sends.judge(call, answer, f"nobody is connected to thread {thread_id}")

    def failloud_broken_send_to_user(self, call: Call) -> None:
        """Tell what was lost until an exception or a cancellation ended the call."""
        call[STEP].abandoned(call)

    failloud_broken_send_to_thread = failloud_broken_send_to_user

    async def _get_thread_connections(self, thread_id: str) -> Any:
        """See the connections that the host leaves out: flagged unhealthy, expired, or unreadable."""
        found = await super()._get_thread_connections(thread_id)  # type: ignore[misc]  # the host's, behind us
        if (sends := sends_of(self, current.get())) is not None:
            known = Known.of(self)
            unreadable = known.refresh(self, list(self.connections))
            _leave_out(sends, known.left_out(self, {each for each, _ in found}, thread_id=thread_id))
            reason = "the manager cannot read its own entry for it and leaves it out"
            _leave_out(sends, (lost_of(each, {}, reason, Code.CONNECTION_LOST) for each in unreadable))
        return found

    async def _serialize_message_safely_async(self, message: Any) -> Any:
        """See a message that is replaced, or sent under another type than it was given.

        A plain one is handed on as it is, and the call that sends it looks at it afterwards.
        """
        host = super()._serialize_message_safely_async  # type: ignore[misc]  # the host's, behind us in the MRO
        witness, before = None, message.get("type") if type(message) is dict else type_of(message)
        try:
            if type(message) is dict:
                made = await host(message)
                if made is message:
                    return made
            elif sends_of(self, current.get()) is None:
                return await host(message)
            else:
                with witnessing(witness := Witness(self)):
                    made = await host(message)
        except Exception as error:
            if (sends := sends_of(self, current.get())) is not None:
                replaced(sends, type(error).__name__, error)
            raise
        call = current.get()
        if call is not None and (sends := sends_of(self, call)) is not None:
            self.failloud_altered(call, sends, message, before, made, None if witness is None else witness.cause)
        return made

    def failloud_altered(
        self, call: Call, sends: Sends, message: Any, before: Any, made: Any, cause: Exception | None = None
    ) -> None:
        """Note what the host did to a message; `before` is the type it had, `cause` what the host handled."""
        alterations(
            call, sends, message, named(before), made, cause=cause, catch_all=self.failloud_catch_all,
            aliases=self.failloud_aliases,
        )  # fmt: skip

    def update_connection_thread(self, user_id: str, thread_id: str) -> Any:
        """Keep the thread of the windows that the host has lost sight of, too."""
        answer = super().update_connection_thread(user_id, thread_id)  # type: ignore[misc]
        frame = frame_of(self)
        if frame is not None:
            Known.of(self).move(self, user_id, thread_id)
        if frame is not None and not answer:
            known = "the user's connections are gone from the table" if user_id in self.user_connections else ""
            reason = f"{known or 'no connection of the user is known'}: the thread's events cannot reach it"
            frame.note(Note(key="thread", error=frame.row.error, reason=reason, hint=frame.row.hint))
        return answer


def _leave_out(sends: Sends, lost: Iterable[Lost]) -> None:
    for each in lost:
        sends.count(each)
