"""Where a loud failure may end in a module: routes, start-up handlers, done-callbacks, loops that serve a socket.

Known by how the usual frameworks are told of them: FastAPI, Starlette, Flask, Quart, aiohttp, asyncio.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.classes import dotted
from codemods.handlers import always_raises, is_broad
from codemods.project import FunctionNode, Module, statements
from codemods.scope import own_nodes
from codemods.tree import Around, name_of

__all__ = ["WORDS", "Entry", "Loop", "entries_of", "function_named", "loops_of", "registered"]

_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put", "trace"})
_DECORATORS = _METHODS | {"api_route", "on_event", "route", "view", "websocket", "websocket_route"}
_LIFETIME = frozenset({"after_serving", "before_serving"})
"Quart's decorators, written without arguments."
_MAKERS = frozenset(
    {"APIRouter", "Application", "Blueprint", "FastAPI", "Flask", "Quart", "RouteTableDef", "Starlette"}
)
_OWNER = re.compile(r"(^|_)(api|app|application|blueprint|bp|router|routes)$")
_REGISTERS = {
    "Route": (1, "endpoint"), "WebSocketRoute": (1, "endpoint"), "add_api_route": (1, "endpoint"),
    "add_api_websocket_route": (1, "endpoint"), "add_delete": (1, "handler"), "add_event_handler": (1, "func"),
    "add_get": (1, "handler"), "add_patch": (1, "handler"), "add_post": (1, "handler"), "add_put": (1, "handler"),
    "add_route": (1, "route"), "add_url_rule": (2, "view_func"), "add_websocket_route": (1, "route"),
    "add_done_callback": (0, "fn"),
}  # fmt: skip
"Calls that register a function: the place and the keyword of that argument."
_LISTS = frozenset({"on_shutdown", "on_startup"})
_RECEIVES = frozenset({"receive", "receive_bytes", "receive_json", "receive_str", "receive_text", "recv"})
_ITERATES = frozenset({"iter_bytes", "iter_json", "iter_text"})
_SOCKET = re.compile(r"(^|_)(ws|websocket|socket)$")

WORDS = (
    *(name.encode() for name in sorted(_MAKERS - {"Application"})),
    *(word.encode() for word in ("add_done_callback", "add_event_handler", "add_route", "add_get", "add_post")),
    *(
        word.encode()
        for word in (
            "WebSocket",
            "websocket",
            "receive",
            "recv(",
            "iter_",
            "lifespan",
            "on_event",
            "on_startup",
            "on_shutdown",
        )
    ),
    *(
        word.encode()
        for word in ("@app.", "@api.", "@bp.", "_app.", "_bp.", "_api.", "blueprint.", "router.", "routes.")
    ),
    *(word.encode() for word in ("add_put", "add_patch", "add_delete", "add_url_rule", "Route(", "web.Application")),
)
"What a file with an entry holds one of; the rest are not parsed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place that names a function where failures end. `function` is None where it is not one of this module."""

    line: int
    kind: str
    "`route`, `start-up`, `done-callback`."
    function: FunctionNode | None
    why: str = ""
    "Why there is no function."


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A `try` in a loop that serves a socket, or around it, whose handler keeps what it catches: it ends there."""

    node: ast.Try
    function: FunctionNode


def entries_of(around: Around) -> list[Entry]:
    """Find the entries of a module, in the order of the text."""
    found: list[Entry] = []
    for node in around.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kinds = [kind for one in node.decorator_list if (kind := _decorates(one, around.module))]
            found += [Entry(line=node.lineno, kind=kind, function=node) for kind in kinds[:1]]
        elif isinstance(node, ast.Call):
            found += [_named(kind, given, around) for kind, given in registered(node)]
    return sorted(found, key=lambda one: one.line)


def _decorates(node: ast.expr, module: Module) -> str:
    """Say what a decorator makes of its function; empty where it is none of a framework's."""
    called = node.func if isinstance(node, ast.Call) else node
    if not isinstance(called, ast.Attribute) or not _is_owner(called.value, module):
        return ""
    if called.attr in _LIFETIME:
        return "start-up"
    if not isinstance(node, ast.Call) or called.attr not in _DECORATORS:
        return ""
    if called.attr == "on_event":
        return "start-up"
    return "route" if node.args or any(word.arg in {"path", "rule"} for word in node.keywords) else ""


def _is_owner(node: ast.expr, module: Module) -> bool:
    """Tell an application or router by how it is made, or by the usual names for one."""
    if isinstance(node, ast.Name):
        values = [one.value for one in module.values.get(node.id, [])]
        if any(isinstance(one, ast.Call) for one in values):
            return any(isinstance(one, ast.Call) and name_of(one.func) in _MAKERS for one in values)
    return bool(_OWNER.search(name_of(node).lower()))


