"""mark-boundaries: routes, start-up handlers, done-callbacks and socket loops see the loud failures that arrive there.

The decorator stands innermost, right above the `def`: a framework still gets what its own decorators make of it.
"""

from __future__ import annotations

import ast
import json

from codemods.callsites import Analysis
from codemods.entries import WORDS, Loop, entries_of, loops_of
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.project import FunctionNode
from codemods.proposal import Proposal
from codemods.scope import own_nodes
from codemods.source import Edit
from codemods.statement import alone, indent_of, moved_in, step_of

__all__ = ["NEEDS", "SUMMARY", "WORDS", "Strip", "propose"]

NAME = "mark-boundaries"
SUMMARY = (
    "mark routes, start-up handlers, done-callbacks and socket loops with boundary(), where a loud failure may end"
)
NEEDS = ("boundary",)


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Mark each function once, however often it is registered, and what each serving loop does."""
    verb = names["boundary"].local
    wanted: dict[ast.AST, tuple[Edit, ...]] = {}
    skipped: dict[tuple[int, str], SkippedSite] = {}

    def leave(line: int, reason: str) -> None:
        skipped[line, reason] = SkippedSite(codemod=NAME, line=line, reason=reason)

    for entry in entries_of(analysis.around):
        function = entry.function
        if function is None:
            leave(entry.line, f"{entry.kind}: {entry.why}")
        elif _is_marked(function, analysis.known):
            continue
        elif not _generates(function):
            wanted[function] = (_decorator(function, analysis, verb),)
        elif reason := _unwrappable(_inside(function), analysis):
            leave(entry.line, f"{entry.kind}, a generator that {reason}")
        else:
            wanted[function] = _wrapped(_inside(function), analysis, verb)
    loops = loops_of(analysis.around)
    for loop in loops:
        if _is_ours(loop.node.body, analysis.known):
            continue
        if reason := _loop_refusal(loop, loops, analysis):
            leave(loop.node.lineno, f"socket loop: its try {reason}")
        else:
            wanted[loop.node] = _wrapped(loop.node.body, analysis, verb)
    return Proposal(edits=tuple(wanted.values()), skipped=tuple(skipped.values()))


def _is_marked(function: FunctionNode, known: Known) -> bool:
    decorated = any(_means(one, known) for one in function.decorator_list)
    return decorated or _is_ours(_inside(function), known)


def _means(node: ast.expr, known: Known) -> bool:
    return isinstance(node, ast.Call) and known.means(node.func, frozenset(NEEDS))


def _is_ours(block: list[ast.stmt], known: Known) -> bool:
    """Tell whether a block is one `with boundary(...)`."""
    only = block[0] if len(block) == 1 else None
    return isinstance(only, ast.With) and len(only.items) == 1 and _means(only.items[0].context_expr, known)


def _generates(function: FunctionNode) -> bool:
    """Tell a generator: what is thrown into one, as `asynccontextmanager` does, must arrive at its own `yield`."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))


def _inside(function: FunctionNode) -> list[ast.stmt]:
    """Give the body without its docstring."""
    first = function.body[0]
    has_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return function.body[1:] if has_text else function.body


def _loop_refusal(loop: Loop, loops: list[Loop], analysis: Analysis) -> str:
    if _generates(loop.function):
        return "stands in a generator: write 'with boundary():' by hand"
    within = {id(node) for statement in loop.node.body for node in ast.walk(statement)}
    if any(id(other.node) in within for other in loops):
        return "holds another such loop: that one is marked"
    return _unwrappable(loop.node.body, analysis)


def _unwrappable(block: list[ast.stmt], analysis: Analysis) -> str:
    """Say why a block cannot be moved into a `with`; empty where it can."""
    if not all(alone(analysis.source, node) for node in (block[0], block[-1])):
        return "shares a line with other code: give its body lines of its own first"
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    if any(isinstance(inner, kinds) for node in block for inner in ast.walk(node)):
        return "holds a function or class of its own: write 'with boundary():' by hand"
    return ""


def _decorator(function: FunctionNode, analysis: Analysis, verb: str) -> Edit:
    at = analysis.source.starts[function.lineno - 1]
    indent = indent_of(analysis.source, function)
    return Edit(start=at, end=at, new=f"{indent}@{verb}(){analysis.source.line_end(function.lineno)}")


def _wrapped(block: list[ast.stmt], analysis: Analysis, verb: str) -> tuple[Edit, ...]:
    source, first = analysis.source, block[0]
    step = step_of(source, first, analysis.around)
    at = source.starts[first.lineno - 1]
    name = json.dumps(analysis.around.qualname(first))
    head = f"{indent_of(source, first)}with {verb}({name}):{source.line_end(first.lineno)}"
    edits = [Edit(start=at, end=at, new=head)]
    for node, following in zip(block, [*block[1:], None], strict=True):
        edits += moved_in(source, node, step)
        between = range((node.end_lineno or 0) + 1, following.lineno) if following is not None else ()
        places = [source.starts[number - 1] for number in between if source.line(number).strip()]
        edits += [Edit(start=place, end=place, new=step) for place in places]
    return tuple(edits)


class Strip(ast.NodeTransformer):
    """Remove our decorators, and replace our `with` by what it holds."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop our decorators."""
        return self._bare(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Drop our decorators."""
        return self._bare(node)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        """Unwrap one of ours."""
        self.generic_visit(node)
        if not _is_ours([node], self.known):
            return node
        self.count += 1
        return node.body

    def _bare(self, node: FunctionNode) -> ast.AST:
        self.generic_visit(node)
        kept = [one for one in node.decorator_list if not _means(one, self.known)]
        self.count += len(node.decorator_list) - len(kept)
        node.decorator_list = kept
        return node
