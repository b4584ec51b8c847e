"""unread-callback: a contracted method is handed over as a callback, and whoever calls it drops what it returns.

A finding needs somebody known to drop it: an event loop (`call_soon`, `add_done_callback`), a registration
(`subscribe`, `on_close=`, a list of listeners), a thread or timer, or a function of the same module or class that calls
its parameter as a statement of its own. A forwarder that returns the result is none. A lambda around
the call counts as the method.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.classes import dotted, first_argument
from codemods.finding import Cause, Finding, finding_at
from codemods.project import FunctionNode
from codemods.scope import own_nodes
from codemods.site import Site
from codemods.tree import name_of

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL010"
SUMMARY = "a contracted method handed over as a callback whose result nobody reads"
CAUSE = Cause.RESULT_IGNORED
WORDS: tuple[bytes, ...] = ()
_DROPS = re.compile(
    r"^(add_(\w+_)?(callback|handler|hook|job|listener|observer|reader|task|writer)|(append|insert)_callback|call_(at|later"
    r"|soon|soon_threadsafe)|(add|set|register)_\w*(callback|handler|hook|listener)|on|on_\w+|once|register|subscribe"
    r"|signal|Thread|Timer)$"
)
_SYNC = re.compile(
    r"^(add_done_callback|add_reader|add_writer|call_(at|later|soon|soon_threadsafe)|signal|Thread|Timer)$"
)
"These call and never await: a coroutine method does not even start."
_HOLDS = re.compile(r"(^|_)(callbacks?|handlers?|hooks?|listeners?|observers?|subscribers?|targets?)$|^on_\w+$")
"In the name of what keeps a callback: a keyword, an attribute, a list."


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each reference once."""
    for site in looked.sites:
        if not site.verdict.rows or (handed := _handed(site, looked)) is None:
            continue
        if taker := _dropper(handed, looked):
            key = site.verdict.rows[0].key
            never = site.verdict.rows[0].is_async and _SYNC.search(taker)
            effect = "the coroutine is never awaited" if never else "nobody reads its result"
            message = f"{key} is handed to {taker} as a callback: {effect}"
            yield finding_at(site.call, looked, code=CODE, message=message, evidence=site.row.evidence, contract=key)


def _handed(site: Site, looked: Analysis) -> ast.expr | None:
    """Give the expression that is handed over: the reference, a `partial` of it, or the lambda that makes the call."""
    node: ast.expr = site.call
    parent = looked.around.parent(site.usage.value)
    if isinstance(parent, ast.Lambda):
        node = parent
    elif site.row.kind != "callback_reference":
        return None
    outer = looked.around.parent(node)
    if isinstance(outer, ast.Call) and name_of(outer.func) == "partial":
        return outer
    return node


def _dropper(node: ast.expr, looked: Analysis) -> str:
    """Name whoever is known to drop the result; empty where nobody is."""
    parent = looked.around.parent(node)
    match parent:
        case ast.keyword(arg=str(word)):
            call = looked.around.parent(parent)
            return word if _HOLDS.search(word) else _taker(word, call, looked)
        case ast.Call() if node in parent.args:
            holder = name_of(parent.func.value) if isinstance(parent.func, ast.Attribute) else ""
            if name_of(parent.func) in ("add", "append", "insert") and _HOLDS.search(holder):
                return holder
            return _taker(parent.args.index(node), parent, looked)
        case ast.Assign(targets=[ast.Attribute(attr=name) | ast.Name(id=name)]) if _HOLDS.search(name):
            return name
        case ast.List() | ast.Tuple() | ast.Dict():
            return _dropper(parent, looked)
        case _:
            return ""


def _taker(at: int | str, call: ast.AST | None, looked: Analysis) -> str:
    if not isinstance(call, ast.Call):
        return ""
    name = name_of(call.func)
    if _DROPS.search(name):
        return name
    function, bound = _defined(call.func, looked)
    if function is None:
        return ""
    arguments = [one.arg for one in [*function.args.posonlyargs, *function.args.args]][1 if bound else 0 :]
    parameter = (arguments[at] if at < len(arguments) else "") if isinstance(at, int) else at
    return name if parameter and _drops(function, parameter) else ""


def _defined(func: ast.expr, looked: Analysis) -> tuple[FunctionNode | None, bool]:
    """Find a function of the same module, or a method of the same class."""
    if isinstance(func, ast.Name):
        return looked.around.module.functions.get(func.id), False
    scope = looked.around.scope(func)
    parts = dotted(func)
    if len(parts) != 2 or scope.class_key is None or scope.method is None or parts[0] != first_argument(scope.method):
        return None, True
    owner = looked.classes.definer(scope.class_key, parts[1])
    return (looked.classes.known(owner).methods.get(parts[1]) if owner else None), True


def _drops(function: FunctionNode, parameter: str) -> bool:
    """Tell whether a function calls its parameter as a statement, and uses it in no other way."""
    used = [n for n in own_nodes(function) if isinstance(n, ast.Name) and n.id == parameter]
    dropped = 0
    for node in own_nodes(function):
        if isinstance(node, ast.Expr):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            dropped += isinstance(value, ast.Call) and value.func in used
    return bool(used) and dropped == len(used)
