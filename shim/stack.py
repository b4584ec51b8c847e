"""What the Python stack tells about a call: who made it, and whether they are handling an exception."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

from shim.shape import MARK

__all__ = ["callers", "handled_here", "in_handler"]

_HERE = __file__.removesuffix("stack.py")
_DETACHED = ("asyncio", "concurrent", "threading", "uvloop", "contextvars")


def callers() -> Iterator[FrameType]:
    """Give the frames above the shim's own; none where a task or thread begins with the call."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # documented; `inspect.stack` reads source files
    while frame is not None and (frame.f_code.co_filename.startswith(_HERE) or MARK in frame.f_globals):
        frame = frame.f_back
    if frame is None or _is_detached(frame):
        return
    while frame is not None:
        yield frame
        frame = frame.f_back


def in_handler() -> bool:
    """Say whether one of the callers, up to where its task or thread begins, stands in an `except` or `finally` body.

    An exception that is handled further out (around `asyncio.run`, say) is none of theirs. The head of a traceback is
    the frame that caught the exception.
    """
    error = sys.exc_info()[1]
    if error is None or error.__traceback__ is None:
        return False
    handler = error.__traceback__.tb_frame
    for frame in callers():
        if frame is handler:
            return True
        if _is_detached(frame):
            return False
    return False


def handled_here() -> BaseException | None:
    """Give the exception that the calling function itself is handling: one handled further out is no cause of ours."""
    error = sys.exc_info()[1]
    if error is None or error.__traceback__ is None:
        return None
    caller = next(callers(), None)
    return error if caller is not None and error.__traceback__.tb_frame is caller else None


def _is_detached(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in _DETACHED
