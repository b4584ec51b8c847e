"""The courier host: its stubs on the path, installed for the tests that ask for it and taken out again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

STUBS = str(Path(__file__).parent / "stubs")
if STUBS not in sys.path:
    sys.path.insert(0, STUBS)


@pytest.fixture
def courier(request):
    """Give the courier host's shims. An install looks at every object of the process: tests in a row share one."""
    from courier_host import HOST

    import shim

    kept = request.config.kept_installations
    if not (kept and kept[-1].active):
        kept[:] = [shim.install(HOST)]
    return kept[-1]


@pytest.fixture(autouse=True)
def _courier_only_where_asked(request):
    """Take the shared shims out again before a test that does not ask for them."""
    if "courier" not in request.fixturenames:
        _release(request.config)


@pytest.fixture(autouse=True, scope="module")
def _courier_ends_with_its_module(request):
    yield
    _release(request.config)


def _release(config):
    for made in config.kept_installations:
        if made.active:
            assert made.uninstall() == []
    config.kept_installations.clear()


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Give a state directory that this process reads."""
    directory = tmp_path / "state"
    directory.mkdir()
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(directory))
    return directory
