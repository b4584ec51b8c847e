"""`migrate status`: what became of runs that were cut short, overtaken or taken back, and what they left behind."""

from __future__ import annotations

import json
import os
import stat

import pytest
from migration_case import make_host_file, make_tree, run_cli

from codemods import journal, runner, treelock, write

SITE = "from plant.hub import Hub\nasync def f(h: Hub):\n    await h.ping(1)\n"
NAMES = [f"site{n}" for n in range(4)]


@pytest.fixture
def host(tmp_path):
    return make_host_file(tmp_path)


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "t", **dict.fromkeys(NAMES, SITE))


class Killed(BaseException):
    """Ends a command where it stands, as a kill does: nothing of ours catches it."""


def cut_short(tree, host, capsys, monkeypatch, writes):
    """Run until that many files are written, the façade among them."""
    count, write_atomic = iter(range(writes)), runner.write_atomic

    def until(path, content):
        if next(count, None) is None:
            raise Killed
        write_atomic(path, content)

    monkeypatch.setattr(runner, "write_atomic", until)
    with pytest.raises(Killed):
        run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    monkeypatch.undo()


def status(tree, host, capsys):
    ended = run_cli(capsys, "migrate", "status", tree, "--host", host, "--json")
    return ended.code, {tuple(run["codemods"]): run for run in ended.json["runs"]}


def test_a_run_that_was_cut_short(tree, host, capsys, monkeypatch):
    cut_short(tree, host, capsys, monkeypatch, writes=3)
    code, runs = status(tree, host, capsys)
    run = runs["check-results",]
    assert (code, run["partly"], run["files"]) == (1, True, {"written": 2, "old": 2, "changed_since": 0})
    assert not runs["facade",]["partly"]
    said = run_cli(capsys, "migrate", "status", tree, "--host", host).out
    assert f"run {run['run']}: check-results: not whole: 2 files written, 2 as before it, 0 changed since" in said
    assert f"next: run the same again, or: failloud migrate undo {run['run']} {tree}" in said
    assert "runs: 2, 1 of them not whole" in said


def test_run_again_makes_it_whole(tree, host, capsys, monkeypatch):
    cut_short(tree, host, capsys, monkeypatch, writes=3)
    assert run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write").code == 0
    code, _ = status(tree, host, capsys)
    said = run_cli(capsys, "migrate", "status", tree, "--host", host).out
    assert (code, "not whole:" in said, "runs: 3, 0 of them not whole" in said) == (0, False, True)


def test_undo_takes_back_what_was_written(tree, host, capsys, monkeypatch):
    before = {path: path.read_bytes() for path in tree.rglob("site*.py")}
    cut_short(tree, host, capsys, monkeypatch, writes=3)
    _, runs = status(tree, host, capsys)
    ended = run_cli(capsys, "migrate", "undo", runs["check-results",]["run"], tree)
    assert "2 files restored, 2 were at their old state before" in ended.out
    assert {path: path.read_bytes() for path in before} == before
    _, runs = status(tree, host, capsys)
    assert runs["check-results",]["files"] == {"written": 0, "old": 4, "changed_since": 0}
    assert not runs["check-results",]["partly"]


def test_later_changes_are_counted_and_make_nothing_partly_done(tree, host, capsys):
    run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    (tree / "plant" / "site0.py").write_bytes(b"# later\n")
    (tree / "plant" / "site1.py").unlink()
    code, runs = status(tree, host, capsys)
    assert (code, runs["check-results",]["files"]) == (0, {"written": 2, "old": 0, "changed_since": 2})


def test_a_journal_that_is_not_whole(tree, host, capsys):
    (tree / ".failloud" / "runs" / "20260101T000000Z").mkdir(parents=True)
    said = run_cli(capsys, "migrate", "status", tree, "--host", host).out
    assert "run 20260101T000000Z ended before its journal was whole: it wrote nothing" in said
    ended = run_cli(capsys, "migrate", "undo", "20260101T000000Z", tree)
    assert (ended.code, "ended before its journal was whole: it wrote nothing" in ended.err) == (2, True)


def test_a_journal_that_is_damaged(tree, host, capsys):
    run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    for path in (tree / ".failloud" / "runs").glob("*/manifest.json"):
        path.write_bytes(b"{")
    assert "is damaged" in run_cli(capsys, "migrate", "status", tree, "--host", host).out


def test_runs_of_the_folders_above_count(tree, host, capsys, monkeypatch):
    cut_short(tree, host, capsys, monkeypatch, writes=2)
    code, runs = status(tree / "plant", host, capsys)
    assert (code, runs["check-results",]["partly"], runs["check-results",]["home"]) == (1, True, str(tree))


