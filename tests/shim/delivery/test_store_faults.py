"""The SQLite store against what happens to files and processes: kills, full disks, damage, forks, others."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from store_case import ADA, conserved, event, ids, put

from shim.delivery.events import Stream
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits, StoreBrokenError, StoreCorruptError, StoreFullError
from shim.delivery.writer import Writer
from shim.guard import own_failures

ROOT = Path(__file__).resolve().parents[3]
CHILD = ROOT / "tests" / "programs" / "store_child.py"
KILLS = int(os.environ.get("FAILLOUD_KILLS", "3"))
LIMIT = int(os.environ.get("FAILLOUD_KILL_EVENTS", "3000"))
"`make soak` sets 50 kills and 100,000 events."


def killed(file, prefix, enough, chance):
    """Append in another process, kill it at a moment of chance; gives the lines it printed as accepted."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, str(CHILD), str(file), prefix, "100000"]
    lines = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        lines = [child.stdout.readline() for _ in range(enough)]
        threading.Timer(chance.random() * 0.05, child.kill).start()
        lines += child.stdout.readlines()
        assert child.wait(20) == -signal.SIGKILL
    return [line.split() for line in lines if line.endswith("\n") and line.count(" ") == 2]


def test_a_kill_loses_nothing_that_was_accepted_and_keeps_the_order(tmp_path):
    file, chance, accepted = tmp_path / "m.sqlite", random.Random(1), {}  # noqa: S311  # no secret
    for kill in range(KILLS):
        for user, seq, name in killed(file, f"k{kill}", LIMIT // KILLS, chance):
            accepted.setdefault(user, {})[int(seq)] = name
    store = SqliteStore(file, Limits(events_per_stream=10**9, events_per_user=10**9))
    count = 0
    for user, want in accepted.items():
        found = store.pending(Stream(f"user{user}", "t"), limit=10**9)
        places = {one.seq: one.event.event_id for one in found}
        missing = {seq: name for seq, name in want.items() if places.get(seq) != name}
        assert not missing
        assert list(places) == list(range(1, len(places) + 1)), "no gaps"
        count += len(want)
    conserved(store)
    store.close()
    assert count >= LIMIT // KILLS * KILLS
    print(f"{KILLS} kills, {count} accepted, 0 missing, 0 gaps")  # noqa: T201  # figures for `pytest -s`


def filled(store):
    """Keep events until one is refused; gives the ids of those that were accepted, and why not that one."""
    kept = []
    while True:
        failed = store.append(event(len(kept), body=b"x" * 2000)).exception(10)
        if failed is not None:
            assert isinstance(failed, StoreFullError)
            return kept, str(failed)
        kept.append(str(len(kept)))


def test_at_the_cap_each_append_is_refused_deletes_work_and_it_goes_on_without_a_restart(tmp_path):
    store = SqliteStore(tmp_path / "m.sqlite", Limits(store_bytes=300_000))
    kept, why = filled(store)
    assert re.search(r"no room in .*m\.sqlite.*raise the limit store_bytes", why)
    with pytest.raises(StoreFullError):
        put(store, "more", body=b"x" * 2000)
    assert ids(store.pending(ADA, limit=1000)) == kept
    assert store.size() <= 300_000
    conserved(store)
    store.mark_sent(ADA, range(1, 11)).result(10)
    assert put(store, "again", body=b"x" * 2000) == [len(kept) + 1], "what was delivered makes room"
    assert ids(store.pending(ADA, limit=1000)) == [*kept[10:], "again"]
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_on_a_full_disk_each_append_is_refused_and_it_goes_on_once_there_is_room(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 400_000)
    store = SqliteStore(small_disk / "m.sqlite")
    kept, why = filled(store)
    assert "free space on its disk" in why
    failed = [store.append(event(f"more{n}", body=b"x" * 2000)).exception(10) for n in range(5)]
    assert {type(each) for each in failed} == {StoreFullError}
    assert ids(store.pending(ADA, limit=1000)) == kept
    (small_disk / "ballast").unlink()
    assert put(store, "again", body=b"x" * 2000) == [len(kept) + 1]
    conserved(store)
    store.close()


FOREIGN = "CREATE TABLE mine(x); INSERT INTO mine VALUES (1)"


def make_foreign(file):
    with sqlite3.connect(file) as db:
        db.executescript(FOREIGN)
    db.close()


def make_text(file):
    file.write_text("not a database at all, but some notes\n" * 100, encoding="utf-8")


def make_damaged(file):
    store = SqliteStore(file)
    put(store, *range(300), body=b"x" * 500)
    store.close()
    raw = bytearray(file.read_bytes())
    raw[4096:40_960] = os.urandom(36_864)
    file.write_bytes(raw)


def make_newer(file):
    SqliteStore(file).close()
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 99")
    db.close()


REFUSED = {
    "text": (make_text, "does not begin as an SQLite file", "move m.sqlite, m.sqlite-wal and m.sqlite-shm aside"),
    "somebody else's database": (make_foreign, "another program's database", "name another file in FAILLOUD_STORE"),
    "damaged": (make_damaged, "is damaged", "sqlite3 m.sqlite .recover"),
    "a newer release's": (make_newer, "version 99, this release knows version 1", "install that release"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_store_is_refused_with_the_way_out_and_left_as_it_is(tmp_path, kind):
    make, reason, advice = REFUSED[kind]
    file = tmp_path / "m.sqlite"
    make(file)
    before = file.read_bytes()
    with pytest.raises(StoreCorruptError) as refused:
        SqliteStore(file)
    assert reason in str(refused.value)
    assert advice in str(refused.value)
    assert str(file) in str(refused.value)
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreBrokenError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "m.sqlite")


def test_a_file_of_users_messages_is_nobody_elses_to_read(tmp_path):
    SqliteStore(tmp_path / "m.sqlite").close()
    assert (tmp_path / "m.sqlite").stat().st_mode & 0o077 == 0


def test_a_file_that_is_damaged_while_it_is_used_is_told_by_the_call_that_meets_it(tmp_path):
    file = tmp_path / "m.sqlite"
    make_damaged(file)
    good = tmp_path / "good.sqlite"
    store = SqliteStore(good)
    put(store, *range(300), body=b"x" * 500)
    store.close()
    store = SqliteStore(good)
    shutil.copyfile(file, good)
    with pytest.raises(StoreCorruptError, match="is damaged"):
        store.pending(ADA, limit=1000)
    assert isinstance(store.append(event("a")).exception(10), StoreCorruptError | type(None))
    store.close()


def test_two_processes_share_one_file(tmp_path):
    file = tmp_path / "m.sqlite"
    store = SqliteStore(file)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(file), "other", "50"], env=environment, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "ready\n"
        mine = put(store, *(f"mine-{n}" for n in range(200)), stream=Stream("user0", "t"))
        other.communicate(timeout=60)
    assert other.returncode == 0
    found = store.pending(Stream("user0", "t"), limit=1000)
    assert [one.seq for one in found] == list(range(1, 251)), "one sequence, without gaps"
    assert len(set(mine)) == 200
    assert conserved(store).pending == 200 + 8 * 50
    store.close()


def test_a_forked_child_has_a_writer_and_a_reader_of_its_own(tmp_path):
    store = SqliteStore(tmp_path / "m.sqlite")
    put(store, "before")
    assert store.waiting()
    child = os.fork()
    if not child:
        try:
            put(store, "child")
            os._exit(0 if ids(store.pending(ADA)) == ["before", "child"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    put(store, "after")
    assert ids(store.pending(ADA)) == ["before", "child", "after"]
    conserved(store)
    store.close()


def test_a_file_held_by_another_process_is_told_and_nothing_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr("shim.delivery.schema.BUSY_S", 0.2)
    store = SqliteStore(tmp_path / "m.sqlite")
    put(store, "a")
    store.close()
    holder = sqlite3.connect(tmp_path / "m.sqlite", isolation_level=None)
    store = SqliteStore(tmp_path / "m.sqlite")
    holder.execute("BEGIN IMMEDIATE")
    failed = store.append(event("b")).exception(10)
    assert isinstance(failed, StoreBrokenError)
    assert "held by another process" in str(failed)
    holder.execute("ROLLBACK")
    holder.close()
    assert put(store, "b") == [2], "it goes on without a restart"
    store.close()


def test_one_bad_job_costs_the_others_nothing_and_a_bug_is_reported(tmp_path):
    store, before = SqliteStore(tmp_path / "m.sqlite"), own_failures().get("delivery.writer", 0)
    gate = threading.Event()
    held = store._writer.submit(lambda _: gate.wait(10))

    def bug(_):
        raise KeyError("a bug")

    answers = [store.append(event("a")), store._writer.submit(bug), store.append(event("b"))]
    gate.set()
    held.result(10)
    assert [answers[0].result(10).seq, answers[2].result(10).seq] == [1, 2]
    assert "KeyError: 'a bug'" in str(answers[1].exception(10))
    assert own_failures()["delivery.writer"] > before
    store.close()


def test_a_writer_whose_disk_hangs_refuses_at_last_instead_of_filling_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("shim.delivery.writer.QUEUED", 10)
    store = SqliteStore(tmp_path / "m.sqlite")
    gate = threading.Event()
    store._writer.submit(lambda _: gate.wait(20))
    deadline = time.monotonic() + 5
    while store._writer._queue.qsize() and time.monotonic() < deadline:
        time.sleep(0.001)
    answers = [store.append(event(n)) for n in range(30)]
    refused = [each for each in answers if each.done() and isinstance(each.exception(0), StoreFullError)]
    assert len(refused) == 20
    assert "10 events wait to be written" in str(refused[0].exception(0))
    gate.set()
    store.close()
    assert isinstance(store._writer, Writer)
