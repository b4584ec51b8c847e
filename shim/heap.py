"""Who holds an object, and how it is reached from a module: read off the collector, without changing anything."""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from shim.links import RUNNING, links, namespace_of, shown_key
from shim.shape import MARK

__all__ = ["Graph", "derived", "thawed", "tracked"]

DEPTH = 6
"Steps up from an object to a name; what lies deeper is told without a path."
FEW = 64
"Objects up to which one scan in C is faster than a walk in Python."
WIDE = 500
"Holders of one level beyond which nothing is named: somebody's cache, not a registry."
_SILENT = (
    types.MemberDescriptorType, types.GetSetDescriptorType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.ClassMethodDescriptorType, types.BuiltinFunctionType, types.MappingProxyType, types.GenericAlias,
    types.UnionType,
)  # fmt: skip
"Holders that belong to the class itself, or only say its name in an annotation."
_CONTAINERS = (
    dict, list, tuple, set, frozenset, deque, partial, type, types.FunctionType, types.CellType, types.MethodType,
)  # fmt: skip


def tracked() -> list[Any]:
    """List all objects the collector knows; those put aside by `gc.freeze()` inside `thawed` alone."""
    return gc.get_objects()


@contextmanager
def thawed() -> Iterator[None]:
    """Look at frozen objects as well, and freeze again at the end: what was made since is then frozen with them.

    Both are a move of one list; walking to the frozen ones from the modules takes seconds.
    """
    frozen, collects = gc.get_freeze_count(), gc.isenabled()
    if not frozen:
        yield
        return
    gc.disable()  # a collection now would write to every page that a forked child shares
    gc.unfreeze()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def derived(classes: Iterable[type]) -> list[type]:
    """List all classes derived from these, at any distance."""
    found: dict[type, None] = {}
    todo = list(classes)
    while todo:
        below: list[type] = type.__subclasses__(todo.pop())
        fresh = [sub for sub in below if sub not in found]
        found.update(dict.fromkeys(fresh))
        todo += fresh
    return list(found)


class Graph:
    """The holders of some objects, their holders, and so on up to names; made in one go, for one look."""

    def __init__(self, objects: Iterable[object]) -> None:
        level = list(objects)
        self.modules = {id(found): name for name, found in _module_namespaces()}
        self._parents: dict[int, list[Any]] = {}
        self._paths: dict[tuple[int, int], str] = {}
        self._keep: list[Any] = [level]
        self._mine = {id(level), id(self._keep), id(self._parents), id(self._paths)}
        for each in level:
            self._ignore_lineage(each)
        seen = set(map(id, level))
        for _ in range(DEPTH):
            level = self._climb(level, seen)
            if not level or len(level) > WIDE:
                break

    def _ignore_lineage(self, held: object) -> None:
        """Leave out what only says which class derives from which: nearly all holders of a class, and told as bases."""
        for each in (held, *derived([held])) if isinstance(held, type) else ():
            lineage: list[Any] = [each.__mro__, each.__bases__]
            if "__failloud_host__" in vars(each):
                lineage.append(namespace_of(each))
            self._keep += lineage
            self._mine |= set(map(id, lineage))

    def _climb(self, level: list[Any], seen: set[int]) -> list[Any]:
        wanted = {id(each) for each in level}
        above: list[Any] = []
        self._mine |= {id(above), id(level)}
        self._keep.append(above)
        for parent in self._referrers(level, wanted):
            if self._is_mine(parent) or isinstance(parent, _SILENT):
                continue
            held = [each for each in gc.get_referents(parent) if id(each) in wanted]
            if held == [type(parent)]:
                continue  # an instance that holds nothing but its class
            for each in held:
                self._hold(each, parent)
            if not isinstance(parent, (*_CONTAINERS, *RUNNING)):
                self._spread(parent, wanted)
            if id(parent) not in seen and not self._is_named(parent):
                seen.add(id(parent))
                above.append(parent)
        return above

    def _spread(self, parent: object, wanted: set[int]) -> None:
        """Give an object that keeps its attributes without a dict the dict that it shows."""
        namespace = namespace_of(parent)
        if namespace is not None:
            self._keep.append(namespace)
            for each in list(namespace.values()):
                if id(each) in wanted:
                    self._hold(each, namespace)
                    self._hold(namespace, parent)

    def _hold(self, child: object, parent: object) -> None:
        known = self._parents.setdefault(id(child), [])
        self._mine.add(id(known))
        if not any(each is parent for each in known):
            known.append(parent)

    def _referrers(self, level: list[Any], wanted: set[int]) -> list[Any]:
        if len(level) <= FEW:
            return gc.get_referrers(*level)
        return [each for each in tracked() if not wanted.isdisjoint(map(id, gc.get_referents(each)))]

    def _is_mine(self, parent: object) -> bool:
        if id(parent) in self._mine:
            return True
        if isinstance(parent, types.FrameType):
            return _is_ours(str(parent.f_globals.get("__name__")))
        if isinstance(parent, types.FunctionType):
            return MARK in parent.__globals__ or _is_ours(str(parent.__globals__.get("__name__")))
        if isinstance(parent, dict):
            return MARK in parent
        return not isinstance(parent, type) and _is_ours(type(parent).__module__)

    def _is_named(self, parent: object) -> bool:
        kinds = (type, types.FunctionType, types.ModuleType, *RUNNING)
        return id(parent) in self.modules or isinstance(parent, kinds)

    def parents(self, child: object) -> list[Any]:
        """Give the holders of an object, our own aside."""
        return self._parents.get(id(child), [])

    def owner(self, namespace: dict[Any, Any]) -> Any:
        """Give the class, function or object whose attributes a dict holds; None for a plain dict."""
        for parent in self.parents(namespace):
            if not isinstance(parent, dict | list | tuple | set) and namespace_of(parent) is namespace:
                return parent
        return None

    def path(self, child: Any, deep: int = DEPTH) -> str:
        """Say how an object is reached from a module; empty where nothing but local variables leads there."""
        known = self._paths.get((id(child), deep))
        if known is None:  # looked for once: objects that all refer to each other have very many ways
            known = self._paths[id(child), deep] = self._path(child, deep)
        return known

    def _path(self, child: Any, deep: int) -> str:
        if id(child) in self.modules:
            return self.modules[id(child)]
        if isinstance(child, type | types.FunctionType):
            return f"{child.__module__}.{child.__qualname__}"
        if isinstance(child, types.ModuleType):
            return child.__name__
        rough = ""
        for parent in self.parents(child) if deep else ():
            inner = parent
            if isinstance(parent, dict) and id(parent) not in self.modules:
                owner = self.owner(parent)  # whose truth is the host's own code: it is not asked
                inner = parent if owner is None else owner
            if isinstance(parent, RUNNING) or not (base := self.path(inner, deep - 1)):
                continue
            if parent is not inner or id(parent) in self.modules:
                return f"{base}.{_name_in(parent, child)}"
            if step := next((_step(how, key) for how, key in links(parent, child)), ""):
                return base + step
            rough = rough or base  # since 3.13 an object may refer to its attributes without a dict: that says more
        return rough


def _step(how: str, key: object) -> str:
    return f".{key}" if how in ("slot", "function") else f"[{shown_key(key)}]"


def _name_in(namespace: dict[Any, Any], child: object) -> str:
    return next((str(name) for name, value in list(namespace.items()) if value is child), "?")


def _module_namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, module in list(sys.modules.items()):  # sys.modules may hold anything
        if isinstance(module, types.ModuleType):
            yield name, vars(module)


def _is_ours(module: str) -> bool:
    return module.startswith("shim.")
