"""Component x fault x mode, generated from the contracts: a contract without a fault row fails."""

from __future__ import annotations

import pytest
from courier_faults import ESCALATED, FAULTS, GOOD, HOST_RAISES, OWN_CALL, RAISED, REFUSED
from courier_host import CONTRACTS, HOST
from courier_run import call, modes

import shim

ROWS = [
    pytest.param(row, fault, id=f"{row.key}-{fault.name.replace(' ', '-')}")
    for row in CONTRACTS
    for fault in FAULTS.get(row.key, ())
]
ACTION = {RAISED: "raised", REFUSED: "raised", HOST_RAISES: "raised", ESCALATED: "escalated"}


@pytest.fixture(scope="module")
def bare():
    """Run every row on the bare classes, then install the shims for the whole module."""
    found = {(row.key, name): call(make, row.method, *args) for row, name, make, args in _cells()}
    made = shim.install(HOST)
    yield found
    assert made.uninstall() == []


def _cells():
    for row in CONTRACTS:
        yield row, "", *GOOD[row.key]
        for fault in FAULTS.get(row.key, ()):
            yield row, fault.name, fault.make, fault.args


def shimmed(row, make, args, mode):
    """Give the outcome behind the shim, and the records."""
    with modes(mode), shim.recording() as records:
        return call(make, row.method, *args), records


@pytest.mark.parametrize("row", CONTRACTS, ids=lambda row: row.key)
def test_every_contract_has_its_rows(row):
    assert row.key in GOOD, "no fault-free row"
    assert FAULTS.get(row.key) or row.key in OWN_CALL, "no fault row"


@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
@pytest.mark.parametrize("row", CONTRACTS, ids=lambda row: row.key)
def test_without_a_fault_nothing_is_recorded(bare, row, mode):
    found, records = shimmed(row, *GOOD[row.key], mode)
    assert bare[row.key, ""].error is None
    assert found.seen() == bare[row.key, ""].seen()
    assert records == []


@pytest.mark.parametrize(("row", "fault"), ROWS)
def test_off_is_the_bare_class(bare, row, fault):
    before = bare[row.key, fault.name]
    found, records = shimmed(row, fault.make, fault.args, "off")
    assert found.seen() == before.seen()
    assert before.lines, "the host logs each call: no line means that it was not called"
    assert records == []


@pytest.mark.parametrize(("row", "fault"), ROWS)
def test_observe_gives_the_host_s_answer_and_one_record(bare, row, fault):
    found, records = shimmed(row, fault.make, fault.args, "observe")
    assert found.seen() == bare[row.key, fault.name].seen()
    expect_record(row, fault, records)
    action = "raised" if fault.ends == HOST_RAISES else "observed"
    assert [(made.mode, made.action) for made in records] == [("observe", action)]


@pytest.mark.parametrize(("row", "fault"), ROWS)
def test_enforce_records_once_then_raises_or_escalates(bare, row, fault):
    before = bare[row.key, fault.name]
    found, records = shimmed(row, fault.make, fault.args, "enforce")
    expect_record(row, fault, records)
    assert [(made.mode, made.action) for made in records] == [("enforce", ACTION[fault.ends])]
    if fault.ends in (RAISED, REFUSED):
        assert found.error is records[0].error
        assert bool(found.error.__cause__) == bool(fault.cause)
        assert found.lines == ([] if fault.ends == REFUSED else before.lines), "the host was called other than once"
    else:
        assert found.seen() == before.seen()


def expect_record(row, fault, records):
    assert len(records) == 1
    found = records[0]
    origin = HOST.contract(fault.origin) if fault.origin else row
    assert (found.component, found.method) == (row.component, row.method)
    assert (found.origin, found.category) == (origin.key, origin.category)
    assert found.error_type == fault.error
    assert fault.reason in found.reason
    assert fault.cause in found.cause
    assert bool(found.cause) == bool(fault.cause)
    assert (found.run_id, found.event_type) == (fault.run, fault.event)
    assert fault.user in (None, found.user_id)
    assert found.cause_known
