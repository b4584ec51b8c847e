"""A small host file, a plan that is right, and the command line with its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.cli import main

HOST = """
from shim.contracts import Host, HostClass

COMPONENTS = ("bridge", "buffer", "emitter", "factory")
HOST = Host(
    name="small", package="small", facade="small.loud", components=COMPONENTS, contracts=(),
    classes=tuple(HostClass(component=name, target=f"small.{name}:{name.title()}") for name in COMPONENTS),
)
"""
PLAN = """\
apiVersion: failloud/v1
kind: RolloutPlan
metadata: {name: small-plan, owner: platform, expires: 2999-12-31}
host: HOST
components: [bridge, factory]
requires: {factory: [bridge]}
stages:
  - {name: staging-observe, environment: staging, mode: observe, bake: 0s}
  - {name: staging-enforce, environment: staging, mode: enforce, bake: 0s}
  - {name: production-observe, environment: production, mode: observe, bake: 0s}
  - {name: production-enforce, environment: production, mode: enforce, bake: 0s}
"""
REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def plan_text(tmp_path):
    """Give a whole plan for a small host file."""
    host = tmp_path / "small_host.py"
    host.write_text(HOST, encoding="utf-8")
    return PLAN.replace("HOST", str(host))


@pytest.fixture
def write_plan(tmp_path, plan_text):
    """Write the plan with pieces replaced; each piece must be there, so that a row of a table cannot test nothing."""

    def write(*replacements, name="plan.yaml"):
        text = plan_text
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def state_dir(tmp_path):
    path = tmp_path / "state"
    path.mkdir()
    return path


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run `failloud` as its script does."""

    def run(*args):
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["failloud", *map(str, args)])
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def spawn():
    """Start a Python process on a piece of code; it finds our packages and nothing of ours in its environment."""
    started = []

    def start(code, *args):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=REPOSITORY,
            env=clean,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def at(state_dir):
    return ("--state-dir", state_dir)


@pytest.fixture
def started(cli, write_plan, at):
    """Have a plan in its first stage."""
    assert cli("rollout", "start", write_plan(), *at).code == 0
