"""Watch collaborators: a proxy around the object in an attribute, seen only by the contracted call under way.

Host code swallows what its collaborators raise and ignores what they answer. The shim class holds a descriptor
for the attribute; outside a contracted call, and for everybody else, it gives the raw object.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from shim import flags
from shim.contracts import Collaborator, Shows
from shim.frames import MODE, NOTHING, PLAN, Frame, Note, current, frame_of
from shim.guard import brief, own_failure
from shim.proxy import proxy_for, unwrap
from shim.snapshot import Mode

__all__ = ["Watched"]

_MISSING = object()


class Watched:
    """Data descriptor for one watched attribute; the value stays in the instance's own dict."""

    def __init__(self, name: str, host_class: type) -> None:
        self.name = name
        self.host_class = host_class

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return getattr(self.host_class, self.name)  # raises what the host's class raises
        value = instance.__dict__.get(self.name, _MISSING)
        if value is _MISSING:
            return self._as_the_host_would(instance)
        if value is None or (frame := frame_of(instance)) is None:
            return value
        for watch in frame.row.watches:
            if watch.attribute == self.name:
                return proxy_for(value, functools.partial(_intercept, watch, frame))
        return value

    def __set__(self, instance: object, value: object) -> None:
        instance.__dict__[self.name] = unwrap(value)

    def __delete__(self, instance: object) -> None:
        try:
            del instance.__dict__[self.name]
        except KeyError:
            text = f"{type(instance).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(text) from None

    def _as_the_host_would(self, instance: object) -> Any:
        if hasattr(self.host_class, self.name):
            return getattr(self.host_class, self.name)
        text = f"{type(instance).__name__!r} object has no attribute {self.name!r}"
        raise AttributeError(text, name=self.name, obj=instance)


def _intercept(watch: Collaborator, frame: Frame, target: Any, name: str, value: Any) -> Any:
    if name in watch.methods and callable(value):
        return _watched_call(value, name, watch, frame)
    return unwrap(target) if name == "__self__" else value


class _Watching:
    """One watched call: what fails inside it is noted once, innermost cause first, under the recipient's key."""

    def __init__(self, watch: Collaborator, name: str, recipient: object, outer: Frame) -> None:
        who = recipient if isinstance(recipient, str | int | None) else id(recipient)
        self.watch, self.name, self.outer = watch, name, outer
        self.key = (watch.attribute, name, who)
        self.frame = Frame([outer.call[PLAN], None, (), NOTHING, outer.call, outer.call[MODE], None, True])

    @contextmanager
    def running(self) -> Iterator[None]:
        token = current.set(self.frame.call)
        try:
            yield
        except Exception as error:
            self._hand_up(self._raised(error))
            raise
        except BaseException:
            self._hand_up(None)  # cancelled: what was lost until then is still lost
            raise
        finally:
            with suppress(ValueError):
                current.reset(token)

    def judge(self, answer: Any) -> None:
        try:
            bad = self._bad(answer)
        except Exception as error:  # noqa: BLE001  # an answer whose truth cannot be read is the host's to deal with
            own_failure("watch.judge", error)
            bad = False
        if bad:
            text = f"{self.watch.reason} ({self.watch.attribute}.{self.name} answered {brief(answer)})"
            self._hand_up(Note(key=self.key, error=self.watch.error, reason=text, hint=self.watch.hint))
        else:
            self._hand_up(None)
            self.outer.forgive(self.key)

    def ended(self, task: asyncio.Future[Any]) -> None:
        """Judge what a task of the collaborator's gave, before whoever awaits it goes on."""
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self.judge(task.result())
        elif isinstance(error, Exception):
            self._hand_up(self._raised(error))

    def _bad(self, answer: Any) -> bool:
        if self.watch.shows is Shows.FALSY:
            return not answer
        return self.watch.shows is Shows.UNSUCCESSFUL and not getattr(answer, "success", False)

    def _raised(self, error: Exception) -> Note:
        text = f"{self.watch.attribute}.{self.name} raised {type(error).__name__}"
        hint = "see the cause: the host swallows it"
        return Note(key=self.key, error=self.watch.raised_error, reason=text, hint=hint, cause=error)

    def _hand_up(self, failure: Note | None) -> None:
        """Hand up what inner calls told; where they told nothing, the failure that is seen from here."""
        told = self.frame.close()
        for note in told:
            self.outer.note(note)
        if failure is not None and not any(not note.separate for note in told):
            self.outer.note(failure)


def _watched_call(method: Callable[..., Any], name: str, watch: Collaborator, frame: Frame) -> Callable[..., Any]:
    def watching(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Watching | None:
        if not frame.is_open and flags.current(frame.row.component) is Mode.OFF:
            return None  # a proxy that somebody kept: it is quiet once the component is off
        return _Watching(watch, name, args[0] if args else next(iter(kwargs.values()), None), frame)

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            if (watched := watching(args, kwargs)) is None:
                return await method(*args, **kwargs)
            with watched.running():
                answer = await method(*args, **kwargs)
            watched.judge(answer)
            return answer

        return awaited

    @functools.wraps(method)
    def called(*args: Any, **kwargs: Any) -> Any:
        if (watched := watching(args, kwargs)) is None:
            return method(*args, **kwargs)
        with watched.running():
            answer = method(*args, **kwargs)
        if inspect.iscoroutine(answer):
            return _awaiting(answer, watched)
        if isinstance(answer, asyncio.Future):
            answer.add_done_callback(watched.ended)
        else:
            watched.judge(answer)
        return answer

    return called


async def _awaiting(answer: Coroutine[Any, Any, Any], watched: _Watching) -> Any:
    with watched.running():
        found = await answer
    watched.judge(found)
    return found
