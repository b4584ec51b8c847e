"""One line per failure, through whatever the host logs with, once; and tracebacks that a spike cannot multiply."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from loguru import logger as loguru

import shim
from shim import logs
from shim.decisions import FlagError
from shim.errors import WebSocketSendFailureError
from shim.guard import own_failure, own_failures
from shim.recorder import Action, FailureRecord, counts, record
from shim.snapshot import Mode

ROOT = Path(__file__).parents[2]
EVENT = "failloud.failure_recorded"


def fail(reason="refused", cause=None, **fields):
    """Record one failure."""
    common = {"component": "alpha", "method": "send", "run_id": "r1", "user_id": "u1", "hint": "do y", **fields}
    error = WebSocketSendFailureError(reason, **common)
    error.__cause__ = cause
    return record(error, mode=Mode.OBSERVE, action=Action.OBSERVED, category=1, cause_known=True)


def raised(text="line down"):
    """Give an exception that has a traceback."""
    try:
        raise ConnectionError(text)  # noqa: TRY301  # this is where it gets its traceback
    except ConnectionError as error:
        return error


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Begin each test with full allowances, the route found, and standard logging as pytest sets it up."""
    monkeypatch.setattr(logs, "_limit", logs.Limit())
    monkeypatch.setattr(logs, "_route", logs.Route.AUTO)


@pytest.fixture
def stdlib():
    """Collect what standard logging's root handlers get."""
    got, handler = [], logging.Handler()
    handler.emit = got.append
    logging.getLogger().addHandler(handler)
    yield got
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def sink():
    """Add a sink of the host's own to the real loguru."""
    got = []
    number = loguru.add(lambda message: got.append(message.record), format="{message}")
    yield got
    loguru.remove(number)


class InterceptHandler(logging.Handler):
    """The recipe of loguru's own manual: standard logging goes to loguru."""

    def emit(self, line):
        frame, depth = logging.currentframe(), 2
        while frame and frame.f_code.co_filename == logging.__file__:
            frame, depth = frame.f_back, depth + 1
        loguru.opt(depth=depth, exception=line.exc_info).log(line.levelname, line.getMessage())


@pytest.fixture
def intercept():
    handler = InterceptHandler()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


# --- which way a line goes


def test_standard_logging_where_nothing_else_is_set_up(stdlib):
    made = fail(event_type="agent_started", thread_id="t1", attempt=2, connection_id="c1")
    (line,) = stdlib
    assert (line.name, line.levelno) == ("failloud", logging.ERROR)
    text = line.getMessage()
    assert text == (
        f"{EVENT} send failure: alpha.send for user u1, run r1: refused; next: do y [event=agent_started thread=t1 "
        f"connection=c1 code=send_failed attempt=2 mode=observe action=observed origin=alpha.send id={made.id}]"
    )
    assert line.failloud["message"] == made.message
    assert logs.choice().route == "stdlib"


def test_loguru_with_sinks_of_the_host_s_gets_the_line_once_and_standard_logging_none(sink, stdlib):
    made = fail(event_type="agent_started")
    (line,) = sink
    assert stdlib == []
    assert (line["level"].name, line["exception"]) == ("ERROR", None)
    assert (line["name"], line["function"]) == ("failloud", "alpha.send"), "not a frame of ours"
    assert line["message"].startswith(f"{EVENT} send failure: alpha.send for user u1")
    assert line["extra"]["code"] == made.code
    assert logs.choice().why == "loguru is imported and has 2 sink(s)"


@pytest.mark.usefixtures("intercept")
def test_an_intercept_handler_makes_no_second_line(sink):
    fail()
    own_failure("test.logs", raised())
    assert [line["message"].split()[0] for line in sink] == [EVENT, "failloud.own_failure"]


@pytest.mark.usefixtures("intercept")
def test_the_same_where_the_route_is_forced_through_standard_logging(sink):
    logs.configure(route="stdlib")
    fail()
    assert len(sink) == 1


@pytest.mark.usefixtures("intercept")
def test_the_same_where_structlog_feeds_standard_logging(sink):
    structlog.configure(
        logger_factory=structlog.stdlib.LoggerFactory(), processors=[structlog.processors.JSONRenderer()]
    )
    try:
        fail()
    finally:
        structlog.reset_defaults()
    (line,) = sink
    assert json.loads(line["message"])["event"] == EVENT


def test_a_loguru_sink_that_propagates_shows_the_line_once(sink, stdlib):
    def propagate(message):
        logging.getLogger(message.record["name"]).error("%s", message.record["message"])

    number = loguru.add(propagate)
    try:
        fail()
    finally:
        loguru.remove(number)
    assert (len(sink), len(stdlib), stdlib[0].name) == (1, 1, "failloud")


def test_loguru_s_default_sink_alone_does_not_outweigh_handlers_of_standard_logging(stdlib):
    assert logs._loguru_sinks() == {0}
    fail()
    assert len(stdlib) == 1
    assert logs.choice().why == "standard logging has handlers, and loguru only its default sink"


