"""The toggle: works with nothing but the disk, says what it did, and wins against whoever promotes meanwhile."""

from __future__ import annotations

import json
import os
import sqlite3
import time

import pytest

import rollout.rollback
from rollout.control import Status
from rollout.rollback import roll_back
from rollout.state import CONTROL_DB, Store
from shim.snapshot import Mode, Snapshot, kill, killed, lift, read, write

OFF, OBSERVE, ENFORCE = Mode.OFF, Mode.OBSERVE, Mode.ENFORCE
NOW = 1_800_000_000.0

BARE = """
import sys
class Blocker:
    BLOCKED = "libcst bowler fissix yaml pydantic pydantic_core rich structlog codemods".split()
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
from shim.cli import main
sys.argv = ["failloud", *sys.argv[1:]]
main()
"""
RUN = BARE.replace("sys.meta_path.insert(0, Blocker())\n", "")


@pytest.fixture
def at(state_dir):
    return ("--state-dir", state_dir)


@pytest.fixture
def started(cli, write_plan, at):
    """A plan that enforces in staging."""
    assert cli("rollout", "start", write_plan(), *at).code == 0
    assert cli("rollout", "promote", *at).code == 0


def ran(process):
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def test_it_needs_none_of_the_extras(started, state_dir, spawn):
    code, out, err = ran(spawn(BARE, "rollback", "--reason", "3 a.m.", "--state-dir", state_dir))
    assert (code, err) == (0, "")
    assert "obey at their next read, within about a second" in out
    assert killed(state_dir) == {""}
    assert set(read(state_dir).modes.values()) == {OFF}
    with Store.open(state_dir) as store:
        assert store.current().status is Status.ROLLED_BACK
        assert store.history()[-1].reason == "3 a.m."


def test_the_blocker_blocks(spawn, state_dir):
    """The same process cannot run what needs the extras, so the test above shows something."""
    code, _out, err = ran(spawn(BARE, "rollout", "status", "--state-dir", state_dir))
    assert code == 64
    assert "pip install 'failloud[rollout]'" in err


def test_one_component_and_what_depends_on_it(cli, started, at, state_dir):
    done = cli("rollback", "factory", "--reason", "r", *at, "--json").json()
    assert done["components"] == ["factory"]
    assert read(state_dir).modes == {"bridge": ENFORCE, "factory": OFF}
    done = cli("rollback", "bridge", "--reason", "r", *at, "--json").json()
    assert done["components"] == ["bridge", "factory"]
    assert killed(state_dir) == {"bridge", "factory"}
    assert read(state_dir).modes == {"bridge": OFF, "factory": OFF}
    assert cli("rollout", "status", *at).code == 4


def test_what_depends_on_a_component_gets_its_own_kill_file(cli, started, at, state_dir):
    cli("rollback", "bridge", "--reason", "r", *at)
    assert killed(state_dir) == {"bridge", "factory"}


def test_one_component_after_another_leaves_the_kill_armed(cli, started, at, state_dir):
    cli("rollback", "factory", "--reason", "r", *at)
    assert (state_dir / ".KILL.armed").exists()


