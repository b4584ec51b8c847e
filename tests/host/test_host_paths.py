"""Every silent path of the first host has a row in `paths/*.toml`: caught, dead, or not a failure; and the row holds.

A row: `id`, `method`, `line` (of the host's file), `category` (of the audit), `condition`, `kind`; a caught one names
the test that shows it (`by`) and what is raised, escalated or recorded (`shows`); a dead one the test or command that
shows that (`by`, `why`); one that is no failure argues it (`why`). Needs no host: a fresh clone checks the map.
`-s` prints the totals.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FIGURES = {"bridge": 94, "buffer": 26, "connections": 59, "emitter": 12, "factory": 20 + 14, "tools": 24}
"Silent paths found in each component by reading it: 249."
KINDS = ("caught", "dead", "not-a-failure")
REQUIRED = {"id", "method", "category", "condition", "kind"}
"And `line` where the path has one: a path through two files has none."
OPTIONAL = {"line", "by", "shows", "why"}


def _rows() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for file in sorted(HERE.glob("paths/*.toml")):
        found += [(file.stem, row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["path"]]
    return found


ROWS = _rows()
CELLS = [pytest.param(component, row, id=row.get("id", f"{component}-without-id")) for component, row in ROWS]


@cache
def _nodes() -> tuple[str, ...]:
    """Give the tests that pytest collects: the host's as well, which collects without the host."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    places = ["tests/host", "tests/agentchat", "tests/shim"]
    ran = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return tuple(line for line in ran.stdout.splitlines() if "::" in line)


def _is_a_test(by: str) -> bool:
    return any(node == by or node.startswith(by if "[" in by else f"{by}[") for node in _nodes())


def test_no_id_is_given_twice() -> None:
    twice = [name for name, times in Counter(row["id"] for _, row in ROWS).items() if times > 1]
    assert twice == []


@pytest.mark.parametrize(("component", "row"), CELLS)
def test_a_row_says_what_it_must(component: str, row: dict[str, Any]) -> None:
    assert row.keys() >= REQUIRED
    assert not row.keys() - REQUIRED - OPTIONAL
    assert component in FIGURES
    assert row["kind"] in KINDS
    assert row["category"] in range(1, 8)
    assert all(str(row[name]).strip() for name in row)
    wanted = {"caught": {"by", "shows"}, "dead": {"by", "why"}, "not-a-failure": {"why"}}[row["kind"]]
    assert row.keys() >= wanted


@pytest.mark.parametrize(("component", "row"), [cell for cell in CELLS if "by" in cell.values[1]])
def test_what_shows_a_path_is_a_test(component: str, row: dict[str, Any]) -> None:
    shown_by = row["by"] if isinstance(row["by"], list) else [row["by"]]
    missing = [by for by in shown_by if not _is_a_test(by) and (row["kind"] != "dead" or "::" in by)]
    assert missing == [], f"{row['id']} of {component}: no such test"


@pytest.mark.parametrize("component", FIGURES)
def test_every_path_of_a_component_has_a_row(component: str) -> None:
    assert sum(name == component for name, _ in ROWS) == FIGURES[component]


def test_totals() -> None:
    """Print the map's totals: `pytest -s tests/host/test_host_paths.py`."""
    lines = ["", f"{'component':14}" + "".join(f"{kind:>15}" for kind in (*KINDS, "of"))]
    kinds = Counter((component, row["kind"]) for component, row in ROWS)
    for component, figure in FIGURES.items():
        cells = "".join(f"{kinds[component, kind]:>15}" for kind in KINDS)
        lines.append(f"{component:14}{cells}{figure:>15}")
    sums = "".join(f"{sum(n for (_, kind), n in kinds.items() if kind == k):>15}" for k in KINDS)
    lines.append(f"{'all':14}{sums}{sum(FIGURES.values()):>15}")
    sys.stdout.write("\n".join(lines) + "\n")
    assert sum(FIGURES.values()) == 249
