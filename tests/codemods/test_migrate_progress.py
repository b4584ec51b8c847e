"""`failloud migrate` at a terminal: what is shown while it works, and Ctrl-C typed there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from migration_case import make_host_file, make_tree

FILES = 24
SITE = "from plant.hub import Hub\nasync def f(h: Hub):\n    await h.ping(1)\n"
AT_A_TERMINAL = """
import fcntl, os, sys, termios, time
from codemods import progress
from shim.cli import main
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
progress._PATIENCE = progress._PAUSE = 0.0
fsync = os.fsync
def slowly(descriptor):
    time.sleep(0.02)
    fsync(descriptor)
os.fsync = slowly
main()
"""


class Terminal:
    """A command with a terminal of its own for keyboard and standard error; standard output is a file."""

    def __init__(self, folder, *words):
        self.ours, theirs = pty.openpty()
        root = Path(__file__).parents[2]
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
        self.out = folder / "out.txt"
        with self.out.open("wb") as out:
            self.ran = subprocess.Popen(
                [sys.executable, "-c", AT_A_TERMINAL, *map(str, words)],
                stdin=theirs, stdout=out, stderr=theirs, env=env, start_new_session=True,
            )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def read(self):
        """Read more of the screen; False where the command has ended."""
        try:
            data = os.read(self.ours, 10_000)
        except OSError:  # Linux says so at the end of a terminal
            data = b""
        self.seen += data.decode()
        return bool(data)

    def until(self, pattern):
        give_up = time.monotonic() + 60
        while not re.search(pattern, self.seen):
            assert self.read(), self.seen
            assert time.monotonic() < give_up, self.seen

    def end(self):
        while self.read():
            continue
        os.close(self.ours)
        return self.ran.wait(), self.out.read_text(encoding="utf-8")


@pytest.fixture
def start(tmp_path):
    tree = make_tree(tmp_path / "t", **{f"site{n}": SITE for n in range(FILES)})
    terminals = []

    def run(*words):
        terminals.append(Terminal(tmp_path, "migrate", *words, tree, "--host", make_host_file(tmp_path)))
        return terminals[-1]

    yield run
    for one in terminals:
        one.ran.kill()
        one.ran.wait()


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_phase_has_a_line_with_speed_and_time_left(start, jobs):
    terminal = start("--write", "--jobs", jobs, "check-results")
    code, out = terminal.end()
    assert code == 0
    for label, total in (("migrated", FILES + 4), ("written", FILES)):
        assert re.search(rf"\r\x1b\[K{label}: \d+ of {total} files, [\d,]+ files/s, \d+ s left", terminal.seen), label
        assert re.search(rf"\r\x1b\[K{label}: {total} of {total} files, [\d,]+ files/s\r\x1b\[K", terminal.seen), label
    assert not re.sub(r"\r\x1b\[K[^\r\n]*", "", terminal.seen), (
        "the lines are taken away, nothing else is on the screen"
    )
    assert f"files: {FILES + 4} in, {FILES} changed" in out
    assert "\x1b" not in out


def test_plan_shows_it_too(start):
    terminal = start("plan")
    assert terminal.end()[0] == 1
    assert "\r\x1b[Klooked at: " in terminal.seen


def test_ctrl_c_while_files_are_written(start, tmp_path):
    terminal = start("--write", "check-results")
    terminal.until(r"written: [3-9] of")
    os.write(terminal.ours, b"\x03")
    code, out = terminal.end()
    assert code == 130
    assert "interrupted: files are as they were, or written as a whole; run again to finish" in out
    new = sum(b"delivered" in path.read_bytes() for path in tmp_path.rglob("site*.py"))
    assert 3 <= new < FILES
    assert f"{new} changed" in out
    assert f"{FILES - new} skipped" in out
    assert "Traceback" not in terminal.seen + out
