"""A small host for codemod tests: its tree, its contracts, and the two checks every codemod test is made of."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from codemods.callsites import Analyser
from codemods.layout import find_layout, walk
from codemods.outcome import Changed, Outcome, Unchanged
from codemods.rewrite import Rewriter
from codemods.scan import Scan, scan
from codemods.wanted import Wanted
from shim.cli import main
from shim.contracts import Contract, Host, HostClass, Legacy, Named, Shows
from shim.errors import LoudFailure

HUB = "plant.hub:Hub"
LINE = "plant.line:Line"
FACADE = "plant.loud"

HUB_SOURCE = """
class Outcome:
    success: bool


class Base:
    async def inherited(self, key) -> bool:
        return False


class Hub(Base):
    async def ping(self, key, extra=None) -> bool:
        return False

    async def push(self, message) -> bool:
        return False

    async def tell(self, key) -> None:
        return None

    async def setup(self) -> Outcome:
        return Outcome()

    def hush(self) -> bool:
        return False

    async def build(self):
        raise RuntimeError


_hub = None


def get_hub() -> Hub:
    return _hub


async def make_hub() -> "Hub | None":
    return _hub
"""
OTHER_SOURCE = '''
class Hub:
    """Same name, another class."""

    async def ping(self, key) -> bool:
        return True

    async def tell(self, key) -> None:
        return None


class Quiet:
    async def ping(self, key) -> None:
        return None
'''
LINE_SOURCE = """
class Line:
    async def ping(self, key) -> bool:
        return False
"""
OLD_SOURCE = """
from plant.hub import Hub as Station


class OldHub:
    async def ping(self, key, extra=None) -> bool:
        return False

    def hush(self) -> bool:
        return True


class Line:
    async def ping(self, key) -> bool:
        return True


class Odd:
    async def ping(self, key, extra=None, *, twice) -> bool:
        return True


other = 1
"""
"Legacy names: made by the tests that need them."


def row(target: str, method: str, shows: Shows = Shows.FALSY, *, is_async: bool = True) -> Contract:
    return Contract(
        component="hub" if target == HUB else "line",
        target=target,
        method=method,
        signature="(self, key)",
        is_async=is_async,
        shows=shows,
        error=LoudFailure,
        reason="event_lost",
    )


HOST = Host(
    name="plant",
    package="plant",
    facade=FACADE,
    components=("hub", "line"),
    classes=(HostClass(component="hub", target=HUB), HostClass(component="line", target=LINE)),
    contracts=(
        row(HUB, "ping"),
        row(HUB, "push"),
        row(HUB, "tell", Shows.NEVER),
        row(HUB, "setup", Shows.UNSUCCESSFUL),
        row(HUB, "hush", is_async=False),
        row(HUB, "build", Shows.RAISES),
        row(HUB, "inherited"),
        row(HUB, "vanished"),
        row(LINE, "ping"),
    ),
    naming=(Named(pattern=r"hub$", target=HUB),),
)
WANTED = Wanted.of(HOST)
OLD_HOST = replace(
    HOST,
    legacy=(
        Legacy(old="plant.old:OldHub", new=HUB),
        Legacy(old="plant.old:Station", new=HUB),
        Legacy(old="plant.old:Line", new=LINE),
        Legacy(old="plant.old:Odd", new=HUB),
        Legacy(old="plant.old:Gone", new=HUB),
        Legacy(old="plant.hub:Post", new=HUB),
    ),
)
"The same host with legacy names."
REPLACING = frozenset({"raise-log-level", "track-tasks", "use-shims"})
"Codemods that replace text; all others only insert."


def make_tree(folder: Path, **modules: str | bytes) -> Path:
    """Write the host's package and more modules of it; a double underscore in a name is a folder."""
    sources: dict[str, str | bytes] = {"__init__": "", "hub": HUB_SOURCE, "other": OTHER_SOURCE, "line": LINE_SOURCE}
    for name, source in (sources | modules).items():
        path = folder / "plant" / (name.replace("__", "/") if not name.startswith("__") else name)
        path = path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.encode() if isinstance(source, str) else source)
    return folder


def scan_of(folder: Path, jobs: int = 1) -> Scan:
    layout = find_layout(folder, "plant")
    found = walk(layout.root)
    return scan(layout, WANTED, found, found.files, jobs)


def rows_of(folder: Path, module: str = "site") -> list:
    return [one for one in scan_of(folder).rows if one.path == f"plant/{module}.py"]


def rewrite(folder: Path, codemods: tuple[str, ...], module: str = "site") -> Outcome:
    rewriter = Rewriter(Analyser(find_layout(folder, "plant"), WANTED), codemods)
    return rewriter.rewrite(folder / "plant" / f"{module}.py")


def check_bytes(folder: Path, codemods: tuple[str, ...], before: bytes, after: bytes, module: str = "site") -> Changed:
    """Rewrite, compare, run again: the second run finds nothing. Lines that are in both texts are the same bytes."""
    make_tree(folder, **{module: before})
    outcome = rewrite(folder, codemods, module)
    assert isinstance(outcome, Changed), outcome
    assert outcome.before == before
    assert outcome.after.decode("utf-8", "replace") == after.decode("utf-8", "replace")
    assert outcome.after == after
    (folder / "plant" / f"{module}.py").write_bytes(outcome.after)
    again = rewrite(folder, codemods, module)
    assert isinstance(again, Unchanged), again
    check_untouched(outcome, inserts=REPLACING.isdisjoint(codemods))
    return outcome


def check_untouched(outcome: Changed, *, inserts: bool) -> None:
    """Every old byte is still there, in order; old lines that changed are no more than the places and one import.

    A line that was moved one level in has not changed.
    """
    left = iter(outcome.after)
    assert not inserts or all(byte in left for byte in outcome.before), "an old byte is gone"
    old, new = (Counter(re.findall(rb"[^ \t\n][^\n]*\n?", text)) for text in (outcome.before, outcome.after))
    assert (old - new).total() <= 2 * sum(outcome.edits.values()) + 1, "an untouched line changed"


def check_transformed(
    folder: Path, codemods: tuple[str, ...], before: str, after: str, module: str = "site"
) -> Changed:
    ast.parse(dedent(after))
    return check_bytes(folder, codemods, dedent(before).encode(), dedent(after).encode(), module)


def check_noop(folder: Path, codemods: tuple[str, ...], source: str | bytes, module: str = "site") -> Unchanged:
    raw = source if isinstance(source, bytes) else dedent(source).encode()
    make_tree(folder, **{module: raw})
    outcome = rewrite(folder, codemods, module)
    assert isinstance(outcome, Unchanged), outcome
    assert (folder / "plant" / f"{module}.py").read_bytes() == raw
    return outcome


class Ended:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict:
        return json.loads(self.out)


def run_cli(capsys, *words: object) -> Ended:
    """Run the command line in this process; exit code, standard output and standard error."""
    old = sys.argv
    sys.argv = ["failloud", *map(str, words)]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = old
    said = capsys.readouterr()
    return Ended(int(ended.value.code or 0), said.out, said.err)


def make_host_file(folder: Path, name: str = "HOST") -> Path:
    path = folder / "the_host.py"
    path.write_text(f"from migration_case import {name} as HOST\n", encoding="utf-8")
    return path
