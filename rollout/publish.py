"""From the control store to the snapshot files, and back into step after a crash between the two.

Snapshots are written while the store is held: the last file written is always the last state's. A kill file that
the store does not know of (a rollback while it was unreachable) latches the plan; a snapshot that is older or louder
than the plan is written again; one that somebody made quieter by hand is left and reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rollout.control import RANK, Control, Entry, Status
from rollout.engine import Event, Request, transition
from rollout.places import actor, where
from rollout.state import Store
from shim.snapshot import KILL, SNAPSHOT, FlagFileError, Mode, Snapshot, UnknownSchemaError, killed, read, write

__all__ = ["PublishError", "entry", "floor", "kills", "publish", "roots", "settle", "wanted"]

_REPAIRED = "repaired: "


class PublishError(Exception):
    """Raised when a snapshot cannot be written although the control store has moved; processes keep their modes."""

    def __init__(self, path: Path, error: OSError, hint: str = "'failloud rollout status' writes it") -> None:
        super().__init__(path, error, hint)
        self.path, self.error, self.hint = path, error, hint

    def __str__(self) -> str:
        return (
            f"the control store has moved, but {self.path} cannot be written ({self.error}); processes keep their "
            f"modes; next: repair the directory, then {self.hint}"
        )


def entry(event: str, before: Control, after: Control, *, now: float, reason: str = "") -> Entry:
    """Make the history row of a change."""
    return Entry(
        at=now,
        actor=actor(),
        verb=event,
        rev=after.rev,
        before=str(before.status),
        after=str(after.status),
        environment=after.environment,
        stage=after.stage_name,
        reason=reason,
    )


def roots(control: Control, root: Path) -> tuple[Path, ...]:
    """Name every directory of the plan, the control store's own first."""
    return tuple(dict.fromkeys([root, *(where(here.directory, root) for here in control.placed.values())]))


def kills(directories: Iterable[Path]) -> dict[Path, frozenset[str]]:
    """Say what is killed where; the empty name is everything."""
    return {directory: names for directory in directories if (names := killed(directory))}


def wanted(control: Control, root: Path) -> dict[Path, Snapshot]:
    """Give the snapshot that each directory should hold. Where one serves two environments, the current one counts."""
    found: dict[Path, Snapshot] = {}
    for environment, here in control.placed.items():
        path = where(here.directory, root)
        if here.stage and (path not in found or environment == control.environment):
            found[path] = Snapshot(version=control.version, modes=here.modes, plan=here.plan, stage=here.stage)
    return found


def floor(control: Control, root: Path) -> int:
    """Give the highest snapshot version on disk, so that the next one is higher; what is unreadable counts as none."""
    return max(
        (found.version for path in roots(control, root) if isinstance(found := _read(path), Snapshot)), default=0
    )


def publish(store: Store) -> None:
    """Write each snapshot that is not what the control store says. Raises PublishError, StoreError."""
    with store.exclusive() as control:
        for path, snapshot in wanted(control, store.directory).items():
            _write(path, snapshot, _read(path))


def settle(store: Store, *, now: float, also: Iterable[Path] = ()) -> tuple[Control, list[str]]:
    """Bring store and files into step; gives the state and what was done about it. Raises PublishError, StoreError."""
    notes: list[str] = []
    control = store.current()
    dead = kills(dict.fromkeys([*roots(control, store.directory), *also]))
    if _unlatched(control, dead):
        control = _latch(store, dead, now)
        files = ", ".join(
            str(path / (f"{KILL}.{name}" if name else KILL)) for path in dead for name in sorted(dead[path])
        )
        notes.append(f"{_REPAIRED}{files} holds and the control store did not know; the plan is latched")
    with store.exclusive() as control:
        for path, snapshot in wanted(control, store.directory).items():
            note = _repair(path, snapshot)
            if note:
                notes.append(note)
            if note.startswith(_REPAIRED):
                store.note(entry("repair", control, control, now=now, reason=note))
    return control, notes


def _unlatched(control: Control, dead: dict[Path, frozenset[str]]) -> bool:
    names = frozenset[str]().union(*dead.values())
    if not names:
        return False
    still = (
        mode is not Mode.OFF and ("" in names or component in names)
        for here in control.placed.values()
        for component, mode in here.modes.items()
    )
    return control.status is not Status.ROLLED_BACK or any(still)


def _latch(store: Store, dead: dict[Path, frozenset[str]], now: float) -> Control:
    names = frozenset[str]().union(*dead.values())
    request = Request(now=now, components=frozenset() if "" in names else names)

    def decide(before: Control) -> tuple[Control, Entry]:
        after = transition(before, Event.ROLLBACK, request)
        return after, entry(Event.ROLLBACK, before, after, now=now, reason="a kill file was found")

    return store.force(decide, floor=floor(store.current(), store.directory))


def _repair(path: Path, snapshot: Snapshot) -> str:
    found = _read(path)
    if isinstance(found, UnknownSchemaError):
        raise found  # another release wrote it and may read it still: not ours to replace
    if isinstance(found, FlagFileError):
        _write(path, snapshot, found)
        return f"{_REPAIRED}{found.path} ({found.reason}) is written again for stage {snapshot.stage}"
    if _same(found, snapshot):
        return ""
    file = path / SNAPSHOT
    louder = [name for name, mode in found.modes.items() if RANK[mode] > RANK[snapshot.modes.get(name, Mode.OFF)]]
    if found.version < snapshot.version:
        _write(path, snapshot, found)
        return (
            f"{_REPAIRED}{file} was at version {found.version}, stage {found.stage or 'none'}, the control store is "
            f"ahead (a crash between the two); it is written again for stage {snapshot.stage}"
        )
    if louder:
        _write(path, snapshot, found)
        return (
            f"{_REPAIRED}{file} was changed outside the plan and made {', '.join(louder)} louder; "
            f"it is written again for stage {snapshot.stage}"
        )
    return (
        f"note: {file} was changed outside the plan ({found.stage or 'no stage'}) and is quieter than it; "
        "left as it is until the next promote, rollback or resume"
    )


def _same(one: Snapshot, other: Snapshot) -> bool:
    return (one.modes, one.plan, one.stage) == (other.modes, other.plan, other.stage)


def _read(directory: Path) -> Snapshot | FlagFileError:
    try:
        return read(directory)
    except FlagFileError as error:
        return error


def _write(directory: Path, snapshot: Snapshot, found: Snapshot | FlagFileError) -> None:
    version = snapshot.version
    if isinstance(found, Snapshot):
        if _same(found, snapshot):
            return
        version = max(version, found.version + 1)
    try:
        write(
            directory, Snapshot(version=version, modes=dict(snapshot.modes), plan=snapshot.plan, stage=snapshot.stage)
        )
    except OSError as error:
        raise PublishError(directory / SNAPSHOT, error) from error
