"""Find everything in a module that calls, or hands over, a method of a contracted name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemods.infer import Inferrer
from codemods.project import FunctionNode
from codemods.references import follow
from codemods.scope import Scope, looped, own_nodes
from codemods.strings import strings_of
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
    judged: ast.expr | None = None
    "What to judge instead of the receiver's text: the element a comprehension takes, nothing for a lambda's argument."
    unsure: bool = False
    "Something else may be called here as well."


def candidates(around: Around, names: frozenset[str], inferrer: Inferrer) -> Iterator[Candidate]:
    """Give every candidate of a module in no order."""
    for node in around.nodes:
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.ctx, ast.Load):
            yield from _reference(_Named(node, node.value, node.attr, "call"), around, names)
        elif isinstance(node, ast.Call):
            yield from _by_string(node, names, around, inferrer)
            if isinstance(node.func, ast.Name) and node.func.id in names:
                yield Candidate(
                    call=node, receiver=None, method=node.func.id, kind="function", scope=around.scope(node)
                )


@dataclass(frozen=True, slots=True)
class _Named:
    """A reference: the expression that is the method, its receiver, its name, and the kind if called at once."""

    node: ast.expr
    receiver: ast.expr | None
    method: str
    kind: str
    unsure: bool = False


def _reference(named: _Named, around: Around, names: frozenset[str]) -> Iterator[Candidate]:
    """Give the calls made through a reference: at once, by a local name, or by whoever it is handed to."""
    node, parent = named.node, around.parent(named.node)
    make = partial(
        Candidate,
        receiver=named.receiver,
        method=named.method,
        scope=around.scope(node),
        judged=_judged(named.receiver, node, around),
    )
    if isinstance(parent, ast.Call) and parent.func is node:
        yield make(call=parent, kind=named.kind, unsure=named.unsure)
        return
    flow = follow(node, around, names)
    for call in flow.calls:
        yield make(call=call, kind="bound_reference", unsure=named.unsure or flow.unsure)
    if flow.handed:
        yield make(call=node, kind="callback_reference", unsure=named.unsure)


def _judged(receiver: ast.expr | None, node: ast.expr, around: Around) -> ast.expr | None:
    """Give what a receiver that starts with a comprehension's or lambda's own name is."""
    root = receiver
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name) or receiver is None:
        return None
    for child, parent in around.all_upward(node):
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        if isinstance(parent, ast.Lambda) and child is parent.body:
            if any(isinstance(one, ast.arg) and one.arg == root.id for one in ast.walk(parent.args)):
                return ast.Constant(value=None)
        elif isinstance(parent, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            for taken in reversed(parent.generators):
                if child is not taken and (value := looped(taken.target, taken.iter, root.id)):
                    return _with_root(receiver, value)
    return None


def _with_root(node: ast.expr, root: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute):
        return ast.Attribute(value=_with_root(node.value, root), attr=node.attr, ctx=node.ctx)
    return root


def _by_string(node: ast.Call, names: frozenset[str], around: Around, inferrer: Inferrer) -> Iterator[Candidate]:
    strings = [
        (at, value.value)
        for at, value in [*enumerate(node.args), *((k.arg, k.value) for k in node.keywords)]
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value in names
    ]
    called = name_of(node.func)
    if called == "getattr" and len(node.args) > 1:
        texts = strings_of(node.args[1], around.scope(node))
        for text in sorted(one for one in texts if one in names and one is not None):
            unsure = bool(texts - names)
            yield from _reference(_Named(node, node.args[0], text, "getattr", unsure), around, names)
    if called in {"attrgetter", "methodcaller"} and strings and strings[0][0] == 0:
        yield from _operator(node, strings[0][1], around, names)
        return
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


def _operator(node: ast.Call, method: str, around: Around, names: frozenset[str]) -> Iterator[Candidate]:
    """Give what `operator.methodcaller` and `attrgetter` make: called at once, or handed over for objects unseen."""
    called = around.parent(node)
    if not (isinstance(called, ast.Call) and called.func is node and called.args):
        scope = around.scope(node)
        yield Candidate(call=node, receiver=None, method=method, kind="callback_reference", scope=scope, unsure=True)
    elif name_of(node.func) == "attrgetter":
        yield from _reference(_Named(called, called.args[0], method, "getattr"), around, names)
    else:
        scope, receiver = around.scope(node), called.args[0]
        judged = _judged(receiver, called, around)
        yield Candidate(
            call=called, receiver=receiver, method=method, kind="string_dispatch", scope=scope, judged=judged
        )


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
