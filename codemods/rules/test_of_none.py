"""test-of-none: a result is tested that is always None, so the test always goes the same way.

The class it resolves to defines the method so: annotated `-> None`, or without annotation and never returning a value.
Where the tree does not show the method, the contract's `never` counts. (It alone is not enough: a method whose result
never tells of a failure may still return something.) On a union of classes, one of them is enough.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.finding import Cause, Finding, finding_at
from codemods.project import FunctionNode
from codemods.scope import own_nodes
from codemods.site import Site

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL009"
SUMMARY = "a test of a result that is always None"
CAUSE = Cause.RESULT_IGNORED
WORDS: tuple[bytes, ...] = ()
_TESTED = frozenset({"assigned_checked", "in_condition"})


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each tested call."""
    for site in looked.sites:
        if site.usage.use not in _TESTED or site.row.kind == "string_dispatch":
            continue
        if (owner := _always_none(site, looked)) and (site.usage.awaited or not _is_async(site, looked)):
            key = site.verdict.rows[0].key if site.verdict.rows else ""
            name = f"{owner.rpartition(':')[2]}.{site.row.method}"
            message = f"{name} returns None always: the test of its result cannot tell a failure"
            yield finding_at(site.call, looked, code=CODE, message=message, evidence=site.row.evidence, contract=key)


def _always_none(site: Site, looked: Analysis) -> str:
    """Give the class whose method returns None; empty where none does. What the class says goes before the contract."""
    found = list(_methods(site, looked))
    for owner, method in found:
        if _returns_none(method):
            return owner
    return next((row.target for row in site.verdict.rows if row.shows == "never" and not found), "")


def _methods(site: Site, looked: Analysis) -> Iterator[tuple[str, FunctionNode]]:
    if site.row.verdict in {"target", "target_mixed", "other"}:
        for owner in site.row.resolved_class.split("|"):
            method = looked.classes.known(owner).methods.get(site.row.method) if ":" in owner else None
            if method is not None:
                yield owner, method


def _is_async(site: Site, looked: Analysis) -> bool:
    """Tell whether the call makes a coroutine; one that nobody awaits is no None: that is another defect."""
    if any(row.is_async for row in site.verdict.rows):
        return True
    return any(isinstance(method, ast.AsyncFunctionDef) for _, method in _methods(site, looked))


def _returns_none(method: FunctionNode) -> bool:
    if method.returns is not None:
        return isinstance(method.returns, ast.Constant) and method.returns.value is None
    inner = list(own_nodes(method))
    if any(
        isinstance(n, ast.Yield | ast.YieldFrom | ast.Raise) or (isinstance(n, ast.Return) and n.value) for n in inner
    ):
        return False
    return not method.decorator_list and any(isinstance(n, ast.Call | ast.Assign | ast.Await) for n in inner)
