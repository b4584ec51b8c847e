"""The contract-driven wrapper: one function around one host method, sync or async, steered by its contract row.

Mode off calls the host and nothing else. Otherwise the call is known to what runs inside it, and what fails there is
noted; the outermost call records, then raises or escalates as the row says. The host is called exactly once, except
where enforce refuses to start work whose need is missing. Cancellation and exits pass through untouched.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from shim import flags
from shim.body import AFTER, BEFORE, BEGIN, CALL, GOOD, JUDGED, NEEDS, RUN, WATCHES
from shim.contracts import Contract, Shows, Work
from shim.errors import UNKNOWN, LoudFailure
from shim.frames import INSTANCE, MODE, NOTHING, Call, Frame, Note, current, noted, open_call
from shim.guard import brief, own_failure, shown
from shim.identity import finder
from shim.needs import lacks, missing
from shim.recorder import Action, record
from shim.settle import completed, describe, failures, settle, settle_late
from shim.shape import shaped
from shim.snapshot import Mode
from shim.stack import in_handler
from shim.watch import Watches

__all__ = ["wrap_function", "wrap_method"]

Host = Callable[..., Any]


def wrap_method(host: Host, row: Contract, paths: Mapping[str, str], owner: type | None = None) -> Host:
    """Wrap a contracted method. `paths` says where the record's identity fields come from.

    `owner` is the class with the mixin, which may have steps for a method: `failloud_before_<method>(call, ...)`, what
    it gives is kept in the call; `failloud_after_<method>(call, answer, ...)` when the host has answered; and
    `failloud_broken_<method>(call)` where an exception or a cancellation ended the call. None of them runs in mode off.
    """
    steps = {when for when in ("before", "after", "broken") if hasattr(owner, f"failloud_{when}_{row.method}")}
    return _wrap(host, row, _Guard(host, row, paths, has_broken="broken" in steps), steps, is_method=True)


def wrap_function(host: Host, row: Contract, paths: Mapping[str, str]) -> Host:
    """Wrap what has no instance: a module's function, a static method."""
    return _wrap(host, row, _Guard(_for_nobody(host), row, paths), set(), is_method=False)


def _for_nobody(host: Host) -> Host:
    """Give something with the function's signature behind an instance that is None, to name arguments by."""
    signature = inspect.signature(host)
    nobody = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)

    def function() -> None: ...

    function.__signature__ = signature.replace(parameters=[nobody, *signature.parameters.values()])  # type: ignore[attr-defined]
    return function


def _wrap(host: Host, row: Contract, guard: _Guard, steps: Collection[str], *, is_method: bool) -> Host:
    names = {
        "guard": guard, "cell": flags.cell(row.component), "clock": time.monotonic,
        "refresh": flags.refresh, "off": Mode.OFF, "get": current.get, "set": current.set, "reset": current.reset,
        "open_call": open_call, "noted": noted, "nothing": NOTHING, "outside": sys.exception, "stumbled": _stumbled,
    }  # fmt: skip
    template = BEGIN
    if row.watches:
        watches = Watches(row)
        names |= {"ready": watches.ready, "prepare": watches.prepare}
        template += WATCHES.replace("$tells", watches.source())
    template += CALL.replace("$held", "_fl_held" if row.watches else "None")
    template = template.replace("$outside", "_fl_outside()" if steps else "None")
    if row.needs:
        names |= {f"given_{place}": given for place, given in enumerate(guard.given)}
        template += NEEDS.replace("$lacks", lacks(row.needs))
    template += (BEFORE if "before" in steps else "") + RUN + (AFTER if "after" in steps else "")
    template = (template + JUDGED).replace("$good", GOOD.get(row.shows, "True")).replace("$method", row.method)
    return shaped(host, template, names, row.key, is_method=is_method)


def _stumbled(error: Exception) -> None:
    own_failure("wrap.step", error)  # a step of a mixin is ours: it must cost neither the answer nor the record


