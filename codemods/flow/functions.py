"""The functions of a module: what kind each is, who may call it from outside, what its decorators make of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.entries import entries_of
from codemods.flow.facts import Decorated, Function, Net
from codemods.flow.nets import Nets
from codemods.flow.places import key_of, lambda_key
from codemods.flow.receivers import Receivers
from codemods.project import FunctionNode
from codemods.scope import nodes_in, own_nodes
from codemods.tree import Around, name_of

__all__ = ["contexts_of", "functions_of"]

_PLAIN = frozenset({
    "abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager", "dataclass",
    "deleter", "deprecated", "field_serializer", "field_validator", "final", "fixture", "getter", "lru_cache",
    "model_serializer", "model_validator", "no_type_check", "overload", "override", "property", "root_validator",
    "setter",
    "singledispatch", "staticmethod", "total_ordering", "validator", "wraps",
})  # fmt: skip
"Decorators of the standard library and pydantic that let an exception through as it is."
_PROPERTIES = frozenset({"cached_property", "property"})
_MANAGERS = frozenset({"asynccontextmanager", "contextmanager"})
_PROCESS = frozenset({"command", "group", "callback"})
"click and typer: the program ends with the exception."
_DEPENDS = frozenset({"Depends", "Security"})


def functions_of(
    path: str, around: Around, nets: Nets, receivers: Receivers, declared: frozenset[str]
) -> Iterator[Function]:
    """Give every function, lambda and the module's own body. `declared` are boundaries of the host file."""
    entries = {one.function: one.kind for one in entries_of(around) if one.function is not None}
    entries |= dict.fromkeys(_dependencies(around, receivers), "route")
    yielding = _yielding(around)
    yield Function(f"{around.module.name}:<module>", path, 1, "module", boundary="import")
    for node in around.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            key = key_of(node, around)
            decorated = tuple(_decorated(one, nets, receivers) for one in reversed(node.decorator_list))
            boundary = "declared" if key in declared else entries.get(node, "") or _command(node)
            if any(one.kind == "boundary" for one in decorated):
                boundary = boundary or "marked"
            yield Function(
                key=key,
                path=path,
                line=node.lineno,
                kind=_kind(node, yielding),
                boundary=boundary,
                decorated=decorated,
                arity=_arity(node, is_method=around.parent_class(node) is not None),
                is_inner=around.function(node) is not None,
            )
        elif isinstance(node, ast.Lambda):
            yield Function(lambda_key(node, around), path, node.lineno, "lambda", is_inner=True)


def _kind(node: FunctionNode, yielding: frozenset[ast.AST | None]) -> str:
    names = {name_of(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
    if node in yielding:
        return "manager" if names & _MANAGERS else "generator"
    if names & _PROPERTIES:
        return "property"
    return "coroutine" if isinstance(node, ast.AsyncFunctionDef) else "function"


def _yielding(around: Around) -> frozenset[ast.AST | None]:
    """Give the generators of a module: the function nearest to each `yield`."""
    return frozenset(around.function(one) for kind in (ast.Yield, ast.YieldFrom) for one in around.of_kind(kind))


def _arity(node: FunctionNode, *, is_method: bool) -> tuple[int, int, tuple[str, ...], bool]:
    arguments = node.args
    static = any(name_of(one) == "staticmethod" for one in node.decorator_list)
    positional = [*arguments.posonlyargs, *arguments.args][int(is_method and not static) :]
    fewest = max(0, len(positional) - len(arguments.defaults))
    words = tuple(one.arg for one in [*positional, *arguments.kwonlyargs])
    return fewest, -1 if arguments.vararg else len(positional), words, arguments.kwarg is not None


def _command(node: FunctionNode) -> str:
    for one in node.decorator_list:
        called = one.func if isinstance(one, ast.Call) else one
        if isinstance(called, ast.Attribute) and called.attr in _PROCESS:
            return "process"
    return ""


def _decorated(one: ast.expr, nets: Nets, receivers: Receivers) -> Decorated:
    called = one.func if isinstance(one, ast.Call) else one
    name = ast.unparse(called)
    last = name_of(called)
    if isinstance(one, ast.Call) and nets.meanings.known.meant(called) == "boundary":
        return Decorated(name, one.lineno, "boundary")
    callee = receivers.called(called)
    if len(callee.keys) == 1 and not callee.keys[0].startswith("parameter|"):
        kind = "factory" if isinstance(one, ast.Call) else "tree"
        return Decorated(name, one.lineno, kind, callee.keys[0])
    if last in _PLAIN or (isinstance(called, ast.Attribute) and _registers(called)):
        return Decorated(name, one.lineno, "plain")
    return Decorated(name, one.lineno, "unknown")


def _registers(called: ast.Attribute) -> bool:
    """Tell a decorator of a framework, which gives the function back: routes, events, middleware, commands."""
    return called.attr in {
        "api_route", "command", "delete", "errorhandler", "exception_handler", "get", "group", "head", "listens_for",
        "middleware", "on_event", "option", "options", "patch", "post", "put", "route", "setter", "task", "websocket",
    }  # fmt: skip


def _dependencies(around: Around, receivers: Receivers) -> Iterator[FunctionNode]:
    """Functions of this module that FastAPI calls before a route: what they raise ends there."""
    for name in _DEPENDS:
        for call in around.calls(name):
            if call.args and isinstance(call.args[0], ast.Name):
                function = receivers.around.module.functions.get(call.args[0].id)
                if function is not None:
                    yield function


def contexts_of(around: Around, nets: Nets) -> dict[str, tuple[tuple[Net, ...], ...]]:
    """Give what an exception of a `with` body meets in each context manager of the module."""
    found: dict[str, tuple[tuple[Net, ...], ...]] = {}
    yielding = _yielding(around)
    for node in around.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if _kind(node, yielding) == "manager":
            yields = [one for one in own_nodes(node) if isinstance(one, ast.Yield)]
            found[key_of(node, around)] = tuple(nets.around_node(one) for one in yields)
        elif node.name in {"__exit__", "__aexit__"} and (owner := around.parent_class(node)) is not None:
            name = key_of(node, around).rpartition(".")[0]
            if isinstance(owner, ast.ClassDef):
                found[name] = tuple(_exits(one) for one in _returns(node)) or ((),)
    return found


def _returns(node: FunctionNode) -> list[ast.expr]:
    return [one.value for one in nodes_in(node.body) if isinstance(one, ast.Return) and one.value is not None]


def _exits(value: ast.expr) -> tuple[Net, ...]:
    """Give the net an answer of `__exit__` is: a true one drops the exception."""
    if isinstance(value, ast.Constant):
        return (Net("exit", value.lineno),) if value.value else ()
    return (Net("exit?", value.lineno),)
