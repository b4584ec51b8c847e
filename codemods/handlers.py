"""Handlers around a call: which would swallow a loud failure, and how."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from codemods.project import FunctionNode
from codemods.tree import Around, name_of

__all__ = ["Level", "TryNode", "always_raises", "escalates_first", "is_broad", "is_ours", "levels_of"]

_BROAD = frozenset({"BaseException", "Exception"})
TryNode = ast.Try | ast.TryStar


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One `try` (or `suppress`) whose body holds the call, and what its first broad handler does."""

    node: TryNode | ast.With | ast.AsyncWith
    handler: ast.ExceptHandler | None
    "None for `suppress`, for a `finally` that returns, and where no handler is broad."
    kind: str
    "`narrow`, `loud` (raises our failure before anything broad), `loud_kept` (handles it), or what a broad one does."
    line: int
    changes_type: bool = False
    "A raising handler that raises something else: a later clause for our failure would miss it."
    in_loop: bool = False
    "The whole `try` stands inside a loop of the same function."
    finally_leaves: bool = False

    @property
    def swallows(self) -> bool:
        """True where a loud failure ends here."""
        return self.kind not in {"narrow", "loud", "loud_kept", "broad_reraise"} or self.finally_leaves


def is_broad(node: ast.expr | None) -> bool:
    """Tell whether an `except` clause catches every Exception."""
    if isinstance(node, ast.Tuple):
        return any(is_broad(element) for element in node.elts)
    return node is None or name_of(node) in _BROAD


def is_ours(handler: ast.ExceptHandler, is_loud: Callable[[ast.expr], bool]) -> bool:
    """Tell a clause that does nothing but let our failure through."""
    plain = len(handler.body) == 1 and isinstance(handler.body[0], ast.Raise) and handler.body[0].exc is None
    return plain and handler.type is not None and is_loud(handler.type)


def escalates_first(handler: ast.ExceptHandler, is_loud: Callable[[ast.expr], bool]) -> bool:
    """Tell a handler that begins with `if isinstance(error, LoudFailure): escalate(error)`."""
    match handler.body[0]:
        case ast.If(
            test=ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=asked), kind]), orelse=[], body=[one]
        ):
            verb = one.value if isinstance(one, ast.Expr) else None
            told = isinstance(verb, ast.Call) and name_of(verb.func) == "escalate" and len(verb.args) == 1
            return told and asked == handler.name and is_loud(kind)
        case _:
            return False


def levels_of(
    call: ast.AST,
    around: Around,
    is_loud: Callable[[ast.expr], bool],
    raises: Callable[[ast.Call], bool],
) -> tuple[Level, ...]:
    """Give the levels around a call, innermost first, within its function.

    `is_loud` knows our exceptions by whatever name a module has for them; `raises` knows helpers that always raise.
    """
    found: list[Level] = []
    for child, parent in around.upward(call):
        if isinstance(parent, ast.Try | ast.TryStar) and child in parent.body:
            found.append(_level(parent, around, is_loud, raises))
        elif isinstance(parent, ast.With | ast.AsyncWith) and child in parent.body and _suppresses(parent):
            found.append(
                Level(node=parent, handler=None, kind="broad_pass", line=parent.lineno, in_loop=_loop(parent, around))
            )
    return tuple(found)


def _level(
    node: TryNode, around: Around, is_loud: Callable[[ast.expr], bool], raises: Callable[[ast.Call], bool]
) -> Level:
    leaves = any(isinstance(n, ast.Return) for s in node.finalbody for n in _shallow(s))
    line = node.handlers[0].lineno if node.handlers else node.lineno
    kind, found, changes = "narrow", None, False
    for handler in node.handlers:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
        if any(is_loud(one) for one in caught):
            kind, line = "loud" if always_raises(handler.body, raises) else "loud_kept", handler.lineno
            break
        if is_broad(handler.type) and escalates_first(handler, is_loud):
            kind, line = "loud_kept", handler.lineno
            break
        if is_broad(handler.type):
            found, line = handler, handler.lineno
            kind = _kind(handler, raises)
            changes = kind == "broad_reraise" and _changes_type(handler)
            break
    if not node.handlers:
        kind = "narrow" if not leaves else "broad_other"
    return Level(
        node=node,
        handler=found,
        kind=kind,
        line=line,
        changes_type=changes,
        in_loop=_loop(node, around),
        finally_leaves=leaves,
    )


def _kind(handler: ast.ExceptHandler, raises: Callable[[ast.Call], bool]) -> str:
    if always_raises(handler.body, raises):
        return "broad_reraise"
    if all(_does_nothing(node) for node in handler.body):
        return "broad_pass"
    values = [n.value for s in handler.body for n in _shallow(s) if isinstance(n, ast.Return)]
    if any(isinstance(v, ast.Constant) and v.value is False for v in values):
        return "broad_returns_false"
    given = [v for v in values if v is not None and not (isinstance(v, ast.Constant) and v.value is None)]
    if given or any(isinstance(n, ast.Await) for s in handler.body for n in _shallow(s)):
        return "broad_other"
    return "broad_logs_and_continues"


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass | ast.Continue) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _shallow(node: ast.AST) -> list[ast.AST]:
    waiting, found = [node], []
    while waiting:
        one = waiting.pop()
        found.append(one)
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(one))
    return found


def always_raises(body: list[ast.stmt], raises: Callable[[ast.Call], bool]) -> bool:  # noqa: PLR0911  # one per kind
    """Tell whether control never leaves a block except by raising."""
    for node in body:
        match node:
            case ast.Raise():
                return True
            case ast.Return() | ast.Break() | ast.Continue():
                return False
            case ast.If() if node.orelse and always_raises(node.body, raises) and always_raises(node.orelse, raises):
                return True
            case ast.With() | ast.AsyncWith() if always_raises(node.body, raises) and not _suppresses(node):
                return True
            case ast.Try() if not node.handlers and always_raises(node.body, raises):
                return True
            case ast.Expr() if _raising_call(node.value, raises):
                return True
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.Try() | ast.With() | ast.AsyncWith():
                if any(isinstance(n, ast.Return | ast.Break | ast.Continue) for n in _shallow(node)):
                    return False  # another way out before the end is reached
            case _:
                pass
    return False


def _raising_call(value: ast.expr, raises: Callable[[ast.Call], bool]) -> bool:
    inner = value.value if isinstance(value, ast.Await) else value
    return isinstance(inner, ast.Call) and raises(inner)


def _changes_type(handler: ast.ExceptHandler) -> bool:
    found = [n for s in handler.body for n in _shallow(s) if isinstance(n, ast.Raise)]
    same = [n for n in found if n.exc is None or (isinstance(n.exc, ast.Name) and n.exc.id == handler.name)]
    return len(same) != len(found) or not found


def _suppresses(node: ast.With | ast.AsyncWith) -> bool:
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(name_of(call.func) == "suppress" and any(is_broad(a) for a in call.args) for call in calls)


def _loop(node: ast.AST, around: Around) -> bool:
    return any(isinstance(parent, ast.For | ast.AsyncFor | ast.While) for _, parent in around.upward(node))


def raising_function(function: FunctionNode, raises: Callable[[ast.Call], bool]) -> bool:
    """Tell whether a helper always raises: declared NoReturn, or every way through it raises."""
    if function.returns is not None and ast.unparse(function.returns).rpartition(".")[2] in {"NoReturn", "Never"}:
        return True
    return always_raises(function.body, raises)
