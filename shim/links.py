"""In which way one object holds another: as a value, a key, an item, a default, a slot, a base."""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

__all__ = ["RUNNING", "Link", "links", "namespace_of", "shown_key"]

Link = tuple[str, Any]
"How a holder holds: `key`, `value`, `item`, `member`, `attribute`, `base`, ..., and the key, index or name."

RUNNING = (types.FrameType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def namespace_of(owner: object) -> dict[str, Any] | None:
    """Give the very dict of an object's attributes; of a class the one behind the read-only view."""
    if isinstance(owner, type):
        (inner,) = gc.get_referents(vars(owner))
        return inner if isinstance(inner, dict) else None
    try:
        found = object.__getattribute__(owner, "__dict__")
    except (AttributeError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def shown_key(key: object) -> str:
    """Render a key without calling somebody's `__repr__`."""
    return repr(key) if type(key) in (str, int) else getattr(key, "__name__", type(key).__name__)


def links(parent: Any, child: object) -> Iterator[Link]:
    """Say in which ways a holder holds an object."""
    for kinds, found in _LINKS:
        if isinstance(parent, kinds):
            yield from found(parent, child)
            return
    yield from _attributes(parent, child)


def _mapping(parent: dict[Any, Any], child: object) -> Iterator[Link]:
    for key, value in list(parent.items()):
        if value is child:
            yield "value", key
        if key is child:
            yield "key", key


def _sequence(parent: Iterable[Any], child: object) -> Iterator[Link]:
    yield from (("item", at) for at, each in enumerate(list(parent)) if each is child)


def _partial(parent: partial[Any], child: object) -> Iterator[Link]:
    if parent.func is child or any(each is child for each in parent.args):
        yield "partial", None


def _frame(parent: Any, _child: object) -> Iterator[Link]:
    if not isinstance(parent, types.FrameType) or parent in _stacks():  # a traceback keeps frames that ended
        yield "local", None


def _stacks() -> Iterator[types.FrameType]:
    for top in sys._current_frames().values():  # noqa: SLF001  # the only way to see other threads
        frame: types.FrameType | None = top
        while frame is not None:
            yield frame
            frame = frame.f_back


def _parts(function: types.FunctionType, child: object) -> Iterator[Link]:
    for name in ("__defaults__", "__kwdefaults__", "__closure__"):
        if getattr(function, name) is child:
            yield "function", name
            return
    if type(child) is tuple or function.__annotations__ is child:  # a tuple until somebody reads them
        yield "function", "__annotations__"


def _attributes(parent: Any, child: object) -> Iterator[Link]:
    held = gc.get_referents(parent)
    left = sum(each is child for each in held) - (type(parent) is child)  # its class is no attribute
    if not left:
        return
    namespace = namespace_of(parent) or {}  # a holder of its own; here only what is held besides
    if not any(each is namespace for each in held):
        left -= sum(value is child for value in namespace.values())
    for base in type(parent).__mro__:
        for name, slot in vars(base).items():
            if isinstance(slot, types.MemberDescriptorType) and _slot(slot, parent) is child:
                left -= 1
                yield "slot", name
    if left > 0:
        yield "hidden", None


def _bases(parent: type, child: object) -> Iterator[Link]:
    """Give its places among the bases; our own classes derive from the host's and go on doing so."""
    if "__failloud_host__" not in vars(parent):
        for _, at in _sequence(parent.__bases__, child):
            yield "base", at


_LINKS: tuple[tuple[Any, Callable[[Any, object], Iterator[Link]]], ...] = (
    (dict, _mapping),
    ((list, tuple, deque), _sequence),
    ((set, frozenset), lambda _, child: iter([("member", child)])),
    (types.CellType, lambda *_: iter([("cell", None)])),
    (type, _bases),
    (partial, _partial),
    (types.FunctionType, _parts),
    (RUNNING, _frame),
)


def _slot(slot: types.MemberDescriptorType, parent: object) -> object:
    try:
        return slot.__get__(parent, type(parent))
    except AttributeError:
        return None
