"""Progress: what the line says, and that only a terminal sees it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from codemods.progress import line

LINES = [
    (("migrated", 120, 1731, 0.4), "migrated: 120 of 1,731 files, 300 files/s, 5 s left"),
    (("written", 10, 10, 2.0), "written: 10 of 10 files, 5 files/s"),
    (("looked at", 1, 1000, 1.0), "looked at: 1 of 1,000 files, 1 files/s, 16 min 39 s left"),
    (("migrated", 1, 5, 0.0), "migrated: 1 of 5 files, 0 files/s"),
]
SLOW = """
import time
from codemods import progress
progress._PATIENCE = 0.0
for _ in progress.watched(range(5), 5, "slept"):
    time.sleep(0.15)
print("end")
"""


@pytest.mark.parametrize(("given", "expected"), LINES)
def test_line(given, expected):
    assert line(*given) == expected


def test_a_pipe_sees_none():
    ran = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("end\n", "")


def test_a_terminal_sees_it_and_then_a_clean_line():
    ours, theirs = pty.openpty()
    ran = subprocess.run([sys.executable, "-c", SLOW], stderr=theirs, stdout=subprocess.PIPE, text=True, check=True)
    os.close(theirs)
    seen = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "slept: 2 of 5 files" in seen
    assert seen.endswith("\r\x1b[K")
    assert ran.stdout == "end\n"
