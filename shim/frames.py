"""Frames of contracted calls: inner ones note, the outermost one decides. One failure is one record.

A frame is open while its call runs. Notes travel up: what an inner call noted is handed to the frame around it,
innermost cause first. A later success for the same event in the same call forgives the note, so a retry or a
fallback that succeeds is no failure. A task that outlives the call that spawned it answers for itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from shim.contracts import Contract
from shim.errors import UNKNOWN, LoudFailure
from shim.guard import own_failure

__all__ = ["Event", "Frame", "Late", "Note", "current", "enclosing", "frame_of", "restore", "same_event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One contracted call's view of an event: its type, for whom, and the arguments that were passed."""

    type: str
    run_id: str = UNKNOWN
    thread_id: str = UNKNOWN
    user_id: str = UNKNOWN
    contract: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict, compare=False)

    def fits(self, other: Event) -> bool:
        """Say whether both can be for one recipient: same type, and nothing that both know differs."""
        mine = (self.type, self.run_id, self.thread_id, self.user_id)
        theirs = (other.type, other.run_id, other.thread_id, other.user_id)
        return all(UNKNOWN in pair or pair[0] == pair[1] for pair in zip(mine, theirs, strict=True))

    def repeats(self, other: Event) -> bool:
        """Say whether a call of the same contract is the same call again (a retry): equal arguments."""
        shared = self.arguments.keys() & other.arguments.keys()
        return self.fits(other) and all(_equal(self.arguments[name], other.arguments[name]) for name in shared)


def _equal(one: object, other: object) -> bool:
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception as error:  # noqa: BLE001  # somebody's __eq__; reported, and two events rather than one
        own_failure("frames.equal", error)
        return False


def same_event(one: tuple[Event, ...], other: tuple[Event, ...]) -> bool:
    """Compare how the calls on the way saw an event, innermost first.

    Where both went through one contract its arguments decide: three thoughts of a run are three events. Else (a
    fallback by another way) type and recipient do.
    """
    for mine in one:
        for theirs in other:
            if mine.contract and mine.contract == theirs.contract:
                return mine.repeats(theirs)
    return bool(one and other) and one[0].fits(other[0])


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


Late = Callable[["Frame", Note], None]
"Answers for a note that arrives when no call is left to carry it: records and escalates."


class Frame:
    """One contracted call under way."""

    __slots__ = ("_lock", "args", "instance", "is_open", "kwargs", "late", "notes", "parent", "row")

    def __init__(
        self,
        row: Contract,
        instance: object,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
        *,
        parent: Frame | None,
        late: Late,
    ) -> None:
        self.late = late
        self.row = row
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.parent = parent
        self.notes: list[Note] = []
        self.is_open = True
        self._lock = threading.Lock()

    def note(self, note: Note) -> None:
        """Add a note. Where the call has ended it goes to the next open call around; with none left, `late` answers."""
        with self._lock:
            if self.is_open:
                self.notes.append(note)
                return
        if self.parent is not None:
            self.parent.note(note)
        else:
            self.late(self, note)

    def forgive(self, key: Hashable) -> None:
        """Drop the notes of one that has now succeeded."""
        if self.notes:
            with self._lock:
                self.notes = [note for note in self.notes if note.separate or note.key != key]

    def forgive_event(self, events: tuple[Event, ...]) -> None:
        """Drop the notes about an event that has arrived after all, here and in the calls around."""
        if self.notes:
            with self._lock:
                self.notes = [note for note in self.notes if note.separate or not same_event(note.events, events)]
        if self.parent is not None:
            self.parent.forgive_event(events)

    def close(self) -> list[Note]:
        """End the call and give its notes, oldest (innermost) first."""
        with self._lock:
            self.is_open = False
            return self.notes


current: ContextVar[Frame | None] = ContextVar("failloud_frame", default=None)


def enclosing() -> Frame | None:
    """Give the open frame this code runs in, if any."""
    frame = current.get()
    while frame is not None and not frame.is_open:
        frame = frame.parent
    return frame


def frame_of(instance: object) -> Frame | None:
    """Give the open frame of a call of this very instance that the running code belongs to."""
    frame = enclosing()
    return frame if frame is not None and frame.instance is instance else None


def restore(token: Token[Frame | None]) -> None:
    """Make the frame before the current one again."""
    try:
        current.reset(token)
    except ValueError:
        return  # closed from another context than it ran in: there is nothing of ours to put back there
