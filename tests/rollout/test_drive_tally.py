"""Each event asked for is received, told, swallowed by the link, or silent: one of them, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.drive.regimes import blocks
from rollout.drive.tally import Cell, account
from shim.traffic import Asked, Event, Got, Mix, Regime, Seen, Story, Told

A, B, END = Event("thought"), Event("thought", "helper"), Event("done")
EVENTS = (A, A, B, END)
RUN = Asked(run_id="r1", thread_id="t1", user_id="u1", events=EVENTS, last=frozenset({END}))


def got(*events, run="r1"):
    return tuple(Got(run, event) for event in events)


def told(kind="thought", run="r1", thread="unknown", user="unknown"):
    return Told(run_id=run, thread_id=thread, user_id=user, event_type=kind)


# received, swallowed, told -> received, told, swallowed, silent, visible, spare records
TABLE = [
    ("all received", got(*EVENTS), (), (), (4, 0, 0, 0, True), 0),
    ("all lost", (), (), (), (0, 0, 0, 4, False), 0),
    ("the end was lost, and told", got(A, A, B), (), (told("done"),), (3, 1, 0, 0, False), 0),
    ("one of two alike was lost", got(A, B, END), (), (), (3, 0, 0, 1, True), 0),
    ("received twice counts once", got(*EVENTS, A), (), (), (4, 0, 0, 0, True), 0),
    ("the link swallowed the rest", got(A), got(A, B, END), (), (1, 0, 3, 0, False), 0),
    ("what came another way is not lost", got(*EVENTS), got(*EVENTS), (), (4, 0, 0, 0, True), 0),
    ("a record of something swallowed", got(A, A, B), got(END), (told("done"),), (3, 1, 0, 0, False), 0),
    ("a record of what was received", got(*EVENTS), (), (told(),), (4, 0, 0, 0, True), 1),
    ("a record of another run", got(A, A, B), (), (told("done", run="r2"),), (3, 0, 0, 1, False), 1),
    ("a record of another type", got(A, A, B), (), (told("begun"),), (3, 0, 0, 1, False), 1),
    ("named by the thread", got(A, A, B), (), (told("done", run="unknown", thread="t1"),), (3, 1, 0, 0, False), 0),
    ("named by the user", got(A, A, B), (), (told("done", run="", user="u1"),), (3, 1, 0, 0, False), 0),
    ("names nobody", got(A, A, B), (), (told("done", run="unknown"),), (3, 0, 0, 1, False), 1),
    ("one record names one event", got(A, END), (), (told(),), (2, 1, 0, 1, True), 0),
    ("an event of another run", got(*EVENTS, run="r2"), (), (), (0, 0, 0, 4, False), 0),
]


@pytest.mark.parametrize(
    ("received", "swallowed", "records", "fate", "spare"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_fate_of_a_run(received, swallowed, records, fate, spare):
    [found], left = account([RUN], Seen(received=received, swallowed=swallowed, told=records))
    assert (found.received, found.told, found.swallowed, found.silent, found.visible) == fate
    assert (found.asked, left) == (4, spare)


_GOT = st.lists(st.builds(Got, st.sampled_from(["r1", "r2"]), st.sampled_from([A, B, END])), max_size=8)
_TOLD = st.lists(
    st.builds(
        told,
        st.sampled_from(["thought", "done"]),
        st.sampled_from(["r1", "r2", "unknown"]),
        st.sampled_from(["t1", "unknown"]),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(st.lists(st.sampled_from([A, B, END]), max_size=8), _GOT, _GOT, _TOLD)
def test_every_event_has_one_fate(events, received, swallowed, records):
    runs = [
        Asked(run_id=name, thread_id="t1", user_id="u1", events=tuple(events), last=frozenset({END}))
        for name in ("r1", "r2")
    ]
    fates, spare = account(runs, Seen(received=tuple(received), swallowed=tuple(swallowed), told=tuple(records)))
    for fate in fates:
        assert fate.asked == len(events) == fate.received + fate.told + fate.swallowed + fate.silent
        assert min(fate.received, fate.told, fate.swallowed, fate.silent) >= 0
    assert sum(fate.told for fate in fates) == len(records) - spare


def test_no_clusters_give_no_rate():
    cell = Cell()
    cell.add((0, 0), [])
    assert (cell.clusters, cell.silent_rate().value, cell.visibility().high) == ({}, None, None)


# The plan


MIX = Mix(stories={Story.STEADY: 0.7, Story.RELOADED: 0.3}, runs=2, long_texts=0.025)


def plan(seed=1, regime=Regime.NORMAL, mix=MIX, runs=4000, tenants=8):
    return [part for block in blocks(regime, mix, runs=runs, tenants=tenants, seed=seed) for part in block]


def test_the_same_seed_gives_the_same_load_and_another_one_another():
    assert plan() == plan()
    assert plan() != plan(seed=2)
    assert plan() != plan(regime=Regime.HIGH_LOAD)


def test_the_plan_is_what_the_mix_says():
    parts = plan()
    lengths = [length for part in parts for length in part.lengths]
    assert len(lengths) == 4000
    assert sum(part.story is Story.RELOADED for part in parts) / len(parts) == pytest.approx(0.3, abs=0.03)
    assert sum(length > MIX.limit for length in lengths) / len(lengths) == pytest.approx(0.025, abs=0.008)
    assert len({part.cluster for part in parts}) == len({part.user for part in parts}) == len(parts)


@pytest.mark.parametrize(("runs", "blocks_"), [(0, 0), (1, 1), (16, 1), (17, 2)])
def test_there_are_blocks_until_there_are_runs_enough(runs, blocks_):
    assert len({part.block for part in plan(runs=runs)}) == blocks_
