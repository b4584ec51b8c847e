"""What makes the functions of one module loud: verbs, clauses, marks, and the calls they stand for, counted."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from codemods.driftlook import Look
from codemods.finding import Finding
from codemods.handlers import always_raises
from codemods.loud import ENDS, VERBS
from codemods.project import FunctionNode
from codemods.site import Site
from codemods.statefile import Recorded
from codemods.tree import name_of

__all__ = ["PENDING", "Held", "marks_of"]

PENDING = frozenset({"check_result", "insert_reraise_before_broad", "catch_specific"})
"Migrations by which `calls` says that a call is silent as it stands."
_MAYBE = frozenset({"target", "target_mixed", "unknown"})
_TASKS = frozenset({"create_task", "ensure_future"})


@dataclass(slots=True, kw_only=True)
class Held:
    """One function now, with the nodes that a report points at. Lives in the worker that parsed the file."""

    name: str
    node: FunctionNode | None
    marks: Counter[str] = field(default_factory=Counter)
    sites: list[Site] = field(default_factory=list)
    open: list[ast.AST] = field(default_factory=list)
    tasks: list[ast.Call] = field(default_factory=list)
    builtins: list[ast.AST] = field(default_factory=list)

    @property
    def silent(self) -> list[Site]:
        """Contracted calls that a codemod would still change."""
        return [one for one in self.sites if one.verdict.rows and one.row.migration in PENDING]

    def recorded(self, module: str) -> Recorded:
        """Give it as the state file has it."""
        calls = Counter(one.row.method for one in self.sites)
        return Recorded(
            module=module,
            function=self.name,
            marks=dict(sorted(self.marks.items())),
            calls=dict(sorted(calls.items())),
            silent=len(self.silent),
            swallowed=sum(one.row.swallows for one in self.sites),
            open=len(self.open),
            tasks=len(self.tasks),
            builtins=len(self.builtins),
        )

    def at(self, look: Look, code: str, message: str, node: ast.AST | None = None, fix: str = "") -> Finding:
        """Make a finding at a node of the function, or at its first line."""
        found = node if node is not None else self.node
        line, col = (getattr(found, "lineno", 1), getattr(found, "col_offset", 0)) if found is not None else (1, 0)
        end = (getattr(found, "end_lineno", line), getattr(found, "end_col_offset", col))
        if not isinstance(found, ast.expr | ast.Raise):
            end = (line, col)  # of a compound statement its header
        return Finding(
            code=code, path=look.looked.path, line=line, col=col, end_line=end[0], end_col=end[1],
            function=self.name, message=message, evidence="state", fix=fix,
        )  # fmt: skip


def marks_of(seen: Look) -> dict[str, Held]:
    """Collect by qualified name; every function of the module is there, and `<module>`."""
    around = seen.looked.around
    found = {"<module>": Held(name="<module>", node=None)}
    for function in reversed(seen.functions):
        name = _inside(around.qualname(function), function)
        found[name] = Held(name=name, node=function)

    def held(node: ast.AST) -> Held:
        return found.get(around.qualname(node)) or found["<module>"]

    for node, mark in (*_verbs(seen), *_clauses(seen), *_raises(seen, "loud")):
        held(node).marks[mark] += 1
    for site in seen.looked.sites:
        if site.row.verdict in _MAYBE:
            held(site.call).sites.append(site)
    for node in _open(seen):
        held(node).open.append(node)
    for call in seen.calls:
        if name_of(call.func) in _TASKS:
            held(call).tasks.append(call)
    for node, _ in _raises(seen, "builtin"):
        held(node).builtins.append(node)
    return found


def _open(seen: Look) -> Iterator[ast.AST]:
    """Give the handlers that would swallow a loud failure, and each `suppress` and `finally` that would."""
    for suite in seen.suites:
        level = next((one for one in seen.levels(suite.body[0]) if one.node is suite), None)
        if level is not None and level.swallows:
            yield level.handler or suite


def _inside(around: str, function: FunctionNode) -> str:
    return function.name if around == "<module>" else f"{around}.{function.name}"


def _verbs(seen: Look) -> Iterator[tuple[ast.AST, str]]:
    for call in seen.calls:
        verb = seen.looked.known.meant(call.func)
        if verb not in (*ENDS, *VERBS):
            continue
        given = [*call.args, *(word.value for word in call.keywords if word.arg in ("contract", "component", "method"))]
        words = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if verb == "delivered":
            own = any(word.arg == "own" for word in call.keywords)
            yield call, " ".join(["own" if own else verb, *words[-1:]])
        elif verb == "missing":
            yield call, f"{verb} {'.'.join(words[:2])}"
        else:
            yield call, verb


def _clauses(seen: Look) -> Iterator[tuple[ast.AST, str]]:
    for handler in seen.handlers:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
        if any(seen.meanings.is_loud(one) for one in caught):
            yield handler, "reraise" if always_raises(handler.body, lambda _call: False) else "catch"


def _raises(seen: Look, sort: str) -> Iterator[tuple[ast.Raise, str]]:
    for node in seen.raises:
        made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        kind = seen.meanings.of(made) if made is not None else None
        if kind is not None and kind.sort == sort:
            yield node, f"raise {kind.name}"
