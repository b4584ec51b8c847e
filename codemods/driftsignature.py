"""A function's signature from its source, to be compared with what a host file declares. Nothing is imported.

Defaults are values: a literal, a constant of the tree, arithmetic on those. What cannot be told from the source
(`time.time()`) fits any declared default; what is no plain value at run time reads `...`, as `plain_signature` has it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from codemods.project import FunctionNode, Module, Project
from codemods.scope import own_nodes
from codemods.tree import name_of

__all__ = ["Parameter", "declared", "differs", "is_async", "parameters", "shown"]

_ANY = "?"
"A default that the source does not tell."
_NONE = "-"
_KEPT = (type(None), bool, int, float, str)
_DEEP = 8
"Names followed before a constant is given up."
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Div: lambda a, b: a / b,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; `default` is the text of the value, `...`, `?` where it cannot be told, `-` for none."""

    name: str
    kind: str
    "`/`, `` (plain), `*name`, `keyword`, `**name`."
    default: str


def parameters(function: FunctionNode, module: Module, project: Project) -> tuple[Parameter, ...]:
    """Give the parameters of a function of the tree."""
    return _parameters(function.args, lambda node: _default(node, module, project, 0))


def declared(signature: str) -> tuple[Parameter, ...] | None:
    """Read a host file's signature; None where it is no signature."""
    try:
        tree = ast.parse(f"def _{signature}: ...")
    except SyntaxError:
        return None
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return None
    return _parameters(function.args, lambda node: "..." if _is_ellipsis(node) else repr(ast.literal_eval(node)))


def differs(actual: tuple[Parameter, ...], wanted: tuple[Parameter, ...]) -> bool:
    """Compare; an unknown default fits any default, but not none."""
    if len(actual) != len(wanted):
        return True
    return any(
        (a.name, a.kind) != (w.name, w.kind)
        or (a.default != w.default and not (a.default == _ANY and w.default != _NONE))
        for a, w in zip(actual, wanted, strict=True)
    )


def shown(found: tuple[Parameter, ...]) -> str:
    """Render parameters as a host file declares them."""
    parts: list[str] = []
    for at, one in enumerate(found):
        if one.kind == "keyword" and not any(p.startswith("*") for p in parts):
            parts.append("*")
        star = {"*name": "*", "**name": "**"}.get(one.kind, "")
        default = "" if one.default == _NONE else f"={'Ellipsis' if one.default == '...' else one.default}"
        parts.append(f"{star}{one.name}{default}")
        if one.kind == "/" and (at + 1 == len(found) or found[at + 1].kind != "/"):
            parts.append("/")
    return f"({', '.join(parts)})"


def is_async(function: FunctionNode) -> bool:
    """Tell whether calling it gives a coroutine: an async generator does not."""
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))
    return isinstance(function, ast.AsyncFunctionDef) and not yields


def _parameters(args: ast.arguments, told: Callable[[ast.expr], str]) -> tuple[Parameter, ...]:
    found = [(one.arg, "/") for one in args.posonlyargs] + [(one.arg, "") for one in args.args]
    gaps = [_NONE] * (len(found) - len(args.defaults))
    defaults = [*gaps, *(told(one) for one in args.defaults)]
    found += [(args.vararg.arg, "*name")] if args.vararg else []
    defaults += [_NONE] if args.vararg else []
    found += [(one.arg, "keyword") for one in args.kwonlyargs]
    defaults += [told(one) if one is not None else _NONE for one in args.kw_defaults]
    found += [(args.kwarg.arg, "**name")] if args.kwarg else []
    defaults += [_NONE] if args.kwarg else []
    return tuple(Parameter(name=n, kind=k, default=d) for (n, k), d in zip(found, defaults, strict=True))


def _is_ellipsis(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "Ellipsis") or (
        isinstance(node, ast.Constant) and node.value is ...
    )


def _default(node: ast.expr, module: Module, project: Project, deep: int) -> str:
    if isinstance(node, ast.Dict | ast.List | ast.Set | ast.Tuple | ast.Lambda | ast.ListComp | ast.DictComp):
        return "..."
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _is_enum(node.value, module, project):
        return "..."
    known, value = _value(node, module, project, deep)
    if not known:
        return _ANY
    return repr(value) if type(value) in _KEPT else "..."


def _is_enum(node: ast.Name, module: Module, project: Project) -> bool:
    """Tell whether a name is an enumeration of the tree: its members are no plain values, whatever else they are."""
    meant = project.lookup(module.name, node.id)
    home = project.module(meant.module) if meant is not None and meant.kind == "class" else None
    bases = home.classes[meant.name].bases if home is not None and meant is not None else []
    return any(name_of(base).endswith(("Enum", "Flag")) for base in bases)


def _value(node: ast.expr, module: Module, project: Project, deep: int) -> tuple[bool, object]:
    """Give whether the value can be told, and the value."""
    match node:
        case ast.Constant(value=value):
            return True, value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            known, inner = _value(operand, module, project, deep)
            if known and isinstance(inner, int | float):
                return True, -inner if isinstance(node.op, ast.USub) else inner
        case ast.BinOp(left=left, right=right, op=op) if type(op) in _ARITHMETIC:
            (one, a), (two, b) = _value(left, module, project, deep), _value(right, module, project, deep)
            if (
                one
                and two
                and isinstance(a, int | float)
                and isinstance(b, int | float)
                and (b or type(op) is ast.Mult)
            ):
                return True, _ARITHMETIC[type(op)](a, b)
        case ast.Name(id=name) if deep < _DEEP:
            meant = project.lookup(module.name, name)
            home = project.module(meant.module) if meant is not None and meant.kind == "value" else None
            assigned = home.values[meant.name] if home is not None and meant is not None else []
            if home is not None and len(assigned) == 1 and assigned[0].value is not None:
                return _value(assigned[0].value, home, project, deep + 1)
        case _:
            pass
    return False, None
