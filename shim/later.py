"""Call back when a module has been executed, also on a reload: a finder that hands out the real loader, watched.

The loader of the module is the real one again before its code runs, so that `importlib.resources`, `inspect` and
pickling see nothing of this. The host is never imported from here.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from shim.guard import own_failure

__all__ = ["forget", "when_executed"]

Arrived = Callable[[ModuleType], None]


class _Finder:
    """First on `sys.meta_path`; answers only for the modules that somebody waits for."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Arrived]] = {}
        self._busy = threading.local()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        busy: set[str] = self._busy.__dict__.setdefault("names", set())
        if name not in self.waiting or name in busy:
            return None
        busy.add(name)  # another hook may ask the whole path again
        try:
            spec = self._real(name, path, target)
        finally:
            busy.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):  # a namespace package has no code to wait for
            spec.loader = _Watched(spec.loader, self.arrived)  # type: ignore[assignment]  # a loader by its methods
        return spec

    def _real(self, name: str, path: Sequence[str] | None, target: Any) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is not self and find is not None and (spec := find(name, path, target)) is not None:
                found: ModuleSpec = spec
                return found
        return None

    def arrived(self, module: ModuleType) -> None:
        for call in list(self.waiting.get(module.__name__, ())):
            try:
                call(module)
            except Exception as error:  # noqa: BLE001  # reported; somebody's import must not break on us
                own_failure("later.arrived", error)


class _Watched:
    """A loader that is itself only until the module's code runs."""

    def __init__(self, loader: Any, arrived: Arrived) -> None:
        self._loader, self._arrived = loader, arrived

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    @property  # type: ignore[misc]  # it is one
    def __class__(self) -> type:  # `isinstance(spec.loader, SourceFileLoader)` holds for who only looks a module up
        return _Watched if isinstance(self._loader, type) else type(self._loader)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._arrived(module)


_finder = _Finder()


def when_executed(module: str, arrived: Arrived) -> None:
    """Call `arrived(module)` each time the module's code has been run from now on."""
    _finder.waiting.setdefault(module, []).append(arrived)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(module: str, arrived: Arrived) -> None:
    """Stop waiting; the last one takes the finder away. One that does not wait may ask: its install had failed."""
    calls = _finder.waiting.get(module, [])
    if arrived in calls:
        calls.remove(arrived)
    if not calls:
        _finder.waiting.pop(module, None)
    if not _finder.waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
