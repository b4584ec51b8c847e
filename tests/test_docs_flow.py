"""The commands of docs/flow.md, run on a copy of the example: the output is what the page shows."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from migration_case import run_cli

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands():
    """Give each command and the lines below it, in the order of the page."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall((ROOT / "docs" / "flow.md").read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return found


@pytest.fixture
def platform(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples" / "agentchat", tmp_path / "platform" / "agentchat")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("platform")
def test_the_page_shows_what_the_commands_print(capsys):
    shown = 0
    for command, lines in commands():
        words, _, code = command.partition("#")
        ended = run_cli(capsys, *shlex.split(words)[1:])
        if lines:
            assert ended.out.splitlines() == lines
            assert ended.code in (0, 1)
            shown += 1
        else:
            assert (ended.code, ended.err) == (int(code.strip().removeprefix("exit ") or 0), "")
    assert shown == 3


def test_the_page_names_every_end():
    from codemods.flow.ends import Fate

    text = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [str(fate) for fate in Fate]
