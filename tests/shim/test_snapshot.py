"""The flag file and the kill files: whole or refused, whatever happens to the writer."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shim import snapshot as files
from shim.snapshot import (
    KILL,
    SNAPSHOT,
    FlagFileError,
    Mode,
    Snapshot,
    UnknownSchemaError,
    arm,
    kill,
    killed,
    lift,
    parse,
    read,
    write,
)

ROOT = Path(__file__).parents[2]
FULL = Snapshot(version=3, modes={"alpha": Mode.ENFORCE, "beta": Mode.OFF}, plan="p", stage="s")


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_what_is_written_is_read(tmp_path):
    directory = tmp_path / "not" / "yet"
    write(directory, FULL)
    assert read(directory) == FULL
    assert names(directory) == [SNAPSHOT]
    write(directory, Snapshot(version=4))
    assert read(directory) == Snapshot(version=4)


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    write(tmp_path, FULL)
    whole = (tmp_path / SNAPSHOT).read_bytes().rstrip()
    for length in range(len(whole)):
        (tmp_path / SNAPSHOT).write_bytes(whole[:length])
        with pytest.raises(FlagFileError, match="not whole JSON"):
            read(tmp_path)
    (tmp_path / SNAPSHOT).write_bytes(whole)
    assert read(tmp_path) == FULL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not whole JSON"),
        ("[1]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ("{}", "schema None is not known here; this failloud reads schema 1"),
        ('{"schema": 2, "version": 1, "modes": {}}', "schema 2 is not known here"),
        ('{"schema": 1, "modes": {}}', "'version' must be a number"),
        ('{"schema": 1, "version": "1", "modes": {}}', "'version' must be a number"),
        ('{"schema": 1, "version": true, "modes": {}}', "'version' must be a number"),
        ('{"schema": 1, "version": 1}', "'modes' an object of component: mode"),
        ('{"schema": 1, "version": 1, "modes": ["alpha"]}', "'modes' an object of component: mode"),
        (
            '{"schema": 1, "version": 1, "modes": {"alpha": "loud"}}',
            "'loud' is not a valid Mode; modes are off, observe",
        ),
        ('{"schema": 1, "version": 1, "modes": {"alpha": null}}', "None is not a valid Mode"),
        ('{"schema": 1, "version": 1, "modes": {"alpha": []}}', "is not a valid Mode"),
    ],
)
def test_what_is_not_a_snapshot_is_refused(text, reason):
    with pytest.raises(FlagFileError) as caught:
        parse(text, "dir/flags.json")
    assert reason in caught.value.reason
    assert str(caught.value).startswith("flag file dir/flags.json: ")
    if isinstance(caught.value, UnknownSchemaError):
        assert "; next: use the failloud that wrote it, or move the file away" in str(caught.value)
    else:
        assert "; next: write it again with 'failloud flags set'" in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "kind"), [("2", UnknownSchemaError), ("null", FlagFileError), ("true", FlagFileError)]
)
def test_only_a_whole_file_of_another_release_is_of_an_unknown_schema(schema, kind):
    with pytest.raises(FlagFileError) as caught:
        parse(f'{{"schema": {schema}, "version": 1, "modes": {{}}}}', "dir/flags.json")
    assert type(caught.value) is kind


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FlagFileError, match=r"flags\.json: no such file") as caught:
        read(tmp_path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"\xff\xfe{}"), lambda path: path.mkdir()])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, spoil):
    spoil(tmp_path / SNAPSHOT)
    with pytest.raises(FlagFileError):
        read(tmp_path)


def test_a_write_that_fails_leaves_the_old_one_whole(tmp_path, monkeypatch):
    write(tmp_path, FULL)

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, Snapshot(version=4))
    assert read(tmp_path) == FULL
    assert names(tmp_path) == [SNAPSHOT]


WRITER = """
import sys, pathlib
from shim.snapshot import Mode, Snapshot, write
for version in range(10 ** 9):
    write(pathlib.Path(sys.argv[1]), Snapshot(version=version, modes={f"c{n}": Mode.ENFORCE for n in range(200)}))
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    for turn in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT) as writer:
            until = time.monotonic() + 20
            while not (tmp_path / SNAPSHOT).exists() and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(0.02 + 0.007 * turn)
            os.kill(writer.pid, signal.SIGKILL)
        found = read(tmp_path)
        assert len(found.modes) == 200
        (tmp_path / SNAPSHOT).unlink()


def test_readers_of_a_file_under_rewrite_see_whole_ones(tmp_path):
    write(tmp_path, Snapshot(version=0))
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT) as writer:
        seen, until = set(), time.monotonic() + 20
        while len(seen) < 20 and time.monotonic() < until:
            seen.add(read(tmp_path).version)
        writer.kill()
    assert len(seen) == 20


# --- kill files


@pytest.mark.parametrize(("component", "name"), [("", "KILL"), ("alpha", "KILL.alpha")])
@pytest.mark.parametrize("armed", [True, False])
def test_kill_and_lift(tmp_path, component, name, armed):
    if armed:
        arm(tmp_path)
    assert killed(tmp_path) == frozenset()
    assert kill(tmp_path, component) == tmp_path / name
    assert killed(tmp_path) == {component}
    assert kill(tmp_path, component) == tmp_path / name, "a second kill is no error"
    assert lift(tmp_path) == (component,)
    assert killed(tmp_path) == frozenset()


def test_one_kill_does_not_use_up_the_next(tmp_path):
    arm(tmp_path)
    for component in ("alpha", "beta", ""):
        kill(tmp_path, component)
    assert killed(tmp_path) == {"alpha", "beta", ""}
    assert lift(tmp_path) == ("", "alpha", "beta")


def test_an_armed_kill_needs_no_disk_space(tmp_path, monkeypatch):
    arm(tmp_path)
    monkeypatch.setattr(files.Path, "touch", no_space)
    monkeypatch.setattr(files.Path, "open", no_space)
    assert kill(tmp_path, "alpha") == tmp_path / "KILL.alpha"
    monkeypatch.undo()
    assert killed(tmp_path) == {"alpha"}


def test_a_kill_that_is_in_place_already_holds_on_a_full_disk(tmp_path, monkeypatch):
    kill(tmp_path)
    monkeypatch.setattr(files.Path, "open", no_space)
    assert kill(tmp_path).name == KILL
    monkeypatch.undo()
    assert killed(tmp_path) == {""}


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: a read-only directory cannot be made")
def test_a_kill_in_a_read_only_directory_says_so(tmp_path):
    arm(tmp_path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            kill(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_kill_where_the_directory_is_a_file_says_so(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        kill(tmp_path / "state")


def test_killed_of_a_directory_that_is_not_there_is_nothing(tmp_path):
    assert killed(tmp_path / "none") == frozenset()


def test_files_that_only_look_like_kill_files_are_not_taken_for_one(tmp_path):
    arm(tmp_path)
    for name in ("KILLED", "KILLER.txt", "xKILL"):
        (tmp_path / name).touch()
    assert killed(tmp_path) == frozenset()


def test_the_document_is_the_published_one(tmp_path):
    write(tmp_path, FULL)
    assert json.loads((tmp_path / SNAPSHOT).read_text()) == {
        "schema": 1, "version": 3, "modes": {"alpha": "enforce", "beta": "off"}, "plan": "p", "stage": "s",
    }  # fmt: skip
