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
    collaborator: type | None = None
    "Class of the object that the call sends through: ours, it takes everything."

    @property
    def name(self) -> str:
        """Class and method."""
        return f"{self.target.partition(':')[2]}.{self.method}"

    def wrapped(self) -> list[tuple[type, str]]:
        """Name all methods that the shim wraps or overrides on the way: the class's own and its collaborator's."""
        rows = [row for row in self.host.contracts if row.target == self.target]
        names = {row.method for row in rows}
        for declared in (each for each in self.host.classes if each.target == self.target):
            names |= {hook.method for hook in declared.hooks}
            mixin = class_of(declared.mixin) if declared.mixin else object
            names |= {name for each in mixin.__mro__[:-1] for name, value in vars(each).items() if callable(value)}
        watched = {name for row in rows for watch in row.watches for name in watch.methods}
        found = [(class_of(self.target), name) for name in sorted(names)]
        found += [(self.collaborator, name) for name in sorted(watched) if self.collaborator is not None]
        return [(cls, name) for cls, name in found if hasattr(cls, name) and not name.startswith("__")]

    @property
    def is_contracted(self) -> bool:
        """Say whether the host file has a row for it."""
        return any(row.target == self.target and row.method == self.method for row in self.host.contracts)


def class_of(target: str) -> Any:
    """Give the class that the target's module holds now: the host's or the shim."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
