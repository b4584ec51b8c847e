"""The state machine: which event may follow in which state, and what the next state is. Pure, clock passed in.

    draft --start--> baking --(clock)--> ready --promote--> baking ... --> completed
    every state --rollback--> rolled_back --resume--> baking

It imports no plan library: a rollback runs on the control record alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rollout.codes import Exit
from rollout.control import HERE, Control, Placed, Status
from shim.snapshot import Mode

if TYPE_CHECKING:
    from rollout.plan import Plan

__all__ = ["TABLE", "Event", "Refusal", "Request", "TransitionError", "bake_left", "see", "transition", "when"]


class Event(StrEnum):
    """What an operator may ask for."""

    START = "start"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An event's arguments."""

    now: float
    "Seconds since the epoch."
    plan: Plan | None = None
    "The plan in force; for a start, and a resume with a corrected plan, the new one."
    text: str = ""
    "The new plan's text; empty = the plan in force goes on."
    directories: Mapping[str, str] = field(default_factory=dict)
    "For a start: environment -> state directory."
    components: frozenset[str] = frozenset()
    "For a rollback: what to turn off; empty = everything."
    skip_bake: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an event does not fit a state; `text` may name {plan}, {stage} and {left}."""

    code: Exit
    text: str


class TransitionError(Exception):
    """Raised when an event is refused; `code` is the command's exit code, the text says what to do next."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(code, text)
        self.code, self.text = code, text

    def __str__(self) -> str:
        return self.text


def transition(control: Control, event: Event, request: Request) -> Control:
    """Give the next state; revision and snapshot version are the store's to set. Raises TransitionError."""
    status = see(control, request.plan, request.now)
    if event is Event.PROMOTE and status is Status.BAKING and request.skip_bake:
        status = Status.READY
    step = TABLE[status, event]
    if isinstance(step, Refusal):
        left = when(bake_left(control, request.plan, request.now)) if request.plan else ""
        raise TransitionError(step.code, step.text.format(plan=control.plan, stage=control.stage_name, left=left))
    if event is not Event.ROLLBACK and request.plan is not None and request.plan.expired(request.now):
        last = request.plan.metadata.expires
        name = request.plan.metadata.name
        text = f"plan {name} expired after {last}; next: look at it again and write a later date, then "
        way = (
            "start it"
            if event is Event.START
            else "'failloud rollback' and 'failloud rollout resume NEW_PLAN --reason R'"
        )
        raise TransitionError(Exit.EXPIRED, text + way)
    return step(control, request)


def see(control: Control, plan: Plan | None, now: float) -> Status:
    """Say where the plan stands at `now`: a bake that is over makes it ready."""
    over = control.status is Status.BAKING and plan is not None and bake_left(control, plan, now) <= 0
    return Status.READY if over else control.status


def bake_left(control: Control, plan: Plan, now: float) -> float:
    """Give the seconds until the bake is over, 0 or less once it is. A clock set back makes it longer."""
    if control.status is not Status.BAKING:
        return 0.0
    return control.since + plan.stages[control.stage].bake.total_seconds() - now


