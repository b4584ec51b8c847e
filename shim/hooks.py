"""Hooks: own methods of the host whose failure it swallows on the way up. They tell; they never change the answer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shim import flags
from shim.contracts import Hook, Shows
from shim.frames import Note, frame_of
from shim.guard import own_failure, shown
from shim.snapshot import Mode

__all__ = ["wrap_hook"]

Host = Callable[..., Any]
_OFF = Mode.OFF  # reading a member off its enum costs as much as the look-up of the mode


def wrap_hook(host: Host, hook: Hook, component: str) -> Host:
    """Wrap an own method that only tells: outside a contracted call of this instance it is the host's method."""
    if inspect.iscoroutinefunction(host):

        @functools.wraps(host)
        async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
            if flags.current(component) is _OFF:
                return await host(self, *args, **kwargs)
            with _telling(self, hook):
                answer = await host(self, *args, **kwargs)
            return _judged(self, hook, answer)

        return awaited

    @functools.wraps(host)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if flags.current(component) is _OFF:
            return host(self, *args, **kwargs)
        with _telling(self, hook):
            answer = host(self, *args, **kwargs)
        return _judged(self, hook, answer)

    return called


@contextmanager
def _telling(instance: object, hook: Hook) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _note(instance, hook, f"{hook.reason} ({shown(error)})", error)
        raise


def _judged(instance: object, hook: Hook, answer: Any) -> Any:
    frame = frame_of(instance)
    if hook.shows is Shows.FALSY and _is_false(answer):
        _note(instance, hook, hook.reason, None)
    elif frame is not None:
        frame.forgive(("hook", hook.method))
    return answer


def _is_false(answer: object) -> bool:
    try:
        return not answer
    except Exception as error:  # noqa: BLE001  # an answer whose truth cannot be read is the host's to deal with
        own_failure("hooks.judge", error)
        return False


def _note(instance: object, hook: Hook, reason: str, cause: Exception | None) -> None:
    frame = frame_of(instance)
    if frame is not None:
        decides = frame.row.shows is Shows.NEVER  # else the call's own answer decides: the host may have recovered
        note = Note(
            key=("hook", hook.method), error=hook.error, reason=reason, hint=hook.hint, cause=cause, decides=decides
        )
        frame.note(note)
