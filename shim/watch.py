"""Watch collaborators: a proxy around the object in an attribute, seen only by the contracted call under way.

Host code swallows what its collaborators raise and ignores what they answer. The shim class holds a descriptor
for the attribute; outside a contracted call, and for everybody else, it gives the raw object.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shim.contracts import Collaborator, Shows
from shim.frames import Frame, Note, current, frame_of

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
                return _Proxy(value, watch, frame)
        return value

    def __set__(self, instance: object, value: object) -> None:
        instance.__dict__[self.name] = value.__failloud_target__ if type(value) is _Proxy else value

    def __delete__(self, instance: object) -> None:
        try:
            del instance.__dict__[self.name]
        except KeyError:
            raise AttributeError(self.name) from None

    def _as_the_host_would(self, instance: object) -> Any:
        if hasattr(self.host_class, self.name):
            return getattr(self.host_class, self.name)
        text = f"{type(instance).__name__!r} object has no attribute {self.name!r}"
        raise AttributeError(text, name=self.name, obj=instance)


class _Proxy:
    """Stands for a collaborator during one call; forwards everything, watches the declared methods."""

    __slots__ = ("__failloud_frame__", "__failloud_target__", "__failloud_watch__")

    def __init__(self, target: Any, watch: Collaborator, frame: Frame) -> None:
        object.__setattr__(self, "__failloud_target__", target)
        object.__setattr__(self, "__failloud_watch__", watch)
        object.__setattr__(self, "__failloud_frame__", frame)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__failloud_target__, name)
        if name in self.__failloud_watch__.methods and callable(found):
            return _watched_call(found, name, self.__failloud_watch__, self.__failloud_frame__)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__failloud_target__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__failloud_target__, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # isinstance holds, as for the target
        return self.__failloud_target__.__class__

    def __bool__(self) -> bool:
        return bool(self.__failloud_target__)

    def __eq__(self, other: object) -> bool:
        return bool(self.__failloud_target__ == (other.__failloud_target__ if type(other) is _Proxy else other))

    def __hash__(self) -> int:
        return hash(self.__failloud_target__)

    def __repr__(self) -> str:
        return repr(self.__failloud_target__)

    def __len__(self) -> int:
        return len(self.__failloud_target__)

    def __iter__(self) -> Any:
        return iter(self.__failloud_target__)

    def __contains__(self, item: object) -> bool:
        return item in self.__failloud_target__

    def __getitem__(self, key: Any) -> Any:
        return self.__failloud_target__[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__failloud_target__(*args, **kwargs)


class _Watching:
    """One watched call: what fails inside it is noted once, innermost cause first, under the recipient's key."""

    def __init__(self, watch: Collaborator, name: str, recipient: object, outer: Frame) -> None:
        who = recipient if isinstance(recipient, str | int | None) else id(recipient)
        self.watch, self.name, self.outer = watch, name, outer
        self.key = (watch.attribute, name, who)
        self.frame = Frame(outer.row, None, (), {}, parent=outer, late=outer.late)

    @contextmanager
    def running(self) -> Iterator[None]:
        token = current.set(self.frame)
        try:
            yield
        except Exception as error:
            text = f"{self.watch.attribute}.{self.name} raised {type(error).__name__}"
            hint = "see the cause: the host swallows it"
            self._hand_up(Note(key=self.key, error=self.watch.raised_error, reason=text, hint=hint, cause=error))
            raise
        finally:
            current.reset(token)

    def judge(self, answer: Any) -> Any:
        shows = self.watch.shows
        if (shows is Shows.FALSY and not answer) or (
            shows is Shows.UNSUCCESSFUL and not getattr(answer, "success", False)
        ):
            text = f"{self.watch.reason} ({self.watch.attribute}.{self.name} answered {answer!r})"
            self._hand_up(Note(key=self.key, error=self.watch.error, reason=text, hint=self.watch.hint))
        else:
            self._hand_up(None)
            self.outer.forgive(self.key)
        return answer

    def _hand_up(self, failure: Note | None) -> None:
        notes = self.frame.close()
        for note in notes:
            if note.separate:
                self.outer.note(note)
        if failure is not None:
            innermost = next((note for note in notes if not note.separate), failure)
            self.outer.note(replace(innermost, key=self.key, decides=True))


def _watched_call(method: Callable[..., Any], name: str, watch: Collaborator, frame: Frame) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        recipient = args[0] if args else next(iter(kwargs.values()), None)
        watching = _Watching(watch, name, recipient, frame)
        with watching.running():
            answer = method(*args, **kwargs)
        return _awaited(answer, watching) if inspect.isawaitable(answer) else watching.judge(answer)

    return call


async def _awaited(answer: Awaitable[Any], watching: _Watching) -> Any:
    with watching.running():
        found = await answer
    return watching.judge(found)
