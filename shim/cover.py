"""Cover one target of a host: by a subclass where that can be, on the class itself or by a stand-in where not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from shim.build import build_class, rows_of
from shim.contracts import Host, HostClass
from shim.fits import find
from shim.guard import shown
from shim.heap import derived
from shim.inplace import Altered, lost
from shim.places import Kind, Place, label
from shim.rebind import Pair
from shim.standin import LOSES, stand_in
from shim.watch import Watched
from shim.wrap import wrap_function

__all__ = ["Cover", "overrides"]

_LOG = logging.getLogger("failloud")
_HAVE_GC = 1 << 14
"Py_TPFLAGS_HAVE_GC, from CPython's object.h."


class Cover:
    """What stands in for one class, or for the contracted functions of one module."""

    def __init__(self, host: Host, target: str) -> None:
        """Build it; nothing but a class that is altered in place is changed yet."""
        self.target = target
        self.pairs: list[Pair] = []
        self.altered: Altered | None = None
        self.places: list[Place] = []
        self._own: dict[str, Any] = {}
        declared = next((each for each in host.classes if each.target == target), None)
        held = find(target)
        if declared is None:
            for row in rows_of(host, target):
                function = getattr(held, row.method)
                self.pairs.append(Pair(function, wrap_function(function, row, row.identity)))
        else:
            self._class(host, declared, held)

    def _class(self, host: Host, declared: HostClass, cls: type) -> None:
        try:
            made = build_class(host, declared, cls)
        except Exception as error:  # noqa: BLE001  # a metaclass may raise anything; told below, covered another way
            self._without_subclass(host, declared, cls, error)
        else:
            self.pairs.append(Pair(cls, made, moves=True))
            self._own = dict(vars(made))

    def _without_subclass(self, host: Host, declared: HostClass, cls: type, error: Exception) -> None:
        why = f"{self.target} cannot be subclassed ({shown(error)})"
        try:
            self.altered = Altered(host, declared, cls)
        except TypeError:
            self.pairs.append(Pair(cls, stand_in(host, declared, cls)))
            _LOG.warning("failloud.not_subclassed %s: %s", why, lost(host, declared, by=LOSES))
            return
        by = "its methods are wrapped on the class itself"
        _LOG.warning("failloud.not_subclassed %s: %s", why, lost(host, declared, by=by))
        for name in self.altered.ours:
            where = f"{cls.__module__}.{cls.__qualname__}.{name}"
            self.places.append(Place(kind=Kind.METHOD, where=where, held=label(cls), how=by))

    def classes(self) -> Iterator[tuple[type, type]]:
        """Give (host class, shim class) where live instances can change from one to the other."""
        yield from ((pair.host, pair.shim) for pair in self.pairs if pair.moves)

    def untracked(self) -> Iterator[Place]:
        """Tell of classes whose instances the collector does not know (empty slots): none can be found and moved."""
        for host_class, _ in self.classes():
            if not host_class.__flags__ & _HAVE_GC:
                how = "instances made before the install cannot be found; make them after it"
                yield Place(kind=Kind.INSTANCES, where="any instance", held=label(host_class), how=how)

    def put_back(self) -> list[str]:
        """Give the host class what is its own again, once no name leads to the shim; gives what is left."""
        left = self.altered.put_back() if self.altered else []
        for host_class, shim_class in self.classes():
            for name, value in list(vars(shim_class).items()):
                if isinstance(value, Watched):
                    continue  # ours: a collaborator that cannot be taught to tell
                if name not in self._own:  # state that class methods keep: a singleton's `_instance`, a counter
                    type.__setattr__(host_class, name, value)
                elif value is not self._own[name] and not name.startswith("__"):
                    left.append(f"{label(host_class)}.{name}: replaced on the shim since")
        return left


def overrides(cover: Cover, host: Host) -> Iterator[Place]:
    """List contracted methods that a class derived from a covered one has of its own: they answer unseen."""
    names = [row.method for row in rows_of(host, cover.target)]
    bases: set[type] = {each for pair in cover.classes() for each in pair}
    if cover.altered:
        bases.add(cover.altered.cls)
    declared = {each.target for each in host.classes}
    for sub in derived(bases):
        if sub not in bases and "__failloud_host__" not in vars(sub) and label(sub) not in declared:
            for name in (name for name in names if name in vars(sub)):
                yield Place(
                    kind=Kind.OVERRIDE, where=f"{sub.__module__}.{sub.__qualname__}.{name}", held=cover.target,
                    how="its own method answers; only what it calls through super() is seen; declare this class too",
                )  # fmt: skip
