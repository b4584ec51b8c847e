"""A pytest plugin: write each test's outcome to the file OUTCOMES names; with SHIMS, install that host's shims first.

It runs inside the host's own test run, in the host's tree, and imports nothing of ours unless asked to.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_outcomes: dict[str, str] = {}
_WORST = ("passed", "skipped", "failed", "error")


def pytest_configure() -> None:
    """Install the shims before any module of the host is imported; every flag is off."""
    if host := os.environ.get("SHIMS"):
        import shim

        shim.install(host, lazy=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the worst of a test's three phases; a failure outside the call is an error."""
    outcome = "error" if report.failed and report.when != "call" else report.outcome
    known = _outcomes.get(report.nodeid, "passed")
    _outcomes[report.nodeid] = max(known, outcome, key=_WORST.index)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that cannot be collected is one outcome."""
    if report.failed:
        _outcomes[report.nodeid] = "error"


def pytest_sessionfinish() -> None:
    """Write them down."""
    Path(os.environ["OUTCOMES"]).write_text(json.dumps(_outcomes, indent=0, sort_keys=True), encoding="utf-8")
