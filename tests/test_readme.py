"""Every command of the README is run, in its order, in a folder of its own, and ends as the README says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<words>.+?)(?:\s+# exit (?P<code>\d+))?$")
MAKE = {"make demo", "make test"}


def _blocks(language):
    return [text for kind, text in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")) if kind == language]


def _commands():
    found = [COMMAND.match(line) for text in _blocks("console") for line in text.splitlines()]
    assert all(found), "a console block holds commands only, each after '$ '"
    return [(match["words"], int(match["code"] or 0)) for match in found]


def _environment():
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    return clean | {"PATH": path, "CHECKOUT": str(ROOT), "PYTHONPATH": "platform", "PYTHONWARNINGS": "error"}


@pytest.fixture
def folder(tmp_path):
    """Give an empty folder outside any checkout, as the README asks for."""
    return tmp_path


def test_every_command_ends_as_the_readme_says(folder):
    commands = [each for each in _commands() if each[0] not in MAKE]
    assert len(commands) > 10
    for words, code in commands:
        done = subprocess.run(
            words,
            shell=True,
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_two_make_commands_are_targets_that_build_their_own_environment():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {words for words, _ in _commands()} >= MAKE
    assert re.search(r"^demo: \.venv/\.ready.*\n\t\$\(BIN\)/failloud demo$", makefile, re.MULTILINE)
    assert re.search(r"^test: \.venv/\.ready.*\n\t\$\(BIN\)/python -m pytest$", makefile, re.MULTILINE)


def test_the_python_examples_run(folder):
    shutil.copytree(ROOT / "examples" / "agentchat", folder / "platform" / "agentchat")
    told = ""
    for text in _blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told += done.stdout
    assert "bridge unavailable: bridge.notify_agent_started" in told
    assert "WebSocketBridgeUnavailableError {'operation': 'agent_started(triage)'}" in told
