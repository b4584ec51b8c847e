"""Run a Bowler query over a text in memory. Bowler fails in silence; here whatever it cannot do raises SourceError.

Of Bowler are used the selectors, filters and modifiers of a `Query`, and the tool's own check of the result. It is
given no path, no file and no leave to write: what goes wrong there (line ends, encodings, the last line, files left
out, an exit code of 0) cannot happen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bowler import Query
from bowler.tool import BowlerTool

from codemods.source import SourceError

__all__ = ["run_query"]

_LOGGERS = ("RefactoringTool", "bowler.tool", "bowler.query")
"fissix and Bowler report here and nowhere else what they gave up."


class _Heard(logging.Handler):
    """Keeps what fissix and Bowler log as errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.said.append(record.getMessage())


def run_query(query: Query, text: str, name: str) -> str:
    """Give the text as the query changes it. Raises SourceError where Bowler cannot parse, transform or read it back.

    `name` is for messages only. The end of the last line stays as it is.
    """
    ended = text if text.endswith("\n") else text + "\n"
    with _listening() as heard:
        tool = BowlerTool(
            query.compile(), interactive=False, write=False, silent=True, options={"print_function": True}
        )
        _check_text(tool, ended)
        try:
            tree = tool.refactor_string(ended, name)
            changed = ended if tree is None else str(tree)
            tool.processed_file(changed, name, ended)
        except Exception as error:  # whatever a selector or modifier raises
            raise SourceError(f"Bowler failed: {type(error).__name__}: {error}") from error
    if tree is None or heard.said or tool.errors or tool.files != [name]:
        said = "; ".join([*heard.said, *map(str, tool.errors)]) or "no result and no reason"
        raise SourceError(f"Bowler gave up: {said}")
    return changed if text.endswith("\n") else changed.removesuffix("\n")


def _check_text(tool: BowlerTool, text: str) -> None:
    """Parse before any work is done, and require the text back byte by byte."""
    try:
        tree = tool.driver.parse_string(text)
    except Exception as error:  # fissix raises a ParseError, a TokenError, or what its tokenizer trips over
        raise SourceError(f"Bowler cannot parse this file: {_said(error)}") from error
    if str(tree) != text:
        raise SourceError("Bowler does not give this file back as it is")


def _said(error: Exception) -> str:
    context = getattr(error, "context", None)
    if context:
        value, (_, (line, column)) = getattr(error, "value", ""), context
        return f"line {line}, column {column + 1}, at {value!r}"
    return f"{type(error).__name__}: {error}"


@contextmanager
def _listening() -> Iterator[_Heard]:
    """Hear the loggers of fissix and Bowler, and keep their lines off the terminal."""
    heard = _Heard()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(each.propagate, each.disabled, each.level) for each in loggers]
    for each in loggers:
        each.addHandler(heard)
        each.propagate, each.disabled = False, False
        each.setLevel(logging.ERROR)
    try:
        yield heard
    finally:
        for each, (propagate, disabled, level) in zip(loggers, before, strict=True):
            each.removeHandler(heard)
            each.propagate, each.disabled = propagate, disabled
            each.setLevel(level)
