"""When a handler that tells nobody is no silent failure: clean-up, attempts, questions, another way."""

from __future__ import annotations

import ast
import re

from codemods.handlers import TryNode
from codemods.logs import log_level
from codemods.scope import nodes_in
from codemods.surroundings import is_cleanup
from codemods.tree import Around, name_of
from codemods.values import Frame

__all__ = ["answers", "is_excused", "tidies"]

_ENDS = re.compile(
    r"(^|_)(aclose|cancel|cleanup|close|disconnect|dispose|flush|join|kill|release|remove|rmtree|rollback"
    r"|shutdown|stop|teardown|terminate|unlink|unregister|unsubscribe)(_|$)"
)
_ASKS = re.compile(
    r"^_*(is|are|has|have|had|can|could|should|may|must|does|did|needs?|allows?|accepts?|supports?|contains?|exists?"
    r"|match(es)?|equals?|valid(ate)?|check|verify|test|detect|authori[sz]e|authenticate|permits?|want|filter|find"
    r"|lookup|search)(_|$)|^_*is(atty|class|closed|dir|empty|file|instance|open|valid)$|^[a-z]+able$|_is_[a-z_]+$|_exists$"
)
_ALIVE = re.compile(r"(^|_)(alive|connectivity|health|healthy|ping|probe|reachable)(_|$)")


def is_excused(node: TryNode, handler: ast.ExceptHandler, frame: Frame, around: Around) -> bool:
    """Tell whether any of the four holds for one clause of a `try`; `frame` is the function around it."""
    return (
        tidies(node.body, around)
        or _tried_again(node, frame, around)
        or _is_answer(node, handler, around)
        or _goes_another_way(node, handler)
    )


def tidies(body: list[ast.stmt], around: Around) -> bool:
    """Tell whether a block is best-effort clean-up: all it does is close, cancel or remove, or its function does."""
    function = around.function(body[0])
    if function is not None and is_cleanup(function.name):
        return True
    return all(_ends(node) for node in body)


def _ends(node: ast.stmt) -> bool:
    if isinstance(node, ast.Delete):
        return True
    if isinstance(node, ast.If):
        return all(_ends(one) for one in [*node.body, *node.orelse])
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    if isinstance(value, ast.Call):
        if log_level(value):
            return True
        inner = value.args[0] if name_of(value.func) == "wait_for" and value.args else value
        return bool(_ENDS.search(name_of(inner.func if isinstance(inner, ast.Call) else inner)))
    return isinstance(value, ast.Name | ast.Attribute)  # `await task`, after a cancel


def _tried_again(node: TryNode, frame: Frame, around: Around) -> bool:
    if not frame.loud:
        return False
    loops = [p for _, p in around.upward(node) if isinstance(p, ast.For | ast.AsyncFor | ast.While)]
    return any(line > (loop.end_lineno or 0) for loop in loops for line in frame.loud)


def _is_answer(node: TryNode, handler: ast.ExceptHandler, around: Around) -> bool:
    """Tell whether a function asks a question and the clause returns the answer: `is_valid`, `readable`, `ping`.

    One that awaits does more than ask, unless it asks whether something is alive: for that any failure is an answer.
    """
    function = around.function(node)
    if function is None or not any(isinstance(n, ast.Return) for n in nodes_in(handler.body)):
        return False
    if _ALIVE.search(function.name):
        return True
    return answers(function.name) and not any(isinstance(n, ast.Await) for n in nodes_in(node.body))


def answers(name: str) -> bool:
    """Tell by its name whether a function asks a question: its False or None is an answer."""
    return bool(_ASKS.search(name))


def _goes_another_way(node: TryNode, handler: ast.ExceptHandler) -> bool:
    """Tell whether the last thing a handler does is a call that is given what the body was given: `return slow(x)`."""
    last = handler.body[-1]
    value = last.value if isinstance(last, ast.Return | ast.Assign) else None
    value = value.value if isinstance(value, ast.Await) else value
    if not isinstance(value, ast.Call):
        return False
    given = {one.id for part in [*value.args, *value.keywords] for one in ast.walk(part) if isinstance(one, ast.Name)}
    used = {one.id for one in nodes_in(node.body) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return bool((given & used) - {"self", "cls"})