def test_structlog_comes_first_where_the_host_configured_it(sink, stdlib):
    try:
        structlog.configure()
        assert logs.choice().route == "structlog"
        with structlog.testing.capture_logs() as lines:
            fail(cause=raised())
    finally:
        structlog.reset_defaults()
    assert (sink, stdlib) == ([], [])
    (line,) = lines
    assert (line["event"], line["log_level"], line["component"]) == (EVENT, "error", "alpha")
    assert "ConnectionError: line down" in line["traceback"]


def test_a_route_can_be_chosen_and_a_typo_is_refused(sink, stdlib):
    logs.configure(route="stdlib")
    fail()
    assert (len(sink), len(stdlib)) == (0, 1)
    assert logs.choice().why == "configure() says so"
    with pytest.raises(FlagError, match=r"unknown log route 'logru'.*did you mean 'loguru'"):
        logs.configure(route="logru")


def test_loguru_that_is_still_being_imported_is_no_route(monkeypatch, stdlib):
    monkeypatch.setitem(sys.modules, "loguru", type(sys)("loguru"))
    fail()
    assert len(stdlib) == 1


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ("pass", "failloud.failure_recorded send failure"),
        ("import loguru", "failloud:alpha.send:0 - failloud.failure_recorded"),
        ("import loguru; loguru.logger.remove()", "failloud.failure_recorded send failure"),
        ("import logging; logging.basicConfig(format='host %(name)s %(message)s')", "host failloud failloud.failure_r"),
        ("import structlog; structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))", "message="),
        ("import os; os.environ['FAILLOUD_LOG'] = 'json'", '"event": "failloud.failure_recorded"'),
    ],
)
def test_a_real_process_shows_the_line_once(setup, said):
    program = (
        f"import sys\n{setup}\nfrom shim.errors import *\nfrom shim.recorder import *\nfrom shim.snapshot import Mode\n"
        "record(WebSocketSendFailureError('gone', component='alpha', method='send'), mode=Mode.OBSERVE, "
        "action=Action.OBSERVED, cause_known=True)"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == ""
    assert len(found.stderr.splitlines()) == 1
    assert said in found.stderr
    assert found.stderr.count("failure_recorded") == 1


# --- forms


def test_json_has_every_field(monkeypatch, stdlib):
    monkeypatch.setenv("FAILLOUD_LOG", "json")
    made = fail("two\nlines \x1b[2J", cause=raised())
    found = json.loads(stdlib[0].getMessage())
    assert "\n" not in stdlib[0].getMessage()
    assert list(found)[:3] == ["timestamp", "level", "event"]
    for name in set(FailureRecord.__slots__) - {"at", "error"}:
        assert found[name] == getattr(made, name)
    assert found["traceback"].startswith("Traceback (most recent call last):")


def test_loguru_s_own_json_carries_the_fields():
    out = io.StringIO()
    number = loguru.add(out, serialize=True)
    try:
        made = fail("nul \x00 and half a character \ud800")
    finally:
        loguru.remove(number)
    found = json.loads(out.getvalue())["record"]
    assert found["extra"]["run_id"] == made.run_id
    assert found["extra"]["reason"] == "nul \x00 and half a character \\ud800"


def test_an_unknown_form_is_refused_at_install_and_a_later_one_is_text(monkeypatch, stdlib):
    from courier_host import HOST

    monkeypatch.setenv("FAILLOUD_LOG", "jsno")
    with pytest.raises(FlagError, match=r"unknown log form 'jsno' in FAILLOUD_LOG.*did you mean 'json'"):
        shim.install(HOST)
    before = own_failures().get("logs.form", 0)
    fail()
    assert stdlib[0].getMessage().startswith(EVENT)
    assert own_failures()["logs.form"] == before + 1
    monkeypatch.setenv("FAILLOUD_LOG", "json")
    shim.install(HOST).uninstall()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("a\r\x1b[31mb", "a\\r\\x1b[31mb"),
        ("\u2028\ud800", "\\u2028\\ud800"),
        ("Grüße, 世界 {} %s", "Grüße, 世界 {} %s"),
        ("x" * 5000, "x" * 2000 + "... (1000 characters left out) ..." + "x" * 2000),
    ],
)
def test_one_line(given, shown):
    assert logs.one_line(given) == shown


@pytest.mark.parametrize("hostile", ["{}", "{0} %s %(x)s <red>", "a\nfake ERROR line", "\ud800", "x" * 100_000])
def test_a_hostile_reason_is_one_bounded_line_on_every_route(sink, stdlib, hostile):
    for route in ("loguru", "stdlib"):
        logs.configure(route=route)
        fail(hostile)
    texts = [sink[0]["message"], stdlib[0].getMessage()]
    assert all("\n" not in text and len(text) < 10_000 for text in texts)
    assert texts[0].partition(" id=")[0] == texts[1].partition(" id=")[0]
    texts[0].encode()


