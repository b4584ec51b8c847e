"""Guards that skip work in silence because a collaborator is missing: of contracted calls, and by their shape alone.

With contracts every guard of a contracted call counts that `guard-missing` would mend or name. By shape the rule is
careful, for many collaborators are optional by design. It counts a guard that asks for nothing but an attribute of
`self` or a parameter, skips calls of methods of that very receiver, and is silent: no log at ERROR or above, no value.
And it must be plain that something is lost: what is skipped delivers (`send`, `emit`, `notify`...), or the branch says
itself, by a log line below ERROR, that something is wrong. Loggers, metrics, hooks and the like are optional by design.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from codemods.callsites import Analysis
from codemods.classes import dotted, first_argument
from codemods.guards import Guard, guards_of, is_quiet, says_so
from codemods.logs import is_low, log_level
from codemods.project import FunctionNode
from codemods.site import Site
from codemods.surroundings import is_cleanup
from codemods.tree import Around, name_of

__all__ = ["Missing", "missing_guards"]

_DELIVERS = re.compile(
    r"(^|_)(alert|broadcast|deliver|dispatch|emit|enqueue|forward|notify|publish|push|reply|send)(_|$)"
)
_OPTIONAL = re.compile(
    r"callback|cache|console|debug|file|handler|hook|listener|log|metric|monitor|observer|parent|profil|progress|reporter"
    r"|span|spinner|stat|stream|telemetry|timer|trac|writer"
)
"In the name of a receiver: many programs run without one, by design."
_OF_VALUES = frozenset(dir(dict) + dir(list) + dir(set) + dir(str) + ["popleft", "appendleft", "put_nowait"])
"Methods of containers and texts: a guard in front of these asks whether there is anything to do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One silent guard: what it skips where `receiver` is missing."""

    node: ast.If | ast.IfExp | ast.BoolOp
    receiver: str
    skipped: str
    guard: Guard | None = None
    site: Site | None = None
    "Of the first contracted call it guards; None where the shape alone was looked at."


_last: list[tuple[Analysis, tuple[Missing, ...]]] = []


def missing_guards(looked: Analysis) -> tuple[Missing, ...]:
    """Give the guards of a module, each once: those of contracted calls, then those by shape, in the order of the text.

    Kept for the module that is being audited: two rules ask.
    """
    if not _last or _last[0][0] is not looked:
        found = {one.node: one for one in _contracted(looked)}
        shapes = (_by_shape(node, looked.around) for node in looked.around.of_kind(ast.If) if node not in found)
        _last[:] = [(looked, (*found.values(), *filter(None, shapes)))]
    return _last[0][1]


def _contracted(looked: Analysis) -> Iterator[Missing]:
    seen: set[ast.AST] = set()
    for site in looked.sites:
        func = site.call.func if isinstance(site.call, ast.Call) else None
        if not site.verdict.rows or site.row.kind != "call" or not isinstance(func, ast.Attribute):
            continue
        if "clean-up" in site.decided[0].why:
            continue
        for guard in guards_of(site.call, func.value, looked.around, looked.classes):
            if guard.node not in seen and not says_so(guard, looked.known):
                seen.add(guard.node)
                key = " or ".join(row.key for row in site.verdict.rows)
                yield Missing(node=guard.node, receiver=site.row.receiver, skipped=key, guard=guard, site=site)


def _by_shape(node: ast.If, around: Around) -> Missing | None:
    subject, absent = _asked(node.test)
    function = around.function(node) if subject else None
    if function is None or not _counts(subject, function) or is_cleanup(function.name):
        return None
    silent = node.body if absent else node.orelse
    if not is_quiet(silent) or not all(map(is_low, _levels(silent))):
        return None
    if absent:
        if node.orelse or not isinstance(silent[-1], ast.Return):
            return None
        skipped = _first_call_after(node, subject, around)
    else:
        skipped = _only_calls(node.body, subject)
    if (
        not skipped
        or is_cleanup(skipped)
        or skipped in _OF_VALUES
        or not (_DELIVERS.search(skipped) or _levels(silent))
    ):
        return None
    receiver = ".".join(subject)
    return Missing(node=node, receiver=receiver, skipped=f"{receiver}.{skipped}")


def _asked(test: ast.expr) -> tuple[list[str], bool]:
    """Give what a test asks for and nothing else, and whether it asks that it is absent."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return dotted(inner), True
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            return dotted(left), isinstance(op, ast.Is)
        case _:
            return dotted(test), False


def _counts(subject: list[str], function: FunctionNode) -> bool:
    """Tell whether it is an attribute of self or a parameter, and not optional by design."""
    if _OPTIONAL.search(subject[-1].lower()):
        return False
    own = first_argument(function)
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if len(subject) == 2:
        return subject[0] == own and own in ("self", "cls")
    return len(subject) == 1 and subject[0] in {one.arg for one in arguments} - {"self", "cls"}


def _levels(block: list[ast.stmt]) -> list[str]:
    calls = [node.value for node in block if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return [level for call in calls if (level := log_level(call))]


def _first_call_after(node: ast.If, subject: list[str], around: Around) -> str:
    """Give the method of the receiver that is called first, behind a guard and within its block."""
    calls = _calls(around).get(tuple(subject), [])
    end, function = _end_of_block(node, around), around.function(node)
    for call in calls[bisect_right(calls, node.end_lineno or 0, key=lambda one: one.lineno) :]:
        if call.lineno > end:
            break
        if around.function(call) is function:
            return name_of(call.func)
    return ""


@lru_cache(maxsize=2)
def _calls(around: Around) -> dict[tuple[str, ...], list[ast.Call]]:
    """Sort the method calls of a module by receiver, each list in the order of the text."""
    found: dict[tuple[str, ...], list[ast.Call]] = {}
    for call in around.of_kind(ast.Call):
        if isinstance(call.func, ast.Attribute) and (parts := dotted(call.func.value)):
            found.setdefault(tuple(parts), []).append(call)
    return found


def _end_of_block(node: ast.If, around: Around) -> int:
    parent = around.parent(node)
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and node in block:
            return int(block[-1].end_lineno)
    return 0


def _only_calls(block: list[ast.stmt], subject: list[str]) -> str:
    """Give the method where a block does nothing but call methods of the receiver."""
    calls = []
    for node in block:
        value = node.value if isinstance(node, ast.Expr | ast.Assign | ast.Return) else None
        value = value.value if isinstance(value, ast.Await) else value
        if not isinstance(value, ast.Call):
            return ""
        if not log_level(value):
            if not _is_of(value, subject):
                return ""
            calls.append(value)
    return name_of(calls[0].func) if calls else ""


def _is_of(call: ast.Call, subject: list[str]) -> bool:
    return isinstance(call.func, ast.Attribute) and dotted(call.func.value) == subject
