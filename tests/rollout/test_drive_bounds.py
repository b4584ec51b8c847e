"""The bounds are Clopper and Pearson's, and hold their level on clustered failures."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.drive.bounds import lower, upper
from rollout.drive.tally import Cell, RunFate

# What the exact table of the statistics reference says of "< 0.1 % with 95 %".
NEEDED = [(0, 2995), (1, 4742), (2, 6294), (3, 7752), (4, 9151), (5, 10511)]


@pytest.mark.parametrize(("failures", "n"), NEEDED)
def test_as_many_observations_as_the_table_says_show_a_tenth_of_a_percent(failures, n):
    assert upper(failures, n) < 0.001 <= upper(failures, n - 1)


@pytest.mark.parametrize(
    ("failures", "n", "low", "high"),
    [
        (0, 1, 0.0, 0.95),
        (1, 1, 0.05, 1.0),
        (0, 20, 0.0, 0.1391),
        (20, 20, 0.8609, 1.0),
        (5, 10, 0.2224, 0.7776),
        (27, 60, 0.3398, 0.5640),
        (500, 1000, 0.4735, 0.5265),
    ],
)
def test_known_values(failures, n, low, high):
    assert (lower(failures, n), upper(failures, n)) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_hold_the_rate_between_them_and_mirror_each_other(case):
    failures, n = case
    assert 0.0 <= lower(failures, n) <= failures / n <= upper(failures, n) <= 1.0
    assert lower(failures, n) == pytest.approx(1 - upper(n - failures, n), abs=1e-9)


@pytest.mark.parametrize(("failures", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_has_no_bounds_is_refused(failures, n):
    with pytest.raises(ValueError, match="have no bounds"):
        upper(failures, n)


@pytest.mark.parametrize(
    ("size", "failing", "within"), [(20, 0.05, 0.2), (20, 0.1, 1.0), (5, 0.1, 0.5), (1, 0.05, 1.0)]
)
def test_bounds_over_clusters_miss_the_truth_at_most_as_often_as_they_say(size, failing, within):
    """Failures come together: a share of clusters fails, and in those a share of runs."""
    draw, truth, trials = random.Random(7), failing * within, 120  # noqa: S311
    missed = 0
    for _ in range(trials):
        rate = _cell(draw, size, failing, within).silent_rate()
        missed += not rate.low <= truth <= rate.high
    assert missed / trials <= 0.10 + 0.055  # 5 % on either side, and two standard errors of the simulation


def test_bounds_over_runs_would_miss_it_far_more_often():
    draw, missed = random.Random(7), 0  # noqa: S311
    for _ in range(40):
        cell = _cell(draw, 20, 0.1, 1.0)
        failed, n = sum(run.silent > 0 for run in cell.runs), len(cell.runs)
        missed += not lower(failed, n) <= 0.1 <= upper(failed, n)
    assert missed / 40 > 0.5


def _cell(draw, size, failing, within):
    cell = Cell()
    for number in range(60):
        bad = draw.random() < failing
        cell.add((number, 0), [_fate(bad and draw.random() < within) for _ in range(size)])
    return cell


def _fate(silent):
    return RunFate(asked=1, received=int(not silent), told=0, swallowed=0, silent=int(silent), visible=not silent)
