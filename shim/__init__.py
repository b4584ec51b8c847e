"""Compatibility shims: subclasses of a platform's own classes that make each lost event loud, behind a flag."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shim.boundaries import boundary, handled
    from shim.calls import delivered, escalate, missing, spawn
    from shim.errors import LoudFailure
    from shim.flags import mode, override
    from shim.host import Installation, install
    from shim.recorder import FailureRecord, recording
    from shim.snapshot import Mode

__all__ = [
    "FailureRecord",
    "Installation",
    "LoudFailure",
    "Mode",
    "boundary",
    "delivered",
    "escalate",
    "handled",
    "install",
    "missing",
    "mode",
    "override",
    "recording",
    "spawn",
]

_HOME = {
    "boundary": "boundaries", "handled": "boundaries",
    "delivered": "calls", "escalate": "calls", "missing": "calls", "spawn": "calls",
    "LoudFailure": "errors", "mode": "flags", "override": "flags",
    "Installation": "host", "install": "host",
    "FailureRecord": "recorder", "recording": "recorder", "Mode": "snapshot",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import shim` alone pulls nothing in."""
    if name not in _HOME:
        msg = f"module 'shim' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"shim.{_HOME[name]}"), name)
