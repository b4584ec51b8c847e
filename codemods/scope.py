"""Scopes: the functions around an expression, and every value a local name may hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from codemods.project import FunctionNode, Imported, Module, bound_imports

__all__ = ["CHILDREN", "Binding", "Scope", "bindings", "looped", "nodes_in", "own_nodes", "returns"]

_NO_NODES = frozenset({"arg", "attr", "ctx", "id", "kind", "level", "lineno", "module", "op", "ops", "type_comment"})
CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {
    kind: () if kind is ast.Constant else tuple(name for name in kind._fields if name not in _NO_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"Fields of each kind of node that may hold a node of interest: no contexts and operators."
_APART = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an expression stands. `method` is the function whose first argument is the instance."""

    module: Module
    class_key: str | None = None
    functions: tuple[FunctionNode, ...] = ()
    method: FunctionNode | None = None

    def inside(self, function: FunctionNode) -> Scope:
        """Give the scope inside a function defined here."""
        method = function if self.class_key and not self.functions else self.method
        return Scope(module=self.module, class_key=self.class_key, functions=(*self.functions, function), method=method)

    def up_to(self, index: int) -> Scope:
        """Give the scope as seen from an outer function."""
        return Scope(
            module=self.module, class_key=self.class_key, functions=self.functions[: index + 1], method=self.method
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One way a local name gets its value; all None where nothing is known of it."""

    annotation: ast.expr | None = None
    value: ast.expr | None = None
    imported: Imported | None = None
    parameter: bool = False


def looped(target: ast.expr, over: ast.expr, name: str) -> ast.expr | None:
    """Give what a loop's name holds, written as an expression; None where the loop does not bind it."""
    found = [bound for one, bound in _looped(target, over) if one == name]
    return (found[0].value or ast.Constant(value=None)) if found else None


def own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """Walk a function's own nodes: not those of functions, classes and lambdas inside it."""
    return nodes_in(function.body)


def nodes_in(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk the nodes of a block that run with it, in no order: not those of functions, classes and lambdas in it.

    Contexts and operators are left out, as in `tree.Around`.
    """
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        kind = node.__class__
        if kind in _APART:
            continue
        for name in CHILDREN[kind]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                waiting += [child for child in value if isinstance(child, ast.AST)]
            elif isinstance(value, ast.AST):
                waiting.append(value)


def returns(function: FunctionNode) -> list[ast.expr]:
    """Give the values a function returns."""
    return [n.value for n in own_nodes(function) if isinstance(n, ast.Return) and n.value is not None]


@lru_cache(maxsize=512)  # many questions about one function, then none: what is kept keeps whole trees alive
def bindings(function: FunctionNode, package: str) -> dict[str, list[Binding]]:
    """Collect what each local name of a function may hold, in no order."""
    found: dict[str, list[Binding]] = {}
    for name, binding in _parameters(function):
        found.setdefault(name, []).append(binding)
    outer: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, imported in bound_imports(node, package):
                found.setdefault(name, []).append(Binding(imported=imported))
        else:
            for name, binding in _assigned(node):
                found.setdefault(name, []).append(binding)
    return {name: held for name, held in found.items() if name not in outer}


def _parameters(function: FunctionNode) -> Iterator[tuple[str, Binding]]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*padding, *arguments.defaults, *arguments.kw_defaults]
    for argument, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
        yield argument.arg, Binding(annotation=argument.annotation, value=default, parameter=True)


def _assigned(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    match node:
        case ast.Assign():
            for target in node.targets:
                yield from _names(target, Binding(value=node.value))
        case ast.AnnAssign():
            yield from _names(node.target, Binding(annotation=node.annotation, value=node.value))
        case ast.NamedExpr():
            yield from _names(node.target, Binding(value=node.value))
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                yield from _names(item.optional_vars, Binding(value=item.context_expr))
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            yield from _looped(node.target, node.iter)
        case _:
            return


def _looped(target: ast.expr, over: ast.expr) -> Iterator[tuple[str, Binding]]:
    """Write what a loop takes as `next(over)`; of `items` and `enumerate` the second name gets the values."""
    match target, over:
        case ast.Tuple(elts=[first, second]), ast.Call(func=ast.Attribute(value=table, attr="items"), args=[]):
            yield from _names(first, Binding())
            values = ast.Call(func=ast.Attribute(value=table, attr="values", ctx=ast.Load()), args=[], keywords=[])
            yield from _looped(second, values)
        case ast.Tuple(elts=[first, second]), ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            yield from _names(first, Binding())
            yield from _looped(second, inner)
        case _:
            taken = ast.Call(func=ast.Name(id="next", ctx=ast.Load()), args=[over], keywords=[])
            yield from _names(target, Binding(value=taken))


def _names(target: ast.expr | None, binding: Binding) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, binding
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _names(element, Binding())
