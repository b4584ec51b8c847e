"""What is measured: one call of one class, and the host whose shims are put around it."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from shim.contracts import Host

__all__ = ["Call", "Subject", "class_of"]

Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One call. `make` gives it on a fresh instance; `fail`, where given, the same call so that it fails."""

    host: Host
    target: str
    "`package.module:Class`."
    method: str
    make: Callable[[], Awaitable[Call]]
    fail: Callable[[], Awaitable[Call]] | None = None

    @property
    def name(self) -> str:
        """Class and method."""
        return f"{self.target.partition(':')[2]}.{self.method}"

    @property
    def is_contracted(self) -> bool:
        """Say whether the host file has a row for it."""
        return any(row.target == self.target and row.method == self.method for row in self.host.contracts)


def class_of(target: str) -> Any:
    """Give the class that the target's module holds now: the host's or the shim."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
