"""Make the immutable record of one failure, before anything is raised: an ERROR line, a count, the sinks."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import structlog

from shim.errors import LoudFailure
from shim.guard import own_failure
from shim.snapshot import Mode

__all__ = ["Action", "FailureRecord", "Sink", "add_sink", "counts", "logger", "record", "recording", "remove_sink"]


class Action(StrEnum):
    """What was done with a failure once it was recorded."""

    OBSERVED = "observed"
    "Recorded only; the host's answer was given back."
    RAISED = "raised"
    "A LoudFailure was raised, or the host's own exception let through."
    ESCALATED = "escalated"
    "Loud without raising: the work was done, and its result given back."


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """One undelivered, dropped, rejected, misrouted or falsely confirmed event. Rendered fields only."""

    id: str
    at: float
    "Seconds since the epoch."
    component: str
    method: str
    event_type: str
    run_id: str
    thread_id: str
    user_id: str
    origin: str
    "Contract, `component.method`, of the innermost call that saw the failure."
    category: int
    "Audit category, 0 where the contract names none."
    reason: str
    cause: str
    "The innermost exception, rendered; empty where there was none or it could not be recovered."
    cause_known: bool
    error_type: str
    message: str
    hint: str
    code: str
    "Reason code, one of `shim.codes`."
    attempt: int
    "Which attempt at the delivery failed, counted from 1; 0 = unknown."
    connection_id: str
    mode: Mode
    action: Action
    error: LoudFailure | None = None
    "The exception itself: only in the records that `recording()` gives."

    @property
    def raised(self) -> bool:
        """Say whether the failure was raised."""
        return self.action is Action.RAISED


Sink = Callable[[FailureRecord], None]

_lock = threading.Lock()
_serial = itertools.count(1)
_counts: Counter[tuple[str, str, str]] = Counter()
_sinks: list[Sink] = []
_recordings: list[list[FailureRecord]] = []


def record(
    error: LoudFailure, *, mode: Mode, action: Action, category: int = 0, origin: str = "", cause_known: bool
) -> FailureRecord:
    """Record one failure. Never raises: what fails here goes to `own_failure`, the record is still given back."""
    made = FailureRecord(
        id=f"{os.getpid()}-{next(_serial)}",
        at=time.time(),
        component=error.component,
        method=error.method,
        event_type=error.event_type,
        run_id=error.run_id,
        thread_id=error.thread_id,
        user_id=error.user_id,
        origin=origin or f"{error.component}.{error.method}",
        category=category,
        reason=error.reason,
        cause=error.cause,
        cause_known=cause_known,
        error_type=type(error).__name__,
        message=str(error),
        hint=error.hint,
        code=error.code,
        attempt=error.attempt,
        connection_id=error.connection_id,
        mode=mode,
        action=action,
    )
    error.recorded = made
    with _lock:
        _counts[made.component, made.error_type, made.action] += 1
        for into in _recordings:
            into.append(replace(made, error=error))
        sinks = tuple(_sinks)
    for sink in (_log, *sinks):
        try:
            sink(made)
        except Exception as failed:  # noqa: BLE001  # a sink may do anything; it must not hide the failure itself
            own_failure("recorder.sink", failed)
    return made


@contextmanager
def recording() -> Iterator[list[FailureRecord]]:
    """Collect the records made inside the block, by any task or thread, each with its `.error`."""
    found: list[FailureRecord] = []
    with _lock:
        _recordings.append(found)
    try:
        yield found
    finally:
        with _lock:
            _recordings[:] = [other for other in _recordings if other is not found]


def add_sink(sink: Sink) -> None:
    """Have every later record handed to `sink`, in the thread that failed; it must be quick."""
    with _lock:
        _sinks.append(sink)


def remove_sink(sink: Sink) -> None:
    """Take a sink out again. Raises ValueError for one that was never added."""
    with _lock:
        _sinks.remove(sink)


def counts() -> dict[tuple[str, str, str], int]:
    """Give the number of records by (component, error type, action) since the process started."""
    with _lock:
        return dict(_counts)


def _log(made: FailureRecord) -> None:
    fields = {name: getattr(made, name) for name in FailureRecord.__slots__ if name not in ("error", "at")}
    logger().error("failloud.failure_recorded", **fields)


def logger() -> Any:
    """Use the host's structlog where it is configured; else plain logging, which reaches stderr unconfigured."""
    if structlog.is_configured():
        return structlog.get_logger("failloud")
    return structlog.wrap_logger(
        logging.getLogger("failloud"),
        processors=[structlog.processors.KeyValueRenderer(key_order=["event", "component", "method", "message"])],
        wrapper_class=structlog.BoundLogger,
    )
