"""The one funnel for the shim's own failures: counted, logged, never raised over the host's result."""

from __future__ import annotations

import reprlib
import sys
import time
from collections.abc import Callable

from shim.tally import Tally
from shim.tracebacks import Limit, rendered

__all__ = ["brief", "count", "own_failure", "own_failures", "print_last", "shown"]

_tally: Tally[str] = Tally()
_limit = Limit()

_repr = reprlib.Repr()  # survives an object whose own `__repr__` raises
_repr.maxother = _repr.maxstring = 300


def own_failure(operation: str, error: BaseException) -> None:
    """Count and log one failure of ours. `operation` is a closed, short name such as `flags.refresh`.

    Never raises: where the host's logging fails the line ends on standard error, and with that closed in the count
    alone. Every failure has its line; tracebacks are limited, five a minute for each operation.
    """
    count(operation)
    fields = {"operation": operation, "error": _rendered(lambda: repr(error), error)}
    text = f"operation={operation} error={fields['error']}"
    try:
        from shim.logs import write  # lazy: it brings structlog, which a command that goes well has no use for

        write("failloud.own_failure", text, fields, kind=("own", operation), cause=error)
    except Exception as failed:  # noqa: BLE001  # the last net: a handler of the host's may do anything
        printed, left_out = _limit.take(("own", operation), time.monotonic())
        trace = f"\n{rendered(failed)}" if printed else f" {left_out} traceback(s) left out"
        print_last(f"failloud.own_failure {text}; logging it failed: {shown(failed)}{trace}")


def count(operation: str) -> None:
    """Count one failure of ours that needs no line of its own: it is told by another, or there is nobody to tell."""
    _tally.add(operation)


def print_last(text: str) -> None:
    """Print to standard error, as the last resort; where that is closed, full or missing the count stands alone."""
    if sys.stderr is None:  # `print` would take standard output instead
        count("guard.stderr")
        return
    try:
        print(text, file=sys.stderr)  # noqa: T201
    except (OSError, ValueError):
        count("guard.stderr")


def brief(value: object) -> str:
    """Render what a host's method answered: bounded, and whatever its `__repr__` does."""
    return _repr.repr(value)


def shown(error: BaseException) -> str:
    """Render an exception as `Type: text`; somebody's exception may raise even there."""
    return _rendered(lambda: f"{type(error).__name__}: {error}", error)


def _rendered(render: Callable[[], str], error: BaseException) -> str:
    try:
        return render()
    except Exception as broken:  # noqa: BLE001  # told in the text itself
        return f"{type(error).__name__} (its text raises {type(broken).__name__})"


def own_failures() -> dict[str, int]:
    """Give the counts by operation since the process started."""
    return _tally.counts()
