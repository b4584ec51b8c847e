"""Where the host's code lies: the folder that is scanned, the folder its dotted names start from, the files in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

__all__ = ["Layout", "UnknownModuleError", "Walk", "find_layout", "plain_layout", "select", "walk"]

_NEVER = frozenset({"__pycache__", "node_modules"})


class UnknownModuleError(Exception):
    """Raised when `--module` names nothing that was scanned; `near` holds names that are close."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        super().__init__(name, near)
        self.name, self.near = name, near

    def __str__(self) -> str:
        hint = f"; close: {', '.join(self.near)}" if self.near else ""
        return f"module {self.name!r} is not under PATH{hint}; next: give a dotted name or a path relative to PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`root` is what the user named; `base` is where `import package` starts."""

    root: Path
    base: Path
    has_package: bool
    "False where the host's package was not found: then nothing can be a target."

    def shown(self, path: Path) -> str:
        """Name a file as reports do: relative to the root's folder, with `/`; bytes that are no text are escaped."""
        folder = self.root if self.root.is_dir() else self.root.parent
        named = Path(os.path.relpath(path, folder)).as_posix()
        return os.fsencode(named).decode("utf-8", "backslashreplace")

    def module_of(self, path: Path) -> str:
        """Give the dotted name of a file below `base`."""
        parts = list(path.relative_to(self.base).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        return ".".join(parts)

    def path_of(self, module: str) -> Path | None:
        """Find the file of a dotted name, None where the tree has none."""
        stem = self.base.joinpath(*module.split("."))
        for found in (stem / "__init__.py", stem.with_name(stem.name + ".py")):
            if module and found.is_file():
                return found
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """All Python files below a folder, and what was not entered."""

    files: tuple[Path, ...]
    skipped_directories: tuple[str, ...]
    "Relative to the root: hidden, caches, virtual environments, links, folders that cannot be listed."


def find_layout(path: Path, package: str) -> Layout:
    """Find the folder that holds the host's package: PATH, a folder above it, `src` or a direct child below it."""
    root = path.resolve()
    folder = root if root.is_dir() else root.parent
    parts = package.split(".")
    for base in (folder, *folder.parents):
        if base.joinpath(*parts).is_dir():
            return Layout(root=root, base=base, has_package=True)
    for base in sorted(child for child in folder.iterdir() if child.is_dir()):
        if base.joinpath(*parts).is_dir():
            return Layout(root=root, base=base, has_package=True)
    return Layout(root=root, base=folder, has_package=False)


def plain_layout(path: Path) -> Layout:
    """Lay out a tree of no known package: names start from the nearest folder that is not a package itself."""
    root = path.resolve()
    base = root if root.is_dir() else root.parent
    while (base / "__init__.py").is_file() and base.parent != base:
        base = base.parent
    return Layout(root=root, base=base, has_package=False)


def walk(root: Path) -> Walk:
    """List Python files in sorted order. A folder that is not entered is named, not passed over."""
    if root.is_file():
        return Walk(files=(root,), skipped_directories=())
    files: list[Path] = []
    skipped: list[str] = []

    def unlistable(error: OSError) -> None:
        skipped.append(f"{os.path.relpath(error.filename, root)} ({error.strerror})")

    for name, names, entries in os.walk(root, onerror=unlistable):
        folder = Path(name)
        left_out = [n for n in names if _left_out(folder / n)]
        skipped.extend(os.path.relpath(folder / n, root) for n in left_out)
        names[:] = sorted(set(names) - set(left_out))
        files.extend(folder / n for n in sorted(entries) if n.endswith(".py"))  # half of what Path(name, n) costs
    return Walk(files=tuple(files), skipped_directories=tuple(sorted(skipped)))


def _left_out(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in _NEVER or folder.is_symlink() or (folder / "pyvenv.cfg").is_file()


def select(found: Walk, layout: Layout, modules: tuple[str, ...]) -> tuple[Path, ...]:
    """Keep the files of the named modules (a package means all below it). Raises UnknownModuleError."""
    if not modules:
        return found.files
    dotted = {path: layout.module_of(path) for path in found.files}
    kept: set[Path] = set()
    for name in modules:
        at = (layout.root / name).resolve()
        hits = {p for p, d in dotted.items() if d == name or d.startswith(f"{name}.") or p == at or at in p.parents}
        if not hits:
            paths = [str(p.relative_to(layout.root)) for p in dotted if p != layout.root]
            near = get_close_matches(name, [*dotted.values(), *paths], n=3)
            raise UnknownModuleError(name, tuple(near))
        kept |= hits
    return tuple(path for path in found.files if path in kept)
