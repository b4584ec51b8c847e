"""The courier host: its stubs on the path, installed for one test and taken out again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

STUBS = str(Path(__file__).parent / "stubs")
if STUBS not in sys.path:
    sys.path.insert(0, STUBS)


@pytest.fixture
def courier():
    """Install the courier host's shims for one test."""
    from courier_host import HOST

    import shim

    made = shim.install(HOST)
    yield made
    if made.active:
        assert made.uninstall() == []


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Give a state directory that this process reads."""
    directory = tmp_path / "state"
    directory.mkdir()
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(directory))
    return directory
