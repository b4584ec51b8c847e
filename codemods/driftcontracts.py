"""Does the tree still have what the host file declares? Read from the source: classes, signatures, what is hooked."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from codemods.classes import ClassIndex
from codemods.driftbook import ATTACHMENT, MISSING, SIGNATURE
from codemods.driftsignature import declared, differs, is_async, parameters, shown
from codemods.finding import Finding
from codemods.layout import Layout
from codemods.project import FunctionNode, Module, Project
from codemods.rulebook import Entry
from shim.contracts import Contract, Host, HostClass

__all__ = ["Contracts", "contracts_of"]

_CALLABLE = frozenset({"classmethod", "staticmethod"})


@dataclass(slots=True, kw_only=True)
class Contracts:
    """What became of a host's declaration. `findings` are by file; `untold` are rows that the source does not tell."""

    findings: dict[Path, list[Finding]] = field(default_factory=dict)
    missing: list[dict[str, str]] = field(default_factory=list)
    compared: int = 0
    untold: list[str] = field(default_factory=list)


def contracts_of(host: Host, layout: Layout) -> Contracts:
    """Compare every row, hook, watch, need and naming rule. Parses the modules they name, and their bases'."""
    look = _Look(host, layout)
    for declaration in host.classes:
        look.declared_class(declaration)
    for module in dict.fromkeys(row.target for row in host.contracts if row.is_function):
        look.functions(module, [row for row in host.contracts if row.target == module])
    look.components()
    return look.found


