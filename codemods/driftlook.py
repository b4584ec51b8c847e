"""One module as `check` looks at it: its nodes by kind, found in one walk, and what exceptions it names."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codemods.callsites import Analysis
from codemods.driftmeanings import Meanings, Shapes
from codemods.handlers import Level, TryNode, levels_of

__all__ = ["Look", "look"]

_Suite = TryNode | ast.With | ast.AsyncWith


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the reports read."""

    looked: Analysis
    meanings: Meanings
    calls: list[ast.Call] = field(default_factory=list)
    raises: list[ast.Raise] = field(default_factory=list)
    handlers: list[ast.ExceptHandler] = field(default_factory=list)
    suites: list[_Suite] = field(default_factory=list)
    imports: list[ast.ImportFrom | ast.Import] = field(default_factory=list)
    attributes: list[ast.Attribute] = field(default_factory=list)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=list)

    def levels(self, node: ast.AST) -> tuple[Level, ...]:
        """Give the handlers around a node that a loud failure meets, innermost first."""
        return levels_of(node, self.looked.around, self.meanings.is_loud, lambda _call: False)


def look(looked: Analysis, shapes: Shapes) -> Look:
    """Sort a module's nodes."""
    found = Look(looked=looked, meanings=Meanings(looked, shapes))
    for node in looked.around.nodes:
        match node:
            case ast.Call():
                found.calls.append(node)
            case ast.Raise():
                found.raises.append(node)
            case ast.ExceptHandler():
                found.handlers.append(node)
            case ast.Try() | ast.TryStar() | ast.With() | ast.AsyncWith():
                found.suites.append(node)
            case ast.Import() | ast.ImportFrom():
                found.imports.append(node)
            case ast.Attribute():
                found.attributes.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.functions.append(node)
            case _:
                pass
    return found
