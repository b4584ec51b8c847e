"""Bowler's prompt (y, n, a, d, q, ?) over hunks that we computed. Bowler shows and asks; it touches no file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO, cast

from bowler.tool import BowlerTool
from bowler.types import BowlerQuit

__all__ = ["Answers", "Asker"]

_NUMBER = re.compile(r"^@@ [^@]* @@ hunk (\d+) of ", re.MULTILINE)
"Our heading of a hunk: Bowler hands on the text of what was accepted, and this tells which it was."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was said to the hunks of one file."""

    accepted: frozenset[int]
    "Numbers of hunks."
    seen: int
    "Hunks that have an answer; the one at which the reviewer quit has none."
    stopped: bool
    ended: bool
    "The input came to its end: nobody answers any more."


class Asker:
    """One review. The end of the input counts as `q`: Bowler would drop what was accepted in the file before it."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        "Of the hunk shown last, over all files."
        self._text = ""
        self._tool = BowlerTool([], interactive=True, write=False, silent=False, hunk_processor=self._count)
        self._tool.apply_hunks = self._take

    def ask(self, path: str, hunks: Sequence[tuple[str, tuple[str, ...]]]) -> Answers:
        """Show each hunk, a heading and lines of a diff that begin with `@@`, and take the answers."""
        first, self._text = self.number + 1, ""
        rows = [
            [f"--- {path}", f"+++ {path}", f"{lines[0]} hunk {number} of {self.total}, {heading}", *lines[1:]]
            for number, (heading, lines) in enumerate(hunks, first)
        ]
        stopped = False
        with _end_quits() as stream:
            try:
                self._tool.process_hunks(path, rows)
            except BowlerQuit:
                stopped = True
        if not stopped:
            self.number = first - 1 + len(hunks)  # `d` leaves the rest unseen
        seen = self.number - first if stopped else len(hunks)
        accepted = frozenset(int(found) - first for found in _NUMBER.findall(self._text))
        return Answers(accepted=accepted, seen=seen, stopped=stopped, ended=stream.ended)

    def _count(self, _path: str, _hunk: list[str]) -> bool:
        self.number += 1
        return True

    def _take(self, accepted: str, _path: str) -> None:
        self._text = accepted


class _Answering:
    """Standard input, as `input()` reads it; its end reads as `q`."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream, self.ended = stream, False

    def readline(self) -> str:
        """Give one line."""
        line = self.stream.readline() if self.stream is not None else ""
        self.ended = not line
        return line or "q\n"


@contextmanager
def _end_quits() -> Iterator[_Answering]:
    before = sys.stdin
    answering = _Answering(before)
    sys.stdin = cast("TextIO", answering)
    try:
        yield answering
    finally:
        sys.stdin = before
