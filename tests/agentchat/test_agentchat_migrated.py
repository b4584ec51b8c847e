"""Safe to land, on the whole example platform: migrated by every codemod that says so, flags off, it is the same.

The ways up are mended too, after the calls: `reraise-loud --through`.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codemods import registry
from shim.hosts.example import HOST
from shim.snapshot import Mode, Snapshot, write

ROOT = Path(__file__).parents[2]
STORY = Path(__file__).with_name("whole_story.py")
COPIES = {
    "before": ("before", ()),
    "before, shims off": ("before", ("--shims",)),
    "after": ("after", ()),
    "after, shims off": ("after", ("--shims",)),
}


def same_when_off():
    """Give every codemod but those that say that they change log lines."""
    return [name for name in registry.names() if "log lines" not in getattr(registry.load(name), "APART", "")]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Tell the story on each copy, with and without shims; each in a process of its own."""
    folder = tmp_path_factory.mktemp("platform")
    for name in ("before", "after"):
        silent = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "examples" / "agentchat", folder / name / "agentchat", ignore=silent)
    for names in (same_when_off(), ["reraise-loud", "--through"]):
        command = [sys.executable, "-m", "shim.cli", "migrate", *names, "--host", "example", "--write", "--allow-dirty"]
        command.append(str(folder / "after"))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    env = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
    env |= {"PYTHONPATH": str(ROOT), "FAILLOUD_STATE_DIR": str(folder / "state"), "PYTHONHASHSEED": "0"}
    (folder / "state").mkdir()
    write(folder / "state", Snapshot(version=1, modes=dict.fromkeys(HOST.components, Mode.OFF)))
    with contextlib.ExitStack() as stack:
        running = {}
        for name, (copy, words) in COPIES.items():
            out, err = (stack.enter_context((folder / f"{name}.{kind}").open("w+")) for kind in ("json", "log"))
            command = [sys.executable, str(STORY), str(folder / copy), *words]
            process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=err)
            stack.callback(process.wait)
            stack.callback(process.kill)
            running[name] = (process, out, err)
        return {name: ended(name, *each, folder / COPIES[name][0]) for name, each in running.items()}


def ended(name, process, out, err, copy):
    """Wait for one telling; gives what it told."""
    code = process.wait(timeout=120)
    err.seek(0)
    assert code == 0, f"{name}: {err.read()[-3000:]}"
    out.seek(0)
    told = json.load(out)
    assert Path(told["from"]).is_relative_to(copy), "another copy was imported"
    return told


def lines(value):
    return json.dumps(value, indent=1, sort_keys=True).splitlines()


def check_same(told, one, other, part):
    diff = difflib.unified_diff(lines(told[one][part]), lines(told[other][part]), one, other, lineterm="", n=4)
    assert (text := "\n".join(diff)) == "", text[:4000]


def test_the_copies_are_what_they_claim(told):
    assert [name for name, each in told.items() if each["loud"]] == ["after", "after, shims off"]


def test_the_story_loses_events_and_has_exceptions_reach_the_boundary(told):
    rounds = told["before"]["rounds"]
    assert len(rounds) == 18
    text = json.dumps(rounds)
    for word in ("UnicodeDecodeError", '"LookupError"', "bridge unavailable", "ended early", "agent_error"):
        assert word in text
    assert "run_1" in rounds["healthy"]["tasks"]
    seen = {name: sum(map(len, each["sockets"].values())) for name, each in rounds.items()}
    assert seen["nobody_connected"] < seen["factory_unconfigured"] < seen["emitter_without_manager"]


@pytest.mark.parametrize("name", [name for name in COPIES if name != "before"])
def test_off_is_the_platform_unchanged(told, name):
    check_same(told, "before", name, "rounds")


@pytest.mark.parametrize("name", COPIES)
def test_off_records_nothing_and_fails_nowhere(told, name):
    assert (told[name]["records"], told[name]["own failures"]) == ([], {})


@pytest.mark.parametrize("suffix", ["", ", shims off"])
def test_functions_look_from_outside_as_before(told, suffix):
    check_same(told, f"before{suffix}", f"after{suffix}", "shape")
