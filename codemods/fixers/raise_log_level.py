"""raise-log-level: a failure of a contracted call that is logged below ERROR is logged at ERROR.

The one codemod that changes what the host does while every flag is off: its log lines, and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.failbranches import failing_blocks
from codemods.handlers import always_raises
from codemods.imports import LocalName
from codemods.logcalls import ERROR, LogCall, log_call
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.project import Module, Project
from codemods.proposal import Proposal
from codemods.source import Edit, Source
from codemods.tree import name_of

__all__ = ["APART", "NEEDS", "SUMMARY", "Strip", "propose"]

NAME = "raise-log-level"
SUMMARY = "log a failed contracted call at ERROR where it is logged lower; changes log lines even with every flag off"
NEEDS: tuple[str, ...] = ()
APART = "changes log lines even with every flag off"


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:  # noqa: ARG001  # imports nothing
    """Raise one log call in each block that handles a failure: the loudest, where none of them is an ERROR."""
    module = analysis.around.module
    wanted: dict[ast.Call, LogCall] = {}
    skipped: dict[tuple[int, str], SkippedSite] = {}
    for block in failing_blocks(analysis):
        for one in _too_quiet(block, module):
            if reason := _refusal(one, analysis.source):
                line = one.call.lineno
                skipped[line, reason] = SkippedSite(codemod=NAME, line=line, reason=reason)
            else:
                wanted[one.call] = one
    edits = tuple((_edit(one, analysis.source),) for one in wanted.values())
    return Proposal(edits=edits, skipped=tuple(skipped.values()))


def _too_quiet(block: list[ast.stmt], module: Module) -> Iterator[LogCall]:
    """Give the log call that tells of the failure on each way through a block that tells it below ERROR."""
    if always_raises(block, lambda _call: False):
        return  # not silent: it goes on
    told = [one for node in block if isinstance(node, ast.Expr) and (one := log_call(_plain(node.value), module))]
    if any(one.level >= ERROR for one in told):
        return
    if told:
        yield max(told, key=lambda one: one.level)  # the first of the loudest
        return
    for node in block:
        if isinstance(node, ast.If) and not _asks_level(node.test):
            yield from _too_quiet(node.body, module)
            yield from _too_quiet(node.orelse, module)
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from _too_quiet(node.body, module)


def _plain(value: ast.expr) -> ast.expr:
    return value.value if isinstance(value, ast.Await) else value


def _asks_level(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "isEnabledFor" for node in ast.walk(test))


def _refusal(one: LogCall, source: Source) -> str:
    if one.level <= 0:
        return "its level is not written here: raise it by hand"
    return "" if _old(one, source) else "its level is written in a way that cannot be replaced: raise it by hand"


def _old(one: LogCall, source: Source) -> tuple[int, int, str] | None:
    """Give the span of the level's text and what to write there; None where the text is not the plain one."""
    node = one.named_by
    end = source.offset(node.end_lineno or 0, node.end_col_offset or 0)
    match node:
        case ast.Attribute(attr=name):
            old, new = name, "error" if name.islower() else "ERROR"
        case ast.Constant(value=str(name)):
            start = source.offset(node.lineno, node.col_offset)
            quote = source.utf8[start : start + 1].decode()
            old, new = f"{quote}{name}{quote}", f"{quote}{'error' if name.islower() else 'ERROR'}{quote}"
        case ast.Constant(value=int(number)):
            old, new = str(number), str(ERROR)
        case _:
            return None
    start = end - len(old.encode())
    return (start, end, new) if source.utf8[start:end] == old.encode() else None


def _edit(one: LogCall, source: Source) -> Edit:
    found = _old(one, source)
    assert found is not None  # noqa: S101  # refused before
    start, end, new = found
    return Edit(start=start, end=end, new=new)


class Strip(ast.NodeTransformer):
    """Write every log call below ERROR at ERROR, so that such levels do not count; `count` counts those at ERROR."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0
        self.module: Module | None = None

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Learn the module's own loggers first."""
        self.module = Project.build("", node, is_package=False)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Forget the level."""
        self.generic_visit(node)
        found = log_call(node, self.module) if self.module is not None else None
        if found is None or not 0 < found.level <= ERROR or name_of(found.named_by) == "exception":
            return node
        self.count += found.level == ERROR
        if found.named_by is node.func:
            assert isinstance(node.func, ast.Attribute)  # noqa: S101  # that is what names a level
            node.func.attr = "error"
        else:
            node.args[0] = ast.Constant(value=ERROR)
        return node
