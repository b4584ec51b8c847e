"""The call-site verbs. Host code imports them from its façade; with the component off each does nothing.

`delivered` checks a result, `missing` stands where a None guard used to return in silence, `escalate` is loud where
raising would destroy work, `spawn` starts a task whose failure is reported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from shim import flags, markers, undelivered
from shim.contracts import Contract, Shows, Work
from shim.decisions import OFF, Decision, FlagError
from shim.errors import UNKNOWN, LoudFailure
from shim.frames import Event, Frame, Note, enclosing, same_event
from shim.guard import brief, own_failure
from shim.host import installed
from shim.recorder import Action, FailureRecord, record
from shim.settle import error_for, event_of
from shim.snapshot import Mode
from shim.stack import handled_here, in_handler
from shim.swallowed import mark

__all__ = ["delivered", "escalate", "missing", "spawn"]

_T = TypeVar("_T")
_tasks: set[asyncio.Task[Any]] = set()


def delivered(value: _T, contract: str, *, run_id: str | None = None, own: bool = False) -> _T:
    """Check the result of a contracted call and give it back.

    `contract` reads `component.method`. A result that means failure is recorded, unless an installed shim has recorded
    that failure already; in enforce it is then raised as the contract's exception. Without an installed host: inert.
    `own` stands in the contracted method itself, at an answer that is a failure whatever its value: the exception the
    method is just handling is the cause, and the call's own shim, where there is one, records it.
    """
    row, decision = _row(contract)
    if row is None or decision.mode is Mode.OFF or not (own or _means_failure(row, value)):
        return value
    cause = handled_here() if own else None
    note = Note(key="verb", error=row.error, reason=_why(row, value, own=own), hint=row.hint, cause=cause)
    note = replace(note, unexplained=cause is None)
    frame = enclosing()
    if frame is not None:  # part of an outer call: that call records and raises, once
        if own and frame.row.key == row.key:
            _explain(frame, row, note)
        elif not any(
            other.origin == row.key and same_event(other.events, (_event(row, run_id),)) for other in frame.notes
        ):
            frame.note(replace(note, events=(_event(row, run_id),), origin=row.key, details=_known(run_id)))
        return value
    if isinstance(cause, LoudFailure) and cause.recorded:
        mark(cause, by=row.key)  # raised further in, and recorded there
        return value
    if not own and markers.take(contract, run_id):
        return value
    _tell(row, note, decision, run_id, own=own)
    return value


def _why(row: Contract, value: object, *, own: bool) -> str:
    return f"{row.reason} ({'the method answers' if own else 'the call site saw'} {brief(value)})"


def _explain(frame: Frame, row: Contract, note: Note) -> None:
    """Hand the cause to the call that is answered: its shim sees the answer itself, where that says anything."""
    says_nothing = row.shows in (Shows.NEVER, Shows.RAISES)
    if (note.cause is not None or says_nothing) and all(other.doubt for other in frame.notes):
        frame.note(replace(note, decides=says_nothing))


def _tell(row: Contract, note: Note, decision: Decision, run_id: str | None, *, own: bool) -> None:
    error = _error(row, note, run_id)
    raises = decision.mode is Mode.ENFORCE and row.work is Work.NONE and not in_handler()
    made = _record(error, row, decision, raises=raises, known=not note.unexplained)
    if note.cause is not None:
        mark(note.cause, by=row.key)  # a loud cause goes on in this failure
    if own and not raises:  # the call site will see the answer: it is told already
        markers.leave(row.key, _event(row, run_id), made)
    try:
        if raises:
            raise error
    finally:
        del error  # the traceback holds this frame: in a circle, a swallowed failure would not die at once


def missing(component: str, method: str, *, run_id: str | None = None) -> None:
    """Say that the object which would have delivered is None: recorded, and raised in enforce."""
    row, decision = _row(f"{component}.{method}")
    if row is None or decision.mode is Mode.OFF:
        return
    need = row.needs[0] if row.needs else None
    kind = need.error if need else row.error
    note = Note(key="verb", error=kind, reason=f"the {component} is None", hint=row.hint)
    frame = enclosing()
    if frame is not None:  # part of an outer call: that call records and raises, once
        frame.note(replace(note, events=(_event(row, run_id),), origin=row.key, details=_known(run_id)))
        return
    error = _error(row, note, run_id)
    raises = decision.mode is Mode.ENFORCE and not in_handler()
    _record(error, row, decision, raises=raises, known=True)
    try:
        if raises:
            raise error
    finally:
        del error  # the traceback holds this frame: in a circle, a swallowed failure would not die at once


def escalate(error: LoudFailure) -> None:
    """Be loud without raising: for code that holds finished work, or stands in an except body."""
    mark(error, by="escalate")
    try:
        decision = flags.mode(error.component)
    except FlagError as unknown:
        own_failure("calls.escalate", unknown)
        return
    if decision.mode is not Mode.OFF:
        action = Action.ESCALATED if decision.mode is Mode.ENFORCE else Action.OBSERVED
        record(error, mode=decision.mode, action=action, category=0, cause_known=error.__cause__ is not None)


def spawn(coro: Coroutine[Any, Any, _T], *, name: str) -> asyncio.Task[_T]:
    """Start a task, keep it alive until it ends, and report its failure under `name`. Needs a running loop."""
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _tasks.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _tasks.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is None:
        return
    mark(error, by=f"spawn {task.get_name()}")
    if not isinstance(error, LoudFailure):  # a loud one is recorded already
        own_failure(f"task.{task.get_name()}", error)


def _row(contract: str) -> tuple[Contract | None, Decision]:
    for each in installed():
        try:
            row = each.host.contract(contract)
        except KeyError:
            continue
        return row, flags.mode(row.component)
    if installed():
        own_failure("calls.unknown_contract", LookupError(f"no installed host declares the contract {contract!r}"))
    return None, OFF


def _means_failure(row: Contract, value: object) -> bool:
    if row.shows is Shows.FALSY:
        return not value
    return row.shows is Shows.UNSUCCESSFUL and not getattr(value, "success", False)


def _error(row: Contract, note: Note, run_id: str | None) -> LoudFailure:
    common = {"event_type": _event_type(row)} | _known(run_id)
    return error_for(row, note, {"common": common, "operation": row.method})


def _known(run_id: str | None) -> dict[str, str]:
    return {} if run_id is None else {"run_id": run_id}


def _event(row: Contract, run_id: str | None) -> Event:
    return event_of(row, _event_type(row), {"run_id": run_id or ""}, {})


def _event_type(row: Contract) -> str:
    return UNKNOWN if row.event_type.startswith("{") else row.event_type or row.method


def _record(error: LoudFailure, row: Contract, decision: Decision, *, raises: bool, known: bool) -> FailureRecord:
    quiet = Action.OBSERVED if decision.mode is Mode.OBSERVE else Action.ESCALATED
    action = Action.RAISED if raises else quiet
    made = record(error, mode=decision.mode, action=action, category=row.category, cause_known=known)
    if decision.mode is Mode.ENFORCE:
        undelivered.hand_on(made, (_event(row, made.run_id),), began=time.monotonic())
    return made
