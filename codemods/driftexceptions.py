"""Loud code that is loud no more by its text alone: exceptions made wrongly, raised or caught where nobody hears."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemods.classes import dotted
from codemods.driftbook import ARGUMENTS, SWALLOWED
from codemods.driftlook import Look
from codemods.driftshapes import complaint
from codemods.finding import Finding, finding_at
from codemods.handlers import always_raises, is_broad
from codemods.surroundings import reached

__all__ = ["arguments", "swallowed"]

_LOOKS_IT = re.compile(r"(Error|Exception|Exit|Failure|Group|Interrupt|Iteration|Lost|Warning)$")


def arguments(seen: Look) -> Iterator[Finding]:
    """Find exceptions that are made with arguments their class does not take."""
    raised = {node.exc for node in seen.raises}
    for call in seen.calls:
        parts = dotted(call.func)
        if not parts or not (call in raised or _LOOKS_IT.search(parts[-1])):
            continue
        kind = seen.meanings.of(call.func)
        wrong = complaint(call, kind.shape) if kind is not None and kind.shape is not None else ""
        if kind is None or not wrong:
            continue
        instead = f"{wrong}: a TypeError is raised instead"
        ends = [level for level in reached(seen.levels(call)) if level.swallows]
        if ends:
            instead += f", and the handler on line {ends[0].line} swallows it"
        evidence = {"loud": "loud exception", "host": "class of the tree"}.get(kind.sort, "builtin")
        yield finding_at(call, seen.looked, code=ARGUMENTS.code, message=instead, evidence=evidence)


def swallowed(seen: Look) -> Iterator[Finding]:
    """Find raises of loud exceptions that a handler of the same function ends, and handlers that tell nobody."""
    for node in seen.raises:
        made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if made is None or not seen.meanings.is_loud(made):
            continue
        ends = [level for level in reached(seen.levels(node)) if level.swallows]
        if ends:
            message = f"{ast.unparse(made)} never leaves: the handler on line {ends[0].line} swallows it"
            yield finding_at(
                node, seen.looked, code=SWALLOWED.code, message=message, evidence="loud exception", fix="reraise-loud"
            )
    for handler in seen.handlers:
        if _names_loud(handler, seen) and not _tells(handler):
            caught = ast.unparse(handler.type) if handler.type is not None else ""
            message = f"except {caught} neither raises nor hands the failure on: escalate it, or raise"
            yield finding_at(handler, seen.looked, code=SWALLOWED.code, message=message, evidence="loud exception")


def _names_loud(handler: ast.ExceptHandler, seen: Look) -> bool:
    """Tell whether a clause names a loud exception, beside nothing that is broad anyway."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    return not is_broad(handler.type) and any(seen.meanings.is_loud(one) for one in caught)


def _tells(handler: ast.ExceptHandler) -> bool:
    """Tell whether a clause raises, or uses what it caught for more than a log line's text."""
    if always_raises(handler.body, lambda _call: False):
        return True
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    if any(isinstance(node, ast.Raise) for node in inside):
        return True
    return handler.name is not None and any(isinstance(n, ast.Name) and n.id == handler.name for n in inside)
