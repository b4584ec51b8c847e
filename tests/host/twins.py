"""The functions that a codemod changed: before, after, and which of their statements are new."""

from __future__ import annotations

import ast
import difflib
import itertools
from dataclasses import dataclass, field

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Twin:
    """One function, before and after."""

    name: str
    before: ast.AST
    after: ast.AST
    lines: frozenset
    "Lines of the new text that hold a new statement of this function."
    loud_only: frozenset
    "Those of them that only a loud failure reaches: with every flag off there is none."
    executed: set = field(default_factory=set)
    runs: int = 0
    differences: list = field(default_factory=list)

    @property
    def reachable(self):
        return self.lines - self.loud_only

    @property
    def done(self):
        return self.reachable & self.executed

    @property
    def only_decorated(self):
        return self.lines <= {one.lineno for one in self.after.decorator_list}

    def why(self, line):
        """Say why a line was not executed."""
        for node in ast.walk(self.after):
            for _, block in ast.iter_fields(node):
                if isinstance(block, list) and all(isinstance(each, ast.stmt) for each in block):
                    ends = next((one.end_lineno for one in block if leaves(one)), None)
                    if ends is not None and ends < line <= block[-1].end_lineno:
                        return "stands behind a return or raise"
        return f"not reached by {self.runs} scripts"

    @property
    def missed(self):
        return sorted(self.reachable - self.executed)


def leaves(node):
    """Tell a statement behind which nothing runs, where that can be read off it."""
    match node:
        case ast.Return() | ast.Raise():
            return True
        case ast.Try(body=body, handlers=handlers, orelse=orelse):
            ways = [orelse or body, *(one.body for one in handlers)]
            return all(any(map(leaves, way)) for way in ways)
        case ast.If(body=body, orelse=orelse):
            return any(map(leaves, body)) and any(map(leaves, orelse))
    return False


def first_difference(one, other):
    """Show where two tellings part."""
    for n, (old, new) in enumerate(itertools.zip_longest(one, other)):
        if old != new:
            return f"step {n}: before {old!r}, after {new!r}"
    return ""


def generates(function):
    """Tell a generator."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def _own(function):
    inner = {id(each) for child in ast.walk(function) if child is not function and isinstance(child, FUNCTIONS)
             for each in ast.walk(child)}  # fmt: skip
    return [one for one in ast.walk(function) if id(one) not in inner]


def functions_of(tree):
    """Give each function of a module by its path and number among those of the same path, with what it stands in."""
    found = {}

    def look(node, path):
        for child in ast.iter_child_nodes(node):
            inner = path
            if isinstance(child, FUNCTIONS | ast.ClassDef):
                inner = f"{path}.{child.name}".lstrip(".")
                if isinstance(child, FUNCTIONS):
                    n = sum(1 for name, _ in found if name == inner)
                    found[inner, n] = child
            look(child, inner)

    look(tree, "")
    return found


def twins_of(before, after, verbs):
    """Give the innermost functions that differ. `verbs`: local names of the façade in the new text, by meaning."""
    old, new = functions_of(ast.parse(before)), functions_of(ast.parse(after))
    assert list(old) == list(new), "a codemod made or removed a function"
    fresh = new_lines(before, after)
    loud = {local for local, meant in verbs.items() if meant not in VERBS}
    for key, node in new.items():
        own = _own(node)
        lines = {one.lineno for one in own if isinstance(one, ast.stmt | ast.ExceptHandler)} & fresh
        lines |= {one.lineno for one in node.decorator_list} & fresh
        if not lines:
            continue
        behind = {
            line.lineno for one in own
            if isinstance(one, ast.ExceptHandler) and isinstance(one.type, ast.Name) and one.type.id in loud
            for line in one.body
        }  # fmt: skip
        yield Twin(key[0], old[key], node, frozenset(lines), frozenset(lines & behind))


VERBS = frozenset({"boundary", "delivered", "escalate", "handled", "missing", "spawn"})


def new_lines(before, after):
    """Number the lines of the new text that are not in the old one; a line that was only moved in is."""
    texts = [[line.strip() for line in each.decode().splitlines()] for each in (before, after)]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    return {n + 1 for op, _, _, lo, hi in matcher.get_opcodes() if op != "equal" for n in range(lo, hi)}


def facade_names(after, facade):
    """Give what the new text calls each name of the façade."""
    nodes = [one for one in ast.walk(ast.parse(after)) if isinstance(one, ast.ImportFrom) and one.module == facade]
    return {alias.asname or alias.name: alias.name for node in nodes for alias in node.names}