def when(seconds: float) -> str:
    """Write a duration for people, rounded up so that what is left never reads as nothing: `1d 3h`, `2m 5s`."""
    rest = max(0, -int(-seconds // 1))
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or "0s"


def _begin(control: Control, request: Request) -> Control:
    plan = _plan(request)
    placed = {str(env): Placed(directory=directory) for env, directory in request.directories.items()}
    for env, old in control.placed.items():
        same = replace(old, directory=placed[env].directory) if env in placed else old
        placed[env] = same  # an environment that this plan has not reached keeps what the last plan left there
    fresh = replace(
        control,
        plan=plan.metadata.name,
        sha=hashlib.sha256(request.text.encode()).hexdigest(),
        text=request.text,
        requires={name: tuple(needs) for name, needs in plan.requires.items()},
        placed=placed,
    )
    return _enter(fresh, plan, 0, request.now)


def _begin_next(control: Control, request: Request) -> Control:
    if request.text == control.text:
        text = f"plan {control.plan} is completed already; next: start another plan, or give this one new stages"
        raise TransitionError(Exit.CONFLICT, text)
    return _begin(control, request)


def _advance(control: Control, request: Request) -> Control:
    plan = _plan(request)
    if control.stage + 1 == len(plan.stages):
        return replace(control, status=Status.COMPLETED, since=request.now)
    return _enter(control, plan, control.stage + 1, request.now)


def _latch(control: Control, request: Request) -> Control:
    off = request.components
    for name in request.components:
        off |= set(control.dependents(name))
    placed = {
        env: replace(here, modes={c: Mode.OFF if not off or c in off else mode for c, mode in here.modes.items()})
        for env, here in control.placed.items()
    }
    return replace(control, status=Status.ROLLED_BACK, since=request.now, placed=placed)


def _resume(control: Control, request: Request) -> Control:
    if request.text:
        return _begin(control, replace(request, directories={e: here.directory for e, here in control.placed.items()}))
    if not control.plan:
        return replace(control, status=Status.DRAFT, since=request.now)
    plan = _plan(request)
    return _enter(control, plan, plan.first_of(control.environment), request.now)


def _enter(control: Control, plan: Plan, index: int, now: float) -> Control:
    stage = plan.stages[index]
    placed = dict(control.placed)
    for environment, modes in plan.modes_at(index).items():
        name = [s.name for s in plan.stages[: index + 1] if s.environment == environment][-1]
        directory = placed[environment].directory if environment in placed else HERE
        placed[str(environment)] = Placed(directory=directory, plan=control.plan, stage=name, modes=modes)
    return replace(
        control, status=Status.BAKING, environment=str(stage.environment), stage=index, since=now, placed=placed
    )


def _plan(request: Request) -> Plan:
    assert request.plan is not None  # noqa: S101  # every caller of start, promote and resume gives one
    return request.plan


_NO_PLAN = Refusal(code=Exit.USAGE, text="no plan is started; next: failloud rollout start PLAN")
_UNDER_WAY = Refusal(
    code=Exit.CONFLICT,
    text="plan {plan} is under way in stage {stage}; next: promote it, or 'failloud rollback' and then "
    "'failloud rollout resume NEW_PLAN --reason R'",
)
_NOT_ROLLED_BACK = Refusal(
    code=Exit.CONFLICT, text="plan {plan} is not rolled back, there is nothing to resume; next: failloud rollout status"
)
_LATCHED = Refusal(
    code=Exit.ROLLED_BACK,
    text="rolled back and latched; next: repair the cause, then 'failloud rollout resume --reason R'",
)
_BAKES = Refusal(
    code=Exit.INCONCLUSIVE,
    text="stage {stage} still bakes, {left} left: too early to tell; next: wait, or promote --skip-bake --reason R",
)
_DONE = Refusal(code=Exit.OK, text="plan {plan} is completed, nothing is left to promote")

TABLE: Mapping[tuple[Status, Event], Callable[[Control, Request], Control] | Refusal] = {
    (Status.DRAFT, Event.START): _begin,
    (Status.DRAFT, Event.PROMOTE): _NO_PLAN,
    (Status.DRAFT, Event.ROLLBACK): _latch,
    (Status.DRAFT, Event.RESUME): _NO_PLAN,
    (Status.BAKING, Event.START): _UNDER_WAY,
    (Status.BAKING, Event.PROMOTE): _BAKES,
    (Status.BAKING, Event.ROLLBACK): _latch,
    (Status.BAKING, Event.RESUME): _NOT_ROLLED_BACK,
    (Status.READY, Event.START): _UNDER_WAY,
    (Status.READY, Event.PROMOTE): _advance,
    (Status.READY, Event.ROLLBACK): _latch,
    (Status.READY, Event.RESUME): _NOT_ROLLED_BACK,
    (Status.COMPLETED, Event.START): _begin_next,
    (Status.COMPLETED, Event.PROMOTE): _DONE,
    (Status.COMPLETED, Event.ROLLBACK): _latch,
    (Status.COMPLETED, Event.RESUME): _NOT_ROLLED_BACK,
    (Status.ROLLED_BACK, Event.START): _LATCHED,
    (Status.ROLLED_BACK, Event.PROMOTE): _LATCHED,
    (Status.ROLLED_BACK, Event.ROLLBACK): _latch,
    (Status.ROLLED_BACK, Event.RESUME): _resume,
}
"Every state and every event; what is not a function is a refusal that says what to do next."
