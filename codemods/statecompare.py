"""What a function has lost since its state was recorded. Pure: counts in, losses out.

A mark may go where its call goes: each call that is gone accounts for one mark. A clause may go where nothing swallows
any more, `spawn` where no other task is made. Whatever else is gone is silent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codemods.statefile import Recorded

__all__ = ["FIXES", "Loss", "losses", "moves", "new_silent", "same_marks"]

FIXES = {
    "boundary": "mark-boundaries",
    "catch": "catch-specific",
    "delivered": "check-results",
    "escalate": "catch-specific",
    "handled": "mark-boundaries",
    "missing": "guard-missing",
    "own": "loud-returns",
    "reraise": "reraise-loud",
    "spawn": "track-tasks",
}
"The codemod that puts a mark back, by its kind."
_LOUD = ("catch", "escalate", "reraise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One mark that is gone. `silent` is False where its call went with it."""

    mark: str
    was: int
    now: int
    silent: bool
    replaced: bool = False
    "A loud raise for which there is a builtin now."

    @property
    def kind(self) -> str:
        """The first word of the mark."""
        return self.mark.partition(" ")[0]

    @property
    def method(self) -> str:
        """The method that the mark speaks of; empty for most."""
        return self.mark.partition(" ")[2].rpartition(".")[2]


def losses(before: Recorded, now: Recorded, spare: Mapping[str, int]) -> Iterator[Loss]:
    """Give each mark of which there is less. `spare` are marks of functions nobody had recorded, in the same module."""
    for mark, was in before.marks.items():
        has = now.marks.get(mark, 0)
        if has < was:
            loss = Loss(mark=mark, was=was, now=has, silent=False)
            silent = _silent(loss, before, now, spare)
            replaced = silent and loss.kind == "raise" and now.builtins > before.builtins
            yield Loss(mark=mark, was=was, now=has, silent=silent, replaced=replaced)


def _silent(loss: Loss, before: Recorded, now: Recorded, spare: Mapping[str, int]) -> bool:
    lost = loss.was - loss.now
    match loss.kind:
        case "delivered" | "missing":
            gone = before.calls.get(loss.method, 0) - now.calls.get(loss.method, 0)
            helped = spare.get(loss.mark, 0) if loss.kind == "missing" else 0
            return lost > max(0, gone) + helped
        case "reraise":
            left = bool(now.calls) or not before.calls
            return now.swallowed > before.swallowed or (left and now.open > before.open)
        case "catch" | "escalate":
            gone = sum(before.calls.values()) - sum(now.calls.values())
            return lost > max(0, gone) + _gained(before, now, loss.kind) + spare.get(loss.mark, 0)
        case "spawn":
            return now.tasks > before.tasks
        case "raise":
            return lost > _other_raises(before, now, loss.mark) + spare.get(loss.mark, 0)
        case _:
            return lost > spare.get(loss.mark, 0)


def _gained(before: Recorded, now: Recorded, kind: str) -> int:
    """Count what stands for an `escalate` now: a failure that is raised on, or handled under its name."""
    return sum(max(0, now.marks.get(one, 0) - before.marks.get(one, 0)) for one in _LOUD if one != kind)


def _other_raises(before: Recorded, now: Recorded, mark: str) -> int:
    names = {one for one in (*before.marks, *now.marks) if one.startswith("raise ") and one != mark}
    return sum(max(0, now.marks.get(one, 0) - before.marks.get(one, 0)) for one in names)


def new_silent(before: Recorded | None, now: Recorded) -> tuple[int, bool]:
    """Count calls that are silent and were not, and tell whether there are more calls than before."""
    if before is None:
        return now.silent, True
    return max(0, now.silent - before.silent), sum(now.calls.values()) > sum(before.calls.values())


def same_marks(before: Recorded, now: Recorded) -> bool:
    """Tell whether a function has every mark that another was recorded with."""
    return not Counter(before.marks) - Counter(now.marks)


def moves(gone: list[Recorded], fresh: list[Recorded]) -> dict[tuple[str, str], tuple[str, str]]:
    """Find where recorded functions that are gone went: from the key of a new function to that of an old one.

    A function is followed by its marks, with its name, its module or its calls; where marks are missing, by its calls,
    with its name or its module: then it is compared, and what it lost is told.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for old in gone:
        ranked = sorted((rank, new.key) for new in fresh if new.key not in found and (rank := _rank(old, new)))
        if ranked:
            found[ranked[-1][1]] = old.key
    return found


def _rank(old: Recorded, new: Recorded) -> tuple[int, ...]:
    """Say how well a new function fits; empty where it does not."""
    marks = bool(old.marks) and same_marks(old, new)
    calls = bool(old.calls) and old.calls == new.calls
    name = old.function.rpartition(".")[2] == new.function.rpartition(".")[2]
    module = old.module == new.module
    fits = (marks and (name or module or calls)) or (calls and (name or module))
    return (marks + calls, name, module) if fits else ()
