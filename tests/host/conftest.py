"""The real host, imported once for the module that needs it, and the shim installed on it."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shim
from shim.hosts.netra import HOST

pytest.register_assert_rewrite("hostkit", "managerkit")


@pytest.fixture(scope="module")
def host(host_tree: Path) -> Iterator[None]:
    """Import the real host, quiet, and take it out of the way again."""
    sys.path.insert(0, str(host_tree))
    level = logging.root.level
    try:
        for cls in HOST.classes:
            importlib.import_module(cls.target.partition(":")[0])
        importlib.import_module("loguru").logger.remove()
        yield
    finally:
        sys.path.remove(str(host_tree))
        logging.root.setLevel(level)


@pytest.fixture(scope="module")
def installed(host: None) -> Iterator[shim.Installation]:
    """Install the shim for the tests of a module; `hostkit.bare()` gives the host's own classes meanwhile."""
    made = shim.install("netra")
    yield made
    assert made.uninstall() == []


@pytest.fixture
def installation(host: None) -> Iterator[shim.Installation]:
    """Install the shim for one test."""
    made = shim.install("netra")
    yield made
    assert made.uninstall() == []
