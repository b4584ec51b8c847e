"""The host's modules, parsed only when somebody asks: what each defines and imports, and what a name means in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from codemods.layout import Layout, walk
from codemods.source import SourceError, read_source

__all__ = ["Definition", "Imported", "Module", "Project", "all_statements", "bound_imports", "statements"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_DEEP = 12
"Re-exports followed before a name is given up."
_KEPT = 3_000_000
"Bytes of source whose trees are kept: a tree takes thirty times as much memory."
_FOLDERS = 2
"Folders whose texts are kept: files come folder by folder."


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One imported name: `module` alone, or `attribute` of it."""

    module: str
    attribute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a name means: a class, function, value or module of the tree, or something external."""

    kind: str
    module: str
    name: str = ""

    @property
    def key(self) -> str:
        """`module:name`, as contracts name their targets."""
        return f"{self.module}:{self.name}" if self.name else self.module


@dataclass(slots=True, kw_only=True, eq=False)
class Module:
    """One parsed module. Nested classes are listed as `Outer.Inner`."""

    name: str
    is_package: bool
    tree: ast.Module
    imports: dict[str, Imported] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    functions: dict[str, FunctionNode] = field(default_factory=dict)
    values: dict[str, list[ast.Assign | ast.AnnAssign]] = field(default_factory=dict)


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Walk statements, into `if`, `try`, `with` and loops, not into functions and classes."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body)
        for case in getattr(node, "cases", []):
            yield from statements(case.body)


_BLOCKS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(name for name in ("body", "handlers", "orelse", "finalbody", "cases") if name in kind._fields)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.stmt | ast.mod | ast.excepthandler | ast.match_case)
}


def all_statements(root: ast.AST) -> list[ast.AST]:
    """Give a node and all statements in it, those of functions and classes too, in the order of `ast.walk`.

    Expressions, most of a tree, are not looked at; handlers and cases come along.
    """
    found = [root]
    for node in found:  # grows as it goes
        for name in _BLOCKS[node.__class__]:
            found += getattr(node, name)
    return found


def bound_imports(node: ast.stmt, package: str) -> Iterator[tuple[str, Imported]]:
    """Give the names an import statement binds; `package` anchors relative ones. A star binds `*`."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, Imported(module=alias.name)
            else:
                head = alias.name.partition(".")[0]
                yield head, Imported(module=head)
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".") if package else []
        anchor = parts[: len(parts) - node.level + 1] if node.level else []
        source = ".".join([*anchor, *([node.module] if node.module else [])])
        for alias in node.names:
            yield alias.asname or alias.name, Imported(module=source, attribute=alias.name)


