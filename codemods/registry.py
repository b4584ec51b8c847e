"""Codemods by name. A module in `codemods/fixers/` is one; there is nothing to register by hand."""

from __future__ import annotations

from typing import cast

from codemods import fixers
from codemods.proposal import Fixer
from codemods.shelf import load_from, names_in, near

__all__ = ["UnknownCodemodError", "load", "names"]


class UnknownCodemodError(Exception):
    """Raised when no codemod has the name; the text lists the valid names."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no codemod named {self.name!r}{near(self.name, names())}; valid names: {', '.join(names())}"


def names() -> tuple[str, ...]:
    """Give all codemod names."""
    return names_in(fixers)


def load(name: str) -> Fixer:
    """Import one codemod. Raises UnknownCodemodError."""
    if name not in names():
        raise UnknownCodemodError(name)
    return cast("Fixer", load_from(fixers, name))
