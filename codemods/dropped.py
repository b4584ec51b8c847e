"""`failloud calls --dropped NAME`: calls of a method name that are statements of their own, so nobody has the result.

By the text alone: no host file, no receiver, no second module. It is the quick first look at a tree; `calls` with a
host file tells whose method each call means.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codemods.layout import Layout, Walk
from codemods.looked import Looked, files_json
from codemods.pool import Pool
from codemods.project import all_statements
from codemods.source import SourceError, parse_bytes, read_raw

__all__ = ["Drop", "Drops", "FileDrops", "find_drops"]


_OPENS = re.compile(rb"(?:[ \t\f\r\n\\)]++|#[^\r\n]*+)*+\(")
"All that may stand between a name and the parenthesis of its call; possessive, or a row of `#` takes for ever."
_TAKEN = re.compile(rb"(?:[=,][ \t]*|(?<![\w.])(?!await\b)\w+[ \t]+)(?:await[ \t]+)?(?:\w+\.)*\Z", re.ASCII)
"""What, right before the name in its line, says that no statement begins there: `x = await a.`, `f(x, a.`, `return `,
`def `. No quote, comment or line end is in it: it is code as a whole, or none of it is."""
_NEAR = 400
"Bytes before the name that are looked at: a line may be a megabyte long."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One call; lines count from 1, columns from 0 in bytes, as `ast` does."""

    line: int
    col: int
    name: str
    awaited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDrops(Looked):
    """One file."""

    drops: tuple[Drop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """A whole search."""

    names: tuple[str, ...]
    found: int
    "Files that were looked at."
    files: tuple[FileDrops, ...]
    "Those that hold a name, or could not be read."
    skipped_directories: tuple[str, ...]

    @property
    def places(self) -> list[tuple[str, Drop]]:
        """All calls with their files, by file and place."""
        return [(one.path, drop) for one in self.files for drop in one.drops]

    @property
    def exit_code(self) -> int:
        """2 where a file could not be read or parsed, 1 where a result is dropped, else 0."""
        return 2 if any(one.error for one in self.files) else int(bool(self.places))

    def as_json(self) -> dict[str, object]:
        """Give the document."""
        rows = [
            {"path": path, "line": one.line, "col": one.col, "method": one.name, "awaited": one.awaited}
            for path, one in self.places
        ]
        return {"schema": 1, "files": files_json(self.found, self.files, self.skipped_directories), "dropped": rows}

    def as_text(self) -> Iterator[str]:
        """Give the lines for people: the calls, what could not be read, the sums."""
        for path, one in self.places:
            yield f"{path}:{one.line}:{one.col}: {'await ' if one.awaited else ''}{one.name}"
        bad = [one for one in self.files if one.error]
        yield from (f"not read: {one.path}: {one.error}" for one in bad)
        yield from (f"partly read: {one.path}: {one.hidden} spans of newer syntax" for one in self.files if one.hidden)
        yield from (f"not entered: {name}" for name in self.skipped_directories)
        yield f"files: {self.found} found, {self.found - len(bad)} scanned, {len(bad)} unreadable"
        counts = Counter(one.name for _, one in self.places)
        places = f"{len(self.places)} in {sum(bool(one.drops) for one in self.files)} files"
        yield f"dropped: {places}: {', '.join(f'{name} {counts[name]}' for name in self.names)}"


def find_drops(layout: Layout, names: tuple[str, ...], found: Walk, files: tuple[Path, ...], jobs: int) -> Drops:
    """Look through files. Nothing is raised for a bad file: it is in the result with its error."""
    pool: Pool[_Finder, FileDrops | None] = Pool(_Finder, _Finder.look, (layout, names))
    done = tuple(pool.run(list(files), jobs, "looked at"))
    if len(done) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(done)} reported")
    told = tuple(one for one in done if one is not None)
    return Drops(names=names, found=len(done), files=told, skipped_directories=found.skipped_directories)


def _may_drop(word: bytes, raw: bytes) -> bool:
    """Tell whether a call of the name may be a statement: half of the files that hold one need not be parsed."""
    at = raw.find(word)
    while at >= 0:
        after = at + len(word)
        if _OPENS.match(raw, after) and not _TAKEN.search(raw, max(at - _NEAR, raw.rfind(b"\n", 0, at) + 1), at):
            return True
        at = raw.find(word, after)
    return False


class _Finder:
    def __init__(self, layout: Layout, names: tuple[str, ...]) -> None:
        self.layout, self.names = layout, frozenset(names)
        self.words = tuple(name.encode() for name in names)

    def look(self, path: Path) -> FileDrops | None:
        """Look at one file; None where it holds no name: nearly all, and they cost no more than the reading."""
        mentions = False
        try:
            raw = read_raw(path)
            words = [word for word in self.words if word in raw]
            if not words:
                return None
            mentions = True
            if not any(_may_drop(word, raw) for word in words):
                return FileDrops(path=self.layout.shown(path), mentions=True)
            source = parse_bytes(raw)
        except SourceError as error:
            return FileDrops(path=self.layout.shown(path), mentions=mentions, error=error.reason)
        drops = tuple(self._drops(source.tree))
        return FileDrops(path=self.layout.shown(path), mentions=True, drops=drops, hidden=len(source.hidden))

    def _drops(self, tree: ast.Module) -> Iterator[Drop]:
        found = [drop for node in all_statements(tree) if isinstance(node, ast.Expr) for drop in self._drop(node.value)]
        yield from sorted(found, key=lambda one: (one.line, one.col))

    def _drop(self, value: ast.expr) -> Iterator[Drop]:
        call = value.value if isinstance(value, ast.Await) else value
        func = call.func if isinstance(call, ast.Call) else None
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        if name in self.names:
            yield Drop(line=value.lineno, col=value.col_offset, name=name, awaited=call is not value)
