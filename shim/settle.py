"""Turn the notes of an ended outermost call into records, and say what to raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shim import markers, undelivered
from shim.codes import Code
from shim.contracts import Contract, Work
from shim.errors import UNKNOWN, Common, LoudFailure
from shim.frames import Event, Frame, Note, same_event
from shim.guard import own_failure, shown
from shim.identity import arguments_of, event_type_of, identity_of
from shim.recorder import Action, FailureRecord, record
from shim.snapshot import Mode
from shim.stack import in_handler
from shim.swallowed import mark

__all__ = ["completed", "describe", "error_for", "event_of", "failures", "settle", "settle_late"]


def settle(
    frame: Frame,
    notes: list[Note],
    paths: Mapping[str, str],
    function: Any,
    *,
    host_raised: bool = False,
    refused: bool = False,
    cancelled: bool = False,
) -> LoudFailure | None:
    """Record each failure of the call once: its own, then each separate one. Gives the error to raise, if any.

    Nothing is raised in the middle of the host's handling of an exception: its clean-up must go on.
    `host_raised`: the host's own exception goes on and is loud already. `refused`: the work was not started.
    `cancelled`: a cancellation or exit goes on, and nothing is raised in its place.
    """
    who, mode = describe(frame, paths, function), frame.mode
    quiet = Action.OBSERVED if mode is Mode.OBSERVE else Action.ESCALATED
    raises = mode is Mode.ENFORCE and not cancelled and (refused or (frame.row.work is Work.NONE and not in_handler()))
    loud = Action.RAISED if raises or host_raised else quiet
    errors = []
    for note in failures(frame.row, notes, who["event"]):
        known = markers.elsewhere(who["event"], since=frame.began) if note.unexplained and not note.events else None
        if known is None:
            errors.append(_record(frame, note, who, mode, loud))
        else:  # a thread that works for this call has recorded it
            errors.append(error_for(frame.row, note, who))
            errors[-1].recorded = known
    for note in notes:
        if note.separate:
            _record(frame, note, who, mode, quiet)
    return errors[0] if errors and raises and not host_raised else None


def failures(row: Contract, notes: list[Note], own: Event) -> list[Note]:
    """Give one note per failed event, innermost first: what inner calls told, then what the call itself saw."""
    told: list[Note] = []
    for note in notes:
        if note.events and not note.separate and not any(same_event(note.events, other.events) for other in told):
            told.append(note)
    seen = [note for note in notes if not note.events and not note.separate]
    seen.sort(key=lambda note: note.doubt)  # stable: a doubt comes after what explains the failure
    if row.work is Work.NONE:  # a notification: one event, whoever saw it fail
        return told if any(same_event(note.events, (own,)) for note in told) else [*told, *seen[:1]]
    if told:  # the inner calls say what a missing need has cost, event by event
        seen = [note for note in seen if not note.is_need]
    elif any(note.is_need for note in seen):  # enforce would have refused the call: what else failed follows from it
        seen = [note for note in seen if note.is_need]
    return [*told, *{note.key: note for note in reversed(seen)}.values()]


def settle_late(frame: Frame, note: Note, paths: Mapping[str, str], function: Any, mode: Mode) -> None:
    """Record a failure that became known when no call was left to carry it: escalated, since nobody can catch it."""
    action = Action.OBSERVED if mode is Mode.OBSERVE else Action.ESCALATED
    _record(frame, note, describe(frame, paths, function), mode, action)


def describe(frame: Frame, paths: Mapping[str, str], function: Any) -> dict[str, Any]:
    """Gather what is known of a call: identity fields, event type, and the details some errors carry."""
    arguments = arguments_of(function, frame.instance, frame.args, frame.kwargs)
    identity = identity_of(paths, frame.instance, arguments)
    event_type = event_type_of(frame.row, frame.instance, arguments)
    subject = identity.pop("subject", "")
    common = {name: value for name, value in identity.items() if name in Common.__annotations__}
    own = {name: value for name, value in identity.items() if name not in common}  # keys of the host's own errors
    details: dict[str, Any] = {
        **own,
        "own": own,
        "common": {**common, "event_type": event_type},
        "event": event_of(frame.row, event_type, identity, arguments),
        "operation": f"{event_type}({subject})" if subject else event_type,
        "from_agent": type(frame.instance).__name__,
        "to_agent": subject or "unknown",
        "last_event": event_type,
    }
    return details


_WHO = ("run_id", "thread_id", "user_id")


def completed(frame: Frame, common: Mapping[str, str], note: Note) -> dict[str, str]:
    """Give the record's fields as the note knows them, completed from the host's own tables by its mixin."""
    known = {**common, **{name: str(note.details[name]) for name in _WHO if note.details.get(name, UNKNOWN) != UNKNOWN}}
    complete = getattr(frame.instance, "failloud_identity", None)
    if complete is not None and any(known.get(name, UNKNOWN) == UNKNOWN for name in _WHO):
        try:
            known |= complete(known)
        except Exception as error:  # noqa: BLE001  # reported; the fields read unknown
            own_failure("identity", error)
    return known


def event_of(row: Contract, event_type: str, identity: Mapping[str, str], arguments: Mapping[str, object]) -> Event:
    """Say which event a call is about."""
    known = {name: identity.get(name) or UNKNOWN for name in _WHO}
    passed = {name: value for name, value in arguments.items() if name != "self"}
    held = row.event_type[1:-1].partition(".")  # `{message.type}`: the argument is the event itself
    message = passed.get(held[0]) if held[2] else None
    return Event(
        type=event_type, contract=row.key, arguments=passed, message=message, written=row.writes, **known
    )  # fmt: skip


def error_for(row: Contract, note: Note, who: Mapping[str, Any]) -> LoudFailure:
    """Compose the exception of one note, cause chained."""
    cause = "" if note.cause is None else shown(note.cause)
    details = {"failure_reason": cause or note.reason, "validation_error": note.reason, "drop_reason": note.reason}
    precise = {k: v for k, v in note.details.items() if k in Common.__annotations__ and v != UNKNOWN}
    common = {**who["common"], **precise}
    every = {**who, **details, **note.details}
    common |= {"component": row.component, "method": row.method, "cause": cause, "hint": note.hint or row.hint}
    try:
        error: LoudFailure = note.error.build(note.reason, every, **common)
    except Exception as failed:  # noqa: BLE001  # a host's own class may refuse: the failure is told by the root class
        own_failure("settle.build", failed)
        error = LoudFailure.build(note.reason, every, **common)
    error.__cause__ = note.cause
    return error


def _record(frame: Frame, note: Note, who: Mapping[str, Any], mode: Mode, action: Action) -> LoudFailure:
    row = frame.row
    error = error_for(row, note, {**who, "common": completed(frame, who["common"], note)})
    if note.cause is not None:
        mark(note.cause, by=row.key)  # a loud cause goes on in this failure
    known = not note.unexplained
    category, origin = note.category or row.category, note.origin or row.key
    made = record(error, mode=mode, action=action, category=category, origin=origin, cause_known=known)
    markers.leave(row.key, who["event"], made)
    if mode is Mode.ENFORCE and not note.kept:
        _hand_on(made, note, who["event"], frame.began)
    return error


def _hand_on(made: FailureRecord, note: Note, own: Event, began: float) -> None:
    events = (*note.events, own)
    worded = (note.message, *(event.message for event in events))
    message = next((each for each in worded if each is not None), None)
    undelivered.hand_on(made, events, began=began, message=message, tried=_was_written(made, note, events))


_UNWRITTEN = frozenset({Code.NO_CONNECTION, Code.CONNECTION_EXPIRED, Code.FALSE_SUCCESS})
"The host found nobody to write to, though somebody may be there."


def _was_written(made: FailureRecord, note: Note, events: tuple[Event, ...]) -> bool:
    """Say whether something may have been written to the connections there were; what is not known counts as yes."""
    if made.code in _UNWRITTEN or not (note.tried or any(event.written for event in events)):
        return False
    is_skipped = made.code == Code.CONNECTION_LOST and made.attempt == 0 and note.cause is None
    return not is_skipped
