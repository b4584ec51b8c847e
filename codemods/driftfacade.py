"""What migrated code wants of the façade: that it is there, has the names, and is the way they are imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.classes import dotted
from codemods.driftbook import BYPASSED, FACADE
from codemods.driftlook import Look
from codemods.finding import Finding, finding_at
from codemods.loud import ENDS, VERBS
from codemods.project import Project, bound_imports
from shim import errors

__all__ = ["facade"]

_VERBS = frozenset((*ENDS, *VERBS))
_NAMES = _VERBS | (frozenset(errors.__all__) - {"Common"})
_OURS = frozenset({"shim", "shim.boundaries", "shim.calls", "shim.errors"})


def facade(seen: Look, project: Project) -> Iterator[Finding]:
    """Find imports of what the façade lacks, and ways around it."""
    if seen.looked.module in (name := seen.looked.known.facade, *_behind(name, project)):
        return
    yield from _imports(seen, project)
    yield from _attributes(seen, project)


def _behind(name: str, project: Project) -> frozenset[str]:
    """Give the modules of which the façade is made: they import from where it is told."""
    found = project.module(name)
    made_of = [*found.stars, *(one.module for one in found.imports.values())] if found is not None else []
    return frozenset(made_of)


def _imports(seen: Look, project: Project) -> Iterator[Finding]:
    looked, name = seen.looked, seen.looked.known.facade
    package = project.package_of(looked.around.module)
    for node in seen.imports:
        for _, imported in bound_imports(node, package):
            if imported.module == name and imported.attribute not in (None, "*"):
                yield from _lacks(node, str(imported.attribute), seen, project)
            elif imported.module in _OURS and imported.attribute in _NAMES:
                message = (
                    f"{imported.attribute} is imported from {imported.module}: migrated code imports it from {name}"
                )
                yield finding_at(node, looked, code=BYPASSED.code, message=message, evidence="façade")
        if isinstance(node, ast.Import) and any(alias.name == name for alias in node.names):
            yield from _lacks(node, "", seen, project)


def _attributes(seen: Look, project: Project) -> Iterator[Finding]:
    looked, name = seen.looked, seen.looked.known.facade
    for attribute in seen.attributes:
        parts = dotted(attribute)
        if len(parts) < 2 or not (imported_head := looked.known.names.get(parts[0])):
            continue
        module = ".".join(filter(None, (imported_head.module, imported_head.attribute, *parts[1:-1])))
        if module == name:
            yield from _lacks(attribute, parts[-1], seen, project)
        elif module == "shim" and parts[-1] in _VERBS:
            message = f"shim.{parts[-1]} is used: migrated code imports it from {name}"
            yield finding_at(attribute, looked, code=BYPASSED.code, message=message, evidence="façade")


def _lacks(node: ast.expr | ast.stmt, wanted: str, seen: Look, project: Project) -> Iterator[Finding]:
    name = seen.looked.known.facade
    path = project.layout.path_of(name)
    if path is None:
        again = "write it again with: failloud migrate check-results PATH --write"
        yield finding_at(
            node, seen.looked, code=FACADE.code, message=f"the façade {name} is not there; {again}", evidence="façade"
        )
    elif wanted and project.module(name) is not None and project.lookup(name, wanted) is None:
        message = f"the façade {name} does not have {wanted}: give it the name again"
        yield finding_at(node, seen.looked, code=FACADE.code, message=message, evidence="façade")
