"""The control store: compare-and-swap, append-only history, and stores that are not ours."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from rollout.control import HERE, Control, Entry, Placed, Status
from rollout.state import APPLICATION_ID, CONTROL_DB, SCHEMA, ConflictError, Store, StoreError
from shim.snapshot import Mode

ENTRY = Entry(at=1.0, actor="a@b", verb="test", rev=0, before="x", after="y", environment="staging", stage="s")
FULL = Control(
    status=Status.BAKING, plan="p", sha="abc", text="text \N{SNOWMAN}", environment="staging", stage=2, since=12.5,
    requires={"factory": ("bridge",)},
    placed={
        "staging": Placed(directory=HERE, plan="p", stage="s", modes={"bridge": Mode.ENFORCE}),
        "production": Placed(directory="/elsewhere"),
    },
)  # fmt: skip


def test_a_new_store_is_a_draft(state_dir):
    with Store.open(state_dir, create=True) as store:
        assert store.current() == Control()
        assert store.history() == ()
    assert [path.name for path in state_dir.iterdir()] == [CONTROL_DB]


def test_a_change_is_read_back_whole(state_dir):
    with Store.open(state_dir, create=True) as store:
        after = store.change(0, FULL, ENTRY, floor=41)
        assert after == dataclasses.replace(FULL, rev=1, version=42)
    with Store.open(state_dir) as store:
        assert store.current() == after
        assert store.history() == (dataclasses.replace(ENTRY, rev=1),)


def test_the_second_of_two_gets_a_conflict(state_dir):
    with Store.open(state_dir, create=True) as one, Store.open(state_dir) as two:
        seen = two.current()
        one.change(0, FULL, ENTRY)
        with pytest.raises(ConflictError, match="from revision 0 to 1 meanwhile, nothing was done"):
            two.change(seen.rev, dataclasses.replace(FULL, plan="other"), ENTRY)
        assert two.current().plan == "p"
        assert len(two.history()) == 1


def test_a_forced_change_needs_no_revision(state_dir):
    with Store.open(state_dir, create=True) as one, Store.open(state_dir) as two:
        one.change(0, FULL, ENTRY)
        after = two.force(lambda before: (dataclasses.replace(before, status=Status.ROLLED_BACK), ENTRY))
        assert (after.rev, after.status, after.plan) == (2, Status.ROLLED_BACK, "p")


def test_a_decision_that_raises_changes_nothing(state_dir):
    def decide(_before):
        raise ZeroDivisionError

    with Store.open(state_dir, create=True) as store:
        with pytest.raises(ZeroDivisionError):
            store.force(decide)
        assert store.change(0, FULL, ENTRY).rev == 1


@pytest.mark.parametrize("statement", ["DELETE FROM history", "UPDATE history SET reason = 'other'"])
def test_the_history_is_append_only(state_dir, statement):
    with Store.open(state_dir, create=True) as store:
        store.note(ENTRY)
    db = sqlite3.connect(state_dir / CONTROL_DB)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)
    db.close()


COUNT = """
import sys, time
from dataclasses import replace
from pathlib import Path
from rollout.control import Entry
from rollout.state import ConflictError, Store
directory, me, conflicts, done = Path(sys.argv[1]), sys.argv[2], 0, 0
while done < 25:
    with Store.open(directory, create=True) as store:
        before = store.current()
        row = Entry(at=time.time(), actor=me, verb="count", rev=0, before="", after="", environment="", stage="")
        try:
            store.change(before.rev, replace(before, stage=before.stage + 1), row)
        except ConflictError:
            conflicts += 1
        else:
            done += 1
print(conflicts)
"""


def test_four_processes_lose_no_change(state_dir, spawn):
    """Each adds 25 times to one number; the store does not exist when they start."""
    processes = [spawn(COUNT, state_dir, index) for index in range(4)]
    for process in processes:
        _out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with Store.open(state_dir) as store:
        assert (store.current().rev, store.current().stage) == (100, 100)
        rows = store.history()
    assert [row.rev for row in rows] == list(range(1, 101))
    assert {row.actor: sum(r.actor == row.actor for r in rows) for row in rows} == dict.fromkeys("0123", 25)


def _sql(directory, *statements):
    db = sqlite3.connect(directory / CONTROL_DB)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


STRANGE = {
    "newer schema": (lambda d: _sql(d, f"PRAGMA user_version = {SCHEMA + 1}"), f"schema {SCHEMA + 1} is not known"),
    "another database": (lambda d: _sql(d, "PRAGMA application_id = 7"), "it is not a failloud control store"),
    "empty file": (lambda d: (d / CONTROL_DB).write_bytes(b""), "it is not a failloud control store"),
    "not a database": (lambda d: (d / CONTROL_DB).write_bytes(b"x" * 5000), "file is not a database"),
    "no row": (lambda d: _sql(d, "DELETE FROM control"), "its control row is gone"),
    "unknown status": (lambda d: _sql(d, "UPDATE control SET status = 'x'"), "'x' is not a valid Status"),
    "unknown mode": (
        lambda d: _sql(
            d, """UPDATE control SET placed = '{"s":{"directory":".","plan":"","stage":"","modes":{"b":"x"}}}'"""
        ),
        "'x' is not a valid Mode",
    ),
    "torn json": (lambda d: _sql(d, "UPDATE control SET placed = '{'"), "cannot be read"),
    "lost table": (lambda d: _sql(d, "DROP TABLE control"), "no such table"),
    "a directory": (lambda d: ((d / CONTROL_DB).unlink(), (d / CONTROL_DB).mkdir()), "unable to open"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_store_is_refused_and_left_as_it_is(state_dir, name):
    with Store.open(state_dir, create=True) as store:
        store.change(0, FULL, ENTRY)
    spoil, reason = STRANGE[name]
    spoil(state_dir)
    path = state_dir / CONTROL_DB
    before = path.read_bytes() if path.is_file() else None
    for create in (False, True):
        with pytest.raises(StoreError) as refused, Store.open(state_dir, create=create) as store:
            store.current()
        assert reason in str(refused.value)
        assert "next: " in str(refused.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def read_all(store):
    return store.current(), store.history()


def test_a_truncated_store_is_refused(state_dir):
    with Store.open(state_dir, create=True) as store:
        store.change(0, FULL, ENTRY)
    path = state_dir / CONTROL_DB
    whole = path.read_bytes()
    for size in (100, 4096, len(whole) - 4096):
        path.write_bytes(whole[:size])
        with pytest.raises(StoreError), Store.open(state_dir) as store:
            read_all(store)


def test_a_missing_store_says_where_to_look(state_dir):
    with pytest.raises(StoreError, match=r"there is none.*failloud rollout start PLAN"):
        Store.open(state_dir)


def test_a_held_store_says_so(state_dir):
    Store.open(state_dir, create=True).__exit__()
    other = sqlite3.connect(state_dir / CONTROL_DB, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with (
            Store.open(state_dir, timeout=0.05) as store,
            pytest.raises(StoreError, match=r"held by another operator.*try again"),
        ):
            store.change(0, FULL, ENTRY)
    finally:
        other.close()


def test_the_header_tells_our_store(state_dir):
    Store.open(state_dir, create=True).__exit__()
    assert (state_dir / CONTROL_DB).read_bytes()[68:72] == APPLICATION_ID.to_bytes(4, "big")
