"""`failloud drive` on the real classes: each story loses what it says, observe tells of it, enforce leaves none silent.

In a process of its own, and not as a test: with TESTING=1 the host calls an event sent that nobody is connected for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shim.snapshot import Mode
from shim.traffic import Regime

pytestmark = pytest.mark.host

ROOT = Path(__file__).parents[2]
RUNS, EVENTS = 8, 6
"Runs of each cell below, and events that a run on these classes asks for."

STORIES = """
from shim.hosts._netra_traffic import Target as Netra
from shim.traffic import Mix, Regime, Story

class Target(Netra):
    def __init__(self):
        super().__init__()
        stories = [Story(name) for name in "{stories}".split()]
        told = zip(Regime, stories, strict=True)
        self.mixes = {{regime: Mix(stories={{story: 1}}, runs=2) for regime, story in told}}
"""


def drive(*args: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "TESTING"} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "shim.cli", "drive", "--host", "netra", "--json", *args]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _check(cell: dict[str, Any]) -> None:
    events, ledger = cell["events"], cell["ledger"]
    assert cell["complete"]
    assert cell["own_failures"] == {}
    assert events["asked"] == events["received"] + events["told"] + events["swallowed"] + events["silent"]
    if cell["mode"] == Mode.OFF:
        assert (events["told"], ledger) == (0, None)
        return
    assert events["silent"] == 0
    assert (ledger["remainder"], ledger["emitted"], ledger["rejected"]) == (0, events["asked"], events["told"])


def test_three_regimes_in_three_modes(host_tree: Path) -> None:
    told = drive("--runs", "40", "--tenants", "20", "--seed", "3")
    cells = {(cell["regime"], cell["mode"]): cell for cell in told["cells"]}
    assert list(cells) == [(regime, mode) for regime in Regime for mode in Mode]
    for cell in cells.values():
        _check(cell)
    for regime in Regime:
        off, observe = (cells[regime, mode]["events"] for mode in (Mode.OFF, Mode.OBSERVE))
        assert {**off, "told": off["silent"], "silent": 0} == observe
    assert cells[Regime.AFTER_NETWORK_TROUBLE, Mode.OFF]["silent_runs"]["value"] > 0.2


# Each story by itself, told by all tenants: received, swallowed by the link, silent in off.
LOST_ALL, ALL = (0, 0, RUNS * EVENTS), (RUNS * EVENTS, 0, 0)
HALF = RUNS * EVENTS // 2
SETS = [
    {"steady": ALL, "slow": LOST_ALL, "idle": LOST_ALL},
    {"reloaded": LOST_ALL, "dropped": (HALF, 0, HALF), "half-open": (HALF, HALF, 0)},
    {"unready": (RUNS, 0, RUNS * (EVENTS - 1)), "asleep": LOST_ALL, "steady": ALL},
]


@pytest.mark.parametrize("expected", SETS, ids=" ".join)
def test_each_story_really_happens(host_tree: Path, tmp_path: Path, expected: dict[str, tuple[int, int, int]]) -> None:
    adapter = tmp_path / "one.py"
    adapter.write_text(STORIES.format(stories=" ".join(expected)), encoding="utf-8")
    cells = drive("--target", str(adapter), "--runs", str(RUNS), "--tenants", "4")["cells"]
    for cell in cells:
        _check(cell)
    off = {cell["regime"]: cell["events"] for cell in cells if cell["mode"] == Mode.OFF}
    for regime, (story, lost) in zip(Regime, expected.items(), strict=True):
        events = off[regime]
        assert (events["received"], events["swallowed"], events["silent"]) == lost, story
