"""Where a loud failure may end: a boundary sees what arrives and passes it on; `handled` declares it dealt with.

Host code imports both from its façade. With every component off nothing is raised, so there is nothing to see.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from concurrent import futures
from contextlib import aclosing
from types import FunctionType, TracebackType
from typing import Any, TypeVar

from shim.swallowed import Fate, flush, mark

__all__ = ["boundary", "handled"]

_F = TypeVar("_F", bound=Callable[..., Any])


class boundary:  # noqa: N801  # a verb: it reads as one at a `with` and above a function
    """A place where a loud failure that arrives has been seen: a route, a socket's loop, a start-up, a done-callback.

    A decorator for functions, generators and their async kinds; a context manager for `with` and `async with`. What
    arrives is marked, in groups and chains as well, and passes on unchanged. A decorated done-callback has also seen
    the failure of the task or future it is handed, where it has looked at its exception.
    """

    def __init__(self, name: str = "") -> None:
        if callable(name):
            msg = f"boundary takes a name, not {name!r}; write @boundary() with parentheses"
            raise TypeError(msg)
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> None:
        if error is not None:
            mark(error, by=self.name or "boundary")
        flush()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _F) -> _F:
        """Decorate: every call of the function is a boundary, under the function's name where none was given."""
        within = boundary(self.name or str(getattr(function, "__qualname__", function)))
        return functools.wraps(function)(_at_home(_wrapped(function, within), function))  # type: ignore[return-value]  # the same parameters and result


def _at_home(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the wrapper the function's own globals: a framework reads annotations that are text by those."""
    home = getattr(inspect.unwrap(function), "__globals__", None)
    if home is None or not isinstance(wrapper, FunctionType):
        return wrapper
    return FunctionType(wrapper.__code__, home, wrapper.__name__, None, wrapper.__closure__)


def _wrapped(function: Callable[..., Any], within: boundary) -> Callable[..., Any]:
    closing, look = aclosing, _look  # the wrappers have no globals of ours: see `_at_home`
    if inspect.isasyncgenfunction(function):

        async def generating(*args: Any, **kwargs: Any) -> Any:
            with within:
                async with closing(function(*args, **kwargs)) as items:
                    async for item in items:
                        yield item

        return generating
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with within:
                return await function(*args, **kwargs)

        return awaited
    if inspect.isgeneratorfunction(function):

        def yielding(*args: Any, **kwargs: Any) -> Any:
            with within:
                return (yield from function(*args, **kwargs))

        return yielding

    def called(*args: Any, **kwargs: Any) -> Any:
        with within:
            answer = function(*args, **kwargs)
            for each in args:
                look(each, within.name)
            return answer

    return called


def _look(argument: object, name: str) -> None:
    """Mark the failure of an ended task or future whose callback this is."""
    if asyncio.isfuture(argument):
        if not argument.done() or argument.cancelled() or getattr(argument, "_log_traceback", False):
            return  # asyncio says itself, in the host's log, that nobody has looked at the exception
    elif not isinstance(argument, futures.Future) or not argument.done() or argument.cancelled():
        return
    error = argument.exception()
    if error is not None:
        mark(error, by=name)


def handled(error: BaseException, *, reason: str) -> None:
    """Declare that a caught failure was dealt with, such as by a retry that succeeded; it is counted as handled.

    Raises ValueError where the reason is empty: whoever reads the code must learn why this is no swallow.
    """
    if not reason.strip():
        msg = "handled() needs a reason: say how the failure was dealt with"
        raise ValueError(msg)
    mark(error, by=f"handled: {reason}", fate=Fate.HANDLED)
