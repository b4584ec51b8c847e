"""Plug-in modules: each module of a package is one, and is named after its file. Nothing is registered by hand."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType

__all__ = ["load_from", "names_in", "near"]


def names_in(package: ModuleType) -> tuple[str, ...]:
    """Give the names of a package's modules, with hyphens, sorted."""
    return tuple(sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(package.__path__)))


def load_from(package: ModuleType, name: str) -> ModuleType:
    """Import one module of a package by its name with hyphens."""
    return importlib.import_module(f"{package.__name__}.{name.replace('-', '_')}")


def near(name: str, valid: tuple[str, ...]) -> str:
    """Give a hint for a misspelt name, ready to be appended; empty where nothing is close."""
    close = get_close_matches(name, valid, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
