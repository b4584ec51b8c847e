"""`failloud demo` holds every number it prints, and the migrated copy with its flags off is the host it was."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

ROW = re.compile(r"^([1-7]) ([a-z -]+?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def told():
    command = [sys.executable, "-m", "shim.cli", "demo"]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def test_the_demonstration_holds(told):
    assert told.stderr == ""
    assert told.returncode == 0


def test_every_audit_category_is_lost_in_silence_before_and_loud_after(told):
    rows = ROW.findall(told.stdout)
    assert [row[0] for row in rows] == list("1234567")
    for row in rows:
        injected, silent_before, recorded, raised, escalated, silent_after = map(int, row[2:])
        assert injected == silent_before > 0
        assert recorded >= injected
        assert raised + escalated > 0
        assert silent_after == 0


def test_running_servers_follow_promotion_and_rollback(told):
    seconds = [float(text) for text in re.findall(r"follows after ([\d.]+) s", told.stdout)]
    assert len(seconds) == 4
    assert max(seconds) <= 2.0


def test_a_number_that_does_not_hold_is_named():
    from demo.tally import CATEGORIES, Tally

    problems = Tally().problems()
    assert len({text.partition(":")[0] for text in problems}) == len(CATEGORIES)
    assert "category 1: no event was lost, the fault does nothing" in problems
