"""Frames of contracted calls: inner ones note, the outermost one decides. One failure is one record.

A frame is open while its call runs. Notes travel up: what an inner call noted is handed to the frame around it,
innermost cause first. A later success for the same event in the same call forgives the note, so a retry or a
fallback that succeeds is no failure. A task that outlives the call that spawned it answers for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from shim.contracts import Collaborator, Contract
from shim.errors import LoudFailure
from shim.event import Event, same_event
from shim.locks import fresh_lock
from shim.snapshot import Mode

__all__ = [
    "NOTHING",
    "Call",
    "Event",
    "Frame",
    "Note",
    "Plan",
    "current",
    "enclosing",
    "frame_of",
    "noted",
    "open_call",
    "same_event",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A failure seen on the way: what it is about, what to raise for it, and its cause."""

    key: Hashable
    "Who saw it: a later success under the same key forgives the note."
    error: type[LoudFailure]
    reason: str
    hint: str = ""
    cause: BaseException | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    "As the inner calls that handed it up saw the event; empty for what the call itself saw of its own."
    origin: str = ""
    "Contract of the innermost call that saw it; empty where that is the outermost one."
    category: int = 0
    "Audit category of that contract."
    decides: bool = True
    "Counts even where the host then reports success."
    unexplained: bool = False
    "Nothing but the call's own answer tells of the failure: its cause could not be recovered."
    separate: bool = False
    "Another event than the call's own (an eviction): recorded beside it, never raised."
    message: object = None
    "The event as the client would get it, where it was worded already and handed over."
    tried: bool = False
    "It was handed to something that writes to connections."
    kept: bool = False
    "The host still holds the event, and goes on trying."
    doubt: bool = False
    "The host reports success, and nothing bears it out: counts only where nothing else explains the call."

    @property
    def is_need(self) -> bool:
        """Whether it says what was missing before the call."""
        return isinstance(self.key, tuple) and self.key[:1] == ("need",)


Call = list[Any]
"""A contracted call under way. It is a list because every call pays for it, and only those that fail look inside: a
list display takes 50 ns where an object takes 250. The names below are its places; `Frame` is how to look inside."""

PLAN, INSTANCE, ARGS, KWARGS, PARENT, MODE, NOTES, OPEN, HELD, BEGAN, STEP, OUTSIDE, SEEN = range(13)
"""HELD is what the row's first watch held when the call began: what it says is looked for there first. BEGAN is the
time, by `time.monotonic`. The last three are for a method with steps of a mixin: what its `failloud_before` gave, the
exception that was being handled when the call began, and the witness of those that the host handled in it."""

NOTHING: Mapping[str, object] = MappingProxyType({})
"The keyword arguments of a call that has none."

_lock = fresh_lock()


class Plan(Protocol):
    """What the calls of one contract have in common."""

    row: Contract
    watching: Mapping[str, tuple[Collaborator, ...]]
    "Method of a collaborator -> the row's watches that name it."
    first: Mapping[str, Collaborator]
    "The same for the first watch alone."

    def late(self, frame: Frame, note: Note) -> None:
        """Answer for a note that arrives when no call is left to carry it."""


class Frame:
    """One contracted call, seen by what fails inside it."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    @property
    def row(self) -> Contract:
        """Its contract."""
        plan: Plan = self.call[PLAN]
        return plan.row

    @property
    def instance(self) -> Any:
        """What it was called on; None inside a watched call of a collaborator."""
        return self.call[INSTANCE]

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments, those that the caller left to their defaults included."""
        args: tuple[Any, ...] = self.call[ARGS]
        return args

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """The keyword-only arguments."""
        kwargs: Mapping[str, Any] = self.call[KWARGS]
        return kwargs

    @property
    def mode(self) -> Mode:
        """The component's mode when the call began."""
        mode: Mode = self.call[MODE]
        return mode

    @property
    def began(self) -> float:
        """When it began, by `time.monotonic`."""
        began: float = self.call[BEGAN]
        return began

    @property
    def parent(self) -> Frame | None:
        """The call around it."""
        return None if self.call[PARENT] is None else Frame(self.call[PARENT])

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noted so far, oldest (innermost) first."""
        return tuple(self.call[NOTES] or ())

    @property
    def is_open(self) -> bool:
        """Say whether the call still runs."""
        return bool(self.call[OPEN])

    def note(self, note: Note) -> None:
        """Add a note. Where the call has ended it goes to the next open call around; with none left, `late` answers."""
        call = self.call
        while not _kept(call, note):
            if call[PARENT] is None:
                call[PLAN].late(Frame(call), note)
                return
            call = call[PARENT]

    def forgive(self, key: Hashable) -> None:
        """Drop the notes of one that has now succeeded."""
        _drop(self.call, [note for note in self.notes if note.key == key])

    def forgive_event(self, events: tuple[Event, ...]) -> None:
        """Drop the notes about an event that has arrived after all, here and in the calls around."""
        call: Call | None = self.call
        while call is not None:
            _drop(call, [note for note in call[NOTES] or () if same_event(note.events, events)])
            call = call[PARENT]

    def close(self) -> list[Note]:
        """End the call and give its notes, oldest (innermost) first."""
        with _lock:
            self.call[OPEN] = False
            notes: list[Note] = self.call[NOTES] or []
            self.call[NOTES] = None
            return notes


def _kept(call: Call, note: Note) -> bool:
    """Add a note to a call that is open, also when it ends at this very moment: a success closes without the lock."""
    with _lock:
        if not call[OPEN]:
            return False
        notes = call[NOTES] = [*(call[NOTES] or ()), note]
        if not call[OPEN]:
            call[NOTES] = notes[:-1]
            return False
        return True


def _drop(call: Call, forgiven: Collection[Note]) -> None:
    gone = {id(note) for note in forgiven if not note.separate}
    if gone:
        with _lock:
            call[NOTES] = [note for note in call[NOTES] or () if id(note) not in gone]


def noted(call: Call | None) -> bool:
    """Say whether a call, or one around it, holds a note that a success might forgive."""
    while call is not None:
        if call[NOTES]:
            return True
        call = call[PARENT]
    return False


current: ContextVar[Call | None] = ContextVar("failloud_call", default=None)


def open_call() -> Call | None:
    """Give the innermost call that this code runs in and that has not ended."""
    call = current.get()
    while call is not None and not call[OPEN]:
        call = call[PARENT]
    return call


def enclosing() -> Frame | None:
    """Give the open frame this code runs in, if any."""
    call = open_call()
    return None if call is None else Frame(call)


def frame_of(instance: object) -> Frame | None:
    """Give the open frame of a call of this very instance that the running code belongs to."""
    call = open_call()
    return Frame(call) if call is not None and call[INSTANCE] is instance else None
