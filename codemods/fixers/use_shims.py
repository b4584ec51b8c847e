"""use-shims: redirect a legacy class to the one that has a shim: import, calls, bases, annotations.

The names are found by what they mean (`redirects`); a Bowler query changes them, under the guards of `bowlerguard`.
All places of a file are one edit: an import without its names, or the reverse, would break the module.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable
from typing import Any

from codemods.callsites import Analysis
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.proposal import Proposal
from codemods.quoted import parsed, quoted
from codemods.redirects import ImportPlace, Redirect, redirects_of
from codemods.source import Edit, Source, SourceError
from codemods.statement import alone

__all__ = ["LEGACY", "NEEDS", "SUMMARY", "Strip", "propose"]

NAME = "use-shims"
SUMMARY = "redirect a legacy class of the host file to the class that has a shim"
NEEDS: tuple[str, ...] = ()
LEGACY = True
Position = tuple[int, int]
"Line, and column in characters, as fissix counts."


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:  # noqa: ARG001  # needs nothing of the façade
    """Redirect every legacy class the module imports by name."""
    redirects, left = redirects_of(analysis)
    if not redirects:
        return Proposal(skipped=tuple(left))
    source = analysis.source
    text = source.utf8.decode()
    places = sum(each.places for each in redirects)
    edits = _edits(text, _changed(source, text, redirects, analysis.path))
    if not edits:
        raise SourceError(f"Bowler changed nothing of {places} places that name a legacy class")
    return Proposal(edits=(edits,), skipped=tuple(left), whole=places)


def _changed(source: Source, text: str, redirects: list[Redirect], name: str) -> str:
    try:
        from bowler import Query

        from codemods.bowlerguard import run_query
    except ModuleNotFoundError as error:
        raise SourceError(f"{NAME} needs {error.name}; next: pip install 'failloud[codemods]'") from error
    query = Query([])
    for each in redirects:
        _select(query, each, source)
    return run_query(query, text, name)


def _select(query: Any, redirect: Redirect, source: Source) -> None:
    old, new = redirect.old.partition(":")[2], redirect.new.partition(":")[2]
    module = redirect.new.partition(":")[0]
    taken_out = [place for place in redirect.imports if _splits(place, module)]
    stay = [place for place in redirect.imports if place not in taken_out]
    renamed = [place.alias for place in stay if place.alias.asname or not redirect.kept]
    at = {_position(source, node) for node in redirect.names}
    at |= {_position(source, alias) for alias in renamed}
    query.select_var(old).filter(_stands_in(at)).rename(new)
    kept = {_position(source, place.alias) for place in stay if not place.alias.asname and redirect.kept}
    query.select_var(old).filter(_stands_in(kept)).modify(_set_value(f"{new} as {old}"))
    strings = {_position(source, node) for node in redirect.strings}
    query.select("STRING").filter(_stands_in(strings)).modify(_rename_inside(old, new))
    for place in stay:
        if place.source != module:
            query.select("import_from< any* >").filter(_stands_in({_position(source, place.statement)}))
            query.modify(_set_module(module))
    for place in taken_out:
        query.select("import_from< any* >").filter(_stands_in({_position(source, place.statement)}))
        query.modify(_take_out(source, place, _line(redirect, place)))


def _splits(place: ImportPlace, module: str) -> bool:
    """Tell whether other names stay behind in the import."""
    return len(place.statement.names) > 1 and place.source != module


def _line(redirect: Redirect, place: ImportPlace) -> str:
    module, _, new = redirect.new.partition(":")
    old = redirect.old.partition(":")[2]
    local = place.alias.asname or (old if redirect.kept else new)
    return f"from {module} import {new}" + (f" as {local}" if local != new else "")


def _position(source: Source, node: ast.stmt | ast.expr | ast.alias) -> Position:
    return node.lineno, len(source.line(node.lineno)[: node.col_offset].decode())


def _first(node: Any) -> Position:
    leaf = next(node.leaves(), node)
    return leaf.lineno, leaf.column


def _stands_in(positions: set[Position]) -> Callable[[Any, Any, str], bool]:
    return lambda node, _capture, _filename: _first(node) in positions


def _set_value(value: str) -> Callable[[Any, Any, str], None]:
    def modify(node: Any, _capture: Any, _filename: str) -> None:
        node.value = value

    return modify


def _rename_inside(old: str, new: str) -> Callable[[Any, Any, str], None]:
    def modify(node: Any, _capture: Any, _filename: str) -> None:
        node.value = re.sub(rf"(?<![\w.]){re.escape(old)}\b", new, node.value)

    return modify


def _set_module(module: str) -> Callable[[Any, Any, str], None]:
    """Name another module in an import, however the old one was written: dotted, relative, in parts."""

    def modify(node: Any, _capture: Any, _filename: str) -> None:
        end = next(at for at, child in enumerate(node.children) if str(child).strip() == "import")
        first, *rest = node.children[1:end]
        for child in rest:
            child.remove()
        leaf = next(first.leaves())
        leaf.value, prefix = module, leaf.prefix or " "
        for other in list(first.leaves())[1:]:
            other.remove()
        leaf.prefix = prefix

    return modify


def _take_out(source: Source, place: ImportPlace, line: str) -> Callable[[Any, Any, str], None]:
    """Take one name out of an import and import it on a line of its own before."""
    statement, position = place.statement, _position(source, place.alias)
    if alone(source, statement):
        indent = source.line(statement.lineno)[: statement.col_offset].decode()
        gap = source.line_end(statement.lineno) + indent
    else:
        gap = "; "

    def modify(node: Any, _capture: Any, _filename: str) -> None:
        names = next(child for child in node.children if any(_first(one) == position for one in child.children))
        at = next(index for index, one in enumerate(names.children) if _first(one) == position)
        last = at == len(names.children) - 1
        removed = names.children[at - 1 : at + 1] if last else names.children[at : at + 2]
        if not last and at + 2 < len(names.children):
            names.children[at + 2].prefix = removed[0].prefix
        for one in list(removed):
            one.remove()
        leaf = next(node.leaves())
        leaf.value = f"{line}{gap}{leaf.value}"

    return modify


def _edits(old: str, new: str) -> tuple[Edit, ...]:
    """Give what Bowler changed as edits of whole lines: lines end at line feeds, whatever else `splitlines` cuts at."""
    before, after = (re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (old, new))
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line.encode()))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return tuple(
        Edit(start=starts[a], end=starts[b], new="".join(after[c:d]))
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )


class Strip(ast.NodeTransformer):
    """Take the imports of old and new classes out and call both by one name; `count`: how often the new is meant."""

    def __init__(self, known: Known) -> None:
        self.legacy = known.legacy
        self.count = 0

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Strip the annotations in quotes first: they are known by where they stand."""
        for text in quoted(node):
            inside = self.visit(parsed(text))
            text.value = ast.unparse(inside)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Drop our names; a statement of nothing else goes as a whole."""
        kept = []
        for alias in node.names:
            bound = self.legacy.bound.get(alias.asname or alias.name)
            self.count += bound in self.legacy.moved.values()
            if bound is None:
                kept.append(alias)
        node.names = kept
        return node if kept else None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Call the class by its new key."""
        bound = self.legacy.bound.get(node.id)
        if bound is None:
            return node
        self.count += bound in self.legacy.moved.values()
        return ast.copy_location(ast.Name(id=f"<{self.legacy.moved.get(bound, bound)}>", ctx=node.ctx), node)
