"""Which mode a component has in this process, and who said so.

Precedence: override > KILL > KILL.<component> > environment FAILLOUD_<COMPONENT> > snapshot file > default off.
The answer is a dict look-up in a table that is compiled again at most once a second, by the reader: no thread,
no socket, so it survives fork and a store that is down. A bad file keeps the last good table and is reported.
"""

from __future__ import annotations

import difflib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shim.guard import own_failure
from shim.snapshot import SNAPSHOT, FlagFileError, Mode, Snapshot, killed, read

__all__ = ["REFRESH_S", "Decision", "FlagError", "Reason", "declare", "mode", "override", "refresh", "table"]

REFRESH_S = 1.0
"Seconds between looks at the state directory: one stat is about 2 µs, so a rollback is obeyed within about a second."

STATE_DIR = "FAILLOUD_STATE_DIR"
_OTHER_VARIABLES = frozenset({STATE_DIR, "FAILLOUD_HOST_TREE"})


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

    def __init__(self, what: str, given: str, valid: tuple[str, ...]) -> None:
        super().__init__(what, given, valid)
        self.what, self.given, self.valid = what, given, valid

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.given, self.valid, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown {self.what} {self.given!r}: valid are {', '.join(self.valid) or 'none (no host is installed)'}{hint}"


_OFF = Decision(mode=Mode.OFF, reason=Reason.DEFAULT, detail="nothing says otherwise")
_lock = threading.RLock()
_components: tuple[str, ...] = ()
_overrides: list[Mapping[str, Mode]] = []
_table: dict[str, Decision] = {}
_next = 0.0
_snapshot: Snapshot | None = None
_seen: object = None
_reported = ""


def mode(component: str, unit: str | None = None) -> Decision:  # noqa: ARG001  # shares by unit come with the rollout's
    """Answer for one component. Raises FlagError for one no host declares."""
    if time.monotonic() >= _next:
        refresh()
    try:
        return _table[component]
    except KeyError:
        raise FlagError("component", component, _components) from None


def declare(components: tuple[str, ...]) -> None:
    """Say which components exist (at install) and read everything once, strictly.

    Raises FlagError where the environment names an unknown component or mode: a typo in a deployment must not
    start a process that is quietly off. A bad or missing file does not stop the process: it is off, and reported.
    """
    global _components
    with _lock:
        before, _components = _components, components
        try:
            _environment()
        except FlagError:
            _components = before
            raise
        refresh()


def refresh() -> None:
    """Read kill files, environment and snapshot now. Never raises; what is bad is reported and the last good kept."""
    global _table, _next
    with _lock:
        _next = time.monotonic() + REFRESH_S
        try:
            directory = _directory()
            snapshot = _current(directory)
            dead = killed(directory) if directory else frozenset()
            _table = _compile(snapshot, dead, _environment())
        except (FlagError, OSError) as error:
            own_failure("flags.refresh", error)
            if not _table:
                _table = dict.fromkeys(_components, _OFF)


def table() -> dict[str, Decision]:
    """Give every component's decision, for `flags show`."""
    refresh()
    return dict(_table)


@contextmanager
def override(**modes: str) -> Iterator[None]:
    """Set modes for this process while the block runs: tests and scripts. Nests; raises FlagError for an unknown name."""
    wanted = {name: _mode_of(value) for name, value in modes.items()}
    for name in wanted:
        if name not in _components:
            raise FlagError("component", name, _components)
    with _lock:
        _overrides.append(wanted)
    refresh()
    try:
        yield
    finally:
        with _lock:
            _overrides.remove(wanted)
        refresh()


def _compile(snapshot: Snapshot | None, dead: frozenset[str], environment: Mapping[str, Mode]) -> dict[str, Decision]:
    forced = {name: value for layer in _overrides for name, value in layer.items()}
    found = {}
    for name in _components:
        if name in forced:
            found[name] = Decision(mode=forced[name], reason=Reason.OVERRIDE, detail="shim.override")
        elif "" in dead or name in dead:
            file = "KILL" if "" in dead else f"KILL.{name}"
            found[name] = Decision(
                mode=Mode.OFF, reason=Reason.KILL, detail=f"{file}; only 'failloud rollout resume' lifts it"
            )
        elif name in environment:
            found[name] = Decision(mode=environment[name], reason=Reason.ENV, detail=f"FAILLOUD_{name.upper()}")
        elif snapshot and name in snapshot.modes:
            where = f"{SNAPSHOT} version {snapshot.version}" + (f", stage {snapshot.stage}" if snapshot.stage else "")
            found[name] = Decision(mode=snapshot.modes[name], reason=Reason.FILE, detail=where)
        else:
            found[name] = _OFF
    return found


def _directory() -> Path | None:
    given = os.environ.get(STATE_DIR)
    return Path(given) if given else None


def _current(directory: Path | None) -> Snapshot | None:
    """Give the snapshot, read again only where the file changed (any difference: an older mtime counts too)."""
    global _snapshot, _seen, _reported
    if directory is None:
        _snapshot, _seen = None, None
        return None
    try:
        stat = (directory / SNAPSHOT).stat()
        key: object = (str(directory), stat.st_mtime_ns, stat.st_ino, stat.st_size)
    except FileNotFoundError:
        key = (str(directory), None)
    if key != _seen:
        _seen = key
        try:
            found = read(directory)
            _refuse_strangers(found, directory)
        except FlagFileError as error:
            if _reported != str(error):
                _reported = str(error)
                own_failure("flags.snapshot", error)
        else:
            _snapshot, _reported = found, ""
    return _snapshot


def _refuse_strangers(snapshot: Snapshot, directory: Path) -> None:
    strangers = sorted(set(snapshot.modes) - set(_components))
    if strangers:
        raise FlagFileError(
            str(directory / SNAPSHOT),
            f"names unknown components {', '.join(strangers)}; this host has {', '.join(_components)}",
        )


def _environment() -> dict[str, Mode]:
    found = {}
    for variable, value in os.environ.items():
        if not variable.startswith("FAILLOUD_") or variable in _OTHER_VARIABLES:
            continue
        name = variable.removeprefix("FAILLOUD_").lower()
        if name not in _components:
            raise FlagError(
                "component in the environment", variable, tuple(f"FAILLOUD_{c.upper()}" for c in _components)
            )
        found[name] = _mode_of(value)
    return found


def _mode_of(value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        raise FlagError("mode", value, tuple(Mode)) from None
