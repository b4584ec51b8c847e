"""The manager is a singleton of its class and its module: the shim must not make it two. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import importlib
from typing import Any

import managerkit
import pytest
from managerkit import MODULE

import shim
from shim.hosts.netra import CONNECTIONS

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]


def test_with_and_without_the_shim_it_is_the_same_single_manager(host: Any) -> None:
    module = importlib.import_module(MODULE)
    bare = module.WebSocketManager
    managerkit.forget()
    try:
        made = shim.install("netra")
        shimmed = module.WebSocketManager
        first = module.get_websocket_manager()
        assert shimmed is not bare
        assert module.WebSocketManager() is first is bare() is module.create_enhanced_websocket_manager()
        assert type(first) is made.classes[CONNECTIONS]
        assert made.uninstall() == []
        assert type(first) is bare
        assert module.WebSocketManager() is first
        made = shim.install("netra")
        assert type(first) is made.classes[CONNECTIONS]
        assert module.WebSocketManager() is first
        assert made.uninstall() == []
    finally:
        managerkit.forget()
