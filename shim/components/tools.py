"""The tool engine's paths that no result shows: what it swallows while it tells, and what it never tells of."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from shim.components.witness import Handled, Witness, witness_of, witnessing
from shim.errors import AgentCommunicationFailureError
from shim.event import Event
from shim.frames import Call, Frame, Note, frame_of
from shim.guard import shown
from shim.snapshot import Mode

__all__ = ["ToolsMixin"]

_EVENTS = ("tool_executing", "tool_completed")


class _Telling(Witness):
    """One notification. The host asks for its monitor when it begins, and again when it knows how it ended."""

    asked = 0

    def saw(self, error: BaseException | None) -> None:
        """Keep what is handled at the end; what comes after that is the monitor's own trouble."""
        self.asked += 1
        if self.asked == len(_EVENTS):
            super().saw(error)


class _Asked(Handled):
    """The monitor: that it is asked for tells something, whether or not an exception is being handled."""

    def __get__(self, instance: object, owner: type) -> Any:
        """Give the instance's own value, and count."""
        value = super().__get__(instance, owner)
        if (witness := witness_of(instance)) is not None:
            witness.saw(sys.exception())
        return value

    def met(self, instance: object) -> None:
        """Say nothing: it is said above."""


class ToolsMixin:
    """Goes before Netra's tool engine."""

    _active_executions: dict[str, dict[str, Any]]
    default_timeout: float
    notification_monitor = _Asked("notification_monitor")

    async def _send_tool_executing(self, *args: Any, **kwargs: Any) -> Any:
        """Hear what the host swallows; in enforce, no run is left in the table that did not begin."""
        frame, sent = frame_of(self), super()._send_tool_executing(*args, **kwargs)  # type: ignore[misc]  # the host's
        if frame is None:
            return await sent
        key = next(reversed(self._active_executions), "")  # the host enters the run right before it calls this
        entry = self._active_executions.get(key)
        try:
            return await _heard(self, frame, sent)
        except BaseException:
            begun = frame.parent is not None and frame.parent.row.method == "execute_tool_with_input"
            if begun and frame.mode is Mode.ENFORCE and self._active_executions.get(key) is entry:
                self._active_executions.pop(key, None)
            raise

    async def _send_tool_completed(self, *args: Any, **kwargs: Any) -> Any:
        """Hear what the host swallows."""
        frame, sent = frame_of(self), super()._send_tool_completed(*args, **kwargs)  # type: ignore[misc]  # the host's
        return await (sent if frame is None else _heard(self, frame, sent))

    async def execute_with_state(self, *args: Any, **kwargs: Any) -> Any:
        """Note both events of a run that nobody could be told of: the host does not even try to send them."""
        answer = await super().execute_with_state(*args, **kwargs)  # type: ignore[misc]  # the host's
        frame = frame_of(self)
        need = None if frame is None else next((note for note in frame.notes if note.is_need), None)
        if frame is not None and need is not None:
            for event in _EVENTS:
                events, told = (Event(type=event),), {"event_type": event}
                frame.note(replace(need, key=("untold", event), events=events, details=told))
        return answer

    async def send_progress_update(
        self, context: Any, tool_name: str, progress_percentage: Any, status_message: Any = None
    ) -> Any:
        """Say what the host could not put into words."""
        answer = await super().send_progress_update(context, tool_name, progress_percentage, status_message)  # type: ignore[misc]  # the host's
        frame = frame_of(self)
        if frame is not None and not frame.notes:
            error = _unworded(context, progress_percentage, status_message)
            if error is not None:
                frame.note(_swallowed(frame, error))
        return answer

    async def force_cleanup_user_executions(self, user_id: str) -> Any:
        """Count the user's runs that are stuck as the host counts it, and still there."""
        answer = await super().force_cleanup_user_executions(user_id)  # type: ignore[misc]  # the host's
        frame = frame_of(self)
        if frame is not None:
            limit = time.time() - self.default_timeout * 3
            stuck = [key for key, run in self._active_executions.items() if _stuck(run, user_id, limit)]
            if stuck:
                reason = f"stuck tools of the user were not cleaned up: {', '.join(stuck)}; the host answered {answer}"
                hint = "the host looks for a user id that its entries do not carry: remove them by hand"
                frame.note(Note(key="own", error=AgentCommunicationFailureError, reason=reason, hint=hint))
        return answer

    def failloud_failed(self, call: Call, _answer: Any, *args: Any) -> None:
        """Note the exception of a tool whose failure goes into an answer, and into no event."""
        frame = Frame(call)
        error = next(each for each in args if isinstance(each, Exception))
        reason = f"{frame.row.reason} ({shown(error)})"
        frame.note(Note(key="own", error=frame.row.error, reason=reason, hint=frame.row.hint, cause=error))


async def _heard(engine: ToolsMixin, frame: Frame, sent: Awaitable[Any]) -> Any:
    with witnessing(telling := _Telling(engine)):
        answer = await sent
    if telling.cause is not None:
        frame.note(_swallowed(frame, telling.cause))
    elif telling.asked < len(_EVENTS):
        reason = "the engine took its bridge or the context for missing, and sent nothing"
        frame.note(Note(key="unsent", error=frame.row.error, reason=reason))
    return answer


def _swallowed(frame: Frame, error: Exception) -> Note:
    reason = f"{frame.row.event_type} could not be worded or sent ({shown(error)})"
    hint = "see the cause: the host swallows it"
    return Note(key="swallowed", error=frame.row.error, reason=reason, hint=hint, cause=error)


def _unworded(context: Any, progress: Any, message: Any) -> Exception | None:
    """Do what the host does with the parts of a progress event."""
    try:
        _ = context.run_id, context.agent_name, message or f"{progress:.0f}", f"{progress:.0f}"
    except Exception as error:  # noqa: BLE001  # somebody's number or text; it is told as the cause
        return error
    return None


def _stuck(run: Mapping[str, Any], user_id: str, limit: float) -> bool:
    return getattr(run.get("context"), "user_id", None) == user_id and run["start_time"] < limit
