"""The one funnel for the shim's own failures: counted, logged, never raised over the host's result."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections import Counter

__all__ = ["own_failure", "own_failures"]

_LOG = logging.getLogger("failloud")
_lock = threading.Lock()
_counts: Counter[str] = Counter()


def own_failure(operation: str, error: BaseException) -> None:
    """Count and log one failure of ours. `operation` is a closed, short name such as `flags.refresh`.

    Never raises: a broken logging handler ends on standard error, and a closed standard error in the count alone.
    """
    with _lock:
        _counts[operation] += 1
    try:
        _LOG.error("failloud.own_failure operation=%s error=%r", operation, error, exc_info=error)
    except Exception:  # noqa: BLE001  # the last net: a handler of the host's may do anything
        try:
            sys.stderr.write(
                f"failloud.own_failure operation={operation} error={error!r}, and it could not be logged:\n"
            )
            traceback.print_exc(file=sys.stderr)
        except (OSError, ValueError):
            return  # nobody is left to tell; the count above stands


def own_failures() -> dict[str, int]:
    """Give the counts by operation since the process started."""
    with _lock:
        return dict(_counts)
