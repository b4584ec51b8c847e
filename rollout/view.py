"""How a plan's state reads: the rows of `status`, what a promotion changes, and the history."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rollout.control import Control, Entry, Status
from rollout.engine import bake_left, see, when
from rollout.places import where
from rollout.plan import Plan
from rollout.publish import kills, roots
from shim.snapshot import Mode

__all__ = ["changes", "clock", "history_data", "history_line", "next_step", "state_data", "state_lines"]

SOON_S = 14 * 86400
"From when on `status` warns that the plan expires."


def clock(at: float) -> str:
    """Write a moment in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def state_data(control: Control, plan: Plan | None, root: Path, now: float) -> dict[str, object]:
    """Give the state as plain data for `--json`; times in seconds since the epoch, durations in seconds."""
    return {
        "status": str(see(control, plan, now)),
        "plan": control.plan,
        "sha": control.sha,
        "owner": plan.metadata.owner if plan else "",
        "expires": plan.metadata.expires.isoformat() if plan else "",
        "expired": plan.expired(now) if plan else False,
        "environment": control.environment,
        "stage": control.stage_name,
        "stage_index": control.stage,
        "stages": [stage.name for stage in plan.stages] if plan else [],
        "since": control.since,
        "bake_left": max(0.0, bake_left(control, plan, now)) if plan else 0.0,
        "environments": {
            name: {
                "directory": str(where(here.directory, root)),
                "stage": here.stage,
                "modes": {component: str(mode) for component, mode in here.modes.items()},
            }
            for name, here in control.placed.items()
        },
        "killed": {str(path): sorted(names) for path, names in kills(roots(control, root)).items()},
        "rev": control.rev,
        "version": control.version,
        "next": next_step(control, plan, now),
    }


def state_lines(control: Control, plan: Plan | None, root: Path, now: float) -> list[str]:
    """Give the state as lines for people."""
    if plan is None:
        lines = [f"plan       none ({control.status})"]
    else:
        stage = plan.stages[control.stage]
        lines = [
            f"plan       {control.plan} (owner {plan.metadata.owner}, expires {plan.metadata.expires})",
            f"stage      {stage.name}, {control.stage + 1} of {len(plan.stages)}: {see(control, plan, now)}",
            f"since      {clock(control.since)}",
        ]
        if control.status is Status.BAKING:
            left = bake_left(control, plan, now)
            over = f"{when(left)} left" if left > 0 else "over"
            lines.append(f"bake       {when(stage.bake.total_seconds())}, {over}")
        lines += _warning(plan, now)
    for name, here in control.placed.items():
        modes = ", ".join(f"{component} {mode}" for component, mode in here.modes.items())
        lines.append(f"{name:10} {modes or 'not reached yet'}  ({where(here.directory, root)})")
    for path, names in kills(roots(control, root)).items():
        lines.append(f"killed     {', '.join(name or 'everything' for name in sorted(names))} in {path}")
    return [*lines, f"next       {next_step(control, plan, now)}"]


def _warning(plan: Plan, now: float) -> list[str]:
    if plan.expired(now):
        return [f"expired    after {plan.metadata.expires}: the plan moves no further, a rollback still works"]
    if plan.expired(now + SOON_S):
        return [f"expires    soon, after {plan.metadata.expires}; finish it or write a later date"]
    return []


def next_step(control: Control, plan: Plan | None, now: float) -> str:
    """Say what the operator does next."""
    status = see(control, plan, now)
    if status is Status.ROLLED_BACK:
        return "repair the cause, then: failloud rollout resume --reason R"
    if plan is None:
        return "failloud rollout start PLAN"
    if status is Status.COMPLETED:
        return "nothing; the plan is completed"
    if plan.expired(now):
        return "failloud rollback, then: failloud rollout resume NEW_PLAN --reason R"
    last = control.stage + 1 == len(plan.stages)
    ahead = "completes the plan" if last else f"goes to stage {plan.stages[control.stage + 1].name}"
    wait = f"in {when(bake_left(control, plan, now))}: " if status is Status.BAKING else ""
    return f"{wait}failloud rollout promote ({ahead})"


def changes(before: Control, after: Control) -> list[str]:
    """Say what another state changes, component by component."""
    lines = []
    for name, here in after.placed.items():
        old = before.placed[name].modes if name in before.placed else {}
        for component in sorted({*old, *here.modes}):
            was, now = old.get(component, Mode.OFF), here.modes.get(component, Mode.OFF)
            if was is not now:
                lines.append(f"{name}: {component} {was} -> {now}")
    return lines or ["no mode changes"]


def history_line(entry: Entry) -> str:
    """Write one row of the history."""
    stage = f" {entry.environment}/{entry.stage}" if entry.stage else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        f"{clock(entry.at)} rev {entry.rev} {entry.actor} {entry.verb}{stage} {entry.before} -> {entry.after}{reason}"
    )


def history_data(entry: Entry) -> dict[str, object]:
    """Give one row of the history as plain data."""
    return asdict(entry)
