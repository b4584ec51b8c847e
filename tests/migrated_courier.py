"""The courier host, migrated in a folder of its own and run in a process of its own: what can be seen of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from codemods.callsites import Analyser
from codemods.facade import facade_text
from codemods.layout import find_layout
from codemods.outcome import Changed
from codemods.rewrite import Rewriter
from codemods.wanted import Wanted
from shim.contracts import Host

STUBS = Path(__file__).parent / "shim" / "stubs"
if str(STUBS) not in sys.path:
    sys.path.insert(0, str(STUBS))
ROOT = Path(__file__).parent.parent

PROGRAM = """\
import importlib.util, json, logging, sys
from courier_host import HOST
from courier_run import drive, host_lines, modes
import courier.channel
from courier.wire import Wire
import shim

spec = importlib.util.spec_from_file_location("courier.bare", courier.channel.__file__)
bare = sys.modules["courier.bare"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bare)
shim.install(HOST)
classes = {"shimmed": courier.channel.Channel, "bare": bare.Channel}
answers = {"good": True, "raises": OSError("down"), "refuses": False}
found = {}
for kind, made in classes.items():
    for mode in ("off", "observe", "enforce"):
        for wire, method, run in CASES:
            with modes(mode), host_lines() as lines, shim.recording() as records:
                value, error, one = None, "", Wire(ann=answers[wire]) if wire in answers else None
                try:
                    value = repr(drive(getattr(made("ann", one), method), run, "ping"))
                except Exception as raised:
                    error = type(raised).__name__
                told = [[str(each.action), each.error_type, each.cause, each.run_id] for each in records]
            found[f"{kind} {mode} {wire} {method} {run}"] = [value, error, lines, told]
print(json.dumps(found))
"""


def declaration() -> Host:
    """Give the courier host's declaration."""
    from courier_host import HOST

    return HOST


def copy(folder: Path) -> Path:
    """Copy the host, with its façade."""
    shutil.copytree(STUBS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "courier" / "loud.py").write_text(facade_text(), encoding="utf-8")
    return folder


def migrate(folder: Path, codemods: tuple[str, ...], module: str = "channel") -> Changed:
    """Rewrite one module of the copy in place."""
    path = folder / "courier" / f"{module}.py"
    outcome = Rewriter(Analyser(find_layout(folder, "courier"), Wanted.of(declaration())), codemods).rewrite(path)
    assert isinstance(outcome, Changed), outcome
    path.write_bytes(outcome.after)
    return outcome


def run(folder: Path, cases: list) -> dict:
    """Call each `(wire, method, run)` in each mode, shimmed and not: value, error, host lines, records."""
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    program = f"CASES = {cases!r}\n{PROGRAM}"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
