"""Every place of a module from which a function of the tree may be called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.entries import registered
from codemods.flow.facts import Edge, Names, Net, Open
from codemods.flow.forms import form_of
from codemods.flow.futures import Form, future_of, uses
from codemods.flow.nets import Nets
from codemods.flow.places import holder_key, lambda_key
from codemods.flow.receivers import Callee, Receivers
from codemods.tree import name_of

__all__ = ["Edges"]

_THREADS = {"Thread": "target", "Timer": "function", "Process": "target"}
_LATER = frozenset({"add_signal_handler", "call_at", "call_later", "call_soon", "call_soon_threadsafe"})
_WAITED = {"run_in_executor": 1, "run_in_threadpool": 0, "run_sync": 0, "to_thread": 0}
_SUBMITS = frozenset({"submit"})
_BACKGROUND = frozenset({"add_task"})
_LOOKS = frozenset({
    "callable", "getattr", "hasattr", "id", "isawaitable", "iscoroutine", "iscoroutinefunction", "isinstance",
    "issubclass",
    "print", "repr", "setattr", "signature", "str", "type", "wraps", "cast",
})  # fmt: skip
_HANDS = ast.Call | ast.keyword | ast.Assign | ast.AnnAssign | ast.Return | ast.Dict | ast.List | ast.Tuple | ast.Set
_DEEP = 4
"Local names in a row that a function is followed through."


class Edges:
    """One module. `names` are those of all functions and classes of the tree."""

    def __init__(self, receivers: Receivers, nets: Nets, names: Names) -> None:
        self.receivers, self.nets, self.around = receivers, nets, receivers.around
        self.names, self.properties = names.defined, names.properties
        self.verb = nets.meanings.known.meant

    def all(self) -> Iterator[Edge | Open]:
        """Give the edges, and the calls of which nobody can tell whose they are."""
        for node in self.around.nodes:
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
                yield from self._reference(node)
            elif isinstance(node, ast.Lambda):
                yield from self._handed(node, Callee((lambda_key(node, self.around),), known=True, evidence="here"))
            elif isinstance(node, ast.With | ast.AsyncWith):
                yield from self._entered(node)
            elif isinstance(node, ast.Await) and isinstance(node.value, ast.Name):
                yield from self._awaited(node, node.value)

    def site(self, node: ast.expr, evidence: str, *, handed: bool) -> Edge:
        """Give the edge of a contracted call, whatever it is called by."""
        callee = Callee((), known=True, evidence=evidence)
        found = next(iter(self._handed(node, callee)), None) if handed else None
        return found or self._edge(node, callee, form_of(node, self.around, self.verb))

    def _call(self, node: ast.Call) -> Iterator[Edge | Open]:
        name = name_of(node.func)
        is_name = isinstance(node.func, ast.Name)
        if name not in self.names and not is_name and isinstance(node.func, ast.Attribute):
            return
        callee = self.receivers.called(node.func)
        if callee.keys:
            yield self._edge(node, callee, form_of(node, self.around, self.verb))
        elif not callee.known and name in self.names:
            words = tuple(one.arg for one in node.keywords if one.arg)
            loose = any(isinstance(one, ast.Starred) for one in node.args) or len(words) < len(node.keywords)
            yield Open(name, holder_key(node, self.around), node.lineno, len(node.args), words, loose, is_name)

    def _edge(self, node: ast.expr, callee: Callee, form: Form) -> Edge:
        direct = self.nets.around_node(node)
        given = self._parameters(form.given, node) if form.given is not None else ()
        if form.callback is not None:
            given = self.receivers.called(form.callback).keys
        return Edge(
            callees=callee.keys,
            caller=holder_key(node, self.around),
            line=node.lineno,
            form=form.name,
            nets=self._arriving(form),
            direct=direct,
            evidence=callee.evidence,
            receivers=callee.receivers,
            awaited=form.awaited,
            iterated=form.iterated,
            given=given,
            detail=form.detail,
        )

    def _arriving(self, form: Form) -> tuple[Net, ...]:
        around = self.nets.around_node(form.at)
        if form.collected:
            return (Net("gather" if form.collected > 0 else "gather?", abs(form.collected)), *around)
        return (Net("group", getattr(form.at, "lineno", 0), name="TaskGroup"), *around) if form.grouped else around

    def _reference(self, node: ast.Attribute | ast.Name) -> Iterator[Edge]:
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        _, parent = self._placed(node)
        if isinstance(parent, ast.Call) and parent.func is node:
            return
        if isinstance(node, ast.Attribute) and name in self.properties:
            callee = self.receivers.called(node)
            if callee.keys:
                yield self._edge(node, callee, Form("call", node))
            return
        if isinstance(node, ast.Name) and isinstance(parent, _HANDS) and self.receivers.is_callable_parameter(node):
            yield from self._handed(node, self.receivers.called(node))
            return
        if name not in self.names or not isinstance(parent, _HANDS) or self._decorates(node, parent):
            return
        callee = self.receivers.called(node)
        if callee.keys and not all(key.startswith("parameter|") for key in callee.keys):
            yield from self._handed(node, callee)

    @staticmethod
    def _decorates(node: ast.expr, parent: ast.AST) -> bool:
        return node in getattr(parent, "decorator_list", ()) or node is getattr(parent, "annotation", None)

    def _placed(self, node: ast.expr) -> tuple[ast.expr, ast.AST | None]:
        """Give what a reference is part of, and the whole that is put there: `f if ready else None`, `f or g`."""
        parent = self.around.parent(node)
        while isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.IfExp) and parent.test is not node):
            node, parent = parent, self.around.parent(parent)
        return node, parent

    def _handed(self, node: ast.expr, callee: Callee, deep: int = 0) -> Iterator[Edge]:  # noqa: C901  # one per place
        """Ask who calls a function that is named and not called here."""
        node, parent = self._placed(node)
        named = self._local_uses(node, parent) if deep < _DEEP else []
        for use, within in named:
            if isinstance(within, ast.Call) and within.func is use:
                yield self._edge(within, callee, form_of(within, self.around, self.verb))
            elif isinstance(within, _HANDS | ast.IfExp | ast.BoolOp):
                yield from self._handed(use, callee, deep + 1)
        if named:
            return
        holder = self.around.parent(parent) if isinstance(parent, ast.keyword | ast.Starred) else parent
        if isinstance(holder, ast.Call) and holder.func is not node:
            form = self._taken(node, holder, parent if isinstance(parent, ast.keyword) else None)
            if form is None:
                return
            if form.given is not None:
                given = self._parameters(form.given, node)
                kept = Edge(callee.keys, holder_key(node, self.around), form.given.lineno, "passed", given=given)
                yield kept if given else kept._replace(form="handed", detail=name_of(holder.func) or "a call")
            else:
                yield self._edge(node, callee, form)
        elif isinstance(holder, ast.Call):
            yield self._edge(holder, callee, form_of(holder, self.around, self.verb))
        elif (attribute := self._attribute(node, parent)) is not None:
            yield Edge(
                callee.keys, holder_key(node, self.around), node.lineno, "passed", given=attribute, detail="kept"
            )
        elif not any(key.startswith("parameter|") for key in callee.keys):
            detail = ast.unparse(parent).partition("\n")[0][:60] if parent is not None else ""
            yield Edge(callee.keys, holder_key(node, self.around), node.lineno, "handed", detail=detail)

    def _local_uses(self, node: ast.expr, parent: ast.AST | None) -> list[tuple[ast.expr, ast.AST | None]]:
        """Give the uses of a local name that a function is put into."""
        if not (isinstance(parent, ast.Assign) and parent.value is node and self.around.function(node) is not None):
            return []
        names = {one.id for one in parent.targets if isinstance(one, ast.Name)}
        return list(uses(names, node, self.around)) if len(names) == len(parent.targets) else []

    def _attribute(self, node: ast.expr, parent: ast.AST | None) -> tuple[str, ...] | None:
        """Give the attributes a function is kept in: `self.send = send`."""
        if not (isinstance(parent, ast.Assign | ast.AnnAssign) and parent.value is node):
            return None
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        found = [key for one in targets if isinstance(one, ast.Attribute) for key in self.receivers.attribute(one)]
        return tuple(found) or None

    def _taken(self, node: ast.expr, call: ast.Call, word: ast.keyword | None) -> Form | None:  # noqa: PLR0911  # one per kind
        name = name_of(call.func)
        at = call.args.index(node) if node in call.args else -1
        if kind := _registers(node, call):
            return Form("registered", call, detail=kind)
        if name in _LOOKS or name in {"add_done_callback", "add_event_handler"}:
            return None  # it looks only; a done-callback is a boundary of its own
        if name in _THREADS and ((word is not None and word.arg == _THREADS[name]) or word is None):
            return Form("thread", call)
        if _WAITED.get(name) == at:
            return form_of(call, self.around, self.verb)._replace(given=None)
        if name in _SUBMITS and at == 0:
            return future_of(call, self.around)
        if name in _LATER:
            return Form("task lost", call, detail=f"{name}: the loop logs what a callback raises")
        if name in _BACKGROUND and at == 0 and not self.receivers.called(call.func).keys:
            return Form("background", call)
        return Form("call", call, given=call)

    def _parameters(self, call: ast.Call, node: ast.expr) -> tuple[str, ...]:
        """Name the parameters of the called functions that an argument arrives in."""
        word = next((one.arg for one in call.keywords if one.value is node), None)
        at = call.args.index(node) if node in call.args else -1
        keys = [
            key for key in self.receivers.called(call.func).keys if "|" not in key
        ]  # of a parameter's nobody can tell
        return tuple(f"parameter|{key}|{word or f'#{at}'}" for key in keys)

    def _entered(self, node: ast.With | ast.AsyncWith) -> Iterator[Edge]:
        """`with` calls `__enter__` and `__exit__` of an object of the tree."""
        prefix = "__a" if isinstance(node, ast.AsyncWith) else "__"
        for item in node.items:
            keys = self.nets.meanings.managers(item.context_expr, self.receivers.scope(node))
            called = tuple(
                f"{definer}.{prefix}{end}__"
                for key in keys
                for end in ("enter", "exit")
                if (definer := self.receivers.classes.definer(key, f"{prefix}{end}__")) is not None
            )
            if called:
                form = Form("call", node, awaited=True)
                yield self._edge(item.context_expr, Callee(called, known=True, evidence="with"), form)._replace(
                    direct=self.nets.around_node(node)
                )

    def _awaited(self, node: ast.Await, name: ast.Name) -> Iterator[Edge]:
        """Give the await of a parameter: a coroutine handed in runs there."""
        callee = self.receivers.called(name)
        if callee.evidence == "parameter":
            yield self._edge(node, callee, Form("call", node, awaited=True))


def _registers(node: ast.expr, call: ast.Call) -> str:
    """Say what boundary a function becomes by being handed to a framework's call; empty for any other call."""
    name = name_of(call.func)
    if name in {"Depends", "Security"}:
        return "route dependency"
    if name == "register" and isinstance(call.func, ast.Attribute) and name_of(call.func.value) == "atexit":
        return "process"
    return next((kind for kind, given in registered(call) if given is node and kind != "done-callback"), "")