def test_temporary_files_are_named_and_undo_takes_them_away(tree, host, capsys):
    run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    stale = tree / "plant" / ".failloud-abc.tmp"
    stale.write_bytes(b"half")
    said = run_cli(capsys, "migrate", "status", tree, "--host", host).out
    assert "temporary file: plant/.failloud-abc.tmp: a run writes now, or was killed" in said
    assert stale.exists()
    run = status(tree, host, capsys)[1]["check-results",]["run"]
    ended = run_cli(capsys, "migrate", "undo", run, tree)
    assert "removed: plant/.failloud-abc.tmp" in ended.out
    assert not stale.exists()


def test_status_writes_nothing(tree, host, capsys):
    before = sorted(tree.rglob("*"))
    run_cli(capsys, "migrate", "status", tree, "--host", host)
    assert sorted(tree.rglob("*")) == before


def full(descriptor):
    raise OSError(28, "No space left on device")


def test_a_disk_full_at_the_journal_leaves_none_and_no_facade(tree, host, capsys, monkeypatch):
    monkeypatch.setattr(write.os, "fsync", full)
    ended = run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    monkeypatch.undo()
    assert (ended.code, "No space left on device" in ended.err) == (2, True)
    assert not list((tree / ".failloud").rglob("manifest.json"))
    assert not (tree / "plant" / "loud.py").exists()
    assert run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write").code == 0


def test_a_disk_full_half_way_names_each_file_and_a_run_again_finishes(tree, host, capsys, monkeypatch):
    count, fsync = iter(range(100)), os.fsync
    two_journals_the_facade_and_two_files = 2 * 2 + 1 + 2

    def soon_full(descriptor):
        a_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        (fsync if a_folder or next(count) < two_journals_the_facade_and_two_files else full)(descriptor)

    monkeypatch.setattr(write.os, "fsync", soon_full)
    ended = run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    monkeypatch.undo()
    assert ended.code == 2
    new = [path.name for path in sorted(tree.rglob("site*.py")) if b"delivered" in path.read_bytes()]
    failed = [line for line in ended.out.splitlines() if line.startswith("failed: ")]
    assert (len(new), len(failed)) == (2, 2)
    assert all(line.endswith("cannot be written: No space left on device") for line in failed)
    assert status(tree, host, capsys)[1]["check-results",]["partly"]
    assert run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write").code == 0
    assert status(tree, host, capsys)[0] == 0


def test_a_folder_that_does_not_confirm_is_told_apart_from_a_file_that_is_not_written(tree, host, capsys, monkeypatch):
    folder = tree / "plant"

    def broken(descriptor):
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise OSError(5, "Input/output error")

    (folder / "loud.py").write_text("from shim.calls import delivered\n", encoding="utf-8")
    monkeypatch.setattr(write.os, "fsync", broken)
    ended = run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    assert ended.code == 2
    assert ended.out.count("written, but the disk did not confirm it: Input/output error") == len(NAMES)
    assert all(b"delivered" in path.read_bytes() for path in tree.rglob("site*.py"))


def test_undo_on_a_full_disk_says_so_and_finishes_later(tree, host, capsys, monkeypatch):
    run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    run = status(tree, host, capsys)[1]["check-results",]["run"]
    count, write_atomic = iter(range(100)), journal.write_atomic

    def after_two(path, content):
        if next(count) == 2:
            full(0)
        write_atomic(path, content)

    monkeypatch.setattr(journal, "write_atomic", after_two)
    ended = run_cli(capsys, "migrate", "undo", run, tree)
    monkeypatch.undo()
    assert (ended.code, "cannot undo: [Errno 28] No space left on device" in ended.err) == (2, True)
    assert "2 files restored, 2 were" in run_cli(capsys, "migrate", "undo", run, tree).out


@pytest.mark.parametrize("path", [".", "plant", "plant/site0.py"])
def test_runs_with_other_paths_exclude_one_another(tree, host, capsys, path):
    with treelock.locked(tree):  # what a run over any PATH of this tree holds
        ended = run_cli(capsys, "migrate", "check-results", tree / path, "--host", host, "--write")
    assert (ended.code, "another run writes below" in ended.err) == (2, True)
    assert run_cli(capsys, "migrate", "check-results", tree / path, "--host", host, "--write").code == 0


def test_undo_of_a_run_over_a_part_excludes_runs_over_the_whole(tree, host, capsys):
    run_cli(capsys, "migrate", "check-results", tree / "plant", "--host", host, "--write")
    manifests = (tree / "plant" / ".failloud" / "runs").glob("*/manifest.json")
    (manifest,) = (json.loads(path.read_bytes()) for path in manifests)
    assert manifest["base"] == ".."
    with treelock.locked(tree):
        ended = run_cli(capsys, "migrate", "undo", manifest["run"], tree / "plant")
    assert (ended.code, "another run writes below" in ended.err) == (2, True)
