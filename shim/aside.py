"""Whether an exception is still handled further up: what fails meanwhile names it as context, and carries it nowhere.

Python sets `__context__` when an exception is raised inside a handler. Where it leaves that handler, it replaces what
was handled there; where it is caught within, the handler goes on with the first one. The stack tells the two apart: the
head of a traceback is the frame that caught the exception, and its line says whether it is in the handler yet.
"""

from __future__ import annotations

import sys
from types import FrameType

from shim.handlers import stands_in_handler

__all__ = ["is_aside"]


def is_aside(context: BaseException) -> bool:
    """Say whether `context` is an exception that a frame above is still handling.

    False also where that cannot be told: without its source a handler looks as if it had been left.
    """
    caught = context.__traceback__
    if caught is None:
        return False
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # documented; `inspect.stack` reads source files
    while frame is not None and frame is not caught.tb_frame:
        frame = frame.f_back
    if frame is None:
        return False
    code = frame.f_code
    names = frozenset(each.__name__ for each in type(context).__mro__)
    lines = caught.tb_lineno, frame.f_lineno
    return stands_in_handler(code.co_filename, code.co_name, code.co_firstlineno, *lines, names)
