"""The state machine: every state and every event, with a clock of our own."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from rollout.codes import Exit
from rollout.control import HERE, Control, Status
from rollout.engine import TABLE, Event, Request, TransitionError, bake_left, see, transition, when
from rollout.loader import lint
from shim.snapshot import Mode

NOW = 1_800_000_000.0
DAY = 86400.0
OFF, OBSERVE, ENFORCE = Mode.OFF, Mode.OBSERVE, Mode.ENFORCE


@pytest.fixture
def text(plan_text):
    return plan_text.replace("bake: 0s", "bake: 24h")


@pytest.fixture
def plan(text):
    return lint(text, "plan", now=NOW)


@pytest.fixture
def started(plan, text):
    directories = {"staging": HERE, "production": "/elsewhere"}
    return transition(Control(), Event.START, Request(now=NOW, plan=plan, text=text, directories=directories))


def at(status, started, plan):
    """Give a control record in a state, and a time at which it is."""
    ask = Request(now=NOW + DAY, plan=plan)
    last = started
    for _ in plan.stages[1:]:
        last = dataclasses.replace(transition(last, Event.PROMOTE, ask), since=NOW)
    made = {
        Status.DRAFT: (Control(), NOW),
        Status.BAKING: (started, NOW + DAY - 1),
        Status.READY: (started, NOW + DAY),
        Status.COMPLETED: (transition(last, Event.PROMOTE, ask), NOW + DAY),
        Status.ROLLED_BACK: (transition(started, Event.ROLLBACK, Request(now=NOW)), NOW + DAY),
    }
    return made[status]


MOVES = {
    # (state, event): the next state, or the exit code of a refusal and the next step it names
    (Status.DRAFT, Event.START): Status.BAKING,
    (Status.DRAFT, Event.PROMOTE): (Exit.USAGE, "rollout start PLAN"),
    (Status.DRAFT, Event.ROLLBACK): Status.ROLLED_BACK,
    (Status.DRAFT, Event.RESUME): (Exit.USAGE, "rollout start PLAN"),
    (Status.BAKING, Event.START): (Exit.CONFLICT, "promote it, or"),
    (Status.BAKING, Event.PROMOTE): (Exit.INCONCLUSIVE, "1s left"),
    (Status.BAKING, Event.ROLLBACK): Status.ROLLED_BACK,
    (Status.BAKING, Event.RESUME): (Exit.CONFLICT, "nothing to resume"),
    (Status.READY, Event.START): (Exit.CONFLICT, "promote it, or"),
    (Status.READY, Event.PROMOTE): Status.BAKING,
    (Status.READY, Event.ROLLBACK): Status.ROLLED_BACK,
    (Status.READY, Event.RESUME): (Exit.CONFLICT, "nothing to resume"),
    (Status.COMPLETED, Event.START): Status.BAKING,
    (Status.COMPLETED, Event.PROMOTE): (Exit.OK, "nothing is left to promote"),
    (Status.COMPLETED, Event.ROLLBACK): Status.ROLLED_BACK,
    (Status.COMPLETED, Event.RESUME): (Exit.CONFLICT, "nothing to resume"),
    (Status.ROLLED_BACK, Event.START): (Exit.ROLLED_BACK, "resume --reason"),
    (Status.ROLLED_BACK, Event.PROMOTE): (Exit.ROLLED_BACK, "resume --reason"),
    (Status.ROLLED_BACK, Event.ROLLBACK): Status.ROLLED_BACK,
    (Status.ROLLED_BACK, Event.RESUME): Status.BAKING,
}


def test_every_state_and_every_event_has_a_row():
    assert set(TABLE) == set(MOVES) == set(itertools.product(Status, Event))


@pytest.mark.parametrize(("status", "event"), sorted(MOVES))
def test_moves(status, event, started, plan, text):
    control, now = at(status, started, plan)
    assert see(control, plan if control.text else None, now) is status
    request = Request(now=now, plan=plan if control.text or event is Event.START else None)
    if event is Event.START:
        changed = text.replace("small-plan", "next-plan")
        request = Request(now=now, plan=lint(changed, "plan", now=now), text=changed, directories={"staging": HERE})
    expected = MOVES[status, event]
    if isinstance(expected, Status):
        after = transition(control, event, request)
        assert after.status is expected
        assert after.since == now
    else:
        with pytest.raises(TransitionError) as refused:
            transition(control, event, request)
        assert refused.value.code is expected[0]
        assert expected[1] in str(refused.value)
        assert "{" not in str(refused.value)


def test_a_start_puts_the_first_stage_in_force_and_nothing_else(started):
    assert (started.environment, started.stage, started.stage_name) == ("staging", 0, "staging-observe")
    assert started.placed["staging"].modes == {"bridge": OBSERVE, "factory": OBSERVE}
    assert (started.placed["production"].stage, dict(started.placed["production"].modes)) == ("", {})
    assert started.requires == {"factory": ("bridge",)}


def test_the_stages_run_in_order_and_staging_keeps_its_last_modes(started, plan):
    seen, control, now = [], started, NOW
    for _ in plan.stages:
        seen.append((control.environment, control.stage_name, control.placed["staging"].modes["bridge"]))
        now += DAY
        control = transition(control, Event.PROMOTE, Request(now=now, plan=plan))
    assert seen == [
        ("staging", "staging-observe", OBSERVE),
        ("staging", "staging-enforce", ENFORCE),
        ("production", "production-observe", ENFORCE),
        ("production", "production-enforce", ENFORCE),
    ]
    assert control.status is Status.COMPLETED
    assert control.placed["production"].modes == {"bridge": ENFORCE, "factory": ENFORCE}
    assert control.placed["production"].directory == "/elsewhere"


def test_a_bake_may_be_skipped(started, plan):
    after = transition(started, Event.PROMOTE, Request(now=NOW, plan=plan, skip_bake=True))
    assert after.stage_name == "staging-enforce"


def test_skipping_a_bake_opens_no_latch(started, plan):
    control, now = at(Status.ROLLED_BACK, started, plan)
    with pytest.raises(TransitionError) as refused:
        transition(control, Event.PROMOTE, Request(now=now, plan=plan, skip_bake=True))
    assert refused.value.code is Exit.ROLLED_BACK


def test_a_rollback_turns_everything_off(started, plan):
    control, now = at(Status.COMPLETED, started, plan)
    after = transition(control, Event.ROLLBACK, Request(now=now))
    assert {mode for here in after.placed.values() for mode in here.modes.values()} == {OFF}


@pytest.mark.parametrize(
    ("component", "left"),
    [("factory", {"bridge": ENFORCE, "factory": OFF}), ("bridge", {"bridge": OFF, "factory": OFF})],
)
def test_a_component_takes_down_what_depends_on_it(started, plan, component, left):
    control, now = at(Status.COMPLETED, started, plan)
    after = transition(control, Event.ROLLBACK, Request(now=now, components=frozenset({component})))
    assert after.status is Status.ROLLED_BACK
    assert after.placed["production"].modes == left
    wider = transition(after, Event.ROLLBACK, Request(now=now))
    assert set(wider.placed["production"].modes.values()) == {OFF}


def test_dependents_are_found_near_and_far_and_once():
    control = Control(requires={"b": ("a",), "c": ("b",), "d": ("c", "a"), "a": ("d",)})
    assert control.dependents("a") == ("b", "c", "d")
    assert control.dependents("x") == ()


def test_a_resume_observes_again_in_the_same_environment(started, plan):
    control, now = at(Status.COMPLETED, started, plan)
    down = transition(control, Event.ROLLBACK, Request(now=now))
    after = transition(down, Event.RESUME, Request(now=now, plan=plan))
    assert (after.environment, after.stage_name, after.status) == ("production", "production-observe", Status.BAKING)
    assert after.placed["production"].modes == {"bridge": OBSERVE, "factory": OBSERVE}
    assert after.placed["staging"].modes == {"bridge": ENFORCE, "factory": ENFORCE}
    assert bake_left(after, plan, now) == DAY


def test_a_resume_with_a_corrected_plan_begins_in_staging(started, plan, text):
    control, now = at(Status.COMPLETED, started, plan)
    down = transition(control, Event.ROLLBACK, Request(now=now))
    changed = text.replace("small-plan", "corrected-plan")
    after = transition(down, Event.RESUME, Request(now=now, plan=lint(changed, "plan", now=now), text=changed))
    assert (after.plan, after.environment, after.stage_name) == ("corrected-plan", "staging", "staging-observe")
    assert after.sha != control.sha
    assert set(after.placed["production"].modes.values()) == {OFF}
    assert after.placed["production"].directory == "/elsewhere"


def test_a_latch_without_a_plan_resumes_to_a_draft():
    down = transition(Control(), Event.ROLLBACK, Request(now=NOW))
    assert transition(down, Event.RESUME, Request(now=NOW)).status is Status.DRAFT


def test_the_same_plan_is_not_run_twice(started, plan, text):
    control, now = at(Status.COMPLETED, started, plan)
    with pytest.raises(TransitionError, match="completed already") as refused:
        transition(control, Event.START, Request(now=now, plan=plan, text=text, directories={"staging": HERE}))
    assert refused.value.code is Exit.CONFLICT


@pytest.mark.parametrize("event", [Event.PROMOTE, Event.RESUME])
def test_an_expired_plan_moves_no_further_yet_rolls_back(started, text, event):
    plan = lint(text.replace("2999-12-31", "2027-01-15"), "plan", now=NOW)
    control = started
    if event is Event.RESUME:
        control = transition(started, Event.ROLLBACK, Request(now=NOW))
    with pytest.raises(TransitionError) as refused:
        transition(control, event, Request(now=NOW + 2 * DAY, plan=plan))
    assert refused.value.code is Exit.EXPIRED
    late = Request(now=NOW + 2 * DAY, plan=plan)
    assert transition(started, Event.ROLLBACK, late).status is Status.ROLLED_BACK


def test_a_clock_set_back_ends_no_bake(started, plan):
    assert see(started, plan, NOW - 10 * DAY) is Status.BAKING


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (0.2, "1s"), (61, "1m 1s"), (3600, "1h"), (90000, "1d 1h"), (90061, "1d 1h")],
)
def test_durations_for_people(seconds, text):
    assert when(seconds) == text
