"""The facts of all files: kept ones where they still hold, the rest worked out by workers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from codemods.flow.cache import NOTHING, Cache, Kept, keys_of, load, save, version
from codemods.flow.facts import FileFacts, Names
from codemods.flow.names import names_in
from codemods.flow.outside import outside_of
from codemods.flow.summary import Asked, Summaries, setup, summary_of
from codemods.layout import Layout
from codemods.pool import Pool
from codemods.wanted import Wanted

__all__ = ["Collected", "collect"]


class Collected(NamedTuple):
    """`facts` in the order of the files; `read` of them were worked out in this run."""

    facts: tuple[FileFacts, ...]
    read: int
    warning: str = ""
    "Why nothing is kept for the next run."


def collect(
    layout: Layout, wanted: Wanted, boundaries: Iterable[str], files: tuple[Path, ...], jobs: int, kept_in: Path | None
) -> Collected:
    """Give the facts of files. `kept_in`: the cache; None works out everything and keeps nothing."""
    texts = {layout.shown(path): _bytes(path) for path in files}
    paths = dict(zip(texts, files, strict=True))
    contents = {name: hashlib.blake2b(data or b"", digest_size=16).hexdigest() for name, data in texts.items()}
    common = f"{version()} {wanted!r} {sorted(boundaries)!r}" if kept_in is not None else ""
    before = load(kept_in) if kept_in is not None else NOTHING
    rows = dict(before.rows) if before.common == common else {}
    per_file = {name: _names_of(rows.get(name), contents[name], data) for name, data in texts.items()}
    names = _joined(per_file.values())
    stale = _mentioning(_moved(_joined(row.names for row in rows.values()), names) if rows else frozenset())
    work = _Work(layout, wanted, Asked(names, frozenset(boundaries)), jobs)
    first = [name for name in paths if _changed(rows.get(name), contents[name], stale, texts[name])]
    known = {name: row.facts for name, row in rows.items() if name in paths} | work.out(first, paths)
    outside = outside_of(layout, known.values(), before.outside) if kept_in is not None else {}
    keys = _keys(known, outside, contents, common) if rows else {}
    again = set(paths) - set(first)
    second = [name for name in paths if name in again and rows[name].key != keys[name]]
    known |= work.out(second, paths)
    warning = ""
    if kept_in is not None and (first or second or rows.keys() != paths.keys()):
        keys = keys if keys and not second else _keys(known, outside, contents, common)
        fresh = {name: Kept(keys[name], contents[name], per_file[name], known[name]) for name in paths}
        warning = save(kept_in, Cache(common, outside, fresh))
    return Collected(tuple(known[name] for name in paths), len(first) + len(second), warning)


class _Work(NamedTuple):
    layout: Layout
    wanted: Wanted
    asked: Asked
    jobs: int

    def out(self, names: list[str], paths: Mapping[str, Path]) -> dict[str, FileFacts]:
        """Work out the facts of files."""
        if not names:
            return {}
        pool: Pool[Summaries, FileFacts] = Pool(setup, summary_of, (self.layout, self.wanted, self.asked))
        found = list(pool.run([paths[name] for name in names], self.jobs, "read"))
        return dict(zip(names, found, strict=True))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # the worker reports it


def _names_of(row: Kept | None, content: str, text: bytes | None) -> Names:
    return row.names if row is not None and row.content == content else names_in(text or b"")


def _joined(found: Iterable[Names]) -> Names:
    parts = list(found)
    defined = frozenset[str]().union(*(one.defined for one in parts))
    return Names(defined, frozenset[str]().union(*(one.properties for one in parts)))


def _moved(before: Names, now: Names) -> frozenset[str]:
    return (before.defined ^ now.defined) | (before.properties ^ now.properties)


def _mentioning(names: frozenset[str]) -> Callable[[bytes], bool]:
    """Tell whether a text has one of the names that came or went: what it calls may be one now, or none."""
    if not names:
        return lambda _text: False
    words = re.compile(rb"\b(?:%b)\b" % b"|".join(re.escape(name.encode()) for name in sorted(names)))
    return lambda text: bool(words.search(text))


def _changed(row: Kept | None, content: str, stale: Callable[[bytes], bool], text: bytes | None) -> bool:
    return row is None or row.content != content or text is None or bool(row.facts.error) or stale(text)


def _keys(
    known: Mapping[str, FileFacts], outside: Mapping[str, FileFacts], contents: Mapping[str, str], common: str
) -> dict[str, str]:
    digests = dict(contents) | {name: one.surface for name, one in outside.items()}
    return keys_of({**known, **outside}, digests, common)
