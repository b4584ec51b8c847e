"""Guards that make a missing collaborator silent: `if bridge:` without an else, `if not bridge: return`, and their kin.

The audit's first root cause (35 %). A guard belongs to a contracted call: it asks whether the very receiver of the call
is there. A guard that asks for something else as well is named and left: its other half is no failure.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from codemods.classes import ClassIndex, dotted, first_argument
from codemods.loud import Known
from codemods.project import FunctionNode
from codemods.tree import Around

__all__ = ["Guard", "guards_of", "is_missing", "is_quiet", "says_so"]

_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "trace"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One guard of one call, and what it does where the receiver is missing."""

    node: ast.If | ast.IfExp | ast.BoolOp
    shape: str
    "`no_else`, `quiet_else`, `early_exit`, or `expression` (a conditional expression, an `and`)."
    form: str
    "`truth`, `is_none`, `hasattr`, `predicate`."
    mixed: bool
    "The test asks for more than the receiver."


def guards_of(call: ast.expr, receiver: ast.expr | None, around: Around, classes: ClassIndex) -> tuple[Guard, ...]:
    """Find the guards of a call's receiver in the call's own function, nearest first."""
    if receiver is None or not dotted(receiver):
        return ()
    asks = _Asks(dotted(receiver), call, around, classes)
    found = [guard for child, parent in around.upward(call) if (guard := asks.enclosing(child, parent)) is not None]
    return (*found, *asks.earlier())


def says_so(guard: Guard, known: Known) -> bool:
    """Tell whether the silent branch says so already, or raises."""
    if not isinstance(guard.node, ast.If):
        return False
    branch = guard.node.body if guard.shape == "early_exit" else guard.node.orelse
    return any(is_missing(node, known) for node in branch)


