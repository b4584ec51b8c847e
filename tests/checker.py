"""A type checker as oracle: what it says of each receiver, in a copy where `reveal_type` stands around it."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from codemods.callsites import Analyser, Analysis
from codemods.layout import Layout
from codemods.source import Edit, SourceError, parse_bytes
from codemods.wanted import Wanted

_NAME = re.compile(r"[A-Za-z_][\w.]*")
_SAYS_NOTHING = {"Any", "Never", "None", "Unknown", "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """One receiver: what we take it for, by bare class names, and what the checker says."""

    path: str
    line: int
    text: str
    ours: frozenset[str]
    evidence: str
    theirs: str

    @property
    def named(self) -> frozenset[str]:
        """Classes the checker names; empty where it knows nothing."""
        found = {name.rpartition(".")[2] for name in _NAME.findall(self.theirs.replace("Self@", ""))}
        return frozenset(found - _SAYS_NOTHING - {"type", "Self"})

    @property
    def contradicts(self) -> bool:
        return bool(self.ours and self.named and not self.ours & self.named)


def receivers(layout: Layout, wanted: Wanted, files: list[Path], copy: Path) -> list[Receiver]:
    """Ask the checker about the receivers of all call sites in `files`; `copy` is an empty folder for its copy."""
    shutil.copytree(layout.base, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (copy / "pyrefly.toml").write_text("", encoding="utf-8")
    analyser = Analyser(layout, wanted)
    asked: dict[tuple[str, int], list[tuple[int, Receiver]]] = defaultdict(list)
    edited: list[Path] = []
    for path in files:
        try:
            looked = analyser.analyse(path, parse_bytes(path.read_bytes()))
        except SourceError:
            continue  # `calls` reports it; a checker could not read it either
        target = copy / path.relative_to(layout.base)
        if _reveal(looked, analyser, target, str(path.relative_to(layout.base)), asked):
            edited.append(target)
    said = _checked(edited, copy)
    found: list[Receiver] = []
    for place, ones in asked.items():
        in_order = [one for _, one in sorted(ones, key=lambda pair: pair[0])]
        texts = said.get(place, [""] * len(ones))
        found += [replace(one, theirs=theirs) for one, theirs in zip(in_order, texts, strict=True)]
    return found


def _reveal(looked: Analysis, analyser: Analyser, target: Path, path: str, asked: dict) -> bool:
    edits: list[Edit] = []
    source, end_of_last = looked.source, -1
    calls = [site for site in looked.sites if site.row.kind == "call" and isinstance(site.call, ast.Call)]
    for site in sorted(calls, key=lambda one: (one.call.lineno, one.call.col_offset)):
        func = site.call.func
        if not isinstance(func, ast.Attribute):
            continue
        value = func.value
        start = source.offset(value.lineno, value.col_offset)
        end = source.offset(value.end_lineno or 0, value.end_col_offset or 0)
        if start < end_of_last:
            continue  # inside another receiver
        end_of_last = end
        edits += [Edit(start=start, end=start, new="reveal_type("), Edit(start=end, end=end, new=")")]
        found = analyser.inferrer.of(value, looked.around.scope(site.call))
        names = frozenset(key.rpartition(":")[2].rpartition(".")[2] for key in found.instances | found.classes)
        text = ast.unparse(value)
        one = Receiver(path=path, line=value.lineno, text=text, ours=names, evidence=site.row.evidence, theirs="")
        asked[path, value.lineno].append((value.col_offset, one))
    if edits:
        target.write_bytes(source.spliced(edits))
    return bool(edits)


def _checked(files: list[Path], copy: Path) -> dict[tuple[str, int], list[str]]:
    checker = Path(sys.executable).parent / "pyrefly"
    ran = subprocess.run(
        [str(checker), "check", *map(str, files), "--output-format", "json", "--min-severity", "info"],
        cwd=copy, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout.startswith("{"), ran.stderr[-2000:]
    said: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
    for found in json.loads(ran.stdout)["errors"]:
        if found["name"] == "reveal-type":
            path = str((copy / found["path"]).relative_to(copy))
            said[path, found["line"]].append((found["column"], found["description"].partition(": ")[2]))
    return {place: [text for _, text in sorted(ones)] for place, ones in said.items()}
