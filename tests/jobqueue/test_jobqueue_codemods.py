"""The codemods on a copy of the job queue, told of it by a path: functions, static methods, the host's own façade."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import logging
logging.disable(logging.CRITICAL)
import pathlib
import shim
from jobqueue import loud, service
from jobqueue.jobs import Job
made = shim.install("jobqueue.loudhost")
whole = service.Service("s", {}, pathlib.Path("dead"))
whole.queue.capacity = 0
job = Job("j1", "sum", "ann")
print(whole.submit(job))
with shim.override(queue="enforce", notices="enforce"):
    try:
        whole.submit(job)
    except loud.QueueFullError as error:
        print("loud:", error.context)
print(made.uninstall(), whole.submit(job))
"""


@pytest.fixture
def copy(tmp_path):
    """Copy the host to where nothing can import it by accident."""
    shutil.copytree(ROOT / "examples" / "jobqueue", tmp_path / "jobqueue", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def failloud(copy, *args):
    command = [sys.executable, "-m", "shim.cli", *args, "--host", "jobqueue/loudhost.py", "."]
    found = subprocess.run(
        command, cwd=copy, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""}
    )
    assert "Traceback" not in found.stderr, found.stderr
    return found


def test_calls_finds_functions_static_and_named_receivers(copy):
    found = failloud(copy, "calls", "--json")
    assert found.returncode == 1
    report = json.loads(found.stdout)
    assert report["contracts_missing"] == []
    rows = {(row["path"], row["receiver"], row["method"]): row for row in report["calls"]}
    assert {key for key, row in rows.items() if row["verdict"] == "target"} >= {
        ("jobqueue/notices.py", "channel", "deliver"),
        ("jobqueue/queues.py", "self", "accepts"),
        ("jobqueue/service.py", "self.queue", "enqueue"),
        ("jobqueue/workers.py", "self.dead", "bury"),
        ("jobqueue/workers.py", "notices", "notify"),
    }
    uses = [row["result_use"] for row in report["calls"] if row["method"] == "enqueue" and row["verdict"] == "target"]
    assert uses == ["ignored", "in_condition"]  # submit drops it, submit_all counts what was taken


def test_the_migrated_copy_is_quiet_in_off_and_raises_the_host_s_own_exception_in_enforce(copy):
    assert failloud(copy, "migrate", "check-results", "reraise-loud", "--write").returncode == 0
    facade = (copy / "jobqueue" / "loud.py").read_text()
    assert "from jobqueue.loudhost import (\n    JobFailedError,\n" in facade
    assert "WebSocket" not in facade
    assert 'delivered(self.queue.enqueue(job), "queue.enqueue"' in (copy / "jobqueue" / "service.py").read_text()
    found = subprocess.run(
        [sys.executable, "-c", USE, str(copy)], cwd=copy, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert found.stdout.splitlines() == [
        "{'ok': True, 'job': 'j1'}",
        "loud: {'job_id': 'j1', 'queue': 's'}",
        "[] {'ok': True, 'job': 'j1'}",
    ], found.stderr
    again = failloud(copy, "migrate", "check-results", "reraise-loud")
    assert again.returncode == 0, again.stdout
