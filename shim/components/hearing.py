"""Hear what host code handles itself: a run of a host function that sees some of its module's names through ours.

The copy is the host's own code object: what it does, its log lines and its tracebacks are the host's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

from shim.components.witness import Witness
from shim.frames import Frame, Note
from shim.guard import own_failure, shown
from shim.proxy import proxy_for

__all__ = ["Listening", "listening", "with_globals"]

_LEVELS = frozenset({"warning", "error", "exception", "critical"})
"What host code calls on its logger where it handles an exception."


def with_globals(host: Any, **names: Any) -> FunctionType:
    """Copy a host function that finds these names of its module replaced. Names set meanwhile are not seen by it."""
    made = FunctionType(
        host.__code__, {**host.__globals__, **names}, host.__name__, host.__defaults__, host.__closure__
    )
    made.__kwdefaults__ = host.__kwdefaults__
    return made


class Listening(Witness):
    """One contracted call, and what the host's code in it handled while it wrote a log line at WARNING or above."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame.instance)
        self.frame = frame

    def through(self, host: Any) -> Callable[..., Any]:
        """Give a bound host method whose module's `logger` shows us the exception that is being handled."""
        function = getattr(host, "__func__", None)
        if not isinstance(function, FunctionType) or "logger" not in function.__globals__:
            return host  # type: ignore[no-any-return]  # no plain function: it runs as it is, and is not heard
        logger = proxy_for(function.__globals__["logger"], self._hear)
        return MethodType(with_globals(function, logger=logger), host.__self__)

    def _hear(self, _logger: Any, name: str, value: Any) -> Any:
        if name in _LEVELS:
            self.saw(sys.exception())
        return value  # the logger's own method: the line's place stays the host's

    def look(self, notes: Iterable[Note]) -> None:
        """Note what is found on the host's answer. Looking is ours: what it raises is reported, and costs no answer."""
        try:
            for note in notes:
                self.frame.note(note)
        except Exception as error:  # noqa: BLE001  # a property of the host's object may do anything
            own_failure("hearing.look", error)

    def innermost(self, error: BaseException) -> BaseException:
        """Follow an exception to the one it was raised for, up to what was being handled when the call began."""
        seen: list[BaseException] = []
        while not any(error is one for one in seen):
            seen.append(error)
            inner = error.__cause__ or error.__context__
            if inner is None or inner is self.outside:
                break
            error = inner
        return error


@contextmanager
def listening(frame: Frame, what: str) -> Iterator[Listening]:
    """Note what the host handled and went on from, once each; where it raises, what it raised that for.

    `what` says what a swallowed exception means. An exception that a watched collaborator has told of adds no note.
    """
    heard = Listening(frame)
    try:
        yield heard
    except Exception as error:
        if not frame.notes and (cause := heard.innermost(error)) is not error:
            row = frame.row
            frame.note(Note(key="own", error=row.error, reason=f"the host raised {shown(error)}", cause=cause))
        raise
    for place, handled in enumerate(heard.errors):
        if not any(note.cause is handled for note in frame.notes):
            reason = f"{what}: {_place(handled)} raised {shown(handled)}"
            hint = "see the cause: the host swallows it"
            frame.note(Note(key=("handled", place), error=frame.row.error, reason=reason, hint=hint, cause=handled))


def _place(error: BaseException) -> str:
    """Name the function that raised, as far as Python code did."""
    traceback, name = error.__traceback__, "something"
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_qualname
        traceback = traceback.tb_next
    return name
