"""Log calls: which of them are below ERROR, and where in the text their level stands. Stdlib, loguru and structlog."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.project import Module
from codemods.tree import name_of

__all__ = ["ERROR", "LogCall", "level_of", "log_call"]

ERROR = 40
_LEVELS = {
    "trace": 5, "debug": 10, "info": 20, "success": 25, "warn": 30, "warning": 30,
    "error": 40, "exception": 40, "critical": 50, "fatal": 50,
}  # fmt: skip
"Levels of the logging documentation; trace and success are loguru's."
_LOGGER = re.compile(r"(^|_)(log|logger|logging|loguru)$")
_MAKERS = frozenset({"getLogger", "get_logger"})
_CHAIN = frozenset({"bind", "getChild", "new", "opt", "patch", "unbind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCall:
    """One log call and the node that names its level: the method's own attribute, or an argument of `log`."""

    call: ast.Call
    level: int
    "0 where it cannot be told."
    named_by: ast.expr


def log_call(node: ast.AST, module: Module) -> LogCall | None:
    """Read a call as a log call; None where it is none."""
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_logger(node.func.value, module)
    ):
        return None
    if node.func.attr in _LEVELS:
        return LogCall(call=node, level=_LEVELS[node.func.attr], named_by=node.func)
    if node.func.attr == "log" and node.args:
        return LogCall(call=node, level=level_of(node.args[0]), named_by=node.args[0])
    return None


def level_of(node: ast.expr) -> int:
    """Give the level an argument names: `logging.DEBUG`, `"DEBUG"`, `10`; 0 for anything else."""
    match node:
        case ast.Attribute(attr=name) if name.isupper():
            return _LEVELS.get(name.lower(), 0)
        case ast.Constant(value=str(name)):
            return _LEVELS.get(name.lower(), 0)
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number
        case _:
            return 0


def _is_logger(node: ast.expr, module: Module) -> bool:
    """Tell a logger by how it is made, or by the usual names for one."""
    if isinstance(node, ast.Call):
        if name_of(node.func) in _MAKERS:
            return True
        return isinstance(node.func, ast.Attribute) and node.func.attr in _CHAIN and _is_logger(node.func.value, module)
    if isinstance(node, ast.Name) and any(_is_made(value) for value in _values(node.id, module)):
        return True
    return bool(_LOGGER.search(name_of(node).lower()))


def _values(name: str, module: Module) -> Iterator[ast.expr]:
    for node in module.values.get(name, []):
        if node.value is not None:
            yield node.value


def _is_made(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and name_of(value.func) in _MAKERS
