"""A run that is killed, interrupted or refused by the disk leaves old files or new ones; a run again finishes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from migration_case import make_host_file, make_tree, run_cli

from codemods import registry, runner, treelock

FILES = 60
SITE = (
    "import asyncio\nfrom plant.hub import Hub\nasync def f{n}(h: Hub):\n    try:\n        await h.ping({n})\n"
    "    except Exception:\n        pass\n    if h:\n        await h.push(1)\n"
    "    asyncio.create_task(h.push({n}))\n"
    "    try:\n        return True\n    except ValueError:\n        await h.ping(2)\n"
)
NAMES = ("check-results", "reraise-loud", "guard-missing")
ALL = registry.names()


def build(folder):
    return make_tree(folder, **{f"site{n}": SITE.format(n=n) for n in range(FILES)})


def files_of(tree):
    return {p.relative_to(tree): p.read_bytes() for p in sorted(tree.rglob("*.py"))}


SLOW = """
import os, sys, time
from shim.cli import main
fsync = os.fsync
def slowly(descriptor):  # called in the middle of each file, and after it
    time.sleep(0.005)
    fsync(descriptor)
os.fsync = slowly
sys.exit(main())
"""


def command(tree, host):
    return [sys.executable, "-c", SLOW, "migrate", *ALL, str(tree), "--host", str(host), "--write", "--jobs", "2"]


def started(tree, host):
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    return subprocess.Popen(command(tree, host), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)


def killed(tree, host, after, *, writing):
    """Kill a run some seconds after its start, or after it has begun to write; its workers end with it."""
    ran = started(tree, host)
    while writing and not (tree / ".failloud" / "runs").exists() and ran.poll() is None:
        time.sleep(0.001)
    time.sleep(after)
    ran.send_signal(signal.SIGKILL)
    ran.communicate(timeout=60)
    return files_of(tree)


def test_kill_at_any_moment(tmp_path, capsys):
    """Runs on fresh copies are killed all over their writing; what is in the middle is finished, then undone."""
    host = make_host_file(tmp_path)
    whole = build(tmp_path / "whole")
    old = files_of(whole)
    ran = started(whole, host)
    ran.communicate()
    assert ran.returncode == 0
    new = files_of(whole)
    chance, in_the_middle = random.Random(20), 0  # noqa: S311  # draws moments, not secrets
    for draw in range(9):
        tree = build(tmp_path / f"t{draw}")
        now = killed(tree, host, chance.uniform(0.0, 0.6), writing=draw >= 2)
        torn = [path for path, content in now.items() if content not in (old.get(path), new[path])]
        assert torn == [], "neither old nor new"
        if now not in (old, new):
            in_the_middle += 1
        if draw == 0 or (now not in (old, new) and in_the_middle <= 3):
            finish_and_undo(tree, host, capsys, old, new)
    assert in_the_middle >= 3, f"9 kills, {in_the_middle} of them in the middle of the writing"


def finish_and_undo(tree, host, capsys, old, new):
    ended = run_cli(capsys, "migrate", *ALL, tree, "--host", host, "--write", "--jobs", "2")
    assert ended.code == 0, ended.out
    assert files_of(tree) == new
    assert not list(tree.rglob(".failloud-*.tmp"))
    journals = tree / ".failloud" / "runs"
    for run in sorted((p.name for p in journals.iterdir()), reverse=True):
        if (journals / run / "manifest.json").exists():
            assert run_cli(capsys, "migrate", "undo", run, tree).code == 0
    assert files_of(tree) == old


def test_ctrl_c_says_what_was_written(tmp_path, capsys, monkeypatch):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    old, write_atomic, count = files_of(tree), runner.write_atomic, iter(range(1000))

    def until_five(path, content):
        if next(count) == 5:
            raise KeyboardInterrupt
        write_atomic(path, content)

    monkeypatch.setattr(runner, "write_atomic", until_five)
    ended = run_cli(capsys, "migrate", *NAMES, tree, "--host", host, "--write")
    assert ended.code == 130
    assert "interrupted: files are as they were, or written as a whole; run again to finish" in ended.out
    assert f"{FILES - 4} skipped" in ended.out  # the façade was the first of the five
    assert sum(files_of(tree)[path] != content for path, content in old.items()) == 4
    monkeypatch.undo()
    assert run_cli(capsys, "migrate", *NAMES, tree, "--host", host, "--write").code == 0


def test_a_full_disk_fails_the_file_and_keeps_it(tmp_path, capsys, monkeypatch):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    old, fsync = files_of(tree), os.fsync
    monkeypatch.setattr(runner, "record_run", lambda *_: "run")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run = ("migrate", *NAMES, tree, "--host", host, "--write")
    ended = run_cli(capsys, *run)
    assert ended.code == 2
    assert "No space left on device" in ended.err + ended.out
    monkeypatch.setattr(os, "fsync", fsync)
    assert files_of(tree) == old
    assert not list(tree.rglob(".failloud-*.tmp"))


def test_two_runs_at_once_are_refused(tmp_path, capsys):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    old = files_of(tree)
    with treelock.locked(tree):
        ended = run_cli(capsys, "migrate", *NAMES, tree, "--host", host, "--write")
    assert ended.code == 2
    assert f"process {os.getpid()}" in ended.err
    assert files_of(tree) == old


def test_a_second_command_is_refused_while_the_first_one_writes(tmp_path, capsys):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    first = started(tree, host)
    lock = tree / ".failloud" / "lock"
    while first.poll() is None and not (lock.exists() and lock.read_bytes()):
        time.sleep(0.001)
    first.send_signal(signal.SIGSTOP)  # it holds the lock for as long as the second one takes
    ended = run_cli(capsys, "migrate", "check-results", tree / "plant" / "site0.py", "--host", host, "--write")
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert (first.returncode, ended.code) == (0, 2)
    assert f"another run writes below {tree} (process {first.pid}); next: wait for it" in ended.err
    assert run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write").code == 0


def test_a_killed_run_s_temporary_file_is_taken_away_and_named(tmp_path, capsys):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    stale = tree / "plant" / ".failloud-abc.tmp"
    stale.write_bytes(b"half")
    ended = run_cli(capsys, "migrate", *NAMES, tree, "--host", host, "--write")
    assert "removed: plant/.failloud-abc.tmp, a temporary file that a killed run left" in ended.out
    assert not stale.exists()


@pytest.mark.parametrize("what", ["undo", "migrate"])
def test_undo_waits_for_no_one_either(tmp_path, capsys, what):
    host, tree = make_host_file(tmp_path), build(tmp_path / "t")
    run_cli(capsys, "migrate", *NAMES, tree, "--host", host, "--write")
    run = max(p.name for p in (tree / ".failloud" / "runs").iterdir())
    now = files_of(tree)
    with treelock.locked(tree):
        words = ("undo", run, tree) if what == "undo" else ("use-shims", tree, "--host", host, "--write")
        ended = run_cli(capsys, "migrate", *words)
    assert ended.code == (2 if what == "undo" else 0)  # nothing to write takes no lock
    assert files_of(tree) == now
