"""What a call says to whoever runs the program: a log line and its level, or more than that."""

from __future__ import annotations

import ast
import re

from codemods.tree import name_of

__all__ = ["LOW", "is_low", "log_level", "tells"]

LOW = ("print", "trace", "debug", "info", "warning")
"Levels below ERROR, quietest first. A plain `print` has no level: nobody alerts on it."

_LEVELS = {
    "trace": "trace", "debug": "debug", "info": "info", "notice": "info", "success": "info", "warn": "warning",
    "warning": "warning", "error": "error", "exception": "error", "critical": "critical", "fatal": "critical",
}  # fmt: skip
_LOGGER = re.compile(r"(^|_|sys)logs?(_|$)|logg|loguru")
"In the name of what a low level is called on: `logger`, `self.log`, `get_logger()`; not `login`, `catalog`, `dialog`."
_TELLS = re.compile(
    r"(^|_)(fail|failed|failure|error|errors|exception|exc|raise|throw|report|alert|abort|exit|die|panic|quit|warn)(_|$)"
)
"Words in the name of a function that passes a failure on in a way of its own: `self.fail()`, `handle_error()`."


def log_level(call: ast.Call) -> str:
    """Give the level a call logs at, `print` for a plain print; empty for any other call.

    A low level counts on a logger only, `.error()` and above on anything: the careful side for rules that look for
    silence. `logger.log(level, ...)` is low where the level says so.
    """
    name = name_of(call.func)
    if name == "print" and isinstance(call.func, ast.Name):
        return "error" if any(word.arg == "file" for word in call.keywords) else "print"
    if not isinstance(call.func, ast.Attribute):
        return ""
    level = _LEVELS.get(name, "")
    if level in ("error", "critical"):
        return level
    if not _is_logger(call.func.value):
        return ""
    if name == "log" and call.args:
        said = name_of(call.args[0]).lower()
        return said if said in LOW else "error"
    return level


def _is_logger(node: ast.expr) -> bool:
    while isinstance(node, ast.Call) or (isinstance(node, ast.Attribute) and not _LOGGER.search(node.attr.lower())):
        node = node.func if isinstance(node, ast.Call) else node.value
    return bool(_LOGGER.search(name_of(node).lower()))


def is_low(level: str) -> bool:
    """Tell whether a level is below ERROR."""
    return level in LOW


def tells(call: ast.Call) -> bool:
    """Tell whether a call that is no log call passes a failure on, judged by its name: `print_exc`, `sys.exit`."""
    name = name_of(call.func)
    owner = name_of(call.func.value) if isinstance(call.func, ast.Attribute) else ""  # `errors.append(...)`
    if any(_TELLS.search(word.lower()) for word in (name, owner)):
        return True
    return name == "echo" and any(word.arg == "err" for word in call.keywords)
