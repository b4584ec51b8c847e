"""Store and files out of step: a crash between the two, files spoilt by others, kills the store does not know."""

from __future__ import annotations

import json
import signal
import time

import pytest

import rollout.actions
from rollout.rollback import roll_back
from shim.snapshot import Mode, Snapshot, kill, killed, read, write

OFF, OBSERVE, ENFORCE = Mode.OFF, Mode.OBSERVE, Mode.ENFORCE

DIE = """
import os, signal, sys
import rollout.actions
rollout.actions.publish = lambda store: os.kill(os.getpid(), signal.SIGKILL)
from shim.cli import main
sys.argv = ["failloud", "rollout", "promote", "--state-dir", sys.argv[1]]
main()
"""


def test_kill_9_between_commit_and_snapshot(cli, started, at, state_dir, spawn):
    process = spawn(DIE, state_dir)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert read(state_dir).stage == "staging-observe"
    first = cli("rollout", "status", *at, "--json").json()
    assert first["stage"] == "staging-enforce"
    assert "a crash between the two" in first["notes"][0]
    assert read(state_dir).stage == "staging-enforce"
    assert cli("rollout", "status", *at, "--json").json()["notes"] == []
    assert [row["verb"] for row in cli("rollout", "history", *at, "--json").json()["history"]][-1] == "repair"


def test_kill_9_while_resuming_keeps_the_kill(cli, started, at, state_dir, spawn):
    cli("rollback", "--reason", "r", *at)
    process = spawn(DIE.replace('"promote",', '"resume", "--reason", "r",'), state_dir)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert killed(state_dir) == {""}
    done = cli("rollout", "status", *at)
    assert done.code == 4
    assert "the control store did not know" in done.out
    assert cli("rollout", "resume", "--reason", "again", *at).code == 0


def torn(directory):
    (directory / "flags.json").write_text('{"schema": 1,', encoding="utf-8")


def by_hand(mode):
    return lambda directory: write(directory, Snapshot(version=50, modes={"bridge": mode}, stage="set by hand"))


SNAPSHOTS = {
    # what became of the file -> (how, words of status, mode afterwards)
    "missing": (lambda d: (d / "flags.json").unlink(), "no such file", OBSERVE),
    "truncated": (torn, "not whole JSON", OBSERVE),
    "louder by hand": (by_hand(ENFORCE), "bridge louder", OBSERVE),
    "quieter by hand": (by_hand(OFF), "quieter than it", OFF),
}  # fmt: skip


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_status_repairs_the_snapshot_and_says_so(cli, started, at, state_dir, name):
    spoil, words, mode = SNAPSHOTS[name]
    spoil(state_dir)
    done = cli("rollout", "status", *at)
    assert done.code == 0
    assert words in done.out
    assert read(state_dir).modes["bridge"] is mode
    verbs = [row["verb"] for row in cli("rollout", "history", *at, "--json").json()["history"]]
    assert verbs == (["start"] if mode is OFF else ["start", "repair"])
    assert cli("rollout", "promote", *at).code == 0
    assert read(state_dir).modes["bridge"] is ENFORCE


@pytest.mark.parametrize("verb", ["status", "promote"])
def test_a_snapshot_of_an_unknown_schema_is_not_replaced(cli, started, at, state_dir, verb):
    text = json.dumps({"schema": 9})
    (state_dir / "flags.json").write_text(text, encoding="utf-8")
    done = cli("rollout", verb, *at)
    assert done.code == 6
    assert "schema 9 is not known here" in done.err
    assert "move the file away" in done.err
    assert (state_dir / "flags.json").read_text(encoding="utf-8") == text
    (state_dir / "flags.json").unlink()
    assert cli("rollout", "status", *at).code == 0
    assert cli("rollout", "promote", *at).code == 0


def test_a_snapshot_that_was_changed_by_hand_is_overtaken_in_version(cli, started, at, state_dir):
    write(state_dir, Snapshot(version=50, modes={"bridge": ENFORCE}))
    cli("rollout", "status", *at)
    assert read(state_dir).version == 51
    cli("rollout", "promote", *at)
    assert read(state_dir).version == 52


def test_a_kill_file_that_the_store_does_not_know_latches(cli, started, at, state_dir):
    kill(state_dir, "bridge")
    done = cli("rollout", "promote", *at)
    assert done.code == 4
    assert read(state_dir).modes == {"bridge": OFF, "factory": OFF}
    assert "a kill file was found" in cli("rollout", "history", *at).out


def test_a_snapshot_that_cannot_be_written(cli, started, at, state_dir):
    (state_dir / "flags.json").unlink()
    (state_dir / "flags.json").mkdir()
    done = cli("rollout", "promote", *at)
    assert done.code == 6
    assert "processes keep their modes" in done.err
    assert "next: repair the directory" in done.err
    (state_dir / "flags.json").rmdir()
    assert cli("rollout", "status", *at).code == 0
    assert read(state_dir).stage == "staging-observe"


def test_a_directory_that_is_a_file(cli, write_plan, tmp_path):
    (tmp_path / "file").touch()
    done = cli("rollout", "start", write_plan(), "--state-dir", tmp_path / "file")
    assert done.code == 6
    assert "next: make it writable, or name another" in done.err


def test_a_kill_file_that_cannot_be_lifted_holds(cli, started, at, state_dir):
    cli("rollback", "--reason", "r", *at)
    (state_dir / "KILL").unlink()
    (state_dir / "KILL").mkdir()
    done = cli("rollout", "resume", "--reason", "r", *at)
    assert done.code == 6
    assert "run resume again; until then the kill holds" in done.err
    assert killed(state_dir) == {""}
    (state_dir / "KILL").rmdir()
    kill(state_dir)
    assert cli("rollout", "resume", "--reason", "r", *at).code == 0
    assert killed(state_dir) == frozenset()


def test_a_rollback_during_a_resume_wins(cli, started, at, state_dir, monkeypatch):
    cli("rollback", "--reason", "one", *at)
    publish = rollout.actions.publish

    def overtaken(store):
        publish(store)
        roll_back((state_dir,), "", reason="two", now=time.time())

    with monkeypatch.context() as patch:
        patch.setattr(rollout.actions, "publish", overtaken)
        done = cli("rollout", "resume", "--reason", "r", *at)
    assert "no kill file was lifted" in done.out
    assert killed(state_dir) == {""}
    assert cli("rollout", "status", *at).code == 4