def registered(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Give what a call registers with a framework: the kind of boundary and the expression of the function."""
    name = name_of(node.func)
    if name in _REGISTERS and (name[:1].isupper() or isinstance(node.func, ast.Attribute)):
        at, word = _REGISTERS[name]
        given = next((one.value for one in node.keywords if one.arg == word), None)
        if given is None and len(node.args) > at and not any(isinstance(a, ast.Starred) for a in node.args[: at + 1]):
            given = node.args[at]
        kind = {"add_done_callback": "done-callback", "add_event_handler": "start-up"}.get(name, "route")
        yield from [(kind, given)] if given is not None else []
    elif name == "append" and isinstance(node.func, ast.Attribute) and name_of(node.func.value) in _LISTS and node.args:
        yield "start-up", node.args[0]
    elif name in _MAKERS:
        for keyword in node.keywords:
            if keyword.arg == "lifespan":
                yield "start-up", keyword.value
            elif keyword.arg in _LISTS and isinstance(keyword.value, ast.List | ast.Tuple):
                yield from (("start-up", one) for one in keyword.value.elts)


def _named(kind: str, given: ast.expr, around: Around) -> Entry:
    """Find the function an expression names: of this module, of the function around, or a method of the same class."""
    function, why = None, ""
    if isinstance(given, ast.Call) and name_of(given.func) == "partial" and given.args:
        given = given.args[0]
    parts = dotted(given)
    if isinstance(given, ast.Lambda):
        why = "a lambda: give it a name first"
    elif len(parts) == 1:
        function = function_named(parts[0], given, around)
        why = "no function of this module: mark it where it is defined"
    elif len(parts) == 2 and parts[0] in {"self", "cls"}:
        function = _method(parts[1], given, around)
        why = "no method of this class: mark it where it is defined"
    else:
        why = "no function of this module: mark it where it is defined"
    return Entry(line=given.lineno, kind=kind, function=function, why="" if function is not None else why)


def function_named(name: str, at: ast.AST, around: Around) -> FunctionNode | None:
    """Look a function up where the name stands, then further out; None where the name may be anything else as well."""
    outer = [parent for _, parent in around.all_upward(at) if isinstance(parent, _SCOPES)]
    for scope in outer:
        if isinstance(scope, ast.ClassDef) and scope is not outer[0]:
            continue
        found = [one for one in _nodes(scope) if _binds(one, name)]
        if found:
            only = found[0]
            return only if len(found) == 1 and isinstance(only, ast.FunctionDef | ast.AsyncFunctionDef) else None
    return None


_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def _nodes(scope: ast.AST) -> Iterator[ast.AST]:
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (one for one in ast.walk(scope.args) if isinstance(one, ast.arg))
        yield from own_nodes(scope)
    elif isinstance(scope, ast.ClassDef | ast.Module):
        yield from statements(scope.body)


def _binds(node: ast.AST, name: str) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name == name
        case ast.arg():
            return node.arg == name
        case ast.Name(ctx=ast.Store()):
            return node.id == name
        case ast.Assign():
            return any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
        case ast.Import() | ast.ImportFrom():
            return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)
        case _:
            return False


def _method(name: str, at: ast.AST, around: Around) -> FunctionNode | None:
    owner = next((parent for _, parent in around.all_upward(at) if isinstance(parent, ast.ClassDef)), None)
    found = [one for one in statements(owner.body) if _binds(one, name)] if owner is not None else []
    return found[0] if len(found) == 1 and isinstance(found[0], ast.FunctionDef | ast.AsyncFunctionDef) else None


def loops_of(around: Around) -> list[Loop]:
    """Find each `try` around, or directly in, a loop that serves a socket, whose broad handler keeps what it gets."""
    found: dict[ast.Try, Loop] = {}
    for node in around.nodes:
        if not isinstance(node, ast.While | ast.AsyncFor) or not _serves(node):
            continue
        function = around.function(node)
        if function is None:
            continue
        outer = around.parent(node)
        tries = [outer] if isinstance(outer, ast.Try) and node in outer.body else []
        tries += [one for one in node.body if isinstance(one, ast.Try)]
        found |= {one: Loop(node=one, function=function) for one in tries if _keeps(one)}
    return list(found.values())


def _serves(loop: ast.While | ast.AsyncFor) -> bool:
    """Tell whether a loop takes messages from a socket: it awaits `ws.receive_text()`, or iterates over the socket."""
    if isinstance(loop, ast.AsyncFor):
        given = loop.iter
        return _is_socket(given) or (
            isinstance(given, ast.Call) and name_of(given.func) in _ITERATES and isinstance(given.func, ast.Attribute)
        )
    awaited = [one.value for node in loop.body for one in ast.walk(node) if isinstance(one, ast.Await)]
    calls = [one.func for one in awaited if isinstance(one, ast.Call)]
    inner = [a.func for one in awaited if isinstance(one, ast.Call) for a in one.args if isinstance(a, ast.Call)]
    return any(
        isinstance(one, ast.Attribute) and one.attr in _RECEIVES and _is_socket(one.value) for one in [*calls, *inner]
    )


def _is_socket(node: ast.expr) -> bool:
    return bool(_SOCKET.search(name_of(node).lower()))


def _keeps(node: ast.Try) -> bool:
    """Tell whether the first broad handler keeps what it catches and tells somebody: a bare `pass` is no boundary."""
    broad = next((one for one in node.handlers if is_broad(one.type)), None)
    if broad is None or always_raises(broad.body, lambda _call: False):
        return False
    return any(isinstance(one, ast.Call) for statement in broad.body for one in ast.walk(statement))
