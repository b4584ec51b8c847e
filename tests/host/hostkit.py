"""Faults on the real host's classes: state and stubs at their edges, none of the host's code. And how to run one.

A module that lists its faults in `FAULTS` has the whole matrix by `in_quiet_modes` and `in_enforce`, with the fixture
`installed`; `test_host_figures.py` makes its table of them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import logging
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import shim
from shim import errors
from shim.contracts import Contract
from shim.hosts.netra import HOST
from shim.recorder import FailureRecord

THREAD = "thread_abcd_1234"
RUN = f"run_{THREAD}"
USER = "user_1"
OWN_TABLES = {row.key for row in HOST.contracts if row.component in ("buffer", "connections")} - {
    "buffer.buffer_message"
}
"Contracts whose faults have a kit, a table and tests of their own."
TASKS_S = 0.2
"Seconds that tasks which a call has left behind may take; those of the host that go on for ever are not waited for."

CALLS: Counter[str] = Counter()
"What the stubs were asked, since `run` began."


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to make one contracted method fail; `build` gives a fresh call, made on the classes as they are."""

    contract: str
    "`component.method` of the row called."
    name: str
    build: Callable[[], Callable[[], Awaitable[Any]]]
    error: type[errors.LoudFailure]
    cause: type[BaseException] | None = None
    "Type of the innermost exception that the record must chain."
    escalates: bool = False
    "Enforce gives the host's answer back, after the record; otherwise it raises."
    host_raises: bool = False
    "The host raises by itself; its exception passes in every mode."
    refused: bool = False
    "Enforce raises before the host is called."
    observed: int = 1
    "Records in observe: work that enforce would have refused runs, and loses each of its events."
    reason: str = ""
    "Words the record's reason must have."
    record: Mapping[str, object] = dataclasses.field(default_factory=dict)
    "Fields the record must have."

    @property
    def row(self) -> Contract:
        """The contract's row."""
        return HOST.contract(self.contract)

    def __str__(self) -> str:
        return f"{self.contract}: {self.name}"


@dataclass(frozen=True)
class Outcome:
    """What a caller and the host's log see of one call."""

    value: Any
    error: BaseException | None
    lines: tuple[tuple[str, str], ...]
    calls: dict[str, int]

    def seen(self) -> tuple[object, ...]:
        """Give what must be equal in off and observe."""
        error = self.error and (type(self.error).__name__, _plain(str(self.error)))
        return (_shape(self.value), error, self.lines, self.calls)


def all_faults() -> list[Fault]:
    """Give the faults of every module here that lists some: they are what the table of the figures is made of."""
    found = []
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if "\nFAULTS = " in file.read_text(encoding="utf-8"):
            found += importlib.import_module(file.stem).FAULTS
    return found


def _forget_alerts() -> None:
    module = sys.modules.get("netra_backend.app.monitoring.websocket_notification_monitor")
    if module is not None:
        monitor = module.get_websocket_notification_monitor()
        monitor.recent_alerts.clear()
        monitor.user_metrics.clear()  # some alerts count a user's failures


async def run(build: Callable[[], Callable[[], Awaitable[Any]]]) -> Outcome:
    """Make and await one call; the host's log lines and what its stubs were asked go into the outcome.

    The host's monitor tells of a lost event in a task of its own, once in five minutes: its memory is emptied before,
    and what the call started ends within it, or its lines would be another call's.
    """
    _forget_alerts()
    call = build()
    CALLS.clear()
    value, failed = None, None
    with _listening() as lines:
        running = asyncio.all_tasks()
        try:
            value = await call()
        except Exception as error:  # noqa: BLE001  # what the caller sees is the outcome
            failed = error
        if started := asyncio.all_tasks() - running:
            await asyncio.wait(started, timeout=TASKS_S)
    return Outcome(value, failed, tuple(lines), dict(CALLS))


async def in_quiet_modes(fault: Fault) -> None:
    """Assert off and observe to be the bare host bit for bit; off records nothing, observe one failure."""
    with bare():
        before = await run(fault.build)
    assert bool(before.error) == fault.host_raises
    with everything("off"), shim.recording() as none:
        off = await run(fault.build)
    with everything("observe"), shim.recording() as records:
        observed = await run(fault.build)
    assert off.seen() == before.seen()
    assert none == []
    assert observed.seen() == before.seen()
    _check(fault, records, "raised" if fault.host_raises else "observed")


async def in_enforce(fault: Fault) -> Outcome:
    """Assert one record and then a raise or an escalation."""
    with bare():
        before = await run(fault.build)
    with everything("enforce"), shim.recording() as records:
        found = await run(fault.build)
    _check(fault, records, "escalated" if fault.escalates else "raised")
    assert found.calls == ({} if fault.refused else before.calls), "the host was called other than once"
    if fault.escalates or fault.host_raises:
        assert found.seen() == before.seen()
    else:
        assert found.error is records[0].error
        assert fault.refused or found.lines == before.lines
    return found


def _check(fault: Fault, records: list[FailureRecord], action: str) -> None:
    times = fault.observed if action == "observed" else 1
    assert [str(one.action) for one in records] == [action] * times, records
    assert len({one.event_type for one in records}) == times
    for found in records:
        _check_record(fault, found)


