"""Tell of a raised loud failure that died before anybody saw it: law 10, at run time.

The exception itself tells, when it is collected: it was recorded as raised in enforce, it has a traceback, and no
boundary, escalation or declared retry has marked it. What a collection may interrupt holds locks, so that moment only
queues; the report is made at the next record, at the end of a boundary, when somebody counts, or at exit.
"""

from __future__ import annotations

import atexit
import gc
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import CodeType

from shim import flags, recorder
from shim.aside import is_aside
from shim.codes import Code
from shim.errors import UNKNOWN, LoudFailure
from shim.guard import own_failure
from shim.handlers import stopping_line
from shim.locks import fresh_lock
from shim.logs import write
from shim.recorder import Action, FailureRecord
from shim.snapshot import Mode

__all__ = ["Fate", "Swallow", "counts", "flush", "held", "mark", "settle", "watching"]


class Fate(StrEnum):
    """What became of a failure that was raised in enforce."""

    SEEN = "seen"
    "It arrived at a boundary, or was escalated, or ended a thread: the interpreter prints that."
    HANDLED = "handled"
    "Host code has declared that it dealt with it, such as by a retry."
    SWALLOWED = "swallowed"
    "It was collected, and nobody had seen it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Swallow:
    """One failure that was raised and died unseen."""

    failure: FailureRecord
    "The record that was made before it was raised."
    at: float
    "Seconds since the epoch when it was collected."
    place: str
    "The handler that stopped it, `path:line in function`; `unknown` where that cannot be told."
    reached: str
    "The outermost call it came to, in the same form: its handler, or the call above it, is where to look."


@dataclass(frozen=True, slots=True)
class _Death:
    failure: FailureRecord
    names: frozenset[str]
    at: float
    code: CodeType
    line: int


_lock = fresh_lock()  # never taken while an exception is being collected
_counts: Counter[tuple[str, str, Fate]] = Counter()
_watching: list[list[Swallow]] = []
_deaths: deque[_Death] = deque()


def mark(error: BaseException, *, by: str, fate: Fate = Fate.SEEN) -> None:
    """Say that somebody has seen an exception: every loud failure in it, by group, chain, argument or attribute.

    One that is handled further up meanwhile is not in it, though its context names that: nobody has seen it yet. Where
    the source of its handler is not there, that cannot be told, and it counts as seen.
    """
    known: set[int] = set()
    open_ends: list[BaseException | None] = [error]
    while open_ends:
        one = open_ends.pop()
        if one is None or id(one) in known:
            continue
        known.add(id(one))
        if isinstance(one, LoudFailure):
            _mark_one(one, by, fate)
        if isinstance(one, BaseExceptionGroup):
            open_ends += one.exceptions
        open_ends.append(one.__cause__)
        if one.__context__ is not None and not is_aside(one.__context__):
            open_ends.append(one.__context__)
        open_ends += _kept(one)


def _kept(error: BaseException) -> Iterator[BaseException]:
    """Give the exceptions that another keeps as an argument or attribute, by itself or in a list."""
    for value in (*error.args, *vars(error).values()):
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, BaseException):
                yield each


def _mark_one(error: LoudFailure, by: str, fate: Fate) -> None:
    first, error.seen_by = not error.seen_by, error.seen_by or by
    if first and (failure := _raised(error)) is not None:
        _count(failure, fate)


def counts() -> dict[tuple[str, str, Fate], int]:
    """Give the number of raised failures by (component, error type, fate) since the process started."""
    flush()
    with _lock:
        return dict(_counts)


def settle() -> None:
    """Collect garbage now and report every failure that has died: for tests and the end of a run.

    A failure in a circle (a handler that keeps the exception in a local variable) dies only when garbage is collected.
    """
    gc.collect()
    flush()


def held() -> list[FailureRecord]:
    """Give the failures that were raised, that nobody has seen, and that something still holds: not yet swallowed."""
    found = [each for each in gc.get_objects() if isinstance(each, LoudFailure) and not each.seen_by]
    return [failure for each in found if each.__traceback__ and (failure := _raised(each)) is not None]


@contextmanager
def watching() -> Iterator[list[Swallow]]:
    """Collect what is swallowed inside the block, by any task or thread; complete once the block has ended."""
    settle()
    found: list[Swallow] = []
    with _lock:
        _watching.append(found)
    try:
        yield found
    finally:
        settle()
        with _lock:
            _watching[:] = [other for other in _watching if other is not found]


def flush() -> None:
    """Report the deaths that are queued: count each, and write its ERROR line. Never raises."""
    while _deaths:
        try:
            _report(_deaths.popleft())
        except IndexError:
            return  # another thread was quicker
        except Exception as failed:  # noqa: BLE001  # a log handler may do anything; the death is counted by then
            own_failure("swallowed.report", failed)


def _report(death: _Death) -> None:
    code, failure = death.code, death.failure
    if code.co_filename == threading.__file__ and code.co_name == "_bootstrap_inner":
        _count(failure, Fate.SEEN)
        return
    _count(failure, Fate.SWALLOWED)
    line = stopping_line(code.co_filename, code.co_name, code.co_firstlineno, death.line, death.names)
    made = Swallow(
        failure=failure,
        at=death.at,
        place=UNKNOWN if line is None else f"{code.co_filename}:{line} in {code.co_qualname}",
        reached=f"{code.co_filename}:{death.line} in {code.co_qualname}",
    )
    with _lock:
        for into in _watching:
            into.append(made)
    shown = ("id", "component", "method", "event_type", "run_id", "thread_id", "user_id", "origin", "mode", "message")
    fields = {name: str(getattr(failure, name)) for name in shown}
    fields |= {"code": str(Code.SWALLOWED), "place": made.place, "reached": made.reached}
    text = f"at {made.place}, reached {made.reached}: {failure.message} [id={failure.id}]"
    write("failloud.failure_swallowed", text, fields, kind=(failure.component, Code.SWALLOWED))


def _count(failure: FailureRecord, fate: Fate) -> None:
    with _lock:
        _counts[failure.component, failure.error_type, fate] += 1


def _raised(error: LoudFailure) -> FailureRecord | None:
    made = error.recorded
    return made if made is not None and made.action is Action.RAISED and made.mode is Mode.ENFORCE else None


def _collected(error: LoudFailure) -> None:
    """Queue a death. Runs wherever garbage is collected, so it takes no lock and calls nothing of the host's."""
    failure, reached = _raised(error), error.__traceback__
    if failure is not None and reached is not None and flags.last_known(failure.component) is not Mode.OFF:
        names = frozenset(each.__name__ for each in type(error).__mro__)
        _deaths.append(_Death(failure, names, time.time(), reached.tb_frame.f_code, reached.tb_lineno))


def _at_exit() -> None:
    if any(action is Action.RAISED for _, _, action in recorder.counts()):
        settle()
    LoudFailure.when_collected = None  # what goes down with the interpreter is no swallow


LoudFailure.when_collected = staticmethod(_collected)
recorder.add_sink(lambda _made: flush())
atexit.register(_at_exit)
