"""What `flow` says of a program, and what run time shows when the failure is injected there.

The programs and what becomes of their failures are data; `tests/shim/test_swallowed.py` runs each of them with the
swallow detector, and holds the numbers used here to be true.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from courier_host import HOST
from programs.flow_programs import CHAINS
from programs.swallow_programs import PROGRAMS

from codemods.facade import facade_text
from codemods.flow.ends import Fate
from codemods.flow.run import LOUD, trace
from codemods.layout import find_layout, walk
from codemods.wanted import Wanted

STUBS = Path(__file__).parents[1] / "shim" / "stubs"
ALL = {program.name: program for program in (*PROGRAMS, *CHAINS)}
TELLS_NOT = {
    "done_callback_that_is_no_boundary": "its callback looks at the task, and is no boundary: flow says so and no more",
    "gathered_and_raised_as_one": "the gather hands exceptions on as values, and a value is not followed",
    "some_of_a_group_declared": "the gather hands exceptions on as values, and a value is not followed",
}
"Programs of which `flow` says that nobody can tell from the text, and why."
OTHERWISE = {
    "kept_for_good": "a list of the module holds it for ever: swallowed by the text, not yet dead at run time",
    "carried_by_cause_inside_the_handler": "what wraps it is declared in the same handler: flow does not follow that",
    "success": "nothing fails there: flow says where it would end",
    "from_a_handler_of_something_else": "escalated, as flow says: never raised, so there is nothing to swallow or see",
}
"Programs whose fate at run time is another question than the one flow answers, and why."


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Follow all programs at once: each is a module of the courier host, its `main` a declared boundary."""
    base = tmp_path_factory.mktemp("flow")
    shutil.copytree(STUBS / "courier", base / "courier", ignore=shutil.ignore_patterns("__pycache__"))
    (base / "courier" / "loud.py").write_text(facade_text(), encoding="utf-8")
    for program in ALL.values():
        (base / "courier" / f"{program.name}.py").write_text(program.source, encoding="utf-8")
    layout = find_layout(base, "courier")
    found = walk(layout.root)
    boundaries = tuple(f"courier.{name}:main" for name in ALL)
    run = trace(layout, Wanted.of(HOST), boundaries, found, found.files, 1, None)
    assert run.unreadable == []
    by_name = {name: [] for name in ALL}
    for site in run.sites:
        if (name := Path(site.start.path).stem) in by_name:
            by_name[name].append(site)
    return by_name


def kinds(ends):
    return {"swallowed" if end.fate in {Fate.SWALLOWED, Fate.RESTARTS} else "heard" for end in ends}


@pytest.mark.parametrize("name", ALL)
def test_flow_says_what_run_time_shows(sites, name):
    program = ALL[name]
    ends = [way.end for site in sites[name] for way in site.ways]
    assert ends
    if name in TELLS_NOT:
        assert {end.fate for end in ends} == {Fate.UNKNOWN}
        return
    if name in OTHERWISE:
        assert Fate.UNKNOWN not in {end.fate for end in ends}
        return
    heard = program.seen or program.handled or program.escalated
    shown = ({"swallowed"} if program.swallowed else set()) | ({"heard"} if heard else set())
    assert Fate.UNKNOWN not in {end.fate for end in ends}
    assert kinds(ends) == shown
    if program.ends:
        assert sorted({end.line for end in ends if end.fate not in LOUD}) == program.ends


def test_the_agreement_is_stated(sites, capsys):
    told = [name for name in ALL if name not in TELLS_NOT and name not in OTHERWISE]
    with capsys.disabled():
        numbers = f"{len(told)} agree, {len(TELLS_NOT)} unknown, {len(OTHERWISE)} other"
        print(f"\nflow beside run time: {len(ALL)} programs, {numbers}")  # noqa: T201  # the agreement is stated
    assert len(told) >= 0.9 * len(ALL)


def test_work_that_runs_again_is_told_from_a_loop_over_items(sites):
    fates = {way.end.fate for site in sites["loop_that_tries_again_and_gives_up"] for way in site.ways}
    assert fates == {Fate.RESTARTS, Fate.REACHES}


def test_a_wrapped_failure_says_as_what_it_arrives(sites):
    (way,) = (way for site in sites["wrapped_and_no_clause_for_it"] for way in site.ways)
    assert way.end.fate is Fate.WRAPPED
    assert "as DatabaseError" in way.end.why
    assert [frame.function.partition(":")[2] for frame in way.frames] == ["send", "main"]
    assert [one.does for one in way.frames[0].met] == ["raises DatabaseError in its place"]
