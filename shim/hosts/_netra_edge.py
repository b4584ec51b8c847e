"""The edges of Netra under load: stub sockets, and the process as production has it."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from shim.hosts.netra import HOST
from shim.traffic import TargetError

__all__ = ["TREE", "Socket", "import_host", "production"]

TREE = "FAILLOUD_HOST_TREE"


class Socket:
    """What the manager takes for a Starlette WebSocket: open, closed, dead without a word, or slow."""

    def __init__(self, state: Any, hang_s: float) -> None:
        self._state, self._hang_s = state, hang_s
        self.client_state = self.application_state = state.CONNECTED
        self.is_dead = self.is_slow = False
        self.received: list[Any] = []
        self.swallowed: list[Any] = []

    async def send_json(self, message: Any) -> None:
        """Take one message as the network would."""
        if self.client_state is not self._state.CONNECTED:
            raise ConnectionResetError("the connection is closed")
        if self.is_slow:
            await asyncio.sleep(self._hang_s)
        (self.swallowed if self.is_dead else self.received).append(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:  # noqa: ARG002  # the manager's words
        """Close from the server's side."""
        self.client_state = self.application_state = self._state.DISCONNECTED

    def drop(self) -> None:
        """Close from the user's side."""
        self.client_state = self.application_state = self._state.DISCONNECTED


@contextmanager
def production() -> Iterator[None]:
    """Find the tree, be no test (the host reports success where TESTING=1 and nobody is connected), and be quiet.

    Of the failure records no line is printed, since they are counted; the shim's own failures still are.
    """
    tree, testing = os.environ.get(TREE), os.environ.pop("TESTING", None)
    if tree and tree not in sys.path:
        sys.path.insert(0, tree)
    quiet, log = _NotEachRecord(), logging.getLogger("failloud")
    log.addFilter(quiet)
    try:
        loguru = importlib.import_module("loguru").logger
        loguru.disable("")
    except ImportError as error:
        raise TargetError(f"the host's logging cannot be imported: {error}", "install its requirements") from error
    try:
        yield
    finally:
        loguru.enable("")
        log.removeFilter(quiet)
        if testing is not None:
            os.environ["TESTING"] = testing


class _NotEachRecord(logging.Filter):
    """Failure records are counted here, thousands of them; the shim's own failures are still printed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every line that is no failure record."""
        return "failloud.failure_recorded" not in str(record.msg)


def import_host(*others: str) -> dict[str, ModuleType]:
    """Import the modules of the contracted classes, and `others`. Raises TargetError."""
    names = (*(declared.target.partition(":")[0] for declared in HOST.classes), *others)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the host's own, about its own imports
            return {name: importlib.import_module(name) for name in names}
    except ImportError as error:
        reason = f"the real host cannot be imported: {error}"
        raise TargetError(reason, f"set {TREE} to its tree, and run this with its requirements installed") from error
