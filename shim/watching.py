"""One call of a collaborator inside a contracted call: what failed in it is noted there once, innermost cause first."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from shim.contracts import Collaborator, Shows
from shim.frames import BEGAN, MODE, NOTHING, PARENT, PLAN, Call, Frame, Note, current
from shim.guard import brief, own_failure

__all__ = ["Watching", "inner_call"]


def inner_call(outer: Call) -> Call:
    """Open a call inside `outer`, of nobody: what fails in there is known to have failed in there."""
    return [outer[PLAN], None, (), NOTHING, outer, outer[MODE], None, True, None, outer[BEGAN], None, None, None]


class Watching:
    """What to make of how it ended. The first argument says who was to be told: success for one forgives no other."""

    def __init__(
        self, watch: Collaborator, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], call: Call
    ) -> None:
        first = args[0] if args else next(iter(kwargs.values()), None)
        self.watch, self.name = watch, name
        self.key = (watch.attribute, name, first if isinstance(first, str | int | None) else id(first))
        self.details: dict[str, object] = {watch.recipient: first} if watch.recipient and isinstance(first, str) else {}
        given = (*args[1:], *kwargs.values()) if watch.writes else ()
        self.message = next((each for each in given if isinstance(each, Mapping)), None)
        self.frame, self.outer = Frame(call), Frame(call[PARENT])

    def raised(self, error: Exception) -> None:
        """Note an exception; the host swallows it further up."""
        self._hand_up(self._note_of(error))

    def cancelled(self) -> None:
        """Hand up what was lost until the cancellation or exit: it is still lost."""
        self._hand_up(None)

    def ended(self, answer: Any) -> Any:
        """Judge the answer and give it back; what answers later is judged then."""
        if inspect.iscoroutine(answer):
            return self._awaited(answer)
        if isinstance(answer, asyncio.Future):
            answer.add_done_callback(self._done)
        else:
            self._judge(answer)
        return answer

    async def _awaited(self, answer: Coroutine[Any, Any, Any]) -> Any:
        token = current.set(self.frame.call)
        try:
            found = await answer
        except Exception as error:
            self.raised(error)
            raise
        except BaseException:
            self.cancelled()
            raise
        finally:
            with suppress(ValueError):  # ended in another context than it began in: nothing of ours to put back there
                current.reset(token)
        self._judge(found)
        return found

    def _done(self, task: asyncio.Future[Any]) -> None:
        """Judge what a task of the collaborator's gave, before whoever awaits it goes on."""
        if task.cancelled():
            return
        # `exception()` would count as somebody having looked, and asyncio reports what nobody has looked at
        error = getattr(task, "_exception", None)
        if error is None:
            self._judge(task.result())
        elif isinstance(error, Exception):
            self.raised(error)

    def _judge(self, answer: Any) -> None:
        try:
            bad = self._bad(answer)
        except Exception as error:  # noqa: BLE001  # an answer whose truth cannot be read is the host's to deal with
            own_failure("watch.judge", error)
            bad = False
        if bad:
            text = f"{self.watch.reason} ({self.watch.attribute}.{self.name} answered {brief(answer)})"
            kind, hint = self.watch.error, self.watch.hint
            found = Note(
                key=self.key, error=kind, reason=text, hint=hint, details=self.details, message=self.message,
                tried=self.watch.writes,
            )  # fmt: skip
            self._hand_up(found)
        else:
            self._hand_up(None)
            self.outer.forgive(self.key)

    def _bad(self, answer: Any) -> bool:
        if self.watch.shows is Shows.FALSY:
            return not answer
        return self.watch.shows is Shows.UNSUCCESSFUL and not getattr(answer, "success", False)

    def _note_of(self, error: Exception) -> Note:
        text = f"{self.watch.attribute}.{self.name} raised {type(error).__name__}"
        hint = "see the cause: the host swallows it"
        kind = self.watch.raised_error
        return Note(
            key=self.key, error=kind, reason=text, hint=hint, cause=error, details=self.details, message=self.message,
            tried=self.watch.writes,
        )  # fmt: skip

    def _hand_up(self, failure: Note | None) -> None:
        """Hand up what inner calls told; where they told nothing, the failure that is seen from here."""
        told = self.frame.close()
        for note in told:
            self.outer.note(note)
        if failure is not None and not any(not note.separate for note in told):
            self.outer.note(failure)