class Project:
    """A lazy index over one layout. Files that cannot be parsed count as external here; the scan reports them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._modules: dict[str, Module | None] = {}
        self._sizes: dict[str, int] = {}
        "Bytes of the source of each module that has a tree."
        self._asked: set[str] = set()
        "Modules asked for since the last `trim` that took something away."
        self._folders: dict[Path, list[tuple[str, bytes]]] = {}
        self._paths: dict[str, Path | None] = {}
        self._mentions: dict[str, list[tuple[Path, bytes | None]]] = {}

    def module(self, name: str) -> Module | None:
        """Give a module of the tree, None for one outside it."""
        self._asked.add(name)
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        path = self.path_of(name)
        try:
            source = read_source(path) if path else None
        except SourceError:
            source = None
        if path is None or source is None:
            return None
        self._sizes[name] = len(source.raw)
        return self.build(name, source.tree, is_package=path.name == "__init__.py")

    def trim(self) -> frozenset[str]:
        """Forget modules, where more is held than may be: all that nobody asked for since last time, else every one.

        Gives their names. They are read again when asked for, as other trees: call it between two files, when nobody
        holds a node, and let go of all that was kept of them.
        """
        if sum(self._sizes.values()) <= _KEPT:
            return frozenset()
        gone = frozenset(self._sizes.keys() - self._asked)
        if sum(self._sizes[name] for name in gone) < _KEPT // 2:
            gone = frozenset(self._sizes)
        for name in gone:
            del self._modules[name], self._sizes[name]
        self._asked = set()
        return gone

    def path_of(self, module: str) -> Path | None:
        """Find the file of a dotted name, as the layout does; asked of the disk once."""
        if module not in self._paths:
            self._paths[module] = self.layout.path_of(module)
        return self._paths[module]

    def mentions(self, name: str) -> list[tuple[Path, bytes | None]]:
        """Give the files of the whole tree that have the name as a word, with their bytes, None where unreadable."""
        if name not in self._mentions:
            word = re.compile(rb"\b%b\b" % re.escape(name.encode()))
            texts = ((path, _bytes(path)) for path in walk(self.layout.base).files)
            self._mentions[name] = [(path, raw) for path, raw in texts if raw is None or word.search(raw)]
        return self._mentions[name]

    @contextmanager
    def standing(self, module: Module) -> Iterator[None]:
        """Look names up in this tree instead of the one on disk, for a text that is being rewritten."""
        before = self._modules.get(module.name)
        known = module.name in self._modules
        self._modules[module.name] = module
        try:
            yield
        finally:
            del self._modules[module.name]
            if known:
                self._modules[module.name] = before

    def siblings(self, name: str) -> list[tuple[str, bytes]]:
        """Give name and bytes of each module in the folder of one, itself too; the last folders are kept."""
        path = self.path_of(name)
        if path is None:
            return []
        if path.parent not in self._folders:
            for folder in list(self._folders)[: 1 - _FOLDERS]:
                del self._folders[folder]
            self._folders[path.parent] = [
                (self.layout.module_of(one), one.read_bytes())
                for one in sorted(path.parent.glob("*.py"))
                if one.is_file()
            ]
        return self._folders[path.parent]

    @staticmethod
    def build(name: str, tree: ast.Module, *, is_package: bool) -> Module:
        """Index one tree."""
        found = Module(name=name, is_package=is_package, tree=tree)
        package = name if is_package else name.rpartition(".")[0]
        for node in statements(tree.body):
            for bound, imported in bound_imports(node, package):
                if bound == "*":
                    found.stars.append(imported.module)
                else:
                    found.imports[bound] = imported
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                _add_class(found, node, "")
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        found.values.setdefault(target.id, []).append(node)
        return found

    def package_of(self, module: Module) -> str:
        """Give what relative imports of a module start from."""
        return module.name if module.is_package else module.name.rpartition(".")[0]

    def lookup(self, module: str, name: str, deep: int = 0) -> Definition | None:  # noqa: PLR0911  # in Python's order
        """Say what `name` means in a module of the tree; None where nothing tells."""
        found = self.module(module)
        if found is None:
            return Definition(kind="external", module=module, name=name)
        if name in found.classes:
            return Definition(kind="class", module=module, name=name)
        if name in found.functions:
            return Definition(kind="function", module=module, name=name)
        if name in found.imports and deep < _DEEP:
            return self.follow(found.imports[name], deep + 1)
        if name in found.values:
            return Definition(kind="value", module=module, name=name)
        if found.is_package and self.path_of(f"{module}.{name}"):
            return Definition(kind="module", module=f"{module}.{name}")
        for star in found.stars:
            if deep < _DEEP and self.module(star) and (inner := self.lookup(star, name, deep + 1)):
                return inner
        return None

    def follow(self, imported: Imported, deep: int = 0) -> Definition | None:
        """Say what an imported name means."""
        if imported.attribute is None:
            known = self.module(imported.module) or self.layout.base.joinpath(*imported.module.split(".")).is_dir()
            return Definition(kind="module" if known else "external", module=imported.module)
        inside = self.module(imported.module)
        if inside is None or (imported.attribute not in inside.imports and imported.attribute not in inside.classes):
            submodule = f"{imported.module}.{imported.attribute}"
            if self.path_of(submodule):
                return Definition(kind="module", module=submodule)
        return self.lookup(imported.module, imported.attribute, deep)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _add_class(module: Module, node: ast.ClassDef, outer: str) -> None:
    name = f"{outer}{node.name}"
    module.classes[name] = node
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            _add_class(module, inner, f"{name}.")