# --- tracebacks


def test_a_spike_prints_five_tracebacks_and_counts_everything(stdlib):
    before = counts().get(("spike", "WebSocketSendFailureError", "observed"), 0)
    for _ in range(200):
        fail(component="spike", cause=raised())
    assert len(stdlib) == 200
    assert sum("\nTraceback" in line.getMessage() for line in stdlib) == 5
    assert "(195 traceback(s) of this kind left out)" in stdlib[-1].getMessage()
    assert stdlib[-1].failloud["tracebacks_left_out"] == 195
    assert counts()["spike", "WebSocketSendFailureError", "observed"] == before + 200
    stdlib.clear()
    fail(component="other kind", cause=raised())
    assert "\nTraceback" in stdlib[0].getMessage(), "another kind has an allowance of its own"


def test_own_failures_are_limited_in_the_same_way(stdlib):
    before = own_failures().get("test.spike", 0)
    for _ in range(50):
        own_failure("test.spike", raised())
    assert own_failures()["test.spike"] == before + 50
    assert len(stdlib) == 50
    assert sum("\nTraceback" in line.getMessage() for line in stdlib) == 5


def test_nothing_keeps_the_exception(stdlib, sink):
    for route in ("stdlib", "loguru"):
        logs.configure(route=route)
        fail(cause=raised())
    assert stdlib[0].exc_info is None
    assert sink[0]["exception"] is None


def test_a_failure_without_a_cause_uses_up_no_allowance(stdlib):
    for _ in range(20):
        fail()
    fail(cause=raised())
    assert "\nTraceback" in stdlib[-1].getMessage()
    assert "left out" not in "".join(line.getMessage() for line in stdlib)


# --- a host whose logging drops, raises or goes in circles


def test_a_level_that_drops_errors_is_obeyed_and_counted(stdlib):
    before = own_failures().get("logs.muted", 0)
    logging.disable(logging.CRITICAL)
    try:
        fail()
    finally:
        logging.disable(logging.NOTSET)
    assert stdlib == []
    assert own_failures()["logs.muted"] == before + 1


def test_a_dict_config_that_disables_the_logger_in_passing_does_not_silence_it(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    fail()
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
            "root": {"handlers": ["out"], "level": "INFO"},
        }
    )
    try:
        assert logging.getLogger("failloud").disabled
        before = own_failures().get("logs.disabled", 0)
        fail("loud all the same")
        fail()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for logger in list(logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger):
                logger.disabled = False
    out = capsys.readouterr().out
    assert "operation=logs.disabled" in out
    assert "loud all the same" in out
    assert own_failures()["logs.disabled"] == before + 1, "once"


def test_a_log_handler_that_fails_itself_does_not_go_in_a_circle(capsys):
    class Circle(logging.Handler):
        def emit(self, line):
            fail("made by the handler", component="circle")

    handler, log = Circle(), logging.getLogger("failloud")
    key = ("circle", "WebSocketSendFailureError", "observed")
    before, own = counts().get(key, 0), own_failures().get("logs.reentered", 0)
    log.addHandler(handler)
    try:
        with shim.recording() as records:
            fail("the first")
    finally:
        log.removeHandler(handler)
    assert [made.reason for made in records] == ["the first", "made by the handler"]
    assert counts()[key] == before + 1
    assert own_failures()["logs.reentered"] == own + 1
    text = capsys.readouterr().err
    assert "made by the handler" in text
    assert "(a log handler made this failure)" in text


@pytest.mark.parametrize("route", ["stdlib", "loguru"])
def test_the_line_of_a_logging_that_raises_is_on_standard_error(route, capsys):
    def broken(message):
        raise OSError("no space")

    handler = logging.Handler()
    handler.emit = broken
    logging.getLogger("failloud").addHandler(handler)
    number = loguru.add(broken, catch=False)
    logs.configure(route=route)
    before = own_failures().get("recorder.log", 0)
    try:
        with shim.recording() as records:
            fail("the user waits")
    finally:
        logging.getLogger("failloud").removeHandler(handler)
        loguru.remove(number)
    assert len(records) == 1
    assert own_failures()["recorder.log"] == before + 1
    text = capsys.readouterr().err
    assert f"{EVENT} send failure: alpha.send for user u1, run r1: the user waits" in text
    assert "no space" in text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110  # a device, not a file
@pytest.mark.parametrize("route", ["stdlib", "loguru"])
def test_a_full_disk_costs_the_line_and_nothing_else(route, capsys):
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  # a device
        handler = logging.StreamHandler(full)
        logging.getLogger("failloud").addHandler(handler)
        number = loguru.add(full)
        logs.configure(route=route)
        try:
            with shim.recording() as records:
                fail("the user waits")
        finally:
            logging.getLogger("failloud").removeHandler(handler)
            loguru.remove(number)
            with pytest.raises(OSError, match="No space left"):
                full.close()
    assert len(records) == 1
    assert "No space left on device" in capsys.readouterr().err
