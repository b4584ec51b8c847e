"""Watch collaborators: a proxy around the object in an attribute, seen only by the contracted call under way.

Host code swallows what its collaborators raise and ignores what they answer. The shim class holds a descriptor
for the attribute; outside a contracted call, and for everybody else, it gives the raw object.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from shim.contracts import Collaborator, Shows
from shim.frames import Frame, Note, frame_of

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


def _watched_call(method: Callable[..., Any], name: str, watch: Collaborator, frame: Frame) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        recipient = args[0] if args else next(iter(kwargs.values()), None)
        key = (watch.attribute, name, recipient if isinstance(recipient, str | int | None) else id(recipient))
        try:
            answer = method(*args, **kwargs)
        except Exception as error:
            _note_raised(frame, watch, key, name, error)
            raise
        if inspect.isawaitable(answer):
            return _awaited(answer, frame, watch, key, name)
        _judge(frame, watch, key, name, answer)
        return answer

    return call


async def _awaited(
    answer: Awaitable[Any], frame: Frame, watch: Collaborator, key: tuple[object, ...], name: str
) -> Any:
    try:
        found = await answer
    except Exception as error:
        _note_raised(frame, watch, key, name, error)
        raise
    _judge(frame, watch, key, name, found)
    return found


def _note_raised(frame: Frame, watch: Collaborator, key: tuple[object, ...], name: str, error: Exception) -> None:
    text = f"{watch.attribute}.{name} raised {type(error).__name__}"
    hint = "see the cause: the host swallows it"
    frame.note(Note(key=key, error=watch.raised_error, reason=text, hint=hint, cause=error))


def _judge(frame: Frame, watch: Collaborator, key: tuple[object, ...], name: str, answer: object) -> None:
    bad = not answer if watch.shows is Shows.FALSY else not getattr(answer, "success", True)
    if bad and watch.shows in (Shows.FALSY, Shows.UNSUCCESSFUL):
        text = f"{watch.reason} ({watch.attribute}.{name} answered {answer!r})"
        frame.note(Note(key=key, error=watch.error, reason=text, hint=watch.hint))
    else:
        frame.forgive(key)
