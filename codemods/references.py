"""Where a method is called that is not called where it is named: by a local name, from a list, through `partial`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from codemods.scope import bindings, own_nodes
from codemods.tree import Around, name_of

__all__ = ["Flow", "follow"]

_RUNNERS = {"run_in_executor": 1, "run_sync": 0, "to_thread": 0}
"Calls that give the method's result when awaited, and which argument the method is."
_LOOKS = frozenset(
    {"callable", "hasattr", "id", "isinstance", "iscoroutinefunction", "print", "repr", "signature", "type"}
)
_MANY = 200
"Places one reference is followed to before it counts as handed over."


@dataclass(slots=True)
class Flow:
    """`calls` of the method; `handed` over to somebody unseen; `unsure` where something else may be called instead."""

    calls: list[ast.Call] = field(default_factory=list)
    handed: bool = False
    unsure: bool = False


def follow(node: ast.expr, around: Around, names: frozenset[str]) -> Flow:
    """Follow a reference to a method from its place to the calls."""
    follower = _Follower(around, names)
    follower.go(node, held=False)
    return follower.flow


class _Follower:
    def __init__(self, around: Around, names: frozenset[str]) -> None:
        self.around, self.names, self.flow = around, names, Flow()
        self._seen: set[tuple[ast.AST, bool]] = set()

    def go(self, node: ast.expr, *, held: bool) -> None:  # noqa: C901  # one case per place
        """Take one step up. `held` says that the node is a container with the method in it."""
        if (node, held) in self._seen:
            return
        self._seen.add((node, held))
        parent = self.around.parent(node)
        match parent:
            case _ if len(self._seen) > _MANY:
                self.flow.handed = True
            case ast.Call():
                self._argument(node, parent, held=held)
            case ast.Attribute():
                self._attribute(parent, held=held)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                self.flow.unsure |= not self._alike(parent)
                self.go(parent, held=True)
            case ast.Starred():
                self.go(parent, held=held)
            case ast.Subscript() if held and parent.value is node:
                self.go(parent, held=False)
            case ast.IfExp() | ast.BoolOp() if node is not getattr(parent, "test", None):
                self.flow.unsure |= not self._alike(parent)
                self.go(parent, held=held)
            case ast.NamedExpr():
                self._named(parent.target, parent, held=held)
                self.go(parent, held=held)
            case ast.Assign() | ast.AnnAssign():
                self._assigned(node, parent, held=held)
            case ast.For() | ast.AsyncFor() | ast.comprehension() if held and parent.iter is node:
                self._each(node, parent)
            case _:
                self.flow.handed |= not isinstance(
                    parent,
                    ast.Assert | ast.Compare | ast.Delete | ast.Expr | ast.FormattedValue | ast.If | ast.IfExp
                    | ast.Match | ast.UnaryOp | ast.While,
                )  # these look at it only  # fmt: skip

    def _argument(self, node: ast.expr, call: ast.Call, *, held: bool) -> None:
        name = name_of(call.func)
        at = call.args.index(node) if node in call.args else -1
        if call.func is node and not held:
            self.flow.calls.append(call)
        elif name == "partial" and at == 0:
            self.go(call, held=held)
        elif held and name in {"enumerate", "list", "reversed", "set", "tuple"}:
            self.go(call, held=True)
        elif not held and _RUNNERS.get(name) == at and isinstance(self.around.parent(call), ast.Await):
            self.flow.calls.append(call)
        elif name not in _LOOKS:
            self.flow.handed = True

    def _attribute(self, node: ast.Attribute, *, held: bool) -> None:
        if node.attr == "__call__" and not held:
            self.go(node, held=False)
            return
        call = self.around.parent(node)
        if held and isinstance(call, ast.Call) and call.func is node and node.attr in {"get", "items", "values"}:
            self.go(call, held=node.attr != "get")

    def _assigned(self, node: ast.expr, parent: ast.Assign | ast.AnnAssign, *, held: bool) -> None:
        for target in parent.targets if isinstance(parent, ast.Assign) else [parent.target]:
            if isinstance(target, ast.Tuple) and isinstance(node, ast.Tuple) and len(target.elts) == len(node.elts):
                for name, value in zip(target.elts, node.elts, strict=True):
                    if (value, False) in self._seen:
                        self._named(name, parent, held=False, several=True)
            else:
                self._named(target, parent, held=held)

    def _each(self, node: ast.expr, loop: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        target = loop.target
        if (
            isinstance(node, ast.Call)
            and name_of(node.func) in {"enumerate", "items"}
            and isinstance(target, ast.Tuple)
        ):
            target = target.elts[-1]
        self._named(target, loop, held=False, several=True)

    def _named(self, target: ast.expr, at: ast.AST, *, held: bool, several: bool = False) -> None:
        """Go on from every load of a name. `several`: the binding has no value of its own to look at."""
        function = self.around.function(at)
        if not isinstance(target, ast.Name):
            self.flow.handed = True
            return
        if function is None:
            in_class = any(isinstance(parent, ast.ClassDef) for _, parent in self.around.all_upward(at))
            self.flow.handed |= in_class
            if in_class:
                return
            values = [one.value for one in self.around.module.values.get(target.id, [])]
        else:
            values = [one.value for one in bindings(function, "").get(target.id, [])]
        other = sum(not self._alike(value) for value in values)
        self.flow.unsure |= other > several
        loads = list(self._loads(target.id, function))
        self.flow.handed |= not values and not isinstance(at, ast.comprehension)  # global, nonlocal
        self.flow.handed |= function is None and not loads
        for load in loads:
            self.go(load, held=held)

    def _loads(self, name: str, function: ast.AST | None) -> Iterator[ast.Name]:
        for node in self.around.nodes if function is None else ast.walk(function):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                inner = [p for _, p in self.around.all_upward(node) if isinstance(p, _FUNCTIONS)]
                inside = inner[: inner.index(function)] if function in inner else inner
                if not any(_binds(one, name) for one in inside):
                    yield node

    def _alike(self, node: ast.expr | None) -> bool:  # noqa: PLR0911  # one line per form
        """Tell whether an expression is None or references to contracted methods and nothing else."""
        match node:
            case ast.Constant(value=None):
                return True
            case ast.Attribute():
                return node.attr in self.names
            case ast.Starred() | ast.NamedExpr():
                return self._alike(node.value)
            case ast.List() | ast.Tuple() | ast.Set():
                return all(self._alike(one) for one in node.elts)
            case ast.Dict():
                return all(self._alike(one) for one in node.values)
            case ast.IfExp():
                return self._alike(node.body) and self._alike(node.orelse)
            case ast.BoolOp():
                return all(self._alike(one) for one in node.values[-1 if isinstance(node.op, ast.And) else 0 :])
            case ast.Call() if name_of(node.func) == "partial":
                return self._alike(node.args[0]) if node.args else False
            case ast.Call() if name_of(node.func) == "getattr" and len(node.args) > 1:
                name = node.args[1]
                return not isinstance(name, ast.Constant) or name.value in self.names
            case _:
                return False


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _binds(function: ast.AST, name: str) -> bool:
    """Tell whether an inner function has a name of its own."""
    if not isinstance(function, _FUNCTIONS):
        return False
    if any(isinstance(one, ast.arg) and one.arg == name for one in ast.walk(function.args)):
        return True
    return not isinstance(function, ast.Lambda) and any(
        isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load)
        for one in own_nodes(function)
    )
