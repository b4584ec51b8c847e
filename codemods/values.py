"""What functions give back: empty values, and whether a function ever returns anything else."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from codemods.logs import is_low, log_level
from codemods.project import FunctionNode
from codemods.scope import nodes_in

__all__ = ["Frame", "empty_value", "frame_of", "gives_values"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a function does as a whole. `values`: it returns something that is not empty."""

    values: bool
    loud: tuple[int, ...]
    "Lines in which it raises, or logs at ERROR or above."
    loads: dict[str, list[int]]
    "Lines in which each name is read, functions inside included."
    shared: frozenset[str]
    "Names it declares nonlocal or global."


@lru_cache(maxsize=32)
def frame_of(node: FunctionNode | ast.Module) -> Frame:
    """Look at a function as a whole, or at a module's top level. Kept: its handlers ask one after the other."""
    values, loud, loads, shared = False, [], dict[str, list[int]](), set[str]()
    for one in nodes_in(node.body):
        match one:
            case ast.Return(value=value):
                values = values or not empty_value(value)
            case ast.Raise():
                loud.append(one.lineno)
            case ast.Call() if (level := log_level(one)) and not is_low(level):
                loud.append(one.lineno)
            case ast.Name(id=name, ctx=ast.Load()):
                loads.setdefault(name, []).append(one.lineno)
            case ast.Nonlocal() | ast.Global():
                shared.update(one.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                for inner in ast.walk(one):
                    if isinstance(inner, ast.Name):
                        loads.setdefault(inner.id, []).append(inner.lineno)
    return Frame(values=values, loud=tuple(loud), loads=loads, shared=frozenset(shared))


def gives_values(function: FunctionNode) -> bool:
    """Tell whether a function returns, somewhere, a value that is not empty: then an empty one says something."""
    return frame_of(function).values


def empty_value(node: ast.expr | None) -> str:
    """Give the text of a value that says nothing: None, False, an empty text or container; empty for any other."""
    match node:
        case None:
            return "None"
        case ast.Constant(value=None | False | "" | b"" as value):
            return repr(value)
        case ast.Dict(keys=[]) | ast.List(elts=[]) | ast.Tuple(elts=[]):
            return ast.unparse(node)
        case ast.Call(func=ast.Name(id="dict" | "list" | "set" | "tuple"), args=[], keywords=[]):
            return ast.unparse(node)
        case _:
            return ""
