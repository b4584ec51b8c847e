"""The job as a LibCST codemod, for `libcst.tool`: wrap each dropped result, import the name."""

from __future__ import annotations

from typing import Any

import libcst
from libcst.codemod import VisitorBasedCodemodCommand
from libcst.codemod.visitors import AddImportsVisitor

from benchmarks.codemods_tree import METHODS

__all__ = ["Wrap"]


class Wrap(VisitorBasedCodemodCommand):
    """Wrap each call of a method whose result is dropped."""

    DESCRIPTION = "wrap dropped results"

    def leave_Expr(self, original_node: libcst.Expr, updated_node: libcst.Expr) -> Any:  # noqa: ARG002, N802  # LibCST's
        """Wrap one statement's call."""
        value = updated_node.value
        call = value.expression if isinstance(value, libcst.Await) else value
        func = call.func if isinstance(call, libcst.Call) else None
        if not isinstance(func, libcst.Attribute) or func.attr.value not in METHODS:
            return updated_node
        AddImportsVisitor.add_needed_import(self.context, "plant.loud", "delivered")
        return updated_node.with_changes(value=libcst.Call(libcst.Name("delivered"), [libcst.Arg(value)]))
