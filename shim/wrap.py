"""The contract-driven wrapper: one function around one host method, sync or async, steered by its contract row.

Mode off calls the host and nothing else. Otherwise the call runs in a frame; what fails inside is noted; the
outermost frame records, then raises or escalates as the row says. The host is called exactly once, except where
enforce refuses to start work whose need is missing. Cancellation and exits pass through untouched.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shim import flags
from shim.contracts import Contract, Shows, Work
from shim.errors import LoudFailure
from shim.frames import Frame, Note, current, enclosing, restore
from shim.guard import own_failure, shown
from shim.recorder import Action, record
from shim.settle import describe, failures, settle, settle_late
from shim.snapshot import Mode

__all__ = ["wrap_method"]

Host = Callable[..., Any]
_OFF = Mode.OFF  # reading a member off its enum costs as much as the look-up of the mode


def wrap_method(host: Host, row: Contract, paths: Mapping[str, str]) -> Host:
    """Wrap a contracted method. `paths` says where the record's identity fields come from."""
    guard = _Guard(host, row, paths)
    return _wrap_async(guard) if inspect.iscoroutinefunction(host) else _wrap_sync(guard)


def _wrap_async(guard: _Guard) -> Host:
    host, component = guard.host, guard.row.component

    @functools.wraps(host)
    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        mode = flags.current(component)
        if mode is _OFF:
            return await host(self, *args, **kwargs)
        with guard.call(self, args, kwargs, mode) as frame:
            answer = await host(self, *args, **kwargs)
        return guard.close(frame, answer, mode)

    return awaited


def _wrap_sync(guard: _Guard) -> Host:
    host, component = guard.host, guard.row.component

    @functools.wraps(host)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        mode = flags.current(component)
        if mode is _OFF:
            return host(self, *args, **kwargs)
        with guard.call(self, args, kwargs, mode) as frame:
            answer = host(self, *args, **kwargs)
        return guard.close(frame, answer, mode)

    return called


class _Guard:
    """What happens before and after the host's method, for one contract row."""

    def __init__(self, host: Host, row: Contract, paths: Mapping[str, str]) -> None:
        self.host, self.row, self.paths = host, row, paths

    @contextmanager
    def call(self, instance: object, args: tuple[Any, ...], kwargs: dict[str, Any], mode: Mode) -> Iterator[Frame]:
        """Run the host's method in a frame. Its own exceptions pass, recorded; cancellation and exits pass untouched.

        Raises, before the host is called, where enforce must not start work that nobody could be told of.
        """
        frame = self._open(instance, args, kwargs, mode)
        token = current.set(frame)
        try:
            yield frame
        except Exception as error:
            self._close_raised(frame, error, mode)
            raise
        except BaseException:
            self._close_cancelled(frame, mode)
            raise
        finally:
            restore(token)

    def _open(self, instance: object, args: tuple[Any, ...], kwargs: dict[str, Any], mode: Mode) -> Frame:
        def late(frame: Frame, note: Note) -> None:
            settle_late(frame, note, self.paths, self.host, mode)

        frame = Frame(self.row, instance, args, kwargs, parent=enclosing(), late=late)
        decides = self.row.shows is Shows.NEVER or self.row.work is Work.FOLLOWS
        for need in self.row.needs:
            if _is_none(instance, need.attribute):
                key = ("need", need.attribute)
                note = Note(key=key, error=need.error, reason=need.reason, hint=need.hint, decides=decides)
                frame.note(note)
        if frame.notes and self.row.work is Work.FOLLOWS and mode is Mode.ENFORCE and frame.parent is None:
            error = self._safely("wrap.refuse", lambda: self._settle(frame, frame.close(), mode, refused=True))
            if error is not None:
                raise error
        return frame

    def close(self, frame: Frame, answer: Any, mode: Mode) -> Any:
        """Judge the host's answer; give it back, or raise what the row says. A bug of ours gives it back as well."""
        if flags.current(self.row.component) is _OFF:  # killed while the call was under way: obey at once
            frame.close()
            return answer
        error = self._safely("wrap.judge", lambda: self._judge(frame, answer, mode))
        if error is not None:
            raise error
        return answer

    def _judge(self, frame: Frame, answer: Any, mode: Mode) -> LoudFailure | None:
        bad = self._bad(answer)
        if bad and not frame.notes:
            self._explain(frame)
        notes = frame.close()
        own = [note for note in notes if not note.separate and (bad or note.decides)]
        if bad and not own:
            own = [self._plain_note(answer)]
        if not own and frame.parent is not None:
            frame.parent.forgive_event((self._who(frame)["event"],))
        return self._settle(frame, [*own, *(note for note in notes if note.separate)], mode)

    def _close_raised(self, frame: Frame, error: Exception, mode: Mode) -> None:
        """Record what the host raised, once; a loud failure that is recorded already passes."""
        notes = frame.close()
        if isinstance(error, LoudFailure):
            if not error.recorded:
                known = error.__cause__ is not None or bool(error.reason)
                record(error, mode=mode, action=Action.RAISED, category=self.row.category, cause_known=known)
            notes = [note for note in notes if note.separate]
        elif not any(not note.separate for note in notes):
            text = f"the host raised {shown(error)}"
            notes = [*notes, Note(key="own", error=self.row.error, reason=text, hint=self.row.hint, cause=error)]
        self._safely("wrap.raised", lambda: self._settle(frame, notes, mode, host_raised=True))

    def _close_cancelled(self, frame: Frame, mode: Mode) -> None:
        """Escalate what was lost before a cancellation or an exit; the exit itself is no failure of delivery."""
        notes = [note for note in frame.close() if note.decides or note.separate]
        self._safely("wrap.cancelled", lambda: self._settle(frame, notes, mode, cancelled=True))

    def _settle(self, frame: Frame, notes: list[Note], mode: Mode, **kind: bool) -> LoudFailure | None:
        if not notes:
            return None
        if frame.parent is None:
            return settle(frame, notes, self.paths, self.host, mode, **kind)
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
                details={**who["common"], **note.details},
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
        text = f"{self.row.reason} (answered {answer!r})" if self.row.shows is Shows.FALSY else self.row.reason
        return Note(key="own", error=self.row.error, reason=text, hint=self.row.hint, unexplained=True)


def _is_none(instance: object, attribute: str) -> bool:
    try:
        return getattr(instance, attribute, None) is None
    except Exception as error:  # noqa: BLE001  # a property of the host's may do anything; the host will meet it too
        own_failure("wrap.need", error)
        return False
