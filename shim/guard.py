"""The one funnel for the shim's own failures: counted, logged, never raised over the host's result."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable

__all__ = ["own_failure", "own_failures", "shown"]

_LOG = logging.getLogger("failloud")
_lock = threading.Lock()
_counts: Counter[str] = Counter()


def own_failure(operation: str, error: BaseException) -> None:
    """Count and log one failure of ours. `operation` is a closed, short name such as `flags.refresh`.

    Never raises: a broken logging handler ends on standard error, and a closed standard error in the count alone.
    """
    with _lock:
        _counts[operation] += 1
    text = f"failloud.own_failure operation={operation} error={_rendered(lambda: repr(error), error)}"
    try:
        _LOG.error("%s", text, exc_info=error)
    except Exception:  # noqa: BLE001  # the last net: a handler of the host's may do anything
        try:
            print(f"{text}; logging it failed:\n{traceback.format_exc()}", file=sys.stderr)  # noqa: T201
        except (OSError, ValueError):
            return  # nobody is left to tell; the count above stands


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
    with _lock:
        return dict(_counts)
