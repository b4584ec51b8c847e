"""Find everything in a module that calls, or hands over, a method of a contracted name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.infer import Inferrer
from codemods.project import FunctionNode
from codemods.scope import Scope, own_nodes
from codemods.tree import Around, name_of

__all__ = ["Candidate", "candidates"]

_NOT_DISPATCH = frozenset({"delattr", "getattr", "hasattr", "isinstance", "missing", "delivered", "print", "setattr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`call` is where the row stands; `receiver` is judged in `scope` (a forwarder's own, for a string dispatch)."""

    call: ast.expr
    receiver: ast.expr | None
    method: str
    kind: str
    scope: Scope


def candidates(around: Around, names: frozenset[str], inferrer: Inferrer) -> Iterator[Candidate]:
    """Give every candidate of a module in no order."""
    for node in around.nodes:
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.ctx, ast.Load):
            yield from _reference(node, node.value, node.attr, around, "call")
        elif isinstance(node, ast.Call):
            yield from _by_string(node, names, around, inferrer)
            if isinstance(node.func, ast.Name) and node.func.id in names:
                yield Candidate(
                    call=node, receiver=None, method=node.func.id, kind="function", scope=around.scope(node)
                )


def _reference(node: ast.expr, receiver: ast.expr, method: str, around: Around, kind: str) -> Iterator[Candidate]:
    """Give the calls made through a reference: at once, by a local name, or by whoever it is handed to."""
    parent, scope = around.parent(node), around.scope(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        yield Candidate(call=parent, receiver=receiver, method=method, kind=kind, scope=scope)
        return
    function = around.function(node)
    target = _local_target(parent)
    if target is not None and function is not None:
        for call in own_nodes(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == target:
                yield Candidate(call=call, receiver=receiver, method=method, kind="bound_reference", scope=scope)
        return
    if isinstance(
        parent, ast.Call | ast.keyword | ast.List | ast.Tuple | ast.Dict | ast.Return | ast.Assign | ast.Lambda
    ):
        yield Candidate(call=node, receiver=receiver, method=method, kind="callback_reference", scope=scope)


def _local_target(parent: ast.AST | None) -> str | None:
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0].id
    if isinstance(parent, ast.AnnAssign | ast.NamedExpr) and isinstance(parent.target, ast.Name):
        return parent.target.id
    return None


def _by_string(node: ast.Call, names: frozenset[str], around: Around, inferrer: Inferrer) -> Iterator[Candidate]:
    strings = [
        (at, value.value)
        for at, value in [*enumerate(node.args), *((k.arg, k.value) for k in node.keywords)]
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value in names
    ]
    called = name_of(node.func)
    if called == "getattr" and strings and strings[0][0] == 1:
        yield from _reference(node, node.args[0], strings[0][1], around, "getattr")
    if not strings or called in _NOT_DISPATCH:
        return
    for owner, name in sorted(inferrer.of(node.func, around.scope(node)).functions):
        module_name, _, class_name = owner.partition(":")
        module = inferrer.project.module(module_name)
        if module is None:
            continue
        function = inferrer.classes.known(owner).methods.get(name) if class_name else module.functions.get(name)
        if function is None:
            continue
        scope = Scope(module=module, class_key=owner if class_name else None).inside(function)
        for at, method in strings:
            receiver = _forwarded(function, at, bound=bool(class_name))
            if receiver is not None:
                yield Candidate(call=node, receiver=receiver, method=method, kind="string_dispatch", scope=scope)


def _forwarded(function: FunctionNode, at: int | str | None, *, bound: bool) -> ast.expr | None:
    """Give `x` where the function does `getattr(x, parameter)` with the parameter the string arrives in."""
    arguments = [a.arg for a in [*function.args.posonlyargs, *function.args.args]][1 if bound else 0 :]
    parameter = (arguments[at] if at < len(arguments) else None) if isinstance(at, int) else at
    for node in own_nodes(function):
        if isinstance(node, ast.Call) and name_of(node.func) == "getattr" and len(node.args) > 1:
            name = node.args[1]
            if isinstance(name, ast.Name) and name.id == parameter:
                return node.args[0]
    return None
