"""The calls of a whole tree, asked for from below: by whom a function is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from codemods.flow.facts import Decorated, Edge, FileFacts, Function, Net, Open
from codemods.flow.stacks import Stacks

__all__ = ["Graph"]


class Graph:
    """Facts of all files, indexed once."""

    def __init__(self, facts: Iterable[FileFacts], contracted: frozenset[str]) -> None:
        self.contracted = contracted
        "Keys of the contracted methods."
        self.functions: dict[str, Function] = {}
        self.paths: dict[str, str] = {}
        self.types: dict[str, tuple[str, ...]] = {}
        self.classes: dict[str, tuple[str, ...]] = {}
        self.contexts: dict[str, tuple[tuple[Net, ...], ...]] = {}
        self._callers: dict[str, list[Edge]] = defaultdict(list)
        self._opens: dict[str, list[Open]] = defaultdict(list)
        self._inner: dict[str, list[str]] = defaultdict(list)
        for one in facts:
            self._add(one)
        self.stacks = Stacks(self.functions, contracted, self.callers, self.opens)

    def _add(self, one: FileFacts) -> None:
        self.types |= one.types
        self.classes |= one.classes
        self.contexts |= one.contexts
        self.paths[one.module] = one.path
        for function in one.functions:
            self.functions.setdefault(function.key, function)
        for edge in one.edges:
            for key in edge.callees:
                self._callers[key].append(edge)
                if key.startswith("parameter|"):
                    self._inner[key.split("|")[1]].append(key)
        for call in one.opens:
            self._opens[call.name].append(call)

    def path_of(self, key: str) -> str:
        """Give the file a function or class is in."""
        function = self.functions.get(key)
        return function.path if function is not None else self.paths.get(key.partition(":")[0], "?")

    def callers(self, key: str) -> Iterator[Edge]:
        """Give the edges to a function: by its own name, and by a base's where the receiver may be its class."""
        yield from self._callers.get(key, ())
        owner, _, name = key.rpartition(".")
        for base in self.classes.get(owner, ())[1:]:
            for edge in self._callers.get(f"{base}.{name}", ()):
                if any(
                    owner != kind and owner in self.classes and kind in self.classes[owner] for kind in edge.receivers
                ):
                    yield edge

    def opens(self, function: Function) -> list[Open]:
        """Give the calls of a function's name that nobody can tell the receiver of, and whose arguments fit it."""
        if function.is_inner or function.kind in {"lambda", "module"}:
            return []
        name = function.key.rpartition(".")[2].rpartition(":")[2]
        if name.startswith("__") and name.endswith("__"):
            return []
        is_method = "." in function.key.partition(":")[2]
        return [one for one in self._opens.get(name, ()) if one.bare != is_method and _fits(one, function)]

    def calls_of(self, held: str) -> list[Edge]:
        """Give the calls of what a parameter or attribute holds, also where it is passed on or kept elsewhere.

        `parameter|function key|name`, or `#0` for its place; `attribute|class key|name`.
        """
        found: list[Edge] = []
        waiting, asked = [held], set[str]()
        while waiting:
            one = self._named(waiting.pop())
            if one in asked:
                continue
            asked.add(one)
            for edge in self._callers.get(one, ()):
                if edge.form == "passed":
                    waiting += edge.given
                else:
                    found.append(edge)
        return found

    def _named(self, held: str) -> str:
        kind, key, name = held.split("|")
        if kind == "parameter" and name.startswith("#"):
            function, at = self.functions.get(key), int(name[1:])
            words = function.arity[2] if function is not None else ()
            return f"{kind}|{key}|{words[at]}" if 0 <= at < len(words) else held
        return held

    def calls_of_decorated(self, decorator: Decorated) -> list[Edge]:
        """Give the places where a decorator of the tree calls the function it is put on.

        It goes into the decorator's first parameter, or into that of the function a decorator with arguments gives.
        """
        key = decorator.through
        asked = [key] if decorator.kind == "tree" else [one for one in self._inner if one.startswith(f"{key}.")]
        found: list[Edge] = []
        for one in asked:
            function = self.functions.get(one)
            words = function.arity[2] if function is not None else ()
            held = f"parameter|{one}|{words[0]}" if words else ""
            if held in self._inner.get(one, ()):
                found += self.calls_of(held)
        return found


def _fits(call: Open, function: Function) -> bool:
    fewest, most, words, any_word = function.arity
    if call.loose:
        return True
    if (most >= 0 and call.positional > most) or (not any_word and any(one not in words for one in call.words)):
        return False
    return call.positional + len(call.words) >= fewest
