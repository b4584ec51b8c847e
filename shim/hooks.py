"""Hooks: own methods of the host whose failure it swallows on the way up. They tell; they never change the answer.

Outside a contracted call a hook finds no call to tell, and is the host's method: it asks no flag.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shim.contracts import Hook, Shows
from shim.frames import INSTANCE, NOTHING, OPEN, Call, Note, current, frame_of, open_call
from shim.guard import own_failure, shown
from shim.shape import shaped

__all__ = ["wrap_hook"]

Host = Callable[..., Any]

_RUN = """\
try:
    _fl_answer = $call
except Exception as _fl_error:
    _fl_raised($self, _fl_error)
    raise
_fl_call = _fl_get()
"""

# inline where the innermost call is one of this instance and open: a call that goes well pays for it
_CHECKED = """\
if _fl_call is not None:
    if _fl_call[1] is $self and _fl_call[7]:
        try:
            $self.$check(_fl_call, _fl_answer, $passed)
        except Exception as _fl_error:
            _fl_misjudged(_fl_error)
    else:
        _fl_checked($self, _fl_call, _fl_answer, $args, $kwargs)
"""

# a call that holds notes (6), or has ended while another around it goes on (7), may have something to forgive
_TOLD = """\
if _fl_call is not None and (_fl_call[6] or not _fl_call[7]):
    _fl_passed($self)
return _fl_answer
"""

_JUDGED = """\
try:
    _fl_good = True if _fl_answer else False
except Exception as _fl_error:
    _fl_good = _fl_unreadable(_fl_error)
if not _fl_good:
    _fl_failed($self)
    return _fl_answer
"""


def wrap_hook(host: Host, hook: Hook, component: str) -> Host:
    """Wrap an own method that only tells: outside a contracted call of this instance it is the host's method."""
    teller = _Teller(hook)
    names = {
        "get": current.get, "raised": teller.raised, "failed": teller.failed, "passed": teller.passed,
        "unreadable": _unreadable, "checked": teller.checked, "misjudged": _misjudged, "nothing": NOTHING,
    }  # fmt: skip
    checked = _CHECKED.replace("$check", hook.check) if hook.check else ""
    template = _RUN + checked + (_JUDGED if hook.shows is Shows.FALSY else "") + _TOLD
    return shaped(host, template, names, f"hook {component}.{hook.method}")


class _Teller:
    """What one hook says to the call it runs in."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook

    def raised(self, instance: object, error: Exception) -> None:
        self._note(instance, f"{self.hook.reason} ({shown(error)})", error)

    def checked(self, instance: object, call: Call, answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found: Call | None = call if call[OPEN] else open_call()
        if found is not None and found[INSTANCE] is instance:
            try:
                getattr(instance, self.hook.check)(found, answer, *args, **kwargs)
            except Exception as error:  # noqa: BLE001  # our own look at an answer must not replace it
                own_failure("hooks.check", error)

    def failed(self, instance: object) -> None:
        self._note(instance, self.hook.reason, None)

    def passed(self, instance: object) -> None:
        frame = frame_of(instance)
        if frame is not None:
            frame.forgive(("hook", self.hook.method))

    def _note(self, instance: object, reason: str, cause: Exception | None) -> None:
        frame = frame_of(instance)
        if frame is None:
            return
        hook = self.hook
        decides = frame.row.shows is Shows.NEVER  # else the call's own answer decides: the host may have recovered
        key = ("hook", hook.method)
        told = {"code": hook.code} if hook.code else {}
        note = Note(
            key=key, error=hook.error, reason=reason, hint=hook.hint, cause=cause, decides=decides, details=told
        )
        frame.note(note)


def _misjudged(error: Exception) -> None:
    own_failure("hooks.check", error)  # our own look at an answer must not replace it


def _unreadable(error: Exception) -> bool:
    own_failure("hooks.judge", error)
    return True  # an answer whose truth cannot be read is the host's to deal with
