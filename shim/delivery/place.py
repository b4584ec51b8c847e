"""Where the store of missed events is."""

from __future__ import annotations

import os
from pathlib import Path

from shim.decisions import STATE_DIR, STORE
from shim.delivery.store import StoreBrokenError

__all__ = ["store_path"]


def store_path(given: Path | None = None) -> Path:
    """Say where the store is: as given, `FAILLOUD_STORE`, or `missed.sqlite` in FAILLOUD_STATE_DIR.

    Raises StoreBrokenError where nothing says so: a default somewhere else would be found by nobody.
    """
    if given is not None:
        return given
    if named := os.environ.get(STORE):
        return Path(named)
    if folder := os.environ.get(STATE_DIR):
        return Path(folder) / "missed.sqlite"
    raise StoreBrokenError("nothing says where missed events are kept", f"set {STORE} to a file, or {STATE_DIR}")
