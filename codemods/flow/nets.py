"""What an exception meets on its way from a place to the end of its function."""

from __future__ import annotations

import ast
from collections.abc import Callable

from codemods.flow.effects import RESTARTS, effects_of
from codemods.flow.exits import Asks, leaves, ways_of
from codemods.flow.facts import ANY, Clause, Net, Way
from codemods.flow.meanings import Meanings
from codemods.handlers import TryNode
from codemods.project import FunctionNode
from codemods.scope import nodes_in, own_nodes
from codemods.surroundings import is_cleanup
from codemods.tree import name_of
from codemods.work import is_unit_of_work, within_unit_of_work

__all__ = ["Nets"]

_STACKS = frozenset({"AsyncExitStack", "ExitStack"})
_GROUPS = frozenset({"TaskGroup", "create_task_group", "open_nursery"})


class Nets:
    """The nets of one module; each `try` and `with` is read once, however many calls stand in it."""

    def __init__(
        self, meanings: Meanings, raises: Callable[[ast.Call], bool], contracted: Callable[[str], bool]
    ) -> None:
        self.meanings, self.around, self.contracted = meanings, meanings.around, contracted
        self.asks = Asks(type_of=meanings.type_of, raises=raises, verb=meanings.known.meant)
        self._read: dict[tuple[ast.AST, bool], tuple[Net, ...]] = {}
        self._stacks: dict[tuple[ast.AST, str], tuple[Net, ...]] = {}

    def around_node(self, node: ast.AST) -> tuple[Net, ...]:
        """Give the nets around a node, innermost first, up to its function."""
        for child, parent in self.around.upward(node):
            if isinstance(parent, ast.Try | ast.TryStar | ast.With | ast.AsyncWith | ast.ExceptHandler):
                block = "body" if isinstance(parent, ast.ExceptHandler) else _block_of(child, parent)
                key = (parent, block)
                if key not in self._stacks:
                    self._stacks[key] = (*self._of(parent, block), *self.around_node(parent))
                return self._stacks[key]
        return ()

    def _of(self, node: ast.AST, block: str) -> tuple[Net, ...]:
        if isinstance(node, ast.Try | ast.TryStar):
            leaving = [Net("finally", node.finalbody[0].lineno)] if leaves(node.finalbody) else []
            if block == "body" and node.handlers:
                return (self._tried(node), *leaving)
            return () if block == "finalbody" else tuple(leaving)
        if isinstance(node, ast.ExceptHandler):
            return (Net("handling", node.lineno),)
        if isinstance(node, ast.With | ast.AsyncWith) and block == "body":
            return tuple(net for item in reversed(node.items) for net in self._opened(node, item))
        return ()

    def _tried(self, node: TryNode) -> Net:
        function = self.around.function(node)
        inside = own_nodes(function) if function is not None else ()
        later = [one for one in inside if isinstance(one, ast.Raise) and one.lineno > (node.end_lineno or 0)]
        clauses = tuple(
            Clause(
                types=self._types(handler.type),
                line=handler.lineno,
                ways=ways_of(handler, self.asks, later),
                effects=effects_of(handler, node, self.around, self.contracted),
            )
            for handler in node.handlers
        )
        kind = "try*" if isinstance(node, ast.TryStar) else "try"
        return Net(kind, node.lineno, clauses, holds=self._held(node, clauses, function))

    def _held(self, node: TryNode, clauses: tuple[Clause, ...], function: FunctionNode | None) -> str:
        """Say what a raise out of this `try` would destroy: the reasons for which a call site is escalated."""
        if function is None:
            return ""
        if is_cleanup(function.name):
            return "best-effort clean-up: the rest of it would not run"
        if within_unit_of_work(node.body[0], function, self.around):
            return "a unit of work: it would be rolled back"
        loops = any(isinstance(one, ast.For | ast.AsyncFor | ast.While) for _, one in self.around.upward(node))
        if loops and not any(RESTARTS in clause.effects for clause in clauses):
            return "a loop that goes on: the other rounds would not run"
        return ""

    def _types(self, node: ast.expr | None) -> tuple[str, ...]:
        if node is None:
            return (ANY,)
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        return tuple(self.meanings.type_of(one) for one in parts)

    def _opened(self, node: ast.With | ast.AsyncWith, item: ast.withitem) -> list[Net]:
        """Give the net of one item; of an exit stack those of what is entered on it, the last one first."""
        given = item.context_expr
        name = name_of(given.func) if isinstance(given, ast.Call) else ""
        if name not in _STACKS or not isinstance(item.optional_vars, ast.Name):
            return [self._context(node, given)]
        found: list[Net] = []
        for one in nodes_in(node.body):
            if not (isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.args):
                continue
            if name_of(one.func.value) != item.optional_vars.id:
                continue
            if one.func.attr in {"enter_context", "enter_async_context"}:
                found.append(self._context(node, one.args[0]))
            elif one.func.attr in {"push", "push_async_exit"}:
                found.append(Net("exit?", one.lineno))
        return sorted(found, key=lambda net: -net.line)

    def _context(self, node: ast.With | ast.AsyncWith, given: ast.expr) -> Net:
        called = given.func if isinstance(given, ast.Call) else given
        name = name_of(called) or ast.unparse(called)[:40]
        if isinstance(given, ast.Call) and self.meanings.known.meant(called) == "boundary":
            return Net("boundary", node.lineno, name=name)
        if isinstance(given, ast.Call) and name == "suppress":
            types = tuple(one for arg in given.args for one in self._types(arg))
            clause = Clause(types, given.lineno, (Way("end", line=given.lineno),), ("does nothing",))
            return Net("suppress", given.lineno, (clause,), name)
        if name in _GROUPS:
            return Net("group", node.lineno, name=name)
        keys = self.meanings.managers(given, self.around.scope(node))
        held = "a unit of work: it would be rolled back" if is_unit_of_work(given) else ""
        return Net("context", node.lineno, name="|".join(keys) or f"?{name}", holds=held)


def _block_of(child: ast.AST, parent: ast.AST) -> str:
    for name in ("body", "orelse", "finalbody"):
        if child in getattr(parent, name, ()):
            return name
    return ""
