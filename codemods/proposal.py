"""What a codemod proposes for one module; each module in `codemods/fixers/` has the shape of `Fixer`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Protocol

from codemods.callsites import Analysis
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.source import Edit

__all__ = ["Fixer", "Proposal", "Stripper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Edits, one per place, and the places that were left."""

    edits: tuple[tuple[Edit, ...], ...] = ()
    skipped: tuple[SkippedSite, ...] = ()
    whole: int | None = None
    "Number of places, where the edits of several are one and cannot be told apart."

    @property
    def places(self) -> int:
        """How many places the edits change."""
        return len(self.edits) if self.whole is None else self.whole


class Stripper(Protocol):
    """Takes a codemod's own work out of a tree again, so that the rest can be compared; `count` says how often."""

    count: int

    def visit(self, node: ast.AST) -> ast.AST:
        """Strip a tree in place."""
        ...


class Fixer(Protocol):
    """The shape of a codemod module."""

    SUMMARY: str
    NEEDS: tuple[str, ...]
    "Names it imports from the façade."
    WORDS: tuple[bytes, ...] = ()
    "Words that make a file worth parsing, beside the names of contracted methods. Left out by most."
    APART: str = ""
    "Why a plan proposes it apart, not with the others. Left out by most."
    LEGACY: bool = False
    "Looks at legacy names, not at contracted calls. Left out by most."

    def propose(self, analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
        """Look at one module. Pure."""
        ...

    def Strip(self, known: Known) -> Stripper:  # noqa: N802  # a class in the module
        """Make a stripper for one tree."""
        ...
