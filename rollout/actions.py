"""What the operator's verbs do: decide, commit, write the snapshot, and tell what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rollout.control import Control
from rollout.engine import Event, Request, transition
from rollout.loader import load_plan, parse_plan
from rollout.places import Places
from rollout.plan import Plan
from rollout.publish import PublishError, entry, floor, kills, publish, roots, settle
from rollout.state import Store, StoreError
from shim.snapshot import KILL, arm, lift

__all__ = ["Outcome", "plan_of", "promote", "resume", "start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a verb changed."""

    before: Control
    after: Control
    plan: Plan | None
    notes: list[str] = field(default_factory=list)
    "What was repaired or lifted on the way, one line each."


def plan_of(control: Control) -> Plan | None:
    """Read the plan that is in force, as it was started; None for a draft. Raises PlanError."""
    if not control.text:
        return None
    plan, _document = parse_plan(control.text, f"the started plan {control.plan}")
    return plan


def start(places: Places, path: Path, *, now: float, host: str = "") -> Outcome:
    """Check the plan, put its first stage in force, arm the kill files. Raises PlanError and what `change` raises."""
    plan, text = load_plan(path, now=now, host=host)
    directories = places.by_environment()
    try:
        for directory in places.directories:
            arm(directory)
    except OSError as error:
        raise StoreError(str(directory), f"cannot be written ({error})", "make it writable, or name another") from error
    with Store.open(places.control, create=True) as store:
        before, notes = settle(store, now=now, also=places.directories)
        request = Request(now=now, plan=plan, text=text, directories=directories)
        after = _change(store, before, Event.START, request, f"plan {path.name}")
    return Outcome(before=before, after=after, plan=plan, notes=notes)


def promote(places: Places, *, now: float, skip_bake: bool = False, reason: str = "") -> Outcome:
    """Put the next stage in force, or complete the plan after the last one."""
    with Store.open(places.control) as store:
        before, notes = settle(store, now=now)
        places.agree(before)
        plan = plan_of(before)
        request = Request(now=now, plan=plan, skip_bake=skip_bake)
        why = f"bake skipped: {reason}" if skip_bake else reason
        after = _change(store, before, Event.PROMOTE, request, why)
    return Outcome(before=before, after=after, plan=plan, notes=notes)


def resume(places: Places, *, now: float, reason: str, path: Path | None = None, host: str = "") -> Outcome:
    """Leave the latch and lift the kill files.

    The plan goes on at the first stage of the environment it was in, with a full bake: in production that is the
    stage that only observes; staging goes back to its last modes. A corrected plan (`path`) begins at its first stage,
    in staging, because nothing has proven it yet. Kill files go last: until then they hold.
    """
    new = load_plan(path, now=now, host=host) if path else None
    dead = kills(places.directories)
    with Store.open(places.control, create=bool(dead)) as store:
        before, notes = settle(store, now=now, also=places.directories)
        places.agree(before)
        plan = new[0] if new else plan_of(before)
        request = Request(now=now, plan=plan, text=new[1] if new else "")
        after = _change(store, before, Event.RESUME, request, reason)
        with store.exclusive() as control:
            if control.rev != after.rev:
                notes.append("note: the plan was changed again meanwhile, so no kill file was lifted")
                return Outcome(before=before, after=control, plan=plan, notes=notes)
            for directory in dict.fromkeys([*roots(control, store.directory), *places.directories]):
                names = _lift(directory)
                if names:
                    notes.append(f"lifted in {directory}: {', '.join(name or 'everything' for name in names)}")
    return Outcome(before=before, after=after, plan=plan, notes=notes)


def _change(store: Store, before: Control, event: Event, request: Request, reason: str) -> Control:
    """Decide, commit, then write: a crash in between leaves a store that `settle` brings the files up to."""
    new = transition(before, event, request)
    row = entry(event, before, new, now=request.now, reason=reason)
    after = store.change(before.rev, new, row, floor=floor(new, store.directory))
    publish(store)
    return after


def _lift(directory: Path) -> tuple[str, ...]:
    try:
        return lift(directory)
    except OSError as error:
        hint = "run resume again; until then the kill holds"
        raise PublishError(directory / KILL, error, hint) from error
