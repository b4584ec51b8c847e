"""Install and uninstall on the real host: what `inspect` and importers by name see. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import importlib
import inspect

import pytest

import shim
from shim.contracts import Contract
from shim.hosts.netra import BRIDGE, FACTORY, HOST

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]


def test_off_shows_inspect_the_host_s_own_methods(host: None) -> None:
    before = {row.key: _seen(row) for row in HOST.contracts}
    made = shim.install("netra")
    try:
        assert {row.key: _seen(row) for row in HOST.contracts} == before
    finally:
        made.uninstall()
    assert {row.key: _seen(row) for row in HOST.contracts} == before


def _seen(row: Contract) -> tuple[object, ...]:
    module, _, name = row.target.partition(":")
    cls = getattr(importlib.import_module(module), name)
    method = getattr(cls, row.method)
    signature, is_async = inspect.signature(method), inspect.iscoroutinefunction(method)
    return (cls.__name__, cls.__module__, cls.__doc__, signature, is_async, method.__doc__, method.__qualname__)


def test_importers_by_name_are_rebound_and_put_back(host: None) -> None:
    factory = importlib.import_module(FACTORY.partition(":")[0])
    bare = factory.AgentWebSocketBridge
    made = shim.install("netra")
    try:
        assert factory.AgentWebSocketBridge is made.classes[BRIDGE]
        assert issubclass(factory.AgentWebSocketBridge, bare)
    finally:
        assert made.uninstall() == []
    assert factory.AgentWebSocketBridge is bare
