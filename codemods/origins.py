"""Where a value without a type comes from: calls of a module's own function, what is put into an application's state.

Both are read off the text. A caller outside the module may pass something else, so what is found here is evidence of
its own kind, and a union with another class stays one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemods.classes import dotted, first_argument
from codemods.layout import walk
from codemods.project import FunctionNode, Project, all_statements
from codemods.scope import Scope
from codemods.tree import around_of

__all__ = ["Origin", "Origins"]

Origin = tuple[ast.expr, Scope]
"An expression, and the scope it stands in."
_STATE = re.compile(rb"\bstate\.(\w+)\s*(?::[^=\n]+)?=[^=]")
"Starlette's `app.state` and `request.state`: attributes made by assignment, which no class declares."


class Origins:
    """Questions about one project; what was read once is kept."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._states: dict[str, list[str]] | None = None

    def arguments(self, function: FunctionNode, name: str, scope: Scope) -> Iterator[Origin]:
        """Give what calls in the same module pass for a parameter of a function or method."""
        module, is_method = scope.module, function is scope.method
        if not is_method and module.functions.get(function.name) is not function:
            return  # defined inside another function: it may be handed anywhere
        around = around_of(module)
        own = first_argument(function) if is_method else ""
        for call in around.calls(function.name):
            inside = around.scope(call)
            if not _is_call_of(call, inside, scope, is_method=is_method):
                continue
            value = _passed(call, function, name, bound=bool(own))
            if value is not None:
                yield value, inside

    def state(self, name: str) -> Iterator[Origin]:
        """Give what modules of the tree assign to `state.name`."""
        for module_name in self._state_modules().get(name, ()):
            module = self.project.module(module_name)
            if module is None:
                continue
            for node in all_statements(module.tree):
                if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    if any(dotted(target)[-2:] == ["state", name] for target in targets):
                        yield node.value, around_of(module).scope(node)

    def _state_modules(self) -> dict[str, list[str]]:
        if self._states is None:
            self._states = {}
            for path in walk(self.project.layout.root).files:
                try:
                    raw = path.read_bytes()
                except OSError:
                    continue  # the scan reports the file
                names = {found.decode() for found in _STATE.findall(raw)} if b"state." in raw else ()
                for name in names:
                    self._states.setdefault(name, []).append(self.project.layout.module_of(path))
        return self._states


def _is_call_of(call: ast.Call, inside: Scope, scope: Scope, *, is_method: bool) -> bool:
    if not is_method:
        return isinstance(call.func, ast.Name)
    parts = dotted(call.func)
    own = first_argument(inside.method) if inside.method is not None else ""
    return len(parts) == 2 and parts[0] == own != "" and inside.class_key == scope.class_key


def _passed(call: ast.Call, function: FunctionNode, name: str, *, bound: bool) -> ast.expr | None:
    """Give the argument that arrives in a parameter; None where a star may hide it or the default stands."""
    named = next((word.value for word in call.keywords if word.arg == name), None)
    positional = [one.arg for one in (*function.args.posonlyargs, *function.args.args)][bound:]
    if named is not None or name not in positional:
        return named
    at = positional.index(name)
    before = call.args[: at + 1]
    if len(before) <= at or any(isinstance(one, ast.Starred) for one in before):
        return None
    return before[at]
