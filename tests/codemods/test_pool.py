"""Workers: they end with their parent, however it ends, and an interrupt waits for none of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import os, sys, time
from pathlib import Path
import click
from codemods.pool import Pool
from shim import cli

def slow(_ready, path):
    (path.parent / f"pid{os.getpid()}").touch()
    time.sleep(120)

@click.command()
@click.argument("folder", type=Path)
def work(folder):
    list(Pool(dict, slow, ()).run([folder / f"m{n}" for n in range(20)], 2, "slept"))

cli.cli = work  # the command line's own way to end
cli.main()
"""


@pytest.fixture
def ran(tmp_path):
    """Give a command whose two workers are at work, in a process group of its own."""
    script = tmp_path / "script.py"
    script.write_text(SLOW, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), str(tmp_path)]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
    )
    give_up = time.monotonic() + 60
    while len(list(tmp_path.glob("pid*"))) < 2:
        assert started.poll() is None, started.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.01)
    yield started
    try:
        os.killpg(started.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_workers_end_with_a_killed_parent(ran):
    ran.kill()
    ran.communicate(timeout=30)  # ends when the last process that holds our pipe has ended
    assert ran.returncode == -signal.SIGKILL


def test_ctrl_c_at_a_terminal_waits_for_no_worker_and_shows_no_traceback(ran):
    os.killpg(ran.pid, signal.SIGINT)
    out, err = ran.communicate(timeout=30)
    assert (ran.returncode, out, err) == (130, "", "\naborted; nothing more was done\n")
