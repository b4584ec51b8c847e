"""Make the immutable record of one failure, before anything is raised: an ERROR line, a count, the sinks."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from shim import logs
from shim.errors import UNKNOWN, LoudFailure
from shim.guard import own_failure, print_last
from shim.sinks import Sinks
from shim.snapshot import Mode
from shim.tally import Tally

__all__ = ["Action", "FailureRecord", "Sink", "add_sink", "counts", "record", "recording", "remove_sink"]


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

KINDS = 4096
"Kinds counted apart; a host that puts an id where a component's name belongs must not fill the memory."

OTHER = ("other", "other", "other")
"Counts what comes beyond `KINDS`."

_serial = itertools.count(1)
_tally: Tally[tuple[str, str, str]] = Tally()
_kinds: set[tuple[str, str, str]] = set()
_sinks: Sinks[FailureRecord] = Sinks()
_recordings: dict[int, list[FailureRecord]] = {}


def record(
    error: LoudFailure, *, mode: Mode, action: Action, category: int = 0, origin: str = "", cause_known: bool
) -> FailureRecord:
    """Record one failure. Never raises: what fails here goes to `own_failure`, the record is still given back.

    Takes no lock, so it may be called from a finalizer or a signal handler, in the middle of itself.
    """
    component, method = _text(error.component), _text(error.method)
    made = FailureRecord(
        id=f"{os.getpid()}-{next(_serial)}",
        at=time.time(),
        component=component,
        method=method,
        event_type=_text(error.event_type),
        run_id=_text(error.run_id),
        thread_id=_text(error.thread_id),
        user_id=_text(error.user_id),
        origin=origin or f"{component}.{method}",
        category=category,
        reason=_text(error.reason),
        cause=_text(error.cause),
        cause_known=cause_known,
        error_type=type(error).__name__,
        message=_text(error),
        hint=_text(error.hint),
        code=error.code,
        attempt=error.attempt,
        connection_id=_text(error.connection_id),
        mode=mode,
        action=action,
    )
    error.recorded = made
    _count((made.component, made.error_type, made.action))
    for into in _recordings.copy().values():
        into.append(replace(made, error=error))
    _log(made, error.__cause__)
    _sinks.hand(made)
    return made


@contextmanager
def recording() -> Iterator[list[FailureRecord]]:
    """Collect the records made inside the block, by any task or thread, each with its `.error`."""
    found: list[FailureRecord] = []
    _recordings[id(found)] = found
    try:
        yield found
    finally:
        del _recordings[id(found)]


def add_sink(sink: Sink) -> None:
    """Have every later record handed to `sink`, in the thread that failed; it must be quick (see `shim.sinks`)."""
    _sinks.add(sink)


def remove_sink(sink: Sink) -> None:
    """Take a sink out again. Raises ValueError for one that was never added."""
    _sinks.remove(sink)


def counts() -> dict[tuple[str, str, str], int]:
    """Give the number of records by (component, error type, action) since the process started."""
    return _tally.counts()


def _text(value: object) -> str:
    """Give a field as plain text that every log and store takes, whatever the host put there."""
    try:
        text = str(value)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    except Exception as error:  # noqa: BLE001  # somebody's text raises: reported, and the record is made all the same
        own_failure("recorder.text", error)
        return f"{type(value).__name__} (its text raises {type(error).__name__})"


def _count(kind: tuple[str, str, str]) -> None:
    if kind not in _kinds:
        if len(_kinds) >= KINDS:
            kind = OTHER
        _kinds.add(kind)
    _tally.add(kind)


def _log(made: FailureRecord, cause: BaseException | None) -> None:
    fields = {name: getattr(made, name) for name in FailureRecord.__slots__ if name not in ("error", "at")}
    fields |= {"mode": str(made.mode), "action": str(made.action)}
    text = f"{made.message} [{' '.join(_tags(made))}]"
    try:
        logs.write("failloud.failure_recorded", text, fields, kind=(made.component, made.code), cause=cause)
    except Exception as failed:  # noqa: BLE001  # the host's logging may do anything; it must not hide the failure itself
        print_last(f"failloud.failure_recorded {logs.one_line(text)}")
        own_failure("recorder.log", failed)


def _tags(made: FailureRecord) -> Iterator[str]:
    """Give what the message does not say, as `name=value`; what is unknown is left out."""
    tags = {
        "event": made.event_type, "thread": made.thread_id, "connection": made.connection_id, "code": made.code,
        "attempt": made.attempt, "mode": made.mode, "action": made.action, "origin": made.origin, "id": made.id,
    }  # fmt: skip
    for name, value in tags.items():
        if value not in (UNKNOWN, "", 0):
            yield f"{name}={value}"
    if not made.cause_known:
        yield "cause=not-recovered"