class _Look:
    def __init__(self, host: Host, layout: Layout) -> None:
        self.host, self.layout = host, layout
        self.project = Project(layout)
        self.classes = ClassIndex(self.project)
        self.found = Contracts()

    def declared_class(self, declaration: HostClass) -> None:
        """Compare one class with its rows, hooks and attributes."""
        target = declaration.target
        rows = [row for row in self.host.contracts if row.target == target]
        module, _, name = target.partition(":")
        meant = self.project.lookup(module, name) if self.project.module(module) else None
        found = self.classes.node(meant.key) if meant is not None and meant.kind == "class" else None
        if meant is None or found is None:
            self._gone(target, rows)
            for rule in self.host.naming:
                if rule.target == target:
                    self._add(ATTACHMENT, module, None, f"naming rule {rule.pattern!r} names {target}, which is gone")
            return
        for row in rows:
            self._method(meant.key, row)
        self._attachments(meant.key, found, declaration, rows)

    def functions(self, module: str, rows: list[Contract]) -> None:
        """Compare the contracted functions of one module."""
        if self.project.module(module) is None:
            self._gone(module, rows)
            return
        for row in rows:
            meant = self.project.lookup(module, row.method)
            home = self.project.module(meant.module) if meant is not None and meant.kind == "function" else None
            if meant is not None and home is not None:
                self._compared(row, home, home.functions[meant.name], "")
            elif meant is not None:
                self.found.untold.append(row.key)
            else:
                self._missing(row, module, None, "the module has no such function")

    def components(self) -> None:
        """Tell of components of which nothing is left."""
        gone = {row["contract"] for row in self.found.missing}
        for component in self.host.components:
            rows = [row for row in self.host.contracts if row.component == component]
            if rows and all(row.key in gone for row in rows):
                text = f"component {component}: none of its {len(rows)} contracts is in the tree; nothing of it is loud"
                self._add(MISSING, rows[0].target.partition(":")[0], None, text)

    def _method(self, key: str, row: Contract) -> None:
        owner = self.classes.definer(key, row.method)
        found = self.classes.node(owner) if owner else None
        here = self.classes.node(key)
        if owner is None or found is None:
            if self.classes.mro(key).complete:
                self._missing(
                    row, row.target.partition(":")[0], here[1] if here else None, "the class defines no such method"
                )
            else:
                self.found.untold.append(row.key)  # a base class outside the tree may define it
            return
        function = self._function(owner, row.method)
        if function is None:
            self.found.untold.append(row.key)
            return
        self._compared(row, found[0], function, f"{found[1].name}.")

    def _function(self, owner: str, method: str) -> FunctionNode | None:
        """Give the method, also where the class only gives another one a second name."""
        known = self.classes.known(owner)
        if method in known.methods:
            return known.methods[method]
        values = [source.value for source in known.attributes.get(method, []) if source.method is None]
        if len(values) == 1 and isinstance(values[0], ast.Name):
            return known.methods.get(values[0].id)
        return None

    def _compared(self, row: Contract, module: Module, function: FunctionNode, prefix: str) -> None:
        self.found.compared += 1
        names = _decorators(function)
        where = f"{row.key} ({row.target}.{row.method})" if prefix else f"{row.key} ({row.target})"
        if names & {"property", "cached_property", "setter"}:
            self._add(
                SIGNATURE, module.name, function, f"{where} is a property now; only methods can be contracted", prefix
            )
            return
        actual, wanted = parameters(function, module, self.project), declared(row.signature)
        if wanted is None:
            self.found.untold.append(row.key)
        elif differs(actual, wanted):
            kind = next((f", a {name} now" for name in sorted(names & _CALLABLE)), "")
            text = f"{where}: signature is {shown(actual)}{kind}, declared {row.signature}"
            self._add(SIGNATURE, module.name, function, text, prefix)
        if is_async(function) != row.is_async:
            text = f"{where}: {'not async' if row.is_async else 'async'}, declared otherwise"
            self._add(SIGNATURE, module.name, function, text, prefix)

    def _attachments(
        self, key: str, found: tuple[Module, ast.ClassDef], declaration: HostClass, rows: list[Contract]
    ) -> None:
        module, node = found
        whole = self.classes.mro(key).complete
        for hook in declaration.hooks:
            owner = self.classes.definer(key, hook.method)
            if owner is None and whole:
                text = (
                    f"{declaration.target} has no method {hook.method}, which is hooked: its failures lose their cause"
                )
                self._add(ATTACHMENT, module.name, node, text)
        bodies = [known[1] for one in self.classes.mro(key).keys if (known := self.classes.node(one)) is not None]
        watched = {watch.attribute for row in rows for watch in row.watches}
        needed = {need.attribute for row in rows for need in row.needs if need.attribute}
        for name in sorted(watched | needed):
            uses = " and ".join(word for word, names in (("watched", watched), ("needed", needed)) if name in names)
            if whole and not any(_assigns(body, name, methods=name not in watched) for body in bodies):
                text = f"{declaration.target}.{name} is {uses} by a contract, and no code of the class assigns it"
                self._add(ATTACHMENT, module.name, node, text)

    def _gone(self, target: str, rows: list[Contract]) -> None:
        module = target.partition(":")[0]
        reason = "no such class in the module" if self.project.module(module) else "no such module in the tree"
        self.found.missing += [
            {"contract": row.key, "target": target, "method": row.method, "reason": reason} for row in rows
        ]
        keys = ", ".join(row.key for row in rows) or "no method, but its class"
        text = f"{target}: {reason}; declared for {keys}"
        self._add(MISSING, module, None, text)

    def _missing(self, row: Contract, module: str, node: ast.ClassDef | None, reason: str) -> None:
        self.found.missing.append({"contract": row.key, "target": row.target, "method": row.method, "reason": reason})
        self._add(MISSING, module, node, f"{row.key} ({row.target}.{row.method}): {reason}")

    def _add(
        self, entry: Entry, module: str, node: ast.ClassDef | FunctionNode | None, message: str, prefix: str = ""
    ) -> None:
        path = self.layout.path_of(module) or self._nearest(module)
        line = node.lineno if node is not None else 1
        col = node.col_offset if node is not None else 0
        finding = Finding(
            code=entry.code,
            path=self.layout.shown(path),
            line=line,
            col=col,
            end_line=line,
            end_col=col,
            function=f"{prefix}{node.name}" if node is not None else "<module>",
            message=message,
            evidence="host file",
        )
        held = self.found.findings.setdefault(path, [])
        if finding not in held:
            held.append(finding)

    def _nearest(self, module: str) -> Path:
        """Give the file of the nearest package that is there, for a module that is not."""
        parts = module.split(".")
        for count in range(len(parts) - 1, 0, -1):
            if (path := self.layout.path_of(".".join(parts[:count]))) is not None:
                return path
        folder = self.layout.base.joinpath(*self.host.package.split("."))
        return min(folder.rglob("*.py"), default=folder / "__init__.py")


def _decorators(function: FunctionNode) -> set[str]:
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        for node in function.decorator_list
    }


def _assigns(body: ast.ClassDef, name: str, *, methods: bool) -> bool:
    """Tell whether any code of a class gives the attribute a value; `methods` may stand for it (a property)."""
    for node in ast.walk(body):
        match node:
            case ast.Attribute(attr=attr, ctx=ast.Store()) if attr == name:
                return True
            case ast.Name(id=found, ctx=ast.Store()) if found == name and _at_top(body, node):
                return True
            case ast.Constant(value=value) if value == name and isinstance(value, str):
                return True  # `setattr(self, name)`, `__slots__`
            case ast.FunctionDef(name=found) if methods and found == name:
                return True
            case _:
                pass
    return False


def _at_top(body: ast.ClassDef, name: ast.Name) -> bool:
    return any(name in ast.walk(node) for node in body.body if isinstance(node, ast.Assign | ast.AnnAssign))
