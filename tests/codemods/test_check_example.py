"""`failloud check` on the example host, migrated by the codemods: clean, then drift planted into a copy."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from migration_case import run_cli

from shim.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "agentchat"
CODEMODS = (
    "check-results",
    "reraise-loud",
    "guard-missing",
    "catch-specific",
    "track-tasks",
    "loud-returns",
    "mark-boundaries",
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """Give a copy of the example that every codemod has been through, with its state and the audit's baseline."""
    folder = tmp_path_factory.mktemp("migrated")
    shutil.copytree(EXAMPLE, folder / "agentchat", ignore=shutil.ignore_patterns("__pycache__"))
    for codemod in CODEMODS:
        _run("migrate", codemod, folder, "--write")
    _run("audit", folder, "--write-baseline", folder / "baseline.json")
    _run("check", folder, "--write-state", "--state", folder / "failloud.loud.json")
    shutil.rmtree(folder / ".failloud")
    return folder


def _run(*words):
    old, sys.argv = sys.argv, ["failloud", *map(str, words), "--host", "example", "--jobs", "1"]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = old
    assert ended.value.code in (0, 1), words


@pytest.fixture
def copy(migrated, tmp_path):
    return shutil.copytree(migrated, tmp_path / "host")


def found(capsys, folder):
    words = ("--host", "example", "--jobs", 1, "--baseline", folder / "baseline.json", "--json")
    ended = run_cli(capsys, "check", folder, *words)
    return ended, [(one["code"], one["path"]) for one in ended.json["findings"] if one["new"]]


def test_the_migrated_example_is_clean(copy, capsys):
    ended, rows = found(capsys, copy)
    assert (ended.code, rows) == (0, [])
    data = ended.json
    assert data["contracts"] == {"declared": 27, "compared": 27, "untold": []}
    assert data["state"]["marks"] == data["state"]["kept"] >= 15
    assert data["files"]["found"] == data["files"]["audited"] == len(list((copy / "agentchat").rglob("*.py")))


def plant(folder, module, old, new, count=1):
    path = folder / "agentchat" / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text, (module, old)
    path.write_text(text.replace(old, new, count), encoding="utf-8")


DRIFT = {
    "a method renamed": ("bridge", "async def notify_agent_thinking", "async def notify_thinking", "FL101"),
    "a method made sync": ("bridge", "async def notify_agent_thinking", "def notify_agent_thinking", "FL102"),
    "a hook renamed": ("bridge", "def _resolve_thread_id_from_run_id", "def _resolve_thread", "FL103"),
    "a verb taken out of the façade": (
        "loud",
        "import delivered, escalate, missing",
        "import delivered, escalate",
        "FL104",
    ),
    "the guard's report taken out": ("agents", "            missing(", "            print(", "FL107"),
    "a clause that swallows": (
        "tools",
        "except LoudFailure:\n            raise",
        "except LoudFailure:\n            return",
        "FL106",
    ),
    "a boundary taken out": ("app", "@boundary()\n", "", "FL107"),
    "an escalation taken out": ("tools", "escalate(failure)", "pass", "FL107"),
}


@pytest.mark.parametrize(("module", "old", "new", "code"), DRIFT.values(), ids=DRIFT)
def test_planted_drift_is_found_and_fails(copy, capsys, module, old, new, code):
    plant(copy, module, old, new)
    ended, rows = found(capsys, copy)
    assert ended.code == 1
    assert code in {one for one, _ in rows}


def test_every_clause_and_verb_counts(copy, capsys):
    """Take out each mark of the state, one at a time, by its line: each is missed."""
    marks = 0
    for path in sorted((copy / "agentchat").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for at, line in enumerate(lines):
            if line.strip() != "except LoudFailure:" or lines[at + 1].strip() != "raise":
                continue
            path.write_text("".join(lines[:at] + lines[at + 2 :]), encoding="utf-8")
            ended, rows = found(capsys, copy)
            assert ended.code == 1, (path.name, at + 1)
            assert ("FL107", f"agentchat/{path.name}") in rows
            marks += 1
        path.write_text(text, encoding="utf-8")
    assert marks >= 5
