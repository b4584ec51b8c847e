"""Which mode a component has in this process, and who said so.

Precedence: override > KILL > KILL.<component> > environment FAILLOUD_<COMPONENT> > snapshot file > default off.
The answer is a dict look-up in a table that is compiled again at most once a second, by the reader: no thread,
no socket, so it survives fork and a store that is down. A bad file keeps the last good table and is reported.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from shim.decisions import OFF, PREFIX, STATE_DIR, Decision, FlagError, Reason, environment_modes, mode_of
from shim.guard import own_failure
from shim.locks import fresh_lock
from shim.snapshot import SNAPSHOT, FlagFileError, Mode, Snapshot, killed, read

__all__ = [
    "REFRESH_S",
    "Cell",
    "Flags",
    "cell",
    "current",
    "declare",
    "last_known",
    "mode",
    "override",
    "problem",
    "refresh",
    "table",
]

REFRESH_S = 1.0
"Seconds between looks at the state directory: one stat is about 2 µs, so a rollback is obeyed within about a second."


class Cell:
    """One component's mode, for the wrappers of its methods: two attributes instead of a call.

    From `due` on, by `time.monotonic`, it is to be refreshed before it is read.
    """

    __slots__ = ("due", "mode")

    def __init__(self) -> None:
        self.mode, self.due = Mode.OFF, 0.0


_T = TypeVar("_T")
_MODE_OFF = Mode.OFF  # reading a member off its enum costs as much as the look-up


class Flags:
    """The flags of one process; `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = fresh_lock()
        self._components: tuple[str, ...] = ()
        self._overrides: list[Mapping[str, Mode]] = []
        self._environment: Mapping[str, Mode] = {}
        self._table: dict[str, Decision] = {}
        self._modes: dict[str, Mode] = {}
        self._cells: dict[str, Cell] = {}
        self._next = 0.0
        self._snapshot: Snapshot | None = None
        self._dead: frozenset[str] = frozenset()
        self._seen: object = None
        self._directory: Path | None = None
        self._reported = ""
        self._bad_variable = ""

    def mode(self, component: str) -> Decision:
        """Answer for one component. Raises FlagError for one no host declares."""
        if self._clock() >= self._next:
            self.refresh()
        try:
            return self._table[component]
        except KeyError:
            raise FlagError("component", component, self._components) from None

    def current(self, component: str) -> Mode:
        """Answer the wrapper of a host method: never raises, and off for a component that was uninstalled since."""
        if self._clock() >= self._next:
            self.refresh()
        return self._modes.get(component, _MODE_OFF)

    def cell(self, component: str) -> Cell:
        """Give the cell of a component, one for all time: off while no installed host declares the component."""
        with self._lock:
            return self._cells.setdefault(component, Cell())

    def last_known(self, component: str) -> Mode:
        """Answer as `current` did last: takes no lock and reads nothing, for code that garbage collection runs."""
        return self._modes.get(component, _MODE_OFF)

    def declare(self, components: tuple[str, ...]) -> None:
        """Say which components exist (at install) and read everything once, strictly.

        Raises FlagError where the environment names an unknown component or mode: a typo in a deployment must
        not start a process that is quietly off. A bad or missing file does not stop it: it is off, and reported.
        """
        with self._lock:
            environment_modes(components)
            self._components = components
            self._seen = None
            self.refresh()

    def refresh(self) -> None:
        """Read kill files, environment and snapshot now. Never raises: what is bad is reported, the last good kept."""
        with self._lock:
            self._next = self._clock() + REFRESH_S
            directory = _directory()
            dead = self._safely("flags.kill", lambda: killed(directory) if directory else frozenset(), self._dead)
            snapshot = self._safely("flags.snapshot", lambda: self._current(directory), self._snapshot)
            self._dead = dead
            self._table = self._compile(snapshot, dead, self._variables())
            self._modes = {name: decision.mode for name, decision in self._table.items()}
            for name, cell in self._cells.items():
                cell.mode, cell.due = self._modes.get(name, _MODE_OFF), self._next

    def table(self) -> dict[str, Decision]:
        """Give every component's decision, for `flags show`."""
        self.refresh()
        return dict(self._table)

    def problem(self) -> str:
        """Say what is wrong with the snapshot or the environment now; empty where nothing is."""
        return self._reported or self._bad_variable

    @contextmanager
    def override(self, **modes: str) -> Iterator[None]:
        """Set modes for this process while the block runs: tests and scripts. Nests.

        Raises FlagError for an unknown component or mode.
        """
        wanted = {name: mode_of(value) for name, value in modes.items()}
        for name in wanted:
            if name not in self._components:
                raise FlagError("component", name, self._components)
        with self._lock:
            self._overrides.append(wanted)
        self.refresh()
        try:
            yield
        finally:
            with self._lock:
                self._overrides[:] = [layer for layer in self._overrides if layer is not wanted]
            self.refresh()

    def _safely(self, operation: str, look: Callable[[], _T], last: _T) -> _T:
        """Look at one source; where that fails in any way it is reported, and the last answer holds."""
        try:
            return look()
        except Exception as error:  # noqa: BLE001  # a mode is asked for inside the host's calls: nothing may escape
            own_failure(operation, error)
            return last

    def _compile(
        self, snapshot: Snapshot | None, dead: frozenset[str], environment: Mapping[str, Mode]
    ) -> dict[str, Decision]:
        forced = {name: value for layer in self._overrides for name, value in layer.items()}
        found = {}
        for name in self._components:
            if name in forced:
                found[name] = Decision(mode=forced[name], reason=Reason.OVERRIDE, detail="shim.override")
            elif "" in dead or name in dead:
                detail = f"{'KILL' if '' in dead else f'KILL.{name}'}; only 'failloud rollout resume' lifts it"
                found[name] = Decision(mode=Mode.OFF, reason=Reason.KILL, detail=detail)
            elif name in environment:
                detail = f"{PREFIX}{name.upper()}"
                found[name] = Decision(mode=environment[name], reason=Reason.ENV, detail=detail)
            elif snapshot and name in snapshot.modes:
                detail = f"{SNAPSHOT} version {snapshot.version}" + (f", {snapshot.stage}" if snapshot.stage else "")
                found[name] = Decision(mode=snapshot.modes[name], reason=Reason.FILE, detail=detail)
            else:
                found[name] = OFF
        return found

    def _variables(self) -> Mapping[str, Mode]:
        """Give the environment's modes; the last good ones where a variable has gone bad since the install."""
        try:
            self._environment = environment_modes(self._components)
        except FlagError as error:
            if self._bad_variable != str(error):
                own_failure("flags.environment", error)
            self._bad_variable = str(error)
        else:
            self._bad_variable = ""
        return self._environment

    def _current(self, directory: Path | None) -> Snapshot | None:
        """Give the snapshot, read again only where the file differs in any way: an older mtime counts too."""
        if directory != self._directory:  # another place: what the old one said holds no longer
            self._directory, self._snapshot, self._seen = directory, None, None
        if directory is None:
            return None
        try:
            stat = (directory / SNAPSHOT).stat()
            key: object = (str(directory), stat.st_mtime_ns, stat.st_ino, stat.st_size)
        except FileNotFoundError:
            key = (str(directory), None)
        if key != self._seen:
            self._seen = key
            self._read(directory)
        return self._snapshot

    def _read(self, directory: Path) -> None:
        try:
            found = read(directory)
            self._refuse_strangers(found, directory)
        except FlagFileError as error:
            if self._reported != str(error):
                self._reported = str(error)
                own_failure("flags.snapshot", error)
        else:
            self._snapshot, self._reported = found, ""

    def _refuse_strangers(self, snapshot: Snapshot, directory: Path) -> None:
        strangers = sorted(set(snapshot.modes) - set(self._components))
        if strangers and self._components:
            reason = f"names unknown components {', '.join(strangers)}; this host has {', '.join(self._components)}"
            raise FlagFileError(str(directory / SNAPSHOT), reason)


_process = Flags()
mode = _process.mode
current = _process.current
cell = _process.cell
last_known = _process.last_known
declare = _process.declare
refresh = _process.refresh
table = _process.table
problem = _process.problem
override = _process.override


def _directory() -> Path | None:
    given = os.environ.get(STATE_DIR)
    return Path(given) if given else None
