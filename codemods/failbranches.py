"""Blocks that handle a contracted call's failure: where it is caught, where its result is tested, where it is made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.handlers import Level, always_raises, is_broad
from codemods.own import Answer, answers_of
from codemods.scope import own_nodes
from codemods.site import Site
from codemods.tree import Around

__all__ = ["failing_blocks"]

_SUCCESS = "success"
"Attribute of a result object that says whether the call succeeded: `shim.contracts.Shows`."


def failing_blocks(analysis: Analysis) -> Iterator[list[ast.stmt]]:
    """Give each block once."""
    known: set[int] = set()
    for block in _all_blocks(analysis):
        if block and id(block[0]) not in known:
            known.add(id(block[0]))
            yield block


def _all_blocks(analysis: Analysis) -> Iterator[list[ast.stmt]]:
    sites = [one for one in analysis.sites if one.verdict.rows and one.row.kind != "callback_reference"]
    sites = [one for one in sites if "clean-up" not in one.decided[0].why]
    for site in sites:
        yield from _catching(site.levels)
    yield from _testing(sites, analysis.around)
    for own in analysis.own:
        for answer in answers_of(own, analysis.around):
            yield _making(answer, analysis.around)


def _catching(levels: tuple[Level, ...]) -> Iterator[list[ast.stmt]]:
    """Give the nearest broad handler that keeps what it catches; one for loud failures before it changes nothing."""
    for level in levels:
        handlers = getattr(level.node, "handlers", [])
        handler = level.handler or next((one for one in handlers if is_broad(one.type)), None)
        if handler is None or level.kind == "broad_reraise" or always_raises(handler.body, lambda _call: False):
            continue
        yield handler.body
        return


def _testing(sites: list[Site], around: Around) -> Iterator[list[ast.stmt]]:
    """Give the branches taken where the result of a call is a failure."""
    for site in sites:
        function = around.function(site.call)
        if function is None or len({row.shows for row in site.verdict.rows}) > 1:
            continue
        value = site.usage.verb or site.usage.value
        asks = _Asks(value, _held_in(value, function, sites, around), site.verdict.rows[0].shows)
        for node in own_nodes(function):
            if isinstance(node, ast.If):
                yield asks.failing(node)


def _held_in(
    value: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef, sites: list[Site], around: Around
) -> str:
    """Give the name that holds the result, where it never holds anything else."""
    parent = around.parent(value)
    targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", None)]
    if not isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr) or len(targets) != 1:
        return ""
    target = targets[0]
    if not isinstance(target, ast.Name):
        return ""
    stored = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == target.id and _stores(n)]
    results = {around.parent(one.usage.verb or one.usage.value) for one in sites}
    return target.id if all(around.parent(one) in results for one in stored) else ""


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store | ast.Del)


class _Asks:
    """Questions a test asks about one result."""

    def __init__(self, value: ast.expr, name: str, shows: str) -> None:
        self.value, self.name, self.shows = value, name, shows

    def failing(self, node: ast.If) -> list[ast.stmt]:
        """Give the branch of the failure; empty where the test asks something else, or an `elif` goes on asking."""
        test = node.test
        if self._good(test):
            goes_on = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
            return [] if goes_on else node.orelse
        return node.body if self._bad(test) else []

    def _good(self, test: ast.expr) -> bool:
        match test:
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=True)]):
                return self._is(left)
            case _:
                return self._is(test)

    def _bad(self, test: ast.expr) -> bool:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=asked):
                return self._is(asked)
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=False | None)]):
                return self._is(left)
            case _:
                return False

    def _is(self, node: ast.expr) -> bool:
        if self.shows == "unsuccessful":
            return isinstance(node, ast.Attribute) and node.attr == _SUCCESS and self._holds(node.value)
        return self.shows == "falsy" and self._holds(node)

    def _holds(self, node: ast.expr) -> bool:
        if isinstance(node, ast.NamedExpr):
            node = node.value
        return node is self.value or (bool(self.name) and isinstance(node, ast.Name) and node.id == self.name)


def _making(answer: Answer, around: Around) -> list[ast.stmt]:
    """Give what a contracted method does right before a failing answer: its handler, or the end of its branch."""
    if answer.handler is not None:
        return answer.handler.body
    parent = around.parent(answer.node)
    if not isinstance(parent, ast.If):
        return []
    block = parent.body if answer.node in parent.body else parent.orelse
    at = start = block.index(answer.node)
    while start and isinstance(block[start - 1], ast.Expr | ast.AugAssign):
        start -= 1
    return block[start : at + 1]
