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
from shim.frames import Frame, Note, current, enclosing
from shim.guard import own_failure
from shim.identity import arguments_of, event_type_of, identity_of
from shim.settle import settle, settle_late
from shim.snapshot import Mode

__all__ = ["wrap_method"]

Host = Callable[..., Any]


def wrap_method(host: Host, row: Contract, paths: Mapping[str, str]) -> Host:
    """Wrap a contracted method. `paths` says where the record's identity fields come from."""
    guard = _Guard(host, row, paths)
    return _wrap_async(guard) if inspect.iscoroutinefunction(host) else _wrap_sync(guard)


def _wrap_async(guard: _Guard) -> Host:
    host, component = guard.host, guard.row.component

    @functools.wraps(host)
    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        mode = flags.current(component)
        if mode is Mode.OFF:
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
        if mode is Mode.OFF:
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
            frame.close()
            raise
        finally:
            current.reset(token)

    def _open(self, instance: object, args: tuple[Any, ...], kwargs: dict[str, Any], mode: Mode) -> Frame:

        def late(frame: Frame, note: Note) -> None:
            settle_late(frame, note, self.paths, self.host, mode)

        frame = Frame(self.row, instance, args, kwargs, parent=enclosing(), late=late)
        decides = self.row.shows is Shows.NEVER or self.row.work is Work.FOLLOWS
        for need in self.row.needs:
            if getattr(instance, need.attribute, None) is None:
                key = ("need", need.attribute)
                note = Note(key=key, error=need.error, reason=need.reason, hint=need.hint, decides=decides)
                frame.note(note)
        if frame.notes and self.row.work is Work.FOLLOWS and mode is Mode.ENFORCE and frame.parent is None:
            self._refuse_to_start(frame)
        return frame

    def close(self, frame: Frame, answer: Any, mode: Mode) -> Any:
        """Judge the host's answer; give it back, or raise what the row says."""
        failed = self._bad(answer)
        if failed and not frame.notes:
            self._explain(frame)
        notes = frame.close()
        if not failed:
            failed = any(note.decides and not note.separate for note in notes)
        if failed and not any(not note.separate for note in notes):
            notes = [*notes, self._plain_note(answer)]
        error = self._settle(frame, notes if failed else [note for note in notes if note.separate], mode)
        if not failed:
            self._forgive(frame)
        if error is not None:
            raise error
        return answer

    def _close_raised(self, frame: Frame, error: Exception, mode: Mode) -> None:
        """Record what the host raised, once; a loud failure from inside is recorded already."""
        if isinstance(error, LoudFailure):
            frame.close()
            return
        key = ("raised", self.row.key)
        text = f"the host raised {type(error).__name__}: {error}"
        frame.note(Note(key=key, error=self.row.error, reason=text, hint=self.row.hint, cause=error))
        self._settle(frame, frame.close(), mode, host_raised=True)

    def _settle(self, frame: Frame, notes: list[Note], mode: Mode, *, host_raised: bool = False) -> LoudFailure | None:
        if not notes:
            return None
        try:
            if (outer := frame.parent) is None:
                return settle(frame, notes, self.paths, self.host, mode, host_raised=host_raised)
            self._hand_up(frame, notes, outer)
        except Exception as failed:  # noqa: BLE001  # our own bug must not replace the host's answer
            own_failure("wrap.settle", failed)
        return None

    def _hand_up(self, frame: Frame, notes: list[Note], outer: Frame) -> None:
        """Give the innermost note of this failure, under the event's key, to the call around; separate ones as well."""
        event, run = self._event(frame)
        own = next((note for note in notes if not note.separate), None)
        for note in notes:
            told = replace(
                note,
                origin=note.origin or self.row.key,
                category=note.category or self.row.category,
                details={"event_type": event, **note.details},
            )
            if note.separate:
                outer.note(told)
            elif note is own:
                outer.note(replace(told, key=("event", event, run), decides=True))

    def _forgive(self, frame: Frame) -> None:
        outer = frame.parent
        if outer is not None and outer.notes:
            outer.forgive(("event", *self._event(frame)))

    def _event(self, frame: Frame) -> tuple[str, str]:
        """Say which event the call was about: its type, and the run or else the thread or user it belongs to."""
        arguments = arguments_of(self.host, frame.instance, frame.args, frame.kwargs)
        who = identity_of(self.paths, frame.instance, arguments)
        whose = next((who[name] for name in ("run_id", "thread_id", "user_id") if name in who), "")
        return event_type_of(self.row, frame.instance, arguments), whose

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

    def _refuse_to_start(self, frame: Frame) -> None:
        error = self._settle_refused(frame)
        if error is not None:
            raise error

    def _settle_refused(self, frame: Frame) -> LoudFailure | None:
        try:
            return settle(frame, frame.close(), self.paths, self.host, Mode.ENFORCE, refused=True)
        except Exception as failed:  # noqa: BLE001  # our own bug must not stop the host's work
            own_failure("wrap.refuse", failed)
            return None
