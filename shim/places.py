"""The places that hold a class or function, one record each: what kind, where, and whether it can be rebound."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shim.heap import Graph
from shim.links import links, shown_key

__all__ = ["Kind", "Place", "Spot", "label", "spots"]


class Kind(StrEnum):
    """What kind of place holds it."""

    MODULE = "module attribute"
    CLASS = "class attribute"
    ATTRIBUTE = "attribute of an object"
    VALUE = "value in a mapping"
    KEY = "key of a mapping"
    ITEM = "item of a list"
    MEMBER = "member of a set"
    DEFAULT = "default argument"
    ANNOTATION = "annotations"
    CLOSURE = "variable of a closure"
    PARTIAL = "partial call"
    BASE = "base class"
    METHOD = "method of the class itself"
    INSTANCES = "instances"
    OVERRIDE = "overridden method"
    LOCAL = "local variable of running code"
    HIDDEN = "inside an object that cannot be changed"
    DIFFERS = "not as declared"
    AWAITED = "module not imported yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place: `where` reads as the code that reaches it, `held` names the host's class or function."""

    kind: Kind
    where: str
    held: str
    how: str
    "What was done there; in a census, what to do about it."

    def __str__(self) -> str:
        return f"{self.where} ({self.kind}) of {self.held}: {self.how}"


Remake = Callable[[Any], Any]
"From the new object, what to put in the place: itself, or a new tuple around it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place with what is needed to change it."""

    kind: Kind
    where: str
    holder: Any
    key: Any
    old: Any
    "What the place holds now: the object, or an immutable container of it."
    remake: Remake


def label(held: Any) -> str:
    """Name a class or function as host files do."""
    return f"{held.__module__}:{held.__qualname__}"


def spots(held: Any, graph: Graph) -> Iterator[Spot]:
    """Give every place that holds the object, through tuples, frozen sets and bound methods as well."""
    yield from _spots(held, graph, lambda new: new, 3)


def _spots(held: Any, graph: Graph, remake: Remake, deep: int) -> Iterator[Spot]:
    for parent in graph.parents(held):
        inner = _immutable(parent, held, remake)
        if inner is not None:
            if deep:
                yield from _spots(parent, graph, inner, deep - 1)
            continue
        for how, key in links(parent, held):
            found = _spot(graph, parent, how, key)
            if found is not None:
                kind, where, holder = found
                yield Spot(kind=kind, where=where, holder=holder, key=key, old=held, remake=remake)


def _immutable(parent: Any, held: Any, remake: Remake) -> Remake | None:
    """Say how to make an immutable holder anew around another object."""
    if type(parent) in (tuple, frozenset):
        kind: type = type(parent)
        return lambda new: kind(remake(new) if each is held else each for each in parent)
    if type(parent) in (staticmethod, classmethod):
        wrapper: type = type(parent)
        return lambda new: wrapper(remake(new))
    if isinstance(parent, types.MethodType):
        if parent.__self__ is held:
            return lambda new: getattr(remake(new), parent.__name__)
        return lambda new: types.MethodType(remake(new), parent.__self__)
    return None


def _spot(graph: Graph, parent: Any, how: str, key: Any) -> tuple[Kind, str, Any] | None:  # noqa: PLR0911  # a table
    if how == "value":
        return _value(graph, parent, key)
    if how == "cell":
        return _closure(graph, parent)
    if how == "local":
        return Kind.LOCAL, f"{_code_name(parent)}()", parent
    if how == "function":
        kind = {"__defaults__": Kind.DEFAULT, "__annotations__": Kind.ANNOTATION}.get(key)
        return (kind, graph.path(parent), parent) if kind else None
    path = graph.path(parent)
    if not path or path.startswith("typing."):  # only running code leads there and it passes; a cache of annotations
        return None
    if how == "base":
        return Kind.BASE, path, parent
    if how == "slot":
        return Kind.ATTRIBUTE, f"{path}.{key}", parent
    if how == "item":
        return Kind.ITEM, f"{path}[{key}]", parent
    kinds = {"key": Kind.KEY, "member": Kind.MEMBER, "partial": Kind.PARTIAL}
    return kinds.get(how, Kind.HIDDEN), path, parent


def _value(graph: Graph, parent: dict[Any, Any], key: Any) -> tuple[Kind, str, Any] | None:
    if id(parent) in graph.modules:
        return Kind.MODULE, f"{graph.modules[id(parent)]}.{key}", parent
    owner = graph.owner(parent)
    if isinstance(owner, type):
        return None if str(key).startswith("__failloud") else (Kind.CLASS, f"{graph.path(owner)}.{key}", owner)
    path = graph.path(parent if owner is None else owner)
    if not path:
        return None
    if owner is None:
        return Kind.VALUE, f"{path}[{shown_key(key)}]", parent
    return Kind.ATTRIBUTE, f"{path}.{key}", parent


def _closure(graph: Graph, cell: types.CellType) -> tuple[Kind, str, Any] | None:
    """Find the function that a cell belongs to. `__class__` stays: a method's `super()` starts from it."""
    closure: tuple[types.CellType, ...]
    for closure in graph.parents(cell):
        for function in graph.parents(closure):
            if isinstance(function, types.FunctionType) and function.__closure__ is closure:
                name = function.__code__.co_freevars[[each is cell for each in closure].index(True)]
                return None if name == "__class__" else (Kind.CLOSURE, f"{graph.path(function)}<{name}>", cell)
    return None


def _code_name(running: Any) -> str:
    for name in ("f_code", "gi_code", "cr_code", "ag_code"):
        code = getattr(running, name, None)
        if code is not None:
            return str(code.co_qualname)
    return type(running).__name__
