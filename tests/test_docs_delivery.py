"""docs/delivery.md: its commands run, its limits and example are those of the code."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from store_case import put

from shim.codes import Code
from shim.delivery.cli import missed
from shim.delivery.notices import notice
from shim.delivery.retry import Retry
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits
from shim.errors import WebSocketSendFailureError
from shim.recorder import Action, record
from shim.snapshot import Mode

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "delivery.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ failloud missed (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    store = SqliteStore("missed.sqlite")
    put(store, "a", "b")
    store.close()
    ended = CliRunner().invoke(missed, shlex.split(command), standalone_mode=False)
    assert ended.exception is None
    assert ended.output


def test_the_page_shows_every_command():
    assert [command.split()[0] for command in COMMANDS] == list(missed.commands)


def test_the_limits_are_those_of_the_code():
    limits = Limits()
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", TEXT, re.MULTILINE))
    assert rows["events of a thread that nobody has confirmed"] == f"{limits.events_per_stream:,}"
    assert rows["events of a user, in all threads"] == f"{limits.events_per_user:,}"
    days = f"{limits.priority_age_s / 86_400:.0f}"
    assert rows["age"] == f"{limits.age_s / 3600:.0f} h, critical and terminal {days} days"
    assert rows["the file"] == f"{limits.store_bytes >> 30} GiB"
    assert f"| a body | {limits.inline_bytes >> 10} KiB |" in TEXT
    assert f"| a body | {limits.hard_bytes >> 20} MiB |" in TEXT
    assert "After five connections that failed" in TEXT
    assert Retry().attempts == 5


def test_the_error_event_has_the_shape_of_the_code():
    [shown] = re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    error = WebSocketSendFailureError(
        "too large", component="bridge", method="notify", event_type="tool_completed", run_id="RUN",
        code=Code.MESSAGE_TOO_LARGE,
    )  # fmt: skip
    made = record(error, mode=Mode.ENFORCE, action=Action.ESCALATED, cause_known=True)
    told = notice(dataclasses.replace(made, id="71-12"), "THREAD", kept=True, href="/failloud/events/ID")
    assert json.loads(shown) | {"time": ""} == told | {"time": ""}
