"""Which names are worth a look: those of the functions, classes and properties of the tree, read off the bytes."""

from __future__ import annotations

import re

from codemods.flow.facts import Names

__all__ = ["names_in"]

_DEFINED = re.compile(rb"\b(?:def|class)[ \t]+(\w+)")
_PROPERTY = re.compile(
    rb"@(?:\w+\.)*(?:cached_)?property\b[^\n]*\n(?:[ \t]*@[^\n]*\n)*[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)"
)


def names_in(raw: bytes) -> Names:
    """Give the names a file defines. More than it defines does no harm: a name in a text is a question more."""
    defined = frozenset(name.decode("utf-8", "replace") for name in _DEFINED.findall(raw))
    properties = frozenset(name.decode("utf-8", "replace") for name in _PROPERTY.findall(raw))
    return Names(defined, properties)
