"""A mode and who decided it; and what the environment says. Pure but for reading the environment."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from enum import StrEnum

from shim.snapshot import Mode

__all__ = [
    "LOG",
    "OFF",
    "PREFIX",
    "STATE_DIR",
    "STORE",
    "Decision",
    "FlagError",
    "Reason",
    "environment_modes",
    "mode_of",
]

STATE_DIR = "FAILLOUD_STATE_DIR"
STORE = "FAILLOUD_STORE"
LOG = "FAILLOUD_LOG"
PREFIX = "FAILLOUD_"
_OTHER_VARIABLES = frozenset({STATE_DIR, STORE, LOG, "FAILLOUD_HOST_TREE"})


class Reason(StrEnum):
    """Who decided."""

    DEFAULT = "default"
    FILE = "file"
    ENV = "env"
    KILL = "kill"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A component's mode and why."""

    mode: Mode
    reason: Reason
    detail: str = ""


class FlagError(ValueError):
    """Raised when a component or a mode is not known; the valid ones are in the text."""

    def __init__(self, what: str, given: str, valid: tuple[str, ...], where: str = "") -> None:
        super().__init__(what, given, valid, where)
        self.what, self.given, self.valid, self.where = what, given, valid, where

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.given, self.valid, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        valid = ", ".join(self.valid) or "none (no host is installed)"
        where = f" in {self.where}" if self.where else ""
        return f"unknown {self.what} {self.given!r}{where}: valid are {valid}{hint}"


OFF = Decision(mode=Mode.OFF, reason=Reason.DEFAULT, detail="nothing says otherwise")


def environment_modes(components: tuple[str, ...]) -> dict[str, Mode]:
    """Give the modes set by `FAILLOUD_<COMPONENT>`. Raises FlagError for a name or mode that does not exist."""
    if not components:
        return {}
    found = {}
    for variable, value in os.environ.items():
        if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in components:
            raise FlagError("variable", variable, tuple(f"{PREFIX}{known.upper()}" for known in components))
        found[name] = mode_of(value, where=variable)
    return found


def mode_of(value: str, *, where: str = "") -> Mode:
    """Read a mode's name. Raises FlagError with the valid ones."""
    try:
        return Mode(value)
    except ValueError:
        raise FlagError("mode", value, tuple(str(known) for known in Mode), where) from None
