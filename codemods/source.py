"""One source file: bytes, text, tree, and edits that leave every other byte as it was."""

from __future__ import annotations

import ast
import io
import os
import re
import stat
import tokenize
import warnings
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

__all__ = ["Edit", "Source", "SourceError", "parse_bytes", "read_raw", "read_source"]

_BOM = b"\xef\xbb\xbf"
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"Bytes, not text, on Windows; elsewhere a pipe that nobody writes to is opened all the same, and then refused."
_LINE_END = re.compile(rb"\r\n|\r|\n")


class SourceError(Exception):
    """Raised when a file cannot be read, decoded or parsed; `reason` says which and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace bytes `start` to `end` of the UTF-8 text by `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed file. Offsets count bytes of the UTF-8 text, as `ast` columns do."""

    raw: bytes
    utf8: bytes
    encoding: str
    tree: ast.Module
    starts: tuple[int, ...]
    "Offset of each line."
    hidden: tuple[tuple[int, int], ...] = ()
    "Spans this Python's `ast` refuses and LibCST accepts: hidden from the tree, never edited."

    def offset(self, line: int, column: int) -> int:
        """Turn a position of `ast` (lines from 1) into an offset."""
        return self.starts[line - 1] + column

    def line(self, number: int) -> bytes:
        """Give one line with its line end; lines count from 1."""
        end = self.starts[number] if number < len(self.starts) else len(self.utf8)
        return self.utf8[self.starts[number - 1] : end]

    def line_end(self, number: int) -> str:
        """Give the line end of a line; of the line before where it has none, a plain newline as the last resort."""
        for candidate in (number, number - 1):
            if candidate >= 1 and (found := _LINE_END.search(self.line(candidate))):
                return found.group().decode()
        return "\n"

    def spliced(self, edits: list[Edit]) -> bytes:
        """Apply edits and give the file's new bytes in its own encoding. Raises SourceError where edits overlap."""
        out, at = bytearray(), 0
        for edit in sorted(edits, key=lambda e: (e.start, e.end)):
            if edit.start < at or any(lo < edit.end and edit.start < hi for lo, hi in self.hidden):
                raise SourceError("edits overlap")
            out += self.utf8[at : edit.start] + edit.new.encode()
            at = edit.end
        out += self.utf8[at:]
        head = _BOM if self.raw.startswith(_BOM) else b""
        return head + out.decode().encode(self.encoding)


def read_raw(path: Path) -> bytes:
    """Read a file's bytes. Raises SourceError; also for a pipe or a device, which would never end."""
    try:
        handle = os.open(path, _READ)  # half of what `Path.stat` and `Path.open` cost, for thousands of files
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise SourceError("cannot be read: not a regular file")
            return _all_of(handle, found.st_size)
        finally:
            os.close(handle)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error


def _all_of(handle: int, size: int) -> bytes:
    """Read an open file to its end: at once where it keeps its size."""
    raw = os.read(handle, size + 1)
    while more := os.read(handle, size + 1):
        raw += more
    return raw


def read_source(path: Path) -> Source:
    """Read and parse a file. Raises SourceError."""
    return parse_bytes(read_raw(path))


def parse_bytes(raw: bytes) -> Source:
    """Decode by cookie or BOM, parse with `ast`, then with LibCST's help. Raises SourceError."""
    encoding, text = _decode(raw)
    utf8 = text.encode()
    hidden: tuple[tuple[int, int], ...] = ()
    try:
        tree = _ast(text)
    except (ValueError, RecursionError, MemoryError) as refused:
        raise SourceError(f"does not parse: {_said(refused)}") from refused
    except SyntaxError as refused:
        if "too many" in refused.msg:  # nested so deep that LibCST would take the process down with it
            raise SourceError(f"does not parse: {_said(refused)}") from refused
        from codemods.newer import mask

        masked, hidden = mask(utf8, refused)
        try:
            tree = _ast(masked.decode())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as again:
            raise SourceError(f"cannot be parsed by this Python: {_said(again)}") from again
    return Source(raw=raw, utf8=utf8, encoding=encoding, tree=tree, starts=_starts(utf8), hidden=hidden)


def _starts(utf8: bytes) -> tuple[int, ...]:
    """Give the offset of each line; behind a last line end begins one more."""
    lines = utf8.splitlines(keepends=True)  # of bytes: at line feeds and carriage returns only
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        lines.pop()
    return (0, *accumulate(map(len, lines)))


def _decode(raw: bytes) -> tuple[str, str]:
    body = raw.removeprefix(_BOM)
    try:
        named, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        encoding = "utf-8" if named == "utf-8-sig" else named
        text = body.decode(encoding)
        if text.encode(encoding) != body:
            raise SourceError(f"does not survive decoding and encoding as {encoding}")
    except (SyntaxError, LookupError, UnicodeError) as error:
        raise SourceError(f"cannot be decoded: {error}") from error
    return encoding, text


def _ast(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like are the host's business
        return ast.parse(text)


def _said(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    if isinstance(error, RecursionError | MemoryError):
        return "nested too deep for this Python"
    return f"{type(error).__name__}: {error}"
