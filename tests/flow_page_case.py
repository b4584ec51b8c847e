"""Pages of `flow` for tests: the example host's, and one with all that is hard."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from migration_case import HOST, make_tree

from codemods.flow.excerpts import lines_of
from codemods.flow.overview import Head
from codemods.flow.page import page
from codemods.flow.run import trace
from codemods.layout import find_layout, walk
from codemods.wanted import Wanted
from shim.hosts import load_host

__all__ = ["BROKEN", "EVIL", "EXAMPLE", "HEAD", "MANY", "SENDS", "example_page", "mixed_page", "plant"]

EXAMPLE = Path(__file__).parents[1] / "examples" / "agentchat"
MADE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HEAD = Head(host="plant", tree="tree", made=MADE)
SENDS = "from plant.hub import Hub\n\n\nasync def send(h: Hub):\n    await h.ping(1)\n"
KEEPS = """

async def keep_{0}(h: Hub):
    try:
        await send(h)
    except Exception:
        return {0}
"""
MANY = SENDS + "".join(KEEPS.format(number) for number in range(8))
EVIL = "<img src=x onerror=\"document.title='hacked'\"></pre></code></script><script>document.title='hacked'</script>"
HOSTILE = f"""
from plant.hub import Hub

# {EVIL} \u202e & &lt; \x1b[31m
async def send(h: Hub):
    try:
        await h.ping({EVIL!r})
    except Exception:
        return {EVIL!r}
"""
EVIL_NAME = "x<script>document.title='hacked'<__script>\"'& onload=document"
BROKEN = "def broken(:\n"


def plant(folder, **modules):
    """Make the small host's tree and follow it."""
    make_tree(folder, **modules)
    layout = find_layout(folder, "plant")
    found = walk(layout.root)
    run = trace(layout, Wanted.of(HOST), (), found, found.files, 1, None)
    paths = {layout.shown(path): path for path in found.files}
    return run, lambda shown: lines_of(paths[shown])


def example_page(folder):
    """Write the example host's page; gives the run too."""
    layout, host = find_layout(EXAMPLE, "agentchat"), load_host("example")
    found = walk(layout.root)
    run = trace(layout, Wanted.of(host), host.boundaries, found, found.files, 1, None)
    paths = {layout.shown(path): path for path in found.files}
    made = page(run, Head(host=host.name, tree="agentchat", made=MADE), lambda shown: lines_of(paths[shown]))
    file = folder / "example.html"
    file.write_text(made, encoding="utf-8")
    return run, file


def mixed_page(folder):
    """Write a page with hostile text, a hostile path, more ends than are drawn at once, and a broken file."""
    run, lines = plant(folder / "tree", many=MANY, **{EVIL_NAME: HOSTILE}, bad=BROKEN)
    file = folder / "mixed.html"
    file.write_text(page(run, HEAD, lines), encoding="utf-8", errors="backslashreplace")
    return run, file