class _Guard:
    """What happens around the host's method where not all is well, for one contract row."""

    def __init__(self, host: Host, row: Contract, paths: Mapping[str, str], *, has_broken: bool = False) -> None:
        self.host, self.row, self.paths = host, row, paths
        self.broken = f"failloud_broken_{row.method}" if has_broken else ""
        self.first = {name: watch for watch in row.watches[:1] for name in watch.methods}
        self.given = tuple(finder(need.argument, host) for need in row.needs)
        names = dict.fromkeys(name for watch in row.watches for name in watch.methods)
        self.watching = {name: tuple(watch for watch in row.watches if name in watch.methods) for name in names}

    def begin(self, call: Call) -> None:
        """Note what is missing first. Raises where enforce must not start work that nobody could be told of."""
        frame, row = Frame(call), self.row
        decides = row.shows is Shows.NEVER or row.work is Work.FOLLOWS
        for need, given in zip(row.needs, self.given, strict=True):
            if reason := missing(need, given, frame.instance, frame.args, frame.kwargs):
                key = ("need", need.place)
                frame.note(Note(key=key, error=need.error, reason=reason, hint=need.hint, decides=decides))
                break
        refuses = row.work is Work.FOLLOWS and frame.mode is Mode.ENFORCE and frame.parent is None
        if frame.notes and refuses and not in_handler():
            error = self._safely("wrap.refuse", lambda: self._settle(frame, frame.close(), refused=True))
            try:
                if error is not None:
                    raise error
            finally:
                del error  # the traceback holds this frame: in a circle, a swallowed failure would not die at once

    def close(self, call: Call, answer: Any) -> Any:
        """Judge the host's answer; give it back, or raise what the row says. A bug of ours gives it back as well."""
        frame = Frame(call)
        if flags.current(self.row.component) is Mode.OFF:  # killed while the call was under way: obey at once
            frame.close()
            return answer
        error = self._safely("wrap.judge", lambda: self._judge(frame, answer))
        try:
            if error is not None:
                raise error
        finally:
            del error  # the traceback holds this frame: in a circle, a swallowed failure would not die at once
        return answer

    def late(self, frame: Frame, note: Note) -> None:
        """Record what became known when no call was left to carry it."""
        settle_late(frame, note, self.paths, self.host, frame.mode)

    def _judge(self, frame: Frame, answer: Any) -> LoudFailure | None:
        bad = self._bad(answer)
        if bad and all(note.doubt for note in frame.notes):
            self._explain(frame)
        notes = frame.close()
        own = [note for note in notes if not note.separate and (bad or note.decides)]
        if bad and not own:
            own = [self._plain_note(answer)]
        if not own and frame.parent is not None:
            frame.parent.forgive_event((self._who(frame)["event"],))
        return self._settle(frame, [*own, *(note for note in notes if note.separate)])

    def raised(self, call: Call, error: Exception) -> None:
        """Record what the host raised, once; a loud failure that is recorded already passes."""
        self._break(call)
        frame = Frame(call)
        notes = frame.close()
        if isinstance(error, LoudFailure):
            if not error.recorded:
                known = error.__cause__ is not None or bool(error.reason)
                record(error, mode=call[MODE], action=Action.RAISED, category=self.row.category, cause_known=known)
            notes = [note for note in notes if note.separate]
        elif not any(not note.separate for note in notes):
            text = f"the host raised {shown(error)}"
            notes = [*notes, Note(key="own", error=self.row.error, reason=text, hint=self.row.hint, cause=error)]
        self._safely("wrap.raised", lambda: self._settle(frame, notes, host_raised=True))

    def cancelled(self, call: Call) -> None:
        """Escalate what was lost before a cancellation or an exit; the exit itself is no failure of delivery."""
        self._break(call)
        frame = Frame(call)
        notes = [note for note in frame.close() if note.decides or note.separate]
        self._safely("wrap.cancelled", lambda: self._settle(frame, notes, cancelled=True))

    def _break(self, call: Call) -> None:
        if self.broken:
            try:
                getattr(call[INSTANCE], self.broken)(call)
            except Exception as failed:  # noqa: BLE001  # a step is ours: the host's own exception goes on
                _stumbled(failed)

    def _settle(self, frame: Frame, notes: list[Note], **kind: bool) -> LoudFailure | None:
        if not notes:
            return None
        if frame.parent is None:
            return settle(frame, notes, self.paths, self.host, **kind)
        self._hand_up(frame, notes, frame.parent)
        return None

    def _hand_up(self, frame: Frame, notes: list[Note], outer: Frame) -> None:
        """Give each failed event's innermost note to the call around; separate ones as well."""
        who = self._who(frame)
        for note in [*failures(self.row, notes, who["event"]), *(note for note in notes if note.separate)]:
            mine = who["event"]
            if not note.events and self.row.work is not Work.NONE:
                mine = replace(mine, type=f"{mine.type}/{note.key}")  # work sends several: tell them apart
            told = replace(
                note,
                events=(*note.events, mine) if self.row.work is Work.NONE else note.events or (mine,),
                origin=note.origin or self.row.key,
                category=note.category or self.row.category,
                details={
                    **who["own"],
                    **completed(frame, who["common"], note),
                    **{name: value for name, value in note.details.items() if value != UNKNOWN},
                },
                decides=True,
            )
            outer.note(told)

    def _who(self, frame: Frame) -> dict[str, Any]:
        return describe(frame, self.paths, self.host)

    @staticmethod
    def _safely(operation: str, work: Callable[[], LoudFailure | None]) -> LoudFailure | None:
        try:
            return work()
        except Exception as failed:  # noqa: BLE001  # our own bug must not replace the host's answer
            own_failure(operation, failed)
            return None

    def _bad(self, answer: object) -> bool:
        if self.row.shows is Shows.FALSY:
            return not answer
        return self.row.shows is Shows.UNSUCCESSFUL and not getattr(answer, "success", False)

    def _explain(self, frame: Frame) -> None:
        explain = getattr(frame.instance, "failloud_explain", None)
        if explain is not None:
            try:
                explain(frame)
            except Exception as error:  # noqa: BLE001  # explaining is ours; the failure itself is recorded anyway
                own_failure("wrap.explain", error)

    def _plain_note(self, answer: object) -> Note:
        text = self.row.reason
        if self.row.shows is Shows.FALSY:
            text += f" (answered {brief(answer)})"
        elif error := getattr(answer, "error", None):  # a result object's own words, where it has some
            text += f" ({error})"
        return Note(key="own", error=self.row.error, reason=text, hint=self.row.hint, unexplained=True)
