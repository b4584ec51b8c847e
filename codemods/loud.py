"""Under which names a module knows our verbs and exceptions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cached_property, partial

from codemods.classes import dotted
from codemods.legacy import LegacyNames, legacy_names
from codemods.project import Imported, Module, Project, all_statements, bound_imports
from codemods.wanted import Wanted
from shim import errors

__all__ = ["ENDS", "VERBS", "Known", "known_names"]

ENDS = ("boundary", "handled")
VERBS = ("delivered", "escalate", "missing", "spawn")
_SOURCES = ("shim", "shim.boundaries", "shim.calls", "shim.errors")


class Known:
    """Imports of one module that lead to the façade (or to us directly)."""

    def __init__(
        self,
        facade: str,
        names: dict[str, Imported],
        top: frozenset[str],
        legacy: Callable[[], LegacyNames] = LegacyNames,
    ) -> None:
        self.facade = facade
        self.names = names
        self.top = top
        "Names bound at the top level, outside `if` and `try`: the ones an edit may rely on."
        self._legacy = legacy

    @cached_property
    def legacy(self) -> LegacyNames:
        """Give the legacy names; only `use-shims` asks, and the answer takes the parsing of all that is imported."""
        return self._legacy()

    def means(self, node: ast.expr, wanted: frozenset[str]) -> bool:
        """Tell whether an expression names one of our `wanted` names."""
        return self.meant(node) in wanted

    def meant(self, node: ast.expr) -> str:
        """Give the name of ours that an expression means, by whatever name the module has for it; else empty."""
        parts = dotted(node)
        imported = self.names.get(parts[0]) if parts else None
        if imported is None:
            return ""
        full = ".".join([imported.module, *([imported.attribute] if imported.attribute else []), *parts[1:]])
        module, _, name = full.rpartition(".")
        return name if module in (self.facade, *_SOURCES) else ""

    def is_loud(self, node: ast.expr) -> bool:
        """Tell whether an expression names one of our exceptions."""
        return self.means(node, frozenset(errors.__all__) - {"Common"})

    def local(self, name: str) -> str | None:
        """Give the local name under which the top level imports `name` from the façade."""
        for bound in sorted(self.top):
            imported = self.names[bound]
            if imported == Imported(module=self.facade, attribute=name):
                return bound
        return None


def known_names(module: Module, project: Project, wanted: Wanted) -> Known:
    """Collect imports anywhere in a module; a star import of the façade binds all it exports."""
    facade = wanted.facade
    package = project.package_of(module)
    exported = (*ENDS, *VERBS, *sorted(set(errors.__all__) - {"Common"}))
    names: dict[str, Imported] = {}
    top: set[str] = set()
    for node in all_statements(module.tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        pairs = [pair for pair in bound_imports(node, package) if pair[0] != "*"]
        if isinstance(node, ast.ImportFrom) and ("*", Imported(module=facade, attribute="*")) in bound_imports(
            node, package
        ):
            pairs = [(name, Imported(module=facade, attribute=name)) for name in exported]
        for bound, imported in pairs:
            if bound in names and names[bound].module == facade:
                continue
            names[bound] = imported
            if node in module.tree.body:
                top.add(bound)
    return Known(facade, names, frozenset(top), partial(legacy_names, module, project, wanted.legacy))
