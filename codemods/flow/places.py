"""Names of the functions of a module, lambdas and the module's own body too."""

from __future__ import annotations

import ast

from codemods.project import FunctionNode
from codemods.tree import Around

__all__ = ["holder_key", "key_of", "lambda_key", "method_key"]

_Holder = FunctionNode | ast.Lambda


def key_of(function: FunctionNode, around: Around) -> str:
    """Give `module:Class.name`; a function in another one is `module:outer.name`."""
    outer = around.qualname(function)
    return f"{around.module.name}:{function.name if outer == '<module>' else f'{outer}.{function.name}'}"


def lambda_key(node: ast.Lambda, around: Around) -> str:
    """Give a lambda a name by its place."""
    return f"{around.module.name}:{around.qualname(node)}.<lambda {node.lineno}:{node.col_offset}>"


def holder_key(node: ast.AST, around: Around) -> str:
    """Name the function or lambda that runs a node; the module's body is `module:<module>`.

    Decorators, defaults and annotations run where the function is defined, not in it.
    """
    for child, parent in around.all_upward(node):
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and child in parent.body:
            return key_of(parent, around)
        if isinstance(parent, ast.Lambda) and child is parent.body:
            return lambda_key(parent, around)
    return f"{around.module.name}:<module>"


def method_key(owner: str, name: str) -> str:
    """Join a class key or a module with a function's name."""
    return f"{owner}.{name}" if ":" in owner else f"{owner}:{name}"
