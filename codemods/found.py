"""What an expression may be: classes by key, functions, modules, with the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["NOTHING", "Found", "union"]


@dataclass(frozen=True, slots=True)
class Found:
    """Types of an expression: instances and classes by key, functions; `how` is the evidence."""

    instances: frozenset[str] = field(default=frozenset())
    classes: frozenset[str] = field(default=frozenset())
    functions: frozenset[tuple[str, str]] = field(default=frozenset())
    "Class key or module, and function name."
    modules: frozenset[str] = field(default=frozenset())
    how: str = ""

    def __bool__(self) -> bool:
        return bool(self.instances or self.classes or self.functions or self.modules)

    def because(self, how: str) -> Found:
        """Give the same types with another evidence."""
        return Found(self.instances, self.classes, self.functions, self.modules, how)


NOTHING = Found()


def union(parts: Iterable[Found]) -> Found:
    """Join the types; the first evidence that says something stays."""
    total = NOTHING
    for part in parts:
        if part:
            total = Found(
                total.instances | part.instances,
                total.classes | part.classes,
                total.functions | part.functions,
                total.modules | part.modules,
                total.how or part.how,
            )
    return total
