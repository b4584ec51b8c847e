"""What the names of a module mean to an exception: its type, the classes above it, context managers."""

from __future__ import annotations

import ast
import builtins

from codemods.classes import dotted
from codemods.flow.facts import ANY, UNKNOWN_TYPE
from codemods.infer import Inferrer
from codemods.loud import Known
from codemods.project import Definition, Module
from codemods.scope import Scope
from codemods.tree import Around
from shim import errors

__all__ = ["BUILTIN", "Meanings", "builtin_bases"]

BUILTIN = "builtins"


def builtin_bases(name: str) -> tuple[str, ...]:
    """Give the keys above a builtin exception, itself first; empty for no exception."""
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        return ()
    return tuple(f"{BUILTIN}:{one.__name__}" for one in kind.__mro__ if one is not object)


def loud_bases(name: str) -> tuple[str, ...]:
    """Give the keys above one of our exceptions, itself first; empty for none of ours."""
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        return ()
    return tuple(f"{one.__module__}:{one.__name__}" for one in kind.__mro__ if one is not object)


class Meanings:
    """One module's names."""

    def __init__(self, module: Module, around: Around, known: Known, inferrer: Inferrer) -> None:
        self.module, self.around, self.known, self.inferrer = module, around, known, inferrer
        self.types: dict[str, tuple[str, ...]] = {}
        "For each type key that was given out: the keys above it, itself first."

    def type_of(self, node: ast.expr | None) -> str:  # noqa: PLR0911  # one per kind of meaning
        """Give the key of an exception class, or of the exception a call makes."""
        if node is None:
            return ANY
        if isinstance(node, ast.Call):
            node = node.func
        name = self.known.meant(node)
        if name and (bases := loud_bases(name)):
            return self._keep(bases)
        parts = dotted(node)
        if not parts:
            return UNKNOWN_TYPE
        meaning = self.inferrer.classes.meaning(self.module, node, self._local(node))
        if meaning is None:
            return self._keep(builtin_bases(parts[0])) if len(parts) == 1 else UNKNOWN_TYPE
        if meaning.kind == "class":
            return self._keep(self._tree_bases(meaning.key))
        if meaning.kind == "external":
            return self._keep(_external_bases(meaning, parts))
        return UNKNOWN_TYPE

    def _keep(self, bases: tuple[str, ...]) -> str:
        if not bases:
            return UNKNOWN_TYPE
        self.types[bases[0]] = bases
        return bases[0]

    def _local(self, node: ast.expr) -> dict[str, Definition | None]:
        found: dict[str, Definition | None] = {}
        for function in self.around.scope(node).functions:
            found |= self.inferrer.classes.local_imports(self.module, function)
        return found

    def _tree_bases(self, key: str) -> tuple[str, ...]:
        """Give a class of the tree, the ones above it, and the builtins and external ones those name."""
        found: dict[str, None] = {}
        for one in self.inferrer.classes.mro(key).keys:
            found[one] = None
            node = self.inferrer.classes.node(one)
            for base in node[1].bases if node else ():
                parts = dotted(base)
                meaning = self.inferrer.classes.meaning(node[0], base, {}) if node and parts else None
                if meaning is None and len(parts) == 1:
                    found |= dict.fromkeys(builtin_bases(parts[0]))
                elif meaning is not None and meaning.kind == "external":
                    found |= dict.fromkeys(_external_bases(meaning, parts))
        if not any(one.startswith(f"{BUILTIN}:") for one in found):
            found |= dict.fromkeys(builtin_bases("Exception"))  # a base nobody can see: nearly all of them are
        last = [one for one in found if one in {f"{BUILTIN}:Exception", f"{BUILTIN}:BaseException"}]
        return (*(one for one in found if one not in last), *sorted(last, reverse=True))

    def managers(self, node: ast.expr, scope: Scope) -> tuple[str, ...]:
        """Give the keys of classes and functions of the tree a `with` item may be; empty for external ones."""
        found = self.inferrer.of(node, scope)
        if isinstance(node, ast.Call):
            made = self.inferrer.of(node.func, scope)
            if made.functions:
                return tuple(sorted(f"{owner}{'.' if ':' in owner else ':'}{name}" for owner, name in made.functions))
        return tuple(sorted(found.instances))


def _external_bases(meaning: Definition, parts: list[str]) -> tuple[str, ...]:
    """Give an external exception's key; its bases are not in the tree, so it counts as any Exception."""
    name = meaning.name or parts[-1]
    if meaning.module in {"asyncio", "concurrent.futures", "asyncio.exceptions"}:
        if name == "TimeoutError":
            return builtin_bases("TimeoutError")  # one class since Python 3.11
        if name == "CancelledError":
            return (f"{meaning.module}:{name}", f"{BUILTIN}:BaseException")
    if meaning.module == BUILTIN:
        return builtin_bases(name)
    return (f"{meaning.module}:{name}", *builtin_bases("Exception"))
