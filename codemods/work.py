"""Units of work: places where a raise would roll back finished work. Heuristics, on the careful side.

A call counts as inside or after a unit of work when a database context is open around it, a session is handed to its
function, or something was committed before it; also when that holds for a caller in the same module or folder.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import lru_cache

from codemods.project import FunctionNode, Module, Project
from codemods.scope import own_nodes
from codemods.tree import Around, around_of

__all__ = ["in_unit_of_work", "is_unit_of_work", "within_unit_of_work"]

_CONTEXT = re.compile(r"uow|unit_of_work|transaction|\bbegin(_nested)?\(|session_scope|db_session|get_db|async_session")
_PARAMETER = re.compile(r"^(uow|unit_of_work|db|db_session|tx|transaction)$")
_ANNOTATION = re.compile(r"\b(Async)?Session\b")
_COMMITS = frozenset({"commit", "flush", "rollback"})


def in_unit_of_work(call: ast.AST, around: Around, project: Project) -> bool:
    """Tell whether a raise at this call would hit a unit of work."""
    function = around.function(call)
    if function is None:
        return False
    return within_unit_of_work(call, function, around) or _caller_holds(function, around, project)


def is_unit_of_work(item: ast.expr) -> bool:
    """Tell whether a `with` item opens one."""
    return bool(_CONTEXT.search(ast.unparse(item).lower()))


def within_unit_of_work(call: ast.AST, function: FunctionNode, around: Around) -> bool:
    """Tell it by the function alone: what is open around the call, what is handed in, what was committed before."""
    for _, parent in around.upward(call):
        if isinstance(parent, ast.With | ast.AsyncWith) and any(
            is_unit_of_work(item.context_expr) for item in parent.items
        ):
            return True
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if any(
        _PARAMETER.match(a.arg) or (a.annotation and _ANNOTATION.search(ast.unparse(a.annotation))) for a in arguments
    ):
        return True
    return _first_commit(function) < getattr(call, "lineno", 0)


_IMPORTS = (
    rb"import\b(?:"  # a fixed text first: that is what makes the search fast
    rb"(?:[^\r\n;(\\i]|(?<=\w)i|i(?!mport\b)|\\[\r\n]*+)*?\b%b\b"  # on a line, or on more that a backslash joins
    rb"|[ \t\f\\\r\n]*\((?:[^()#]|#[^\r\n]*+)*?\b%b\b)"
)
"A name in the list of an import. A comment is taken whole, or a row of `#` takes for ever."


@lru_cache(maxsize=256)
def _first_commit(function: FunctionNode) -> int:
    """Give the line of the first commit; one behind every line where there is none. Asked for each call in it."""
    lines = [
        node.lineno
        for node in own_nodes(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _COMMITS
    ]
    return min(lines, default=sys.maxsize)


def _caller_holds(function: FunctionNode, around: Around, project: Project) -> bool:
    is_method = around.parent_class(function) is not None
    for module in (
        [around.module] if is_method else [around.module, *_neighbours(function.name, around.module, project)]
    ):
        held = around if module is around.module else around_of(module)
        for node in held.calls(function.name):
            if is_method != isinstance(node.func, ast.Attribute):
                continue
            caller = held.function(node)
            if caller is not None and caller is not function and within_unit_of_work(node, caller, held):
                return True
    return False


def _neighbours(name: str, module: Module, project: Project) -> list[Module]:
    """Give modules of the same folder that import the function by name."""
    found = []
    for sibling in _importing(name, module.name, project):
        other = project.module(sibling)
        if other is not None and other.name != module.name and name in other.imports:
            meaning = project.lookup(other.name, name)
            if meaning is not None and meaning.module == module.name:
                found.append(other)
    return found


@lru_cache(maxsize=16)  # asked again for each call in a function, and by each codemod
def _importing(name: str, module: str, project: Project) -> tuple[str, ...]:
    """Name the modules of the same folder whose text has the name in an import: parsing all others takes long."""
    word = name.encode()
    imports = re.compile(_IMPORTS % (word, word))
    return tuple(other for other, raw in project.siblings(module) if word in raw and imports.search(raw))
