"""The root of the loud exceptions: its fields, its text, its way through pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self, TypedDict, TypeVar, Unpack

from shim.codes import Code, checked, declare
from shim.guard import own_failure

if TYPE_CHECKING:
    from shim.recorder import FailureRecord

__all__ = ["UNKNOWN", "Common", "LoudFailure"]

UNKNOWN = "unknown"
"What an identifier reads where the host gave none."


class Common(TypedDict, total=False):
    """Fields every loud exception takes, all optional, all keyword-only."""

    component: str
    method: str
    event_type: str
    run_id: str
    thread_id: str
    user_id: str
    cause: str
    hint: str
    code: str
    "Reason code, one of `shim.codes`; the class's default where it is not given."
    attempt: int
    "Which attempt at the delivery failed, counted from 1; 0 = unknown."
    connection_id: str


class LoudFailure(Exception):  # noqa: N818  # the name host code catches
    """Raised when an event was not delivered, dropped, rejected, misrouted or falsely confirmed.

    `reason` says what was found; `context` holds the keys named by `context_keys`. The text is composed in
    `__str__`. Pickles by its fields; `__cause__` does not travel, its rendered text (`cause`) does.
    """

    phrase: ClassVar[str] = "delivery failure"
    "Words that searches and dashboards look for; first in the text."

    default_code: ClassVar[str] = Code.DELIVERY_FAILED
    "Reason code where nothing more precise is given. A host's own class that sets it declares that code."

    context_keys: ClassVar[tuple[str, ...]] = ()
    "Keyword arguments of this class beyond `Common`; they are the keys of `context`."

    recorded: FailureRecord | None = None
    "Set by the recorder: the record of this very exception."

    seen_by: str = ""
    "Who has seen it since it was raised: a boundary, `escalate`, whoever declared it handled. Empty: nobody yet."

    when_collected: ClassVar[Callable[[LoudFailure], None] | None] = None
    "Told of each recorded one that is collected unseen; set while shims watch for swallowed failures."

    reason: str = (
        ""  # defaults here: a host's own class may never call our `__init__`, and must be recorded all the same
    )
    component: str = UNKNOWN
    method: str = UNKNOWN
    event_type: str = UNKNOWN
    run_id: str = UNKNOWN
    thread_id: str = UNKNOWN
    user_id: str = UNKNOWN
    cause: str = ""
    hint: str = ""
    code: str = str(Code.DELIVERY_FAILED)
    attempt: int = 0
    connection_id: str = UNKNOWN
    context: Mapping[str, object] = MappingProxyType({})
    _given: tuple[Mapping[str, object], Mapping[str, object]] = ({}, {})

    def __init_subclass__(cls) -> None:
        """Declare the class's reason code. Raises UnknownCodeError for one that is not snake_case."""
        super().__init_subclass__()
        declare(cls.default_code, cls.__name__)

    def __init__(
        self, reason: str = "", *, context: Mapping[str, object] | None = None, **common: Unpack[Common]
    ) -> None:
        if unknown := common.keys() - Common.__annotations__.keys():
            msg = f"{type(self).__name__} takes no keyword {', '.join(sorted(unknown))}"
            raise TypeError(msg)
        super().__init__(reason)
        self.reason = reason
        self.component = common.get("component", UNKNOWN)
        self.method = common.get("method", UNKNOWN)
        self.event_type = common.get("event_type", UNKNOWN)
        self.run_id = common.get("run_id", UNKNOWN)
        self.thread_id = common.get("thread_id", UNKNOWN)
        self.user_id = common.get("user_id", UNKNOWN)
        self.cause = common.get("cause", "")
        self.hint = common.get("hint", "")
        self.code = checked(common.get("code", self.default_code), type(self).__name__)
        self.attempt = common.get("attempt", 0)
        self.connection_id = common.get("connection_id", UNKNOWN)
        own = dict(context or {})
        self.context = own | {key: getattr(self, key) for key in self.context_keys if key not in own}
        self._given = (dict(common), own)

    @classmethod
    def build(cls, reason: str, details: Mapping[str, object], **common: Unpack[Common]) -> Self:
        """Make one from loose details: of `details` only this class's own `context_keys` are taken.

        A code or an attempt that cannot be is reported as our own failure and left out: the failure must be told.
        """
        own = {k: details[k] for k in cls.context_keys if k in details and k not in Common.__annotations__}
        return _rebuild(cls, reason, {**_possible(cls.__name__, common), **own})

    def to_dict(self) -> dict[str, object]:
        """Give the fields as plain data; the first five keys are the ones the host's maintainers published."""
        return {
            "error_type": type(self).__name__,
            "message": str(self),
            "user_id": self.user_id,
            "thread_id": self.thread_id,
            "context": dict(self.context),
            "component": self.component,
            "method": self.method,
            "event_type": self.event_type,
            "run_id": self.run_id,
            "reason": self.reason,
            "cause": self.cause,
            "hint": self.hint,
            "code": self.code,
            "attempt": self.attempt,
            "connection_id": self.connection_id,
        }

    def __str__(self) -> str:
        text = f"{self.phrase}: {self.component}.{self.method} for user {self.user_id}, run {self.run_id}"
        if self.reason:
            text += f": {self.reason}"
        if self.cause and self.cause not in self.reason:
            text += f" (cause: {self.cause})"
        if self.hint:
            text += f"; next: {self.hint}"
        return text

    def __del__(self) -> None:
        if self.recorded is not None and not self.seen_by and (tell := type(self).when_collected) is not None:
            tell(self)

    def __reduce__(self) -> tuple[object, ...]:
        self.seen_by = self.seen_by or "pickle"  # it goes on in another process, out of sight from here
        common, own = self._given
        extra = own if self.context_keys else {"context": own}
        return _rebuild, (type(self), self.reason, {**common, **extra})


_Failure = TypeVar("_Failure", bound=LoudFailure)


def _rebuild(cls: type[_Failure], reason: str, fields: Mapping[str, object]) -> _Failure:
    return cls(reason, **fields)  # type: ignore[arg-type]  # the keys are the class's own


def _possible(where: str, common: Mapping[str, object]) -> dict[str, object]:
    found = dict(common)
    for name, check in (("code", checked), ("attempt", _number)):
        try:
            found |= {name: check(found[name], where)} if name in found else {}
        except (TypeError, ValueError) as error:
            own_failure(f"errors.{name}", error)
            del found[name]
    return found


def _number(value: object, where: str) -> int:
    if value == UNKNOWN:
        return 0
    if isinstance(value, int | str):
        return int(value)
    msg = f"attempt in {where} is {type(value).__name__}, not a number"
    raise TypeError(msg)