def _check_record(fault: Fault, found: FailureRecord) -> None:
    assert (found.component, found.method) == (fault.row.component, fault.row.method)
    assert (found.error_type, found.cause_known) == (fault.error.__name__, True)
    assert found.error is not None
    cause = found.error.__cause__
    assert (cause and type(cause)) is fault.cause, found.reason
    assert fault.reason in found.reason
    for name, value in fault.record.items():
        assert getattr(found, name) == value, name


def everything(mode: str, **but: str) -> AbstractContextManager[None]:
    """Put every component of the host in one mode, but for those named."""
    return shim.override(**(dict.fromkeys(HOST.components, mode) | but))


@contextmanager
def _listening() -> Iterator[list[tuple[str, str]]]:
    """Collect the host's log lines, loguru's and the standard library's; times and fresh ids are blanked."""
    lines: list[tuple[str, str]] = []
    loguru = importlib.import_module("loguru").logger
    sink = loguru.add(
        lambda text: lines.append((text.record["level"].name, _plain(text.record["message"]))),
        level=0,
        filter=hosts_own,
    )
    handler = _Lines(lines)
    level = logging.root.level
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        loguru.remove(sink)
        logging.root.removeHandler(handler)
        logging.root.setLevel(level)


def hosts_own(record: Mapping[str, Any]) -> bool:
    """Say whether a line of loguru's is the host's: ours carry our name."""
    return record["name"] != "failloud"


class _Lines(logging.Handler):
    def __init__(self, lines: list[tuple[str, str]]) -> None:
        super().__init__(level=0)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in ("failloud", "asyncio") and not hasattr(record, "extra"):
            self.lines.append((record.levelname, _plain(record.getMessage())))


def _plain(text: str) -> str:
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.+]+", "#", text)
    text = re.sub(
        r"\b\d+(?:\.\d+)?ms\b|(?<=_)([0-9a-f]{8}|\d{13})(?![0-9a-z])", "#", text
    )  # durations, made-up run ids
    return re.sub(r"\d+(\.\d+)?e-?\d+|\d+\.\d+", "#", text)  # `9e-06` too: some durations have one digit


def _shape(value: Any) -> object:
    return value if isinstance(value, str | int | None) else (type(value).__name__, _plain(repr(value)))


class Manager:
    """A stub WebSocket manager with one connection: answers, or raises what it was given."""

    def __init__(self, answer: Any, thread_id: str | None = THREAD) -> None:
        self.answer = answer
        self.connections: dict[str, Any] = {}
        if thread_id is not None:
            self.connections["conn_1"] = {"thread_id": thread_id, "user_id": USER}
        self.calls = 0

    async def send_to_thread(self, thread_id: str, message: Any) -> Any:
        self.calls += 1
        CALLS["send_to_thread"] += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Bridge:
    """A stub bridge whose every notification answers, or raises, the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if not name.startswith(("notify_", "register_", "unregister_")):
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            CALLS[name] += 1
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


class Answers:
    """A stub object: each method named answers, or raises, what it was given; all are coroutine functions."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_") or name not in self._answers:
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            CALLS[name] += 1
            if isinstance(answer := self._answers[name], BaseException):
                raise answer
            return answer

        return call


_bare = False


@contextmanager
def bare() -> Iterator[None]:
    """Have `make` and `find` give the host's own classes, though the shim is installed."""
    global _bare  # noqa: PLW0603  # tests run one at a time
    _bare = True
    try:
        yield
    finally:
        _bare = False


def find(target: str) -> Any:
    """Give a host class by its declared target: the shim's, or the host's own inside `bare()`."""
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    return getattr(found, "__failloud_host__", found) if _bare else found


def make(target: str, *args: Any, **kwargs: Any) -> Any:
    """Make an instance of a host class by its declared target."""
    return find(target)(*args, **kwargs)


@contextmanager
def swapped(holder: Any, **values: Any) -> Iterator[None]:
    """Set attributes for a while."""
    before = {name: getattr(holder, name) for name in values}
    for name, value in values.items():
        setattr(holder, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


_VALUES = {
    "run_id": RUN, "thread_id": THREAD, "user_id": USER, "agent_name": "triage", "tool_name": "search",
    "reasoning": "because", "error": "broken", "death_cause": "timeout", "progress": {"percent": 1},
    "notification_type": "note", "data": {"a": 1}, "event_type": "note", "message": "hello",
}  # fmt: skip


def arguments(row: Contract, **given: Any) -> dict[str, Any]:
    """Give values for a row's parameters that have no default, and for those named."""
    parts = [part.strip() for part in row.signature.strip("()").split(",")]
    required = [part for part in parts if "=" not in part and part != "self"]
    found = {name: _VALUES[name] for name in required}
    if "run_id=None" in row.signature:
        found["run_id"] = RUN
    return found | given


def bridge_with(answer: Any) -> Any:
    """Make a real bridge over a stub manager that has the run's thread connected."""
    bridge = make("netra_backend.app.services.agent_websocket_bridge:AgentWebSocketBridge")
    bridge._websocket_manager = Manager(answer)
    return bridge


def rows(target: str) -> list[Contract]:
    """Give the rows of one class."""
    return [row for row in HOST.contracts if row.target == target]


def call(instance: Any, row: Contract, **given: Any) -> Callable[[], Awaitable[Any]]:
    """Bind one call of a row."""
    return lambda: getattr(instance, row.method)(**arguments(row, **given))


def context() -> SimpleNamespace:
    """Give what the factory reads of a user's context."""
    return SimpleNamespace(user_id=USER, thread_id=THREAD, run_id=RUN, db_session=None)
