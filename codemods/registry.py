"""Codemods by name. A module in `codemods/fixers/` is one; there is nothing to register by hand."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from typing import cast

from codemods import fixers
from codemods.proposal import Fixer

__all__ = ["UnknownCodemodError", "load", "names"]


class UnknownCodemodError(Exception):
    """Raised when no codemod has the name; the text lists the valid names."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        near = get_close_matches(self.name, names(), n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"no codemod named {self.name!r}{hint}; valid names: {', '.join(names())}"


def names() -> tuple[str, ...]:
    """Give all codemod names."""
    return tuple(sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(fixers.__path__)))


def load(name: str) -> Fixer:
    """Import one codemod. Raises UnknownCodemodError."""
    if name not in names():
        raise UnknownCodemodError(name)
    return cast("Fixer", importlib.import_module(f"{fixers.__name__}.{name.replace('-', '_')}"))
