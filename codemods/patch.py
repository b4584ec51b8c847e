"""Unified diffs in bytes: made for people and for `undo`, applied only where every line fits."""

from __future__ import annotations

import difflib
import re

__all__ = ["PatchError", "apply_patch", "split_patch", "unified"]

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = b"\\ No newline at end of file\n"


class PatchError(Exception):
    """Raised when a patch does not fit, or is no patch."""


def unified(before: bytes, after: bytes, old: str, new: str) -> bytes:
    """Give a unified diff; `old` and `new` are the names in its head."""
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(before), _lines(after), old.encode(), new.encode(), lineterm=b"\n"
    )
    return b"".join(line if line.endswith(b"\n") else line + b"\n" + _NO_NEWLINE for line in lines)


def split_patch(patch: bytes) -> dict[str, bytes]:
    """Split a patch over several files by the name in each `+++` line, its `b/` taken off."""
    parts: dict[str, bytes] = {}
    for part in re.split(rb"(?m)^(?=--- a/)", patch):
        if found := re.match(rb"--- a/[^\n]*\n\+\+\+ b/([^\n]*)\n", part):
            parts[found.group(1).decode()] = part
    return parts


def apply_patch(content: bytes, patch: bytes) -> bytes:
    """Apply the patch of one file. Raises PatchError where a line does not fit."""
    old, out, at = _lines(content), list[bytes](), 0
    lines = _lines(patch)
    index = 2
    while index < len(lines):
        head = _HUNK.match(lines[index])
        if head is None:
            raise PatchError(f"line {index + 1} of the patch starts no hunk")
        count = int(head.group(2) or 1)
        start = int(head.group(1)) - (1 if count else 0)
        new_count = int(head.group(4) or 1)
        out += old[at:start]
        at, index, made = start, index + 1, 0
        goal = at + count
        while at < goal or made < new_count:
            sign, line, index = _body(lines, index)
            if sign in b" -" and (at >= len(old) or old[at] != line):
                raise PatchError(f"line {at + 1} is not what the patch expects")
            at += sign in b" -"
            if sign in b" +":
                out.append(line)
                made += 1
    return b"".join([*out, *old[at:]])


def _body(lines: list[bytes], index: int) -> tuple[bytes, bytes, int]:
    if index >= len(lines) or lines[index][:1] not in (b" ", b"-", b"+"):
        raise PatchError("the patch ends inside a hunk")
    sign, line = lines[index][:1], lines[index][1:]
    if index + 1 < len(lines) and lines[index + 1] == _NO_NEWLINE:
        return sign, line.removesuffix(b"\n"), index + 2
    return sign, line, index + 1


def _lines(content: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", content)
