"""A failure is recorded before anything else; what fails while recording hides nothing."""

from __future__ import annotations

import dataclasses
import logging
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog
from courier.channel import Channel

import shim
from shim import guard
from shim.errors import Common, WebSocketSendFailureError
from shim.frames import Note, enclosing
from shim.recorder import Action, FailureRecord, add_sink, counts, record, recording, remove_sink
from shim.snapshot import Mode

ROOT = Path(__file__).parents[2]


def fail(action=Action.OBSERVED, mode=Mode.OBSERVE, **fields):
    """Record one failure."""
    common = {"component": "alpha", "method": "send", "run_id": "r1", "user_id": "u1", **fields}
    error = WebSocketSendFailureError("refused", **common)
    return error, record(error, mode=mode, action=action, category=1, origin="alpha.send", cause_known=True)


@pytest.fixture
def broken_sink():
    def broken(made):
        raise OSError("sink down")

    add_sink(broken)
    yield broken
    remove_sink(broken)


def test_a_record_holds_the_error_s_fields():
    more = {"code": "partial_send", "attempt": 3, "connection_id": "c1"}
    error, made = fail(event_type="agent_started", thread_id="t1", cause="OSError: x", hint="do y", **more)
    for name in Common.__annotations__:
        assert getattr(made, name) == getattr(error, name)
    assert made.message == str(error)
    assert (made.error_type, made.category, made.origin) == ("WebSocketSendFailureError", 1, "alpha.send")
    assert made.error is None, "only recording() keeps the exception"
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.reason = "other"


def test_ids_are_of_this_process_and_never_the_same():
    ids = [fail()[1].id for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(each.startswith(f"{os.getpid()}-") for each in ids)


@pytest.mark.parametrize(
    ("action", "raised"), [(Action.OBSERVED, False), (Action.RAISED, True), (Action.ESCALATED, False)]
)
def test_recording_gives_the_error_and_whether_it_was_raised(action, raised):
    with recording() as records:
        error, _ = fail(action)
    assert len(records) == 1
    assert records[0].error is error
    assert records[0].raised is raised


def test_recordings_nest_and_end():
    with recording() as outer:
        fail()
        with recording() as inner:
            fail()
        fail()
    fail()
    assert (len(outer), len(inner)) == (3, 1)


def test_a_recording_sees_other_threads():
    with recording() as records:
        threads = [threading.Thread(target=fail) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({made.id for made in records}) == 8


def test_counts_are_by_component_type_and_action():
    key = ("counted", "WebSocketSendFailureError", "escalated")
    before = counts().get(key, 0)
    fail(Action.ESCALATED, component="counted")
    fail(Action.OBSERVED, component="counted")
    assert counts()[key] == before + 1
    counts().clear()
    assert counts()[key] == before + 1


def test_a_sink_gets_each_record_until_it_is_removed():
    got = []
    add_sink(got.append)
    _, made = fail()
    remove_sink(got.append)
    fail()
    assert got == [made]
    with pytest.raises(ValueError, match="not in"):
        remove_sink(got.append)


def test_a_sink_that_raises_is_counted_and_hides_nothing(broken_sink):
    got, before = [], guard.own_failures().get("recorder.sink", 0)
    add_sink(got.append)
    try:
        with recording() as records:
            _, made = fail()
    finally:
        remove_sink(got.append)
    assert isinstance(made, FailureRecord)
    assert got == [made], "the sinks after the broken one"
    assert len(records) == 1
    assert guard.own_failures()["recorder.sink"] == before + 1


def test_a_sink_may_record_and_change_the_sinks():
    def once(made):
        remove_sink(once)
        fail(component="nested")

    add_sink(once)
    with recording() as records:
        fail()
    assert sorted(made.component for made in records) == ["alpha", "nested"]


def test_a_note_may_say_the_code_the_attempt_and_the_connection_more_precisely(courier):
    class Wire:
        def push_now(self, user, event):
            details = {"code": "partial_send", "attempt": 2, "connection_id": "c9"}
            enclosing().note(Note(key="wire", error=WebSocketSendFailureError, reason="one of two", details=details))
            return False

    with shim.override(channel="observe"), recording() as records:
        assert Channel("ann", Wire()).send_now("r1", "ping") is False
    assert [(made.code, made.attempt, made.connection_id) for made in records] == [("partial_send", 2, "c9")]


# --- the ERROR line


def test_an_error_line_through_unconfigured_structlog(caplog):
    assert not structlog.is_configured()
    fail(event_type="agent_started")
    (line,) = [found for found in caplog.records if found.name == "failloud"]
    assert line.levelno == logging.ERROR
    text = line.getMessage()
    for part in ("failloud.failure_recorded", "alpha", "send", "r1", "u1", "agent_started", "refused", "observe"):
        assert part in text
    assert "\n" not in text


def test_an_error_line_through_the_host_s_structlog():
    try:
        structlog.configure()
        with structlog.testing.capture_logs() as lines:
            _, made = fail()
    finally:
        structlog.reset_defaults()
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("failloud.failure_recorded", "error")
    for name in ("component", "mode", "method", "run_id", "reason", "id", "action"):
        assert line[name] == getattr(made, name)
    assert "error" not in line, "rendered fields only: a log handler would keep the exception alive"


def test_the_line_reaches_standard_error_where_nothing_is_configured():
    program = (
        "from shim.errors import LoudFailure\nfrom shim.recorder import *\nfrom shim.snapshot import Mode\n"
        "record(LoudFailure('gone'), mode=Mode.OBSERVE, action=Action.OBSERVED, category=0, "
        "origin='', cause_known=True)"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "failloud.failure_recorded" in found.stderr


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_logging_that_raises_hides_nothing(capsys):
    class Broken(logging.Handler):
        def emit(self, line):
            raise OSError("disk full")

    log, handler = logging.getLogger("failloud"), Broken()
    before = guard.own_failures().get("recorder.log", 0)
    log.addHandler(handler)
    try:
        with recording() as records:
            error, _ = fail()
    finally:
        log.removeHandler(handler)
    assert [made.error for made in records] == [error]
    assert guard.own_failures()["recorder.log"] == before + 1
    assert "disk full" in capsys.readouterr().err


def test_a_record_pickles_without_its_error():
    _, made = fail()
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301  # our own bytes
