"""The funnel for our own failures: counted, logged, and never raised."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from shim.guard import own_failure, own_failures


def count(operation):
    return own_failures().get(operation, 0)


def boom(text="boom"):
    return OSError(text)


def test_it_counts_and_logs_with_the_traceback(caplog):
    before = count("test.plain")
    own_failure("test.plain", boom())
    assert count("test.plain") == before + 1
    (line,) = caplog.records
    assert (line.name, line.levelno) == ("failloud", logging.ERROR)
    first, *rest = line.getMessage().split("\n")
    assert first == "failloud.own_failure operation=test.plain error=OSError('boom')"
    assert rest == ["OSError: boom"], "the traceback, rendered"
    assert line.exc_info is None, "a handler that keeps its lines would keep the exception alive"


def test_operations_are_counted_apart():
    before = own_failures()
    own_failure("test.one", boom())
    own_failure("test.two", boom())
    own_failure("test.two", boom())
    assert count("test.one") - before.get("test.one", 0) == 1
    assert count("test.two") - before.get("test.two", 0) == 2


def test_what_own_failures_gives_is_a_copy():
    own_failure("test.copy", boom())
    own_failures().clear()
    assert count("test.copy") >= 1


class Broken(logging.Handler):
    def emit(self, line):
        raise ValueError("handler down")


@pytest.fixture
def broken_log():
    log, handler = logging.getLogger("failloud"), Broken()
    log.addHandler(handler)
    yield
    log.removeHandler(handler)


@pytest.mark.usefixtures("broken_log")
def test_logging_that_raises_ends_on_standard_error(capsys):
    before = count("test.log")
    own_failure("test.log", boom())
    assert count("test.log") == before + 1
    text = capsys.readouterr().err
    assert "handler down" in text
    assert "boom" in text, "the failure itself, not only the handler's"


@pytest.mark.usefixtures("broken_log")
def test_there_as_well_a_spike_prints_a_few_tracebacks(capsys):
    before = count("test.log_spike")
    for _ in range(50):
        own_failure("test.log_spike", boom())
    assert count("test.log_spike") == before + 50
    text = capsys.readouterr().err
    assert text.count("operation=test.log_spike") == 50
    assert text.count("Traceback") == 5
    assert "45 traceback(s) left out" in text


@pytest.mark.usefixtures("broken_log")
@pytest.mark.parametrize("stream", ["closed", "none"])
def test_without_standard_error_the_count_stands(monkeypatch, tmp_path, stream):
    closed = (tmp_path / "err").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream == "closed" else None)
    before = count("test.mute")
    own_failure("test.mute", boom())
    monkeypatch.undo()
    assert count("test.mute") == before + 1


def test_an_error_that_cannot_be_shown_does_not_raise(capsys):
    class UnreadableError(Exception):
        def __repr__(self):
            raise RuntimeError("no repr")

        __str__ = __repr__

    before = count("test.unreadable")
    own_failure("test.unreadable", UnreadableError())
    assert count("test.unreadable") == before + 1
    capsys.readouterr()


def test_threads_lose_no_count():
    before = count("test.threads")
    logging.getLogger("failloud").setLevel(logging.CRITICAL + 1)
    try:
        threads = [
            threading.Thread(target=lambda: [own_failure("test.threads", OSError()) for _ in range(50)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        logging.getLogger("failloud").setLevel(logging.NOTSET)
    assert count("test.threads") == before + 400
