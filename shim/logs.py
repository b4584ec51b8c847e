"""Write one ERROR line per failure through the host's own logging, in one way only, so that no line shows twice.

Which way is looked up anew for each line, so it makes no difference whether the host sets its logging up before or
after the shims are installed. The first that holds:

1. `configure(route=...)` said so;
2. structlog, where the host has configured it;
3. loguru, where it is imported and has sinks; its default sink alone does not count where standard logging has
   handlers of its own;
4. standard logging: the logger `failloud`, which reaches standard error where nothing is configured.

A bridge from one to another (an InterceptHandler, a sink that propagates) therefore shows the line once. The form is
text, or JSON with `FAILLOUD_LOG=json`; structlog renders as the host told it, and loguru has the fields as `extra`.
The host's levels, filters and handlers hold. A line that the level of standard logging drops is counted
(`logs.muted`); what a filter, a handler or loguru drops cannot be seen from here. Nothing is redacted.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog

from shim.decisions import LOG, FlagError
from shim.guard import count, print_last
from shim.tracebacks import Kind, Limit, rendered

__all__ = ["Choice", "Form", "Route", "choice", "configure", "one_line", "write"]

LONGEST = 4_000
"Characters of one value in a line; what is longer loses its middle, and says so."


class Route(StrEnum):
    """The host's logging that a line goes through."""

    AUTO = "auto"
    LOGURU = "loguru"
    STDLIB = "stdlib"
    STRUCTLOG = "structlog"


class Form(StrEnum):
    """What a line looks like where we render it."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way lines take now, and why."""

    route: Route
    form: Form
    why: str


_route = Route.AUTO
_limit = Limit()
_here = threading.local()


def configure(*, route: str = Route.AUTO) -> None:
    """Choose the route for this process, instead of having it found. Raises FlagError for an unknown one."""
    global _route  # noqa: PLW0603  # one setting of the process
    try:
        _route = Route(route)
    except ValueError:
        raise FlagError("log route", route, tuple(str(known) for known in Route)) from None


def choice() -> Choice:
    """Say which way a line would take now. Raises FlagError where `FAILLOUD_LOG` names an unknown form."""
    given = os.environ.get(LOG) or Form.TEXT
    try:
        form = Form(given)
    except ValueError:
        raise FlagError("log form", given, tuple(str(known) for known in Form), LOG) from None
    route, why = _found() if _route is Route.AUTO else (_route, "configure() says so")
    return Choice(route=route, form=form, why=why)


def _found() -> tuple[Route, str]:
    if structlog.is_configured():
        return Route.STRUCTLOG, "the host has configured structlog"
    sinks = _loguru_sinks()
    handlers = logging.getLogger().handlers + logging.getLogger("failloud").handlers
    if sinks and (sinks != {0} or not handlers):
        return Route.LOGURU, f"loguru is imported and has {len(sinks)} sink(s)"
    if sinks:
        return Route.STDLIB, "standard logging has handlers, and loguru only its default sink"
    return Route.STDLIB, "standard logging has handlers" if handlers else "nothing is configured: standard error"


def _loguru_sinks() -> set[int]:
    """Give the numbers of loguru's sinks; 0 is the one it starts with. loguru tells them nowhere in public."""
    core = getattr(getattr(sys.modules.get("loguru"), "logger", None), "_core", None)
    return set(getattr(core, "handlers", ()))


def write(
    event: str, text: str, fields: Mapping[str, object], *, kind: Kind, cause: BaseException | None = None
) -> None:
    """Write one ERROR line: `event` and `text` for the eye, `fields` for machines, the cause's traceback as allowed.

    Raises what the host's logging raises. A line written while this thread is writing one (a log handler that
    itself makes a failure) goes to standard error: it is told, and cannot go round in a circle.
    """
    found = {name: _cut(value) for name, value in fields.items()}
    line = f"{event} {one_line(text)}"
    if cause is not None:
        printed, left_out = _limit.take(kind, time.monotonic())
        found |= {"tracebacks_left_out": left_out} if left_out else {}
        line += f" ({left_out} traceback(s) of this kind left out)" if left_out else ""
        found |= {"traceback": rendered(cause)} if printed else {}
    if getattr(_here, "writing", False):
        count("logs.reentered")
        print_last(f"{line} (a log handler made this failure)")
        return
    _here.writing = True
    try:
        _send(event, line, found)
    finally:
        _here.writing = False


def _send(event: str, line: str, fields: dict[str, Any]) -> None:
    try:
        chosen = choice()
    except FlagError as error:  # went bad since the install, which refuses it
        chosen = Choice(route=_found()[0], form=Form.TEXT, why=str(error))
        count("logs.form")
    logger = _LOGGERS[chosen.route]()
    if chosen.route is Route.STRUCTLOG:
        logger.error(event, **fields)
        return
    structlog.BoundLogger(logger, [_RENDERERS[chosen.form]], {}).error(event, line=line, **fields)


def _as_text(_logger: object, _level: str, found: Any) -> tuple[tuple[str], dict[str, Any]]:
    line, fields = found.pop("line"), {name: value for name, value in found.items() if name != "event"}
    if "traceback" in fields:
        line += f"\n{fields['traceback']}"
    return (line,), {"fields": fields}


def _as_json(_logger: object, _level: str, found: Any) -> tuple[tuple[str], dict[str, Any]]:
    fields = {name: value for name, value in found.items() if name not in ("event", "line")}
    head = {"timestamp": datetime.now(UTC).isoformat(), "level": "error", "event": found["event"]}
    return (json.dumps({**head, **fields}, default=str),), {"fields": fields}


class _Loguru:
    """loguru shows the function that called it: the contract is put in its place."""

    def error(self, line: str, *, fields: dict[str, Any]) -> None:
        def show(record: Any) -> None:
            function = ".".join(str(fields[name]) for name in ("component", "method") if name in fields)
            record.update(name="failloud", function=function or fields.get("operation", ""), line=0)

        sys.modules["loguru"].logger.patch(show).bind(**fields).error(line)


class _Stdlib:
    """Standard logging; the fields are in the log record's attribute `failloud`, for formatters that take them."""

    def error(self, line: str, *, fields: dict[str, Any]) -> None:
        logger = logging.getLogger("failloud")
        if logger.disabled:  # dictConfig's default for every logger that is there already: an accident, not a wish
            logger.disabled = False
            count("logs.disabled")
            logger.error("failloud.own_failure operation=logs.disabled error=the logger was disabled; enabled again")
        if not logger.isEnabledFor(logging.ERROR):
            count("logs.muted")
        logger.error("%s", line, extra={"failloud": fields})


_LOGGERS: dict[Route, Callable[[], Any]] = {
    Route.LOGURU: _Loguru,
    Route.STDLIB: _Stdlib,
    Route.STRUCTLOG: lambda: structlog.get_logger("failloud"),
}
_RENDERERS = {Form.TEXT: _as_text, Form.JSON: _as_json}


def one_line(text: str) -> str:
    """Give the text on one line: whatever would move a terminal's cursor, or forge a second line, is escaped."""
    text = str(_cut(text))
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > LONGEST:
        head, tail = value[: LONGEST // 2], value[-LONGEST // 2 :]
        return f"{head}... ({len(value) - LONGEST} characters left out) ...{tail}"
    return value
