"""`failloud rollout`: exit codes are a contract, snapshots follow the control store, a crash between is repaired."""

from __future__ import annotations

import shlex
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from rollout.control import Status
from rollout.state import CONTROL_DB, SCHEMA, Store
from shim.snapshot import Mode, killed, read

OFF, OBSERVE, ENFORCE = Mode.OFF, Mode.OBSERVE, Mode.ENFORCE
STAGING = """\
  - {name: staging-observe, environment: staging, mode: observe, bake: 0s}
  - {name: staging-enforce, environment: staging, mode: enforce, bake: 0s}
"""


def test_a_plan_from_start_to_completed(cli, write_plan, at, state_dir):
    done = cli("rollout", "start", write_plan(), *at)
    assert done.code == 0
    assert "staging: bridge off -> observe" in done.out
    seen = [read(state_dir)]
    for _ in range(4):
        done = cli("rollout", "promote", *at)
        assert done.code == 0, done.err
        seen.append(read(state_dir))
    assert [(snapshot.stage, snapshot.modes["bridge"]) for snapshot in seen] == [
        ("staging-observe", OBSERVE),
        ("staging-enforce", ENFORCE),
        ("production-observe", OBSERVE),
        ("production-enforce", ENFORCE),
        ("production-enforce", ENFORCE),
    ]
    versions = [snapshot.version for snapshot in seen]
    assert versions == sorted(versions)
    assert len(set(versions[:4])) == 4
    status = cli("rollout", "status", *at, "--json").json()
    assert (status["status"], status["next"]) == ("completed", "nothing; the plan is completed")
    again = cli("rollout", "promote", *at)
    assert (again.code, again.err) == (0, "")
    assert "nothing is left to promote" in again.out
    history = cli("rollout", "history", *at, "--json").json()["history"]
    assert [row["verb"] for row in history] == ["start", *["promote"] * 4]
    assert [row["rev"] for row in history] == [1, 2, 3, 4, 5]


def test_start_arms_the_kill_file(started, state_dir):
    assert (state_dir / ".KILL.armed").exists()
    assert killed(state_dir) == frozenset()


def test_two_directories(cli, write_plan, tmp_path):
    staging, production = tmp_path / "a", tmp_path / "b"
    at = ("--state-dir", f"staging={staging}", "--state-dir", f"production={production}")
    assert cli("rollout", "start", write_plan(), *at).code == 0
    assert read(staging).stage == "staging-observe"
    assert not (production / "flags.json").exists()
    assert (production / ".KILL.armed").exists()
    cli("rollout", "promote", *at)
    cli("rollout", "promote", "--state-dir", staging)  # the store knows the other directory
    assert read(staging).stage == "staging-enforce"
    assert read(production).stage == "production-observe"
    for verb in (["status"], ["promote"]):
        moved = cli("rollout", *verb, "--state-dir", staging, "--state-dir", f"production={tmp_path}")
        assert moved.code == 64
        assert f"production={production}" in moved.err
    assert cli("rollback", "--reason", "r", "--state-dir", staging).code == 0
    for directory in (staging, production):
        assert set(read(directory).modes.values()) == {OFF}
        assert killed(directory) == {""}
    assert cli("rollout", "resume", "--reason", "r", "--state-dir", staging).code == 0
    assert (read(staging).stage, read(staging).modes["bridge"]) == ("staging-enforce", ENFORCE)
    assert (read(production).stage, read(production).modes["bridge"]) == ("production-observe", OBSERVE)
    assert killed(staging) == killed(production) == frozenset()


def test_a_kill_in_productions_own_directory_latches_the_plan(cli, write_plan, tmp_path):
    """An operator on the production machine rolls back where there is no control store."""
    staging, production = tmp_path / "a", tmp_path / "b"
    at = ("--state-dir", f"staging={staging}", "--state-dir", f"production={production}")
    cli("rollout", "start", write_plan(), *at)
    cli("rollout", "promote", *at)
    cli("rollout", "promote", *at)
    done = cli("rollback", "--reason", "r", "--state-dir", production)
    assert done.code == 0
    assert "a plan that runs from another directory latches" in done.out
    refused = cli("rollout", "promote", "--state-dir", staging)
    assert refused.code == 4
    assert set(read(production).modes.values()) == {OFF}
    with Store.open(staging) as store:
        assert store.current().status is Status.ROLLED_BACK