def is_missing(node: ast.stmt, known: Known) -> bool:
    """Tell whether a statement is a call of our `missing`."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and known.means(node.value.func, frozenset({"missing"}))
    )


def is_quiet(body: list[ast.stmt]) -> bool:
    """Tell whether a block only logs, passes, leaves, or gives back nothing, False or an empty value."""
    return all(_is_quiet(node) for node in body)


def _is_quiet(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Continue() | ast.Break() | ast.Return(value=None):
            return True
        case ast.Return(value=ast.Constant(value=value)):
            return not value
        case ast.Return(value=ast.Dict(keys=[]) | ast.List(elts=[]) | ast.Tuple(elts=[])):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=func)):
            return (
                func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            ) in _LOGS
        case _:
            return False


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Continue | ast.Break)


class _Asks:
    """Questions about tests, for one receiver."""

    def __init__(self, receiver: list[str], call: ast.expr, tree: Around, classes: ClassIndex) -> None:
        self.receiver, self.call, self.tree, self.classes = receiver, call, tree, classes

    def enclosing(self, child: ast.AST, parent: ast.AST) -> Guard | None:
        """Judge one step of the way up from the call."""
        if isinstance(parent, ast.If) and child in parent.body and (form := self.form(parent.test)):
            if parent.orelse and not is_quiet(parent.orelse):
                return None  # another way is taken: no silence
            shape = "quiet_else" if parent.orelse else "no_else"
            return Guard(node=parent, shape=shape, form=form, mixed=not self.alone(parent.test))
        if isinstance(parent, ast.IfExp) and child is parent.body and (form := self.form(parent.test)):
            return Guard(node=parent, shape="expression", form=form, mixed=False)
        if isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.And):
            asked = [self.form(one) for one in parent.values[: parent.values.index(child)]]  # type: ignore[arg-type]
            if any(asked):
                return Guard(node=parent, shape="expression", form=next(filter(None, asked)), mixed=len(asked) > 1)
        return None

    def earlier(self) -> list[Guard]:
        """Find `if not receiver: return` before the call, in a block the call stands in or below."""
        found: list[Guard] = []
        steps = [(child, parent) for child, parent in self.tree.all_upward(self.call)]
        for child, parent in steps:
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and child in block:
                    found += [guard for node in reversed(block[: block.index(child)]) if (guard := self._exit(node))]
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                break
        return found

    def _exit(self, node: ast.stmt) -> Guard | None:
        if not isinstance(node, ast.If) or node.orelse or not _leaves(node.body) or not is_quiet(node.body):
            return None
        absent = [self.absent(one) for one in _parts(node.test, ast.Or)]
        if not any(absent):
            return None
        return Guard(node=node, shape="early_exit", form=next(filter(None, absent)), mixed=not all(absent))

    def alone(self, test: ast.expr) -> bool:
        """Tell whether a test asks for nothing but the receiver."""
        return all(self._form(one) for one in _parts(test, ast.And))

    def form(self, test: ast.expr) -> str:
        """Say how a test asks that the receiver is there; empty where it does not."""
        return next(filter(None, (self._form(one) for one in _parts(test, ast.And))), "")

    def absent(self, test: ast.expr) -> str:
        """Say how a test asks that the receiver is missing; empty where it does not."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._form(test.operand)
        if isinstance(test, ast.Compare) and _none(test, ast.Is | ast.Eq) and self._same(test.left):
            return "is_none"
        return ""

    def _form(self, test: ast.expr) -> str:
        if isinstance(test, ast.NamedExpr):
            test = test.target if self._same(test.target) else test.value
        if self._same(test):
            return "truth"
        if isinstance(test, ast.Compare) and _none(test, ast.IsNot | ast.NotEq) and self._same(test.left):
            return "is_none"
        if isinstance(test, ast.Call):
            return self._called(test)
        return ""

    def _called(self, test: ast.Call) -> str:
        name = dotted(test.func)
        if name == ["hasattr"] and len(test.args) == 2 and self._has(test.args[0], test.args[1]):
            return "hasattr"
        if name in (["bool"], ["callable"]) and len(test.args) == 1 and self._same(test.args[0]):
            return "truth"
        if not test.args and not test.keywords and len(name) == 2 and self._is_predicate(name):
            return "predicate"
        return ""

    def _has(self, owner: ast.expr, name: ast.expr) -> bool:
        """`hasattr(x, "method")` asks for the method, `hasattr(self, "x")` for the receiver itself."""
        wanted = name.value if isinstance(name, ast.Constant) else None
        func = self.call.func if isinstance(self.call, ast.Call) else None
        method = func.attr if isinstance(func, ast.Attribute) else None
        if self._same(owner):
            return wanted is not None and wanted == method
        return dotted(owner) == self.receiver[:-1] and wanted == self.receiver[-1]

    def _same(self, node: ast.expr) -> bool:
        return dotted(node) == self.receiver

    def _is_predicate(self, name: list[str]) -> bool:
        """Tell whether `self.has_x()` only says whether the receiver, an attribute of `self`, is there."""
        scope = self.tree.scope(self.call)
        if scope.class_key is None or scope.method is None or name[0] != first_argument(scope.method):
            return False
        owner = self.classes.definer(scope.class_key, name[1])
        found = self.classes.known(owner).methods.get(name[1]) if owner else None
        value = _only_return(found) if found is not None else None
        if found is None or value is None or self.receiver[0] != name[0]:
            return False
        inner = _Asks([first_argument(found), *self.receiver[1:]], self.call, self.tree, self.classes)
        return inner.form(value) in {"truth", "is_none"} and inner.alone(value)


def _parts(test: ast.expr, kind: type[ast.boolop]) -> list[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, kind) else [test]


def _none(test: ast.Compare, kinds: object) -> bool:
    right = test.comparators[0]
    one = len(test.ops) == 1 and isinstance(test.ops[0], kinds)  # type: ignore[arg-type]
    return one and isinstance(right, ast.Constant) and right.value is None


def _only_return(function: FunctionNode) -> ast.expr | None:
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
