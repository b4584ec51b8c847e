"""The toggle: everything (or one component) off, now. Kill file first, then the snapshot, then the control store.

It needs no plan, no network and no library beyond click: what stands on disk is enough, and each step is tried
whatever became of the one before it. A step that fails is told; the kill file alone is enough for processes to obey.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from rollout.codes import Exit
from rollout.control import Control, Entry
from rollout.engine import Event, Request, transition
from rollout.publish import PublishError, entry, floor, publish, roots
from rollout.state import CONTROL_DB, Store, StoreError
from shim.snapshot import KILL, SNAPSHOT, FlagFileError, Mode, Snapshot, arm, kill, read, write

__all__ = ["COMPONENT", "Report", "Step", "known_components", "roll_back"]

COMPONENT = re.compile(r"[a-z][a-z0-9_]*")
"What may be the name of a component, and so the end of a kill file's name."
BUSY_S = 2.0
"How long to wait for the control store, in seconds: the kill holds already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried."""

    what: str
    "`kill`, `arm`, `snapshot` or `control`."
    where: Path
    result: str
    failed: bool = False
    off: bool = False
    "It turns off by itself what was asked for."


@dataclass(slots=True, kw_only=True)
class Report:
    """What was done, in order."""

    steps: list[Step] = field(default_factory=list)
    components: tuple[str, ...] = ()
    "What was turned off, with what depends on it; empty = everything."

    def directories(self) -> tuple[Path, ...]:
        """Name the directories that were turned off or should have been."""
        return tuple(dict.fromkeys(step.where.parent for step in self.steps if step.what == "kill"))

    def disobeyed(self) -> tuple[Path, ...]:
        """Name the directories where a kill file is missing and no snapshot says off: processes go on as they were."""
        written = {step.where.parent: step.off for step in self.steps if step.what == "snapshot"}
        missing = {step.where.parent for step in self.steps if step.what == "kill" and not step.off}
        return tuple(path for path in self.directories() if path in missing and not written.get(path))

    @property
    def code(self) -> Exit:
        """Say how it went: 0, 6 where the kill holds but a step failed, 8 where a directory could not be turned off."""
        if self.disobeyed():
            return Exit.NOT_OBEYED
        return Exit.STORE_UNREACHABLE if any(step.failed for step in self.steps) else Exit.OK


def known_components(directories: Iterable[Path]) -> frozenset[str]:
    """Name the components that snapshots and control stores know; empty where nothing can be read."""
    found: set[str] = set()
    for directory in directories:
        # missing or broken: nothing to check against here; the caller says so, and the rollback's steps report it
        with suppress(FlagFileError):
            found |= set(read(directory).modes)
        with suppress(StoreError), Store.open(directory, timeout=BUSY_S) as store:
            found |= store.current().components()
    return frozenset(found)


def roll_back(directories: tuple[Path, ...], component: str, *, reason: str, now: float) -> Report:
    """Turn everything off, or `component` with all that depends on it; never raises for what it meets on disk."""
    report = Report(components=(component,) if component else ())
    for directory in directories:
        _silence(report, directory, report.components)
    present = [path for path in directories if _has_store(path)]
    for root in present:
        try:
            with Store.open(root, timeout=BUSY_S) as store:
                result = _control(report, store, reason, now)
        except (StoreError, PublishError) as error:
            report.steps.append(Step(what="control", where=root / CONTROL_DB, result=str(error), failed=True))
        else:
            report.steps.append(Step(what="control", where=root / CONTROL_DB, result=result))
    if not present:
        result = "there is none here; a plan that runs from another directory latches when it finds the kill file"
        report.steps.append(Step(what="control", where=directories[0] / CONTROL_DB, result=result))
    _kill_again(report)
    return report


def _has_store(directory: Path) -> bool:
    try:
        return (directory / CONTROL_DB).exists()
    except OSError:
        return True  # it cannot even be looked at: opening it says why


def _control(report: Report, store: Store, reason: str, now: float) -> str:
    """Turn off what only the control store knows of (dependents, other directories), then latch the plan."""
    before = store.current()
    more = {name for component in report.components for name in before.dependents(component)} - {*report.components}
    done = report.directories()
    report.components += tuple(sorted(more))
    for directory in done if more else ():
        _silence(report, directory, tuple(sorted(more)))
    for directory in roots(before, store.directory):
        if directory not in done:
            _silence(report, directory, report.components)
    after = _latch(store, report.components, reason, now)
    publish(store)
    return f"plan {after.plan} rolled back and latched" if after.plan else "no plan is started; latched"


def _silence(report: Report, directory: Path, components: tuple[str, ...]) -> None:
    for name in components or ("",):
        path = directory / (f"{KILL}.{name}" if name else KILL)
        try:
            kill(directory, name)
        except OSError as error:
            report.steps.append(Step(what="kill", where=path, result=f"cannot be made ({error})", failed=True))
        else:
            report.steps.append(Step(what="kill", where=path, result="holds", off=True))
    try:
        arm(directory)  # the blank was used: the next kill must not need disk space either
    except OSError as error:
        result = f"the next kill file cannot be armed ({error})"
        report.steps.append(Step(what="arm", where=directory / KILL, result=result, failed=True))
    report.steps.append(_write_off(directory, components))


def _write_off(directory: Path, components: tuple[str, ...]) -> Step:
    path = directory / SNAPSHOT
    try:
        found = read(directory)
    except FlagFileError as error:
        if components:
            # what the others are at is not known, and a new snapshot would turn them off too
            return Step(what="snapshot", where=path, result=f"left as it is ({error.reason}); the kill file decides")
        found = Snapshot(version=0)
    off = {name: Mode.OFF if not components or name in components else mode for name, mode in found.modes.items()}
    try:
        write(directory, replace(found, version=found.version + 1, modes=off))
    except OSError as error:
        return Step(what="snapshot", where=path, result=f"cannot be written ({error})", failed=True)
    result = f"version {found.version + 1}: {', '.join(components) or 'everything'} off"
    return Step(what="snapshot", where=path, result=result, off=True)


def _latch(store: Store, components: tuple[str, ...], reason: str, now: float) -> Control:
    request = Request(now=now, components=frozenset(components))
    what = f"{', '.join(components)}: " if components else ""

    def decide(before: Control) -> tuple[Control, Entry]:
        after = transition(before, Event.ROLLBACK, request)
        return after, entry(Event.ROLLBACK, before, after, now=now, reason=f"{what}{reason}")

    return store.force(decide, floor=floor(store.current(), store.directory))


def _kill_again(report: Report) -> None:
    """Put back a kill file that a resume, decided before this rollback, lifted meanwhile."""
    for step in [step for step in report.steps if step.what == "kill" and step.off]:
        if not step.where.exists():
            name = step.where.name.removeprefix(KILL).removeprefix(".")
            try:
                kill(step.where.parent, name)
            except OSError as error:
                report.steps.append(replace(step, result=f"cannot be made again ({error})", failed=True, off=False))
            else:
                report.steps.append(replace(step, result="was lifted meanwhile by a resume; it holds again"))
