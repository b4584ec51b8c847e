"""What all tests share: the `host` marker; no test leaves the shim switched on behind it, or an event uncounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HOST_TREE = "FAILLOUD_HOST_TREE"
ABSENT = f"{HOST_TREE} is not set: the real host's tests did not run"


def pytest_addoption(parser):
    parser.addoption(
        "--host-required", action="store_true", help=f"fail where {HOST_TREE} names no directory, instead of skipping"
    )


def pytest_configure(config):
    config.kept_installations = []  # shared by tests in a row: tests/shim/conftest.py


def pytest_collection_modifyitems(config, items):
    if _tree() is not None:
        return
    if config.getoption("--host-required"):
        given = os.environ.get(HOST_TREE)
        why = f"{HOST_TREE}={given!r} is not a directory" if given else f"{HOST_TREE} is not set"
        raise pytest.UsageError(f"{why}; next: set it to a checkout of the real host, or leave --host-required out")
    for item in items:
        if item.get_closest_marker("host"):
            item.add_marker(pytest.mark.skip(reason=ABSENT))


@pytest.fixture(scope="session")
def host_tree():
    """Give the real host's tree; only for tests marked `host`."""
    found = _tree()
    if found is None:
        pytest.fail(f"a test that takes host_tree must be marked host: {ABSENT}")
    return found


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request):
    """Fail a test after which the process is louder than before."""
    from shim import flags
    from shim.decisions import Reason
    from shim.host import installed

    variables, installations = _variables(), installed()
    yield
    strays = {name: os.environ.pop(name) for name in _variables().keys() - variables.keys()}
    overridden = [name for name, found in flags.table().items() if found.reason is Reason.OVERRIDE]
    left = [each for each in installed() if each not in (*installations, *request.config.kept_installations)]
    for each in left:
        each.uninstall()
    assert not strays, f"the test leaves {sorted(strays)} behind in the environment"
    assert _variables() == variables, "the test changed or removed FAILLOUD_ variables"
    assert not left, f"the test leaves {[each.host.name for each in left]} installed"
    assert not overridden, f"the test leaves an override of {overridden} behind"


@pytest.fixture(autouse=True)
def _events_are_conserved():
    """Fail a test whose calls a ledger has lost count of: law 11 of the design, after every test."""
    from shim import counting

    made, make = [], counting.Ledger

    def remembered(**given):
        made.append(make(**given))
        return made[-1]

    counting.Ledger = remembered
    try:
        yield
    finally:
        counting.Ledger = make
    for ledger in made:
        found = ledger.totals()
        assert found.pending == 0, f"calls are still under way: {found}"
        assert found.remainder == found.cancelled, f"events that no record and no answer tells of: {found}"


def _tree():
    given = os.environ.get(HOST_TREE)
    return Path(given).resolve() if given and Path(given).is_dir() else None


def _variables():
    return {name: value for name, value in os.environ.items() if name.startswith("FAILLOUD_")}
