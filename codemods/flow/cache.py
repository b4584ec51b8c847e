"""Facts that are kept between runs: a run after one edit works out the files anew that the edit may concern.

A file's facts hold as long as its bytes, our code and the surfaces of all modules it imports, directly or not, stay.
What is kept is no program: the reader makes nothing but the tuples of `facts`.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from codemods.flow import facts as facts_module
from codemods.flow.circles import reachable
from codemods.flow.facts import FileFacts, Names
from codemods.layout import Layout
from codemods.write import make_folder, write_atomic

__all__ = ["NOTHING", "Cache", "Kept", "home_of", "keys_of", "load", "save", "version"]

_FORMAT = 2


class Kept(NamedTuple):
    """One file's facts and the key they hold under."""

    key: str
    content: str
    names: Names
    facts: FileFacts


class Cache(NamedTuple):
    """All that is kept of one tree and host."""

    common: str
    "A digest of our own code, the Python that runs it and the host's declaration."
    outside: dict[str, FileFacts]
    "Files that are imported and not looked at: a digest each, and what they import in turn."
    rows: dict[str, Kept]
    "By the file's name as reports show it."


NOTHING = Cache("", {}, {})


class _Reader(pickle.Unpickler):  # it can make our tuples and nothing else
    def find_class(self, module: str, name: str) -> Any:
        if module == facts_module.__name__ and name in facts_module.__all__:
            return getattr(facts_module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a cache")


def keys_of(known: Mapping[str, FileFacts], contents: Mapping[str, str], common: str) -> dict[str, str]:
    """Give each file's key: its content, `common`, and the surfaces of all it imports, directly or not."""
    of_module: dict[str, list[str]] = {}
    for name, one in known.items():
        of_module.setdefault(one.module, []).append(name)  # two files may be of one name: the answer depends on both
    imports = {name: _imported(name, one, of_module) for name, one in known.items()}
    surfaces = {name: one.surface or contents[name] for name, one in known.items()}
    reached = reachable(imports)
    numbers = {name: int(_digest([name, surface]), 16) for name, surface in surfaces.items()}
    found: dict[str, str] = {}
    shared: dict[frozenset[str], str] = {}
    for name in known:
        group = reached[name]
        if group not in shared:
            shared[group] = f"{sum(map(numbers.__getitem__, group)):x}"  # whatever their order: groups are large
        found[name] = _digest([common, contents[name], shared[group]])
    return found


def _imported(name: str, facts: FileFacts, of_module: Mapping[str, list[str]]) -> list[str]:
    """Give the files a file imports, the packages they are in among them."""
    modules = {one for one in facts.imports if one in of_module}
    modules |= {".".join(one.split(".")[:end]) for one in modules for end in range(1, one.count(".") + 1)}
    return sorted({each for one in modules for each in of_module.get(one, ()) if each != name})


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def home_of(layout: Layout, host: str) -> Path:
    """Give the place of a tree's cache."""
    folder = layout.root if layout.root.is_dir() else layout.root.parent
    return folder / ".failloud" / f"flow-{host}.cache"


def version() -> str:
    """Digest our own code and the version of Python: facts of another one do not hold."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    return _digest([sys.version, *(hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in files)])


def load(path: Path) -> Cache:
    """Give what is kept. A file that is absent, of another version or damaged counts as empty: that costs time only."""
    try:
        found = _Reader(io.BytesIO(path.read_bytes())).load()
    except (OSError, pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        return NOTHING
    if not (isinstance(found, tuple) and found[:1] == (_FORMAT,) and len(found) == 4):
        return NOTHING
    return Cache(found[1], found[2], {name: Kept(*row) for name, row in found[3].items()})


def save(path: Path, cache: Cache) -> str:
    """Write what is to be kept; gives what is wrong, empty where it is written."""
    rows = {name: tuple(one) for name, one in cache.rows.items()}
    try:
        make_folder(path.parent)
        write_atomic(path, pickle.dumps((_FORMAT, cache.common, cache.outside, rows), protocol=5))
    except OSError as error:
        return f"the cache {path} cannot be written: {error.strerror}"
    return ""
