"""Plans: what is refused, with which field, line and advice; the shipped plans are right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import rollout
from rollout.codes import Exit
from rollout.loader import lint, load_plan
from rollout.plan import parse_duration
from rollout.problems import PlanError
from shim.hosts import load_host
from shim.snapshot import Mode

NOW = 1_800_000_000.0  # 2027-01-15
STAGING = """\
  - {name: staging-observe, environment: staging, mode: observe, bake: 0s}
  - {name: staging-enforce, environment: staging, mode: enforce, bake: 0s}
"""
ENFORCE = "  - {name: staging-enforce, environment: staging, mode: enforce, bake: 0s}\n"
OBSERVE = "  - {name: staging-observe, environment: staging, mode: observe, bake: 0s}\n"
LAST = "{name: production-enforce, environment: production, mode: enforce, bake: 0s}"


def problems(path):
    with pytest.raises(PlanError) as refused:
        load_plan(path, now=NOW)
    return refused.value


def test_a_right_plan_is_read(write_plan):
    plan, text = load_plan(write_plan(), now=NOW)
    assert plan.stages[0].name == "staging-observe"
    assert plan.stages[0].mode is Mode.OBSERVE
    assert "small-plan" in text


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0s", timedelta(0)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
    ],
)
def test_durations(text, length):
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "7", "7 d", "-1h", "1.5h", "1w", "1:30", "24H", "9999999d", None, 60])
def test_durations_refused(text):
    with pytest.raises(ValueError, match="is not a duration; write"):
        parse_duration(text)


SHAPE = [
    # replaced, by, field, line, what, what to write
    ("mode: observe", "mode: loud", "stages[0].mode", 8, "unknown mode 'loud'", "write one of off, observe, enforce"),
    ("mode: enforce", "mode: enforced", "stages[1].mode", 9, "unknown mode 'enforced'", "did you mean 'enforce'?"),
    ("environment: staging", "environment: stagin", "stages[0].environment", 8, "unknown environment", "'staging'"),
    ("owner:", "ownr:", "metadata.ownr", 3, "unknown key", "did you mean 'owner'?"),
    ("bake: 0s", "bakes: 0s", "stages[0].bakes", 8, "unknown key", "did you mean 'bake'?"),
    ("kind: RolloutPlan\n", "", "kind", 1, "is missing", "write kind: RolloutPlan"),
    (", expires: 2999-12-31", "", "metadata.expires", 3, "is missing", "write expires: 2027-06-30"),
    ("failloud/v1", "failloud/v2", "apiVersion", 1, "'failloud/v2' is not valid here", "write failloud/v1"),
    ("expires: 2999-12-31", "expires: soon", "metadata.expires", 3, "'soon' is not valid here", "write 2027-06-30"),
    ("bake: 0s", "bake: 60", "stages[0].bake", 8, "'60' is not a duration", "0s, 30m, 24h or 7d"),
    ("components: [bridge, factory]", "components: []", "components", 5, "is not valid here", "write [bridge, buffer]"),
    ("components: [bridge, factory]", "components: bridge", "components", 5, "is not valid", "write [bridge, buffer]"),
    ("name: small-plan", "name: Small Plan", "metadata.name", 3, "is not valid here", "write a-short-name"),
    ("owner: platform", "owner: ~", "metadata.owner", 3, "None is not valid here", "write platform"),
    (
        "kind: RolloutPlan",
        "kind: RolloutPlan\nkind: RolloutPlan",
        "kind",
        3,
        "written twice, first on line 2",
        "keep one",
    ),
    ("owner: platform", "owner: a, owner: b", "metadata.owner", 3, "written twice", "keep one"),
    ("owner: platform", "owner: &a platform, owned: *a", "metadata.owned", 3, "alias", "write the value out"),
    ("owner: platform", "owner: !!python/none x", "metadata.owner", 3, "tag", "write the plain value"),
    ("kind: RolloutPlan", "? [kind]\n: RolloutPlan", "", 2, "a key is a list", "write a plain key"),
    ("kind: RolloutPlan", "kind: RolloutPlan\n---\na: b", "", 3, "not whole YAML", "repair the file"),
]


@pytest.mark.parametrize(("old", "new", "field", "line", "what", "write"), SHAPE)
def test_shape(write_plan, old, new, field, line, what, write):
    refused = problems(write_plan((old, new)))
    found = {problem.field: problem for problem in refused.problems}
    assert field in found, str(refused)
    assert found[field].line == line
    assert what in found[field].what
    assert write in found[field].write
    assert refused.code is Exit.INVALID_PLAN


def test_off_is_a_mode_and_not_false(write_plan):
    plan, _text = load_plan(write_plan((OBSERVE, OBSERVE.replace("observe", "off") + OBSERVE)), now=NOW)
    assert plan.stages[0].mode is Mode.OFF


def test_a_truncated_plan(write_plan):
    path = write_plan()
    text = path.read_text(encoding="utf-8")
    for end in range(0, len(text) - 1, 7):
        path.write_text(text[:end], encoding="utf-8")
        if text[:end].rstrip().endswith("}") and "stages" in text[:end]:
            continue  # cut after a stage, what is left can be a whole plan
        assert problems(path).code is Exit.INVALID_PLAN


def test_an_endless_alias_ends(write_plan):
    refused = problems(write_plan(("components: [bridge, factory]", "components: &a [*a]")))
    assert "reached through an alias" in str(refused)


def test_a_plan_nested_without_end(write_plan):
    refused = problems(write_plan(("components: [bridge, factory]", "components: " + "[" * 5000 + "]" * 5000)))
    assert "nested too deeply" in str(refused)


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in str(problems(path))


RULES = [
    # replacements, field, line, what
    ([(STAGING, "")], "stages[0].mode", 8, "bridge reaches observe in production before any staging stage did"),
    ([(ENFORCE, "")], "stages[2].mode", 10, "factory reaches enforce in production before any staging stage did"),
    ([(STAGING, ENFORCE)], "stages[0].mode", 8, "from off to enforce in staging without being observed"),
    ([(STAGING, ENFORCE + OBSERVE)], "stages[1].mode", 9, "falls from enforce to observe in staging"),
    ([("name: production-observe", "name: staging-observe")], "stages[2].name", 10, "is the name of stages[0] too"),
    ([("components: [bridge, factory]", "components: [brige, factory, bridge]")], "components", 5, "component 'brige'"),
    ([("components: [bridge, factory]", "components: [bridge, factory, bridge]")], "components", 5, "named 2 times"),
    ([("{factory: [bridge]}", "{factory: [emitter]}")], "requires.factory", 6, "unknown component 'emitter'"),
    ([("{factory: [bridge]}", "{fctory: [bridge]}")], "requires.fctory", 6, "unknown component 'fctory'"),
    ([("{factory: [bridge]}", "{factory: [factory]}")], "requires.factory", 6, "factory -> factory"),
    (
        [("{factory: [bridge]}", "{factory: [bridge], bridge: [factory]}")],
        "requires.factory", 6, "factory -> bridge -> factory",
    ),
    (
        [(ENFORCE, ENFORCE.replace("0s", "0s, components: [factory]"))],
        "stages[1]", 9, "factory would be at enforce while bridge, which it requires, is at observe",
    ),
    ([(LAST, LAST.replace("0s", "0s, components: [emitter]"))], "stages[3].components", 11, "component 'emitter'"),
    ([(LAST, LAST + "\n" + OBSERVE.rstrip())], "stages[4].environment", 12, "comes after production stage"),
    ([("bake: 0s", "bake: 0s, components: [bridge]"), ("{factory: [bridge]}", "{}")], "components", 5, "no stage sets"),
]  # fmt: skip


@pytest.mark.parametrize(("replacements", "field", "line", "what"), RULES)
def test_rules(write_plan, replacements, field, line, what):
    refused = problems(write_plan(*replacements))
    found = [problem for problem in refused.problems if problem.field == field and what in problem.what]
    assert found, str(refused)
    assert found[0].line == line
    assert found[0].write
    assert refused.code is Exit.INVALID_PLAN


def test_all_problems_are_listed_at_once(write_plan):
    refused = problems(write_plan(("mode: observe", "mode: loud"), ("owner:", "ownr:"), ("bake: 0s", "bake: soon")))
    fields = {problem.field for problem in refused.problems}
    assert {"metadata.ownr", "metadata.owner", "stages[0].mode", "stages[2].mode", "stages[3].bake"} <= fields
    assert [problem.line for problem in refused.problems] == sorted(problem.line for problem in refused.problems)


@pytest.mark.parametrize(("day", "expired"), [("2027-01-14", True), ("2027-01-15", False)])
def test_expiry_is_the_last_day(write_plan, day, expired):
    path = write_plan(("2999-12-31", day))
    if expired:
        refused = problems(path)
        assert refused.code is Exit.EXPIRED
        assert refused.problems[0].field == "metadata.expires"
    else:
        load_plan(path, now=NOW)


def test_an_expired_plan_with_another_problem_is_invalid(write_plan):
    assert problems(write_plan(("2999-12-31", "2020-01-01"), (STAGING, ""))).code is Exit.INVALID_PLAN


def test_an_unknown_host(write_plan, plan_text):
    spec = plan_text.split("host: ")[1].split("\n")[0]
    refused = problems(write_plan((spec, "shim.hosts.netr")))
    assert [problem.field for problem in refused.problems] == ["host"]
    assert refused.problems[0].line == 4
    assert "did you mean 'netra'" in refused.problems[0].what


def test_the_host_may_be_given_instead(write_plan, plan_text):
    spec = plan_text.split("host: ")[1].split("\n")[0]
    path = write_plan((spec, "elsewhere"))
    load_plan(path, now=NOW, host=spec)
    with pytest.raises(PlanError, match="elsewhere"):
        load_plan(path, now=NOW)


def test_modes_add_up_within_an_environment(plan_text):
    text = plan_text.replace("{factory: [bridge]}", "{}").replace(
        ENFORCE, ENFORCE.replace("0s", "0s, components: [bridge]") + ENFORCE.replace("staging-e", "staging-all-e")
    )
    plan = lint(text, "plan", now=NOW)
    assert plan.modes_at(1) == {"staging": {"bridge": Mode.ENFORCE, "factory": Mode.OBSERVE}}
    assert plan.modes_at(3)["staging"] == {"bridge": Mode.ENFORCE, "factory": Mode.ENFORCE}
    assert plan.modes_at(3)["production"] == {"bridge": Mode.OBSERVE, "factory": Mode.OBSERVE}


@pytest.mark.parametrize("name", ["example", "netra"])
def test_the_shipped_plans_are_right(name):
    path = Path(rollout.__file__).parent / "plans" / f"{name}.yaml"
    plan, _text = load_plan(path, now=NOW)
    assert plan.host == f"shim.hosts.{name}"
    assert set(plan.components) <= set(load_host(plan.host).components)