def test_the_moved_directory_still_works(cli, started, at, state_dir, tmp_path):
    moved = state_dir.rename(tmp_path / "elsewhere")
    assert cli("rollout", "promote", "--state-dir", moved).code == 0
    assert read(moved).stage == "staging-enforce"
    assert not state_dir.exists()


def test_the_environment_names_the_directory(cli, started, state_dir, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("FAILLOUD_STATE_DIR", str(state_dir))
        assert "staging-observe" in cli("rollout", "status").out


BAD_PLANS = [
    # replaced, by, exit code, words
    ("mode: observe", "mode: loud", 2, "unknown mode 'loud'"),
    ("components: [bridge,", "components: [brigde,", 2, "did you mean 'bridge'?"),
    ("small_host.py", "no_host.py", 2, "no such file"),
    (STAGING, "", 2, "the plan skips staging"),
    ("2999-12-31", "2020-01-01", 9, "the plan expired after 2020-01-01"),
    (
        "name: production-enforce, environment: production, mode: enforce, bake: 0s}\n",
        "name: prod",
        2,
        "not whole YAML",
    ),
]


@pytest.mark.parametrize("bad", BAD_PLANS, ids=lambda bad: bad[3])
@pytest.mark.parametrize("verb", ["lint", "start", "resume"])
def test_bad_plans_leave_nothing_behind(cli, write_plan, at, state_dir, verb, bad):
    old, new, code, words = bad
    more = {"lint": (), "start": at, "resume": (*at, "--reason", "r")}[verb]
    done = cli("rollout", verb, write_plan((old, new)), *more)
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err
    assert list(state_dir.iterdir()) == []


def test_lint_json(cli, write_plan):
    right = cli("rollout", "lint", write_plan(), "--json")
    assert (right.code, right.json()["problems"]) == (0, [])
    wrong = cli("rollout", "lint", write_plan(("mode: observe", "mode: loud")), "--json")
    assert (wrong.code, wrong.json()["exit"]) == (2, 2)
    assert {(row["field"], row["line"]) for row in wrong.json()["problems"]} == {
        ("stages[0].mode", 8),
        ("stages[2].mode", 10),
    }


def spoil_schema(directory):
    db = sqlite3.connect(directory / CONTROL_DB)
    db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.commit()
    db.close()


def spoil_file(directory):
    (directory / CONTROL_DB).write_bytes(b"not a database, " * 500)


def remove(directory):
    (directory / CONTROL_DB).unlink()


VERBS = ("start PLAN", "status", "promote", "resume --reason r", "history")
STATES = {
    # before -> (verb and arguments, exit code, words)
    "early": [("promote", 3, "still bakes"), ("promote --skip-bake", 64, "needs --reason"), ("status", 0, "1d left")],
    "started": [("start PLAN", 5, "is under way"), ("resume --reason r", 5, "not rolled back"), ("status", 0, "ready")],
    "rolled back": [
        ("promote", 4, "latched"),
        ("promote --skip-bake --reason r", 4, "latched"),
        ("start PLAN", 4, "latched"),
        ("status", 4, "rolled_back"),
        ("history", 0, "rollback"),
    ],
    "newer store": [(verb, 6, f"schema {SCHEMA + 1}") for verb in VERBS],
    "corrupt store": [(verb, 6, "file is not a database") for verb in VERBS],
    "no store": [(verb, 6, "there is none") for verb in VERBS if verb != "start PLAN"],
    "started anew": [
        ("resume", 64, "--reason"),
        ("resume --reason ' '", 64, "say why"),
        ("start", 64, "PLAN"),
        ("start nowhere.yaml", 64, "nowhere.yaml"),
        ("status --no-such", 64, "--no-such"),
        ("status --state-dir stagin=x", 64, "did you mean 'staging'?"),
        ("status --state-dir x", 64, "given twice"),
        ("no-such-verb", 64, "no-such-verb"),
    ],
}  # fmt: skip
ROWS = [(state, *row) for state, rows in STATES.items() for row in rows]


@pytest.mark.parametrize(("state", "line", "code", "words"), ROWS)
def test_exit_codes(cli, write_plan, at, state_dir, state, line, code, words):
    plan = write_plan(("bake: 0s", "bake: 1d")) if state == "early" else write_plan()
    assert cli("rollout", "start", plan, *at).code == 0
    if state == "rolled back":
        assert cli("rollback", "--reason", "r", *at).code == 0
    spoil = {"newer store": spoil_schema, "corrupt store": spoil_file, "no store": remove}.get(state)
    if spoil:
        spoil(state_dir)
    words_given = [str(plan) if word == "PLAN" else word for word in shlex.split(line)]
    done = cli("rollout", *words_given, *at)
    assert done.code == code, done
    assert words in done.out + done.err
    assert "Traceback" not in done.err
    if code == 6:
        assert "next: " in done.err


def test_no_directory_is_named(cli, write_plan):
    done = cli("rollout", "start", write_plan())
    assert done.code == 64
    assert "set FAILLOUD_STATE_DIR" in done.err


def test_one_directory_of_two_is_not_enough(cli, write_plan, tmp_path):
    done = cli("rollout", "start", write_plan(), "--state-dir", f"staging={tmp_path / 'a'}")
    assert done.code == 64
    assert "--state-dir production=DIR" in done.err


def test_a_plan_that_expired_meanwhile(cli, write_plan, at, state_dir):
    cli("rollout", "start", write_plan(), *at)
    db = sqlite3.connect(state_dir / CONTROL_DB)
    db.execute("UPDATE control SET text = replace(text, '2999-12-31', '2020-01-01')")
    db.commit()
    db.close()
    assert cli("rollout", "status", *at).code == 9
    refused = cli("rollout", "promote", *at)
    assert refused.code == 9
    assert "next: " in refused.err
    assert cli("rollback", "--reason", "r", *at).code == 0


def test_a_skipped_bake_is_in_the_history(cli, write_plan, at):
    cli("rollout", "start", write_plan(("bake: 0s", "bake: 1d")), *at)
    assert cli("rollout", "promote", "--skip-bake", "--reason", "drill", *at).code == 0
    assert "bake skipped: drill" in cli("rollout", "history", *at).out


def test_status_json_has_what_a_script_needs(cli, write_plan, at, state_dir):
    cli("rollout", "start", write_plan(("bake: 0s", "bake: 1d")), *at)
    data = cli("rollout", "status", *at, "--json").json()
    assert data["environments"]["staging"] == {
        "directory": str(state_dir),
        "stage": "staging-observe",
        "modes": {"bridge": "observe", "factory": "observe"},
    }
    assert 86000 < data["bake_left"] <= 86400
    assert (data["status"], data["killed"], data["notes"], data["exit"]) == ("baking", {}, [], 0)
    assert data["next"].endswith("failloud rollout promote (goes to stage staging-enforce)")


def test_a_rolled_back_plan_comes_back_with_a_corrected_one(cli, started, write_plan, at, state_dir):
    cli("rollout", "promote", *at)
    cli("rollback", "--reason", "r", *at)
    corrected = write_plan(("small-plan", "corrected-plan"), name="corrected.yaml")
    assert cli("rollout", "resume", corrected, "--reason", "fixed", *at).code == 0
    assert (read(state_dir).plan, read(state_dir).stage) == ("corrected-plan", "staging-observe")
    assert killed(state_dir) == frozenset()


def test_a_kill_before_any_plan_is_lifted_by_resume_only(cli, write_plan, at, state_dir):
    assert cli("rollback", "--reason", "r", *at).code == 0
    refused = cli("rollout", "start", write_plan(), *at)
    assert refused.code == 4
    assert killed(state_dir) == {""}
    assert cli("rollout", "resume", "--reason", "fixed", *at).code == 0
    assert killed(state_dir) == frozenset()
    assert cli("rollout", "start", write_plan(), *at).code == 0


@pytest.mark.parametrize(("days", "warned"), [(3, True), (30, False)])
def test_status_warns_before_the_plan_expires(cli, write_plan, at, days, warned):
    last = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    cli("rollout", "start", write_plan(("2999-12-31", last)), *at)
    done = cli("rollout", "status", *at)
    assert done.code == 0
    assert ("expires    soon" in done.out) is warned


def test_what_is_printed_without_json(cli, write_plan, at, state_dir):
    assert "ok, 4 stages for bridge, factory" in cli("rollout", "lint", write_plan()).out
    cli("rollback", "--reason", "r", *at)
    cli("rollout", "resume", "--reason", "r", *at)
    lines = cli("rollout", "history", *at).out.splitlines()
    assert [line.split(" ", 5)[5].split(": ")[0] for line in lines] == [
        "rollback draft -> rolled_back",
        "resume rolled_back -> draft",
    ]
    assert "next       failloud rollout start PLAN" in cli("rollout", "status", *at).out
    done = cli("rollout", "promote", *at)
    assert done.code == 64