REFUSED = [
    (["--reason", "r", "brige"], "did you mean 'bridge'? known are bridge, factory"),
    (["--reason", "r", "../KILL"], "cannot be a component's name"),
    (["--reason", "r", "armed"], "unknown component 'armed'"),
    ([], "--reason"),
    (["--reason", "  "], "say why"),
    (["bridge", "factory", "--reason", "r"], "unexpected extra argument"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_refused_before_anything_is_done(cli, started, at, state_dir, arguments, words):
    before = sorted(path.name for path in state_dir.iterdir())
    done = cli("rollback", *arguments, *at)
    assert done.code == 64
    assert words in done.err
    assert sorted(path.name for path in state_dir.iterdir()) == before
    assert read(state_dir).modes["bridge"] is ENFORCE


def test_no_directory_is_named(cli):
    done = cli("rollback", "--reason", "r")
    assert done.code == 64
    assert "next: give --state-dir DIR" in done.err


def test_a_directory_that_is_not_there_is_not_made(cli, tmp_path):
    """A misspelt path must not report that everything is off."""
    done = cli("rollback", "--reason", "r", "--state-dir", tmp_path / "nowhere")
    assert done.code == 64
    assert "nothing was turned off" in done.err
    assert not (tmp_path / "nowhere").exists()


def test_nothing_to_check_against(cli, at, state_dir):
    done = cli("rollback", "brige", "--reason", "r", *at)
    assert done.code == 0
    assert "could not be checked" in done.out
    assert killed(state_dir) == {"brige"}
    assert cli("rollback", "--reason", "r", *at, "--json").json()["checked"] is False
    assert "" in killed(state_dir)


def corrupt(directory):
    (directory / CONTROL_DB).write_bytes(b"not a database, " * 500)


def missing(directory):
    (directory / CONTROL_DB).unlink()


@pytest.mark.parametrize(("spoil", "code"), [(corrupt, 6), (missing, 0)])
@pytest.mark.parametrize("component", ["", "bridge"])
def test_the_kill_holds_without_a_control_store(cli, started, at, state_dir, spoil, code, component):
    spoil(state_dir)
    before = (state_dir / CONTROL_DB).read_bytes() if code else None
    done = cli("rollback", *([component] if component else []), "--reason", "r", *at)
    assert done.code == code
    assert killed(state_dir) == {component}
    assert read(state_dir).modes == {"bridge": OFF, "factory": ENFORCE if component else OFF}
    if code:
        assert "file is not a database" in done.out
        assert "the kill holds" in done.err
        assert (state_dir / CONTROL_DB).read_bytes() == before
    else:
        assert "there is none here" in done.out


def test_a_held_control_store_does_not_hold_the_kill(cli, started, at, state_dir):
    other = sqlite3.connect(state_dir / CONTROL_DB, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        done = cli("rollback", "--reason", "r", *at)
    finally:
        other.close()
    assert done.code == 6
    assert killed(state_dir) == {""}
    assert cli("rollout", "status", *at).code == 4
    with Store.open(state_dir) as store:
        assert store.current().status is Status.ROLLED_BACK


@pytest.mark.parametrize("component", ["", "bridge"])
@pytest.mark.parametrize("text", [None, '{"schema": 1,'])
def test_a_snapshot_that_cannot_be_read(cli, started, at, state_dir, component, text):
    (state_dir / "flags.json").unlink()
    if text is not None:
        (state_dir / "flags.json").write_text(text, encoding="utf-8")
    done = cli("rollback", *([component] if component else []), "--reason", "r", *at)
    assert done.code == 0, done
    assert component in killed(state_dir)
    assert read(state_dir).modes == {"bridge": OFF, "factory": OFF}


def test_a_component_without_a_readable_snapshot_leaves_the_others(cli, at, state_dir):
    (state_dir / "flags.json").write_text("{", encoding="utf-8")
    done = cli("rollback", "bridge", "--reason", "r", *at)
    assert done.code == 0
    assert "left as it is" in done.out
    assert (state_dir / "flags.json").read_text(encoding="utf-8") == "{"


def test_a_read_only_snapshot_is_replaced(cli, started, at, state_dir):
    (state_dir / "flags.json").chmod(0o444)
    assert cli("rollback", "--reason", "r", *at).code == 0
    assert set(read(state_dir).modes.values()) == {OFF}


def test_a_snapshot_that_cannot_be_written(cli, started, at, state_dir):
    (state_dir / "flags.json").unlink()
    (state_dir / "flags.json").mkdir()
    done = cli("rollback", "--reason", "r", *at)
    assert done.code == 6
    assert "cannot be written" in done.out
    assert "the kill holds" in done.err
    assert killed(state_dir) == {""}


def test_a_directory_that_takes_neither_is_named(cli, tmp_path, state_dir):
    """A file in place of the directory: not even root can write into it."""
    gone = tmp_path / "file"
    gone.touch()
    report = roll_back((gone,), "", reason="r", now=NOW)
    assert report.disobeyed() == (gone,)
    assert report.code == 8
    mixed = roll_back((state_dir, gone), "", reason="r", now=NOW)
    assert mixed.disobeyed() == (gone,)
    assert killed(state_dir) == {""}
    assert cli("rollback", "--reason", "r", "--state-dir", gone).code == 64


def test_a_second_rollback_is_fine_and_recorded(cli, started, at, state_dir):
    assert cli("rollback", "bridge", "--reason", "one", *at).code == 0
    assert cli("rollback", "--reason", "two", *at).code == 0
    assert killed(state_dir) >= {"", "bridge"}
    assert [row["reason"] for row in cli("rollout", "history", *at, "--json").json()["history"]][-2:] == [
        "bridge, factory: one",
        "two",
    ]


def test_versions_only_grow(cli, started, at, state_dir):
    seen = [read(state_dir).version]
    for command in (["rollback", "--reason", "r"], ["rollout", "resume", "--reason", "r"], ["rollout", "promote"]):
        assert cli(*command, *at).code == 0
        seen.append(read(state_dir).version)
    assert seen == sorted(set(seen))


def test_four_at_once(started, state_dir, spawn, cli, at):
    """Two promote, two roll back; whatever the order, the plan ends off and latched."""
    for _ in range(3):
        commands = [["rollout", "promote"], ["rollback", "--reason", "r"]] * 2
        processes = [spawn(RUN, *command, "--state-dir", state_dir) for command in commands]
        codes = [ran(process)[0] for process in processes]
        assert codes[1] == codes[3] == 0
        assert {codes[0], codes[2]} <= {0, 4, 5}
        assert killed(state_dir) == {""}
        assert set(read(state_dir).modes.values()) == {OFF}
        with Store.open(state_dir) as store:
            assert store.current().status is Status.ROLLED_BACK
        assert cli("rollout", "status", *at, "--json").json()["notes"] == []
        assert cli("rollout", "resume", "--reason", "again", *at).code == 0


def test_a_kill_that_a_resume_lifted_meanwhile_is_made_again(started, state_dir, monkeypatch):
    publish = rollout.rollback.publish

    def lifted(store):
        publish(store)
        lift(state_dir)  # what a resume does that was decided before this rollback

    monkeypatch.setattr(rollout.rollback, "publish", lifted)
    report = roll_back((state_dir,), "", reason="r", now=NOW)
    assert killed(state_dir) == {""}
    assert "was lifted meanwhile by a resume" in " ".join(step.result for step in report.steps)


def test_kill_files_are_told_from_files_that_look_like_them(state_dir):
    for name in ("KILLED", "KILL~", ".KILL.bridge"):
        (state_dir / name).touch()
    assert killed(state_dir) == frozenset()
    kill(state_dir, "armed")
    assert killed(state_dir) == {"armed"}


FOLLOW = """
import sys, time
from shim import flags
flags.declare(("bridge", "factory"))
print(flags.mode("bridge").mode, flush=True)
since = None
while (mode := flags.mode("bridge").mode) != "off":
    time.sleep(0.01)
print(mode, time.time(), flush=True)
"""


def test_a_running_process_obeys_within_about_a_second(cli, started, at, state_dir, spawn, monkeypatch):
    code = f"import os; os.environ['FAILLOUD_STATE_DIR'] = {os.fspath(state_dir)!r}\n{FOLLOW}"
    process = spawn(code)
    assert process.stdout.readline().strip() == "enforce"
    asked = time.time()
    assert cli("rollback", "--reason", "r", *at).code == 0
    out, err = process.communicate(timeout=10)
    mode, at_last = out.split()
    assert (mode, err) == ("off", "")
    assert float(at_last) - asked < 2.0


def test_json_lists_every_step(cli, started, at, state_dir):
    data = cli("rollback", "--reason", "r", *at, "--json").json()
    assert [step["what"] for step in data["steps"]] == ["kill", "snapshot", "control"]
    assert (data["components"], data["checked"], data["disobeyed"], data["exit"]) == ("all", True, [], 0)
    assert json.dumps(data)


def test_unfinished_snapshots_are_not_left_behind(cli, started, at, state_dir):
    write(state_dir, Snapshot(version=9, modes={"bridge": ENFORCE}))
    cli("rollback", "--reason", "r", *at)
    assert sorted(path.name for path in state_dir.iterdir()) == [".KILL.armed", "KILL", CONTROL_DB, "flags.json"]
