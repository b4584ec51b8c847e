"""What a user is told of a failure: a stable code, plain words, what happens next. No ids of others, no stack traces.

The shape is RFC 9457's, as far as it fits a message: `type`, `title`, `status`, `detail`; with `code`, `retryable`
and `action` beside them, the three things that Ably, Centrifuge and graphql-ws clients have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shim.codes import Code
from shim.errors import UNKNOWN
from shim.recorder import FailureRecord

__all__ = ["Notice", "notice", "notice_id", "words"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Words for one kind of failure."""

    title: str
    detail: str
    status: int
    "The HTTP status it would have had."
    retryable: bool = False
    "Asking again may help."
    action: str = "none"
    "What a page should offer: none, wait, retry, fetch, reconnect."


_LATE = Notice(
    "Some updates arrive late", "They could not be shown at once. They are kept, and follow by themselves.", 503
)  # fmt: skip
_DOWN = Notice(
    "Live updates are interrupted", "The work goes on. What you miss is kept, and follows when the link is back.", 503,
    action="wait",
)  # fmt: skip
_LARGE = Notice("A result is too large to show live", "It is kept as a whole and can be fetched.", 413, action="fetch")
_TOO_LARGE = Notice("A result is too large to be shown", "It was not kept here. The finished run has it.", 413)
_LOST = Notice("An update could not be shown", "It was not kept. The finished run has the result.", 500)
_STUCK = Notice(
    "The agent cannot report to you", "Its work may have ended without a word. Ask again.", 500, retryable=True,
    action="retry",
)  # fmt: skip
_GONE = Notice(
    "Older updates were removed", "You were away for longer than they are kept. The finished run has the result.", 410
)  # fmt: skip

_WORDS: dict[str, Notice] = {
    Code.BRIDGE_UNAVAILABLE: _DOWN,
    Code.MANAGER_MISSING: _DOWN,
    Code.EVENT_EXPIRED: _GONE,
    Code.COMMUNICATION_FAILED: _STUCK,
    Code.CONTEXT_INVALID: _STUCK,
    Code.LIMIT_REACHED: _STUCK,
}


def words(code: str, *, kept: bool, fetch: bool = False) -> Notice:
    """Give the words for a reason code. What is not `kept` is told as lost, what is kept apart (`fetch`) as large."""
    if fetch:
        return _LARGE
    if not kept and code == Code.MESSAGE_TOO_LARGE:
        return _TOO_LARGE
    said = _WORDS.get(code, _LATE)
    return said if kept or said in (_STUCK, _GONE) else _LOST


def notice_id(record: FailureRecord) -> str:
    """Give the event id of a failure's notice: one for each run and code, or a user would be told a thousand times."""
    return f"error:{record.id if record.run_id == UNKNOWN else record.run_id}:{record.code}"


def notice(record: FailureRecord, thread_id: str, *, kept: bool, href: str = "") -> dict[str, object]:
    """Word a failure for its user. `href`: where a body can be fetched that is too long to send."""
    said = words(record.code, kept=kept, fetch=bool(href))
    error: dict[str, object] = {
        "type": f"urn:failloud:error:{record.code.replace('_', '-')}", "code": f"WS_{record.code.upper()}",
        "title": said.title, "status": said.status, "detail": said.detail, "retryable": said.retryable,
        "action": said.action, "event_type": record.event_type, "correlation_id": record.id,
    }  # fmt: skip
    if record.run_id != UNKNOWN:
        error["run_id"] = record.run_id
    if href:
        error["href"] = href
    made: dict[str, object] = {
        "type": "error", "id": notice_id(record), "time": datetime.fromtimestamp(record.at, UTC).isoformat(),
        "error": error,
    }  # fmt: skip
    place = {"run_id": record.run_id, "thread_id": thread_id}
    return made | {name: value for name, value in place.items() if value not in ("", UNKNOWN)}
