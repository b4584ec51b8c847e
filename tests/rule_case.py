"""Checks that every test of an audit rule is made of: the source marks the lines that must be found with `# !`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

from migration_case import WANTED, make_tree

from codemods import rules
from codemods.callsites import Analyser, Analysis
from codemods.finding import Finding, Rule
from codemods.layout import find_layout
from codemods.source import parse_bytes

NO_CONTRACTS = replace(WANTED, rows=(), rules=())
NAMES = sorted({found.name for found in pkgutil.iter_modules(rules.__path__)} - {"ignored_result"})
"`ignored_result` needs the whole tree, and has tests of its own."
HEAD = "from plant.hub import Hub, get_hub\n"


def rule(name: str) -> Rule:
    return importlib.import_module(f"codemods.rules.{name}")


def analysed(folder: Path, source: str | bytes, *, contracts: bool, **modules: str) -> Analysis:
    raw = source if isinstance(source, bytes) else dedent(source).encode()
    make_tree(folder, site=raw, **modules)
    analyser = Analyser(find_layout(folder, "plant"), WANTED if contracts else NO_CONTRACTS)
    return analyser.analyse(folder / "plant" / "site.py", parse_bytes(raw))


def found_in(folder: Path, name: str, source: str | bytes, *, contracts: bool, **modules: str) -> list[Finding]:
    """Run one rule over one module; what it says must be well formed, and the same when it is asked again."""
    looked = analysed(folder, source, contracts=contracts, **modules)
    found = list(rule(name).check(looked))
    assert list(rule(name).check(looked)) == found
    for one in found:
        assert one.code == rule(name).CODE
        assert one.path == "plant/site.py"
        assert one.message
        assert "\n" not in one.message
        assert not one.message.endswith(".")
        assert (one.line, one.col) <= (one.end_line, one.end_col)
    words = rule(name).WORDS or tuple(method.encode() for method in WANTED.methods())
    assert not found or any(word in looked.source.raw for word in words), "WORDS would have left this file out"
    places = [(one.line, one.col) for one in found]
    assert len(set(places)) == len(places), "two findings of one place"
    return found


def check(folder: Path, name: str, source: str, *, contracts: bool, **modules: str) -> list[Finding]:
    """Compare the lines found with the lines marked."""
    text = dedent(source)
    found = found_in(folder, name, text, contracts=contracts, **modules)
    marked = [at for at, line in enumerate(text.splitlines(), 1) if line.rstrip().endswith("# !")]
    assert sorted(one.line for one in found) == marked, [(one.line, one.message) for one in found]
    return found
