"""Rebind what holds one object to another, and say where; the same walk in the other direction puts it back."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from shim.guard import shown
from shim.heap import Graph
from shim.places import Kind, Place, Spot, label, spots

__all__ = ["NEXT", "Pair", "Rebinder", "instances", "place_of"]


class Pair:
    """A host's class or function and what stands in for it."""

    __slots__ = ("host", "moves", "shim")

    def __init__(self, host: Any, shim: Any, *, moves: bool = False) -> None:
        self.host, self.shim = host, shim
        self.moves = moves
        "Whether live instances can be given the other class."


class Rebinder:
    """Rebinds for one installation; remembers the tuples it made, so that the very old ones come back."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}

    def swap(self, pairs: Iterable[Pair], *, back: bool = False) -> tuple[list[Place], list[Place]]:
        """Rebind every place of each pair's host object to its shim, or `back`. Gives what was done and what was left.

        Left is what cannot be changed safely: local variables of running code, objects written in C, a base class
        of another layout. Others' later changes are respected: only a place that holds the object is touched.
        """
        pairs = list(pairs)
        done: list[Place] = []
        for _ in range(_ROUNDS):
            remade = len(self._made)
            fresh, left = self._round(pairs, back=back)
            done += fresh
            if len(self._made) == remade:
                break  # no tuple was made anew, which may hold a second object to rebind
        return done, left

    def _round(self, pairs: list[Pair], *, back: bool) -> tuple[list[Place], list[Place]]:
        graph = Graph(pair.shim if back else pair.host for pair in pairs)
        done, left = [], []
        for pair in pairs:
            old, new = (pair.shim, pair.host) if back else (pair.host, pair.shim)
            for spot in list(spots(old, graph)):
                if spot.holder is new or spot.holder is old:
                    continue
                try:
                    changed = self._put(spot, new, back=back)
                except (TypeError, AttributeError, ValueError) as error:
                    left.append(place_of(spot, pair.host, f"cannot be changed: {shown(error)}"))
                    continue
                if changed:
                    done.append(place_of(spot, pair.host, "put back" if back else "rebound"))
                elif changed is None:
                    left.append(place_of(spot, pair.host, NEXT[spot.kind]))
        return done, left

    def _put(self, spot: Spot, new: Any, *, back: bool) -> bool | None:
        """Change one place; False where it holds something else by now, None where nothing can be put into it."""
        put = _PUT.get(spot.kind)
        if put is None:
            return None
        known = self._made.get(id(spot.old))
        made = known[1] if known and back else spot.remake(new)
        if not put(spot, made):
            return False
        if made is not new:
            if back:
                self._made.pop(id(spot.old), None)
            else:
                self._made[id(made)] = (made, known[1] if known else spot.old)
        return True


_ROUNDS = 4
NEXT = {
    Kind.LOCAL: "its frame holds the old class; let it return, or start it after the install",
    Kind.HIDDEN: "the object cannot be changed; make it after the install",
}
"What to do about a place that nothing can be put into."


def place_of(spot: Spot, host: Any, how: str) -> Place:
    """Give the record of a spot."""
    return Place(kind=spot.kind, where=spot.where, held=label(host), how=how)


def _item(spot: Spot, new: Any) -> bool:
    if isinstance(spot.holder, tuple):
        raise TypeError(f"a {type(spot.holder).__name__} is immutable")
    try:
        held = spot.holder[spot.key]
    except (KeyError, IndexError):
        return False
    if held is not spot.old:
        return False
    if isinstance(spot.holder, dict):
        dict.__setitem__(spot.holder, spot.key, new)  # an existing key: no order, no size changes
    else:
        spot.holder[spot.key] = new
    return True


def _attribute(spot: Spot, new: Any) -> bool:
    if isinstance(spot.holder, dict):
        return _item(spot, new)
    object.__setattr__(spot.holder, spot.key, new)
    return True


def _class(spot: Spot, new: Any) -> bool:
    if vars(spot.holder).get(spot.key) is not spot.old:
        return False
    type.__setattr__(spot.holder, spot.key, new)
    return True


def _key(spot: Spot, new: Any) -> bool:
    """Replace a key where it stands: look-ups by `type(instance)` go on, iteration keeps its order."""
    if type(spot.holder) not in (dict, defaultdict):
        raise TypeError(f"the keys of a {type(spot.holder).__name__} are its own affair")
    keys = list(spot.holder)
    after = keys[keys.index(spot.old) + 1 :]
    spot.holder[new] = spot.holder[spot.old]
    del spot.holder[spot.old]
    for each in after:
        spot.holder[each] = spot.holder.pop(each)
    return True


def _member(spot: Spot, new: Any) -> bool:
    spot.holder.add(new)
    spot.holder.discard(spot.old)
    return True


def _default(spot: Spot, new: Any) -> bool:
    if spot.holder.__defaults__ is not spot.old:
        return False
    spot.holder.__defaults__ = new
    return True


def _annotations(spot: Spot, new: Any) -> bool:
    spot.holder.__annotations__ = dict(zip(new[::2], new[1::2], strict=True))
    return True


def _cell(spot: Spot, new: Any) -> bool:
    spot.holder.cell_contents = new
    return True


def _partial(spot: Spot, new: Any) -> bool:
    held: partial[Any] = spot.holder
    state: Any = held.__reduce__()[2]  # how a partial pickles
    function, args, keywords, attributes = state
    args = tuple(new if each is spot.old else each for each in args)
    held.__setstate__((new if function is spot.old else function, args, keywords, attributes))  # type: ignore[attr-defined]
    return True


def _base(spot: Spot, new: Any) -> bool:
    spot.holder.__bases__ = tuple(new if each is spot.old else each for each in spot.holder.__bases__)
    return True


_PUT: dict[Kind, Callable[[Spot, Any], bool]] = {
    Kind.MODULE: _item,
    Kind.VALUE: _item,
    Kind.ITEM: _item,
    Kind.ATTRIBUTE: _attribute,
    Kind.CLASS: _class,
    Kind.KEY: _key,
    Kind.MEMBER: _member,
    Kind.DEFAULT: _default,
    Kind.ANNOTATION: _annotations,
    Kind.CLOSURE: _cell,
    Kind.PARTIAL: _partial,
    Kind.BASE: _base,
}


def instances(classes: Iterable[type]) -> list[Any]:
    """Find the live instances of exactly these classes: an instance shows the collector its class, since Python 3.9."""
    wanted = frozenset(classes)
    return [found for found in gc.get_referrers(*wanted) if type(found) in wanted] if wanted else []
