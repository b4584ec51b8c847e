"""raise-caught-by-own-method: a raise whose own `try` catches it and lets nobody know: loud code made silent.

Found in the wild: a fix raised a loud exception inside a method whose own broad handler logged and returned False. And
its twin: a builtin exception called with keywords it does not take, which is a TypeError when it runs.

A finding needs a handler that neither raises nor hands the exception on. A clause that names the raised class itself
is a jump its author chose: a finding only where it does nothing but log below ERROR, or return an empty value. The
place is the raise; the handler may have a finding of its own, under the codes of `swallowed-exception` and its
neighbours, for all it swallows beside.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.catches import Catch, catches
from codemods.classes import dotted
from codemods.finding import Cause, Finding, finding_at
from codemods.guards import is_quiet
from codemods.raised import builtin_exception, catcher

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL007"
SUMMARY = "a raise that the method's own handler swallows, or that raises a TypeError instead"
CAUSE = Cause.EXCEPTION_SWALLOWED
WORDS = (b"Error", b"Exception", b"raise")
_KEYWORDS: dict[type[BaseException], frozenset[str]] = {
    ImportError: frozenset({"name", "name_from", "path"}),
    AttributeError: frozenset({"name", "obj"}),
    NameError: frozenset({"name"}),
}
"What builtin exceptions take by keyword, as Python 3.11 to 3.13 have it: all others take none."


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each raise once; wrong keywords come first."""
    wrong = {call: words for call in looked.around.of_kind(ast.Call) if (words := _wrong_keywords(call, looked))}
    for call, words in wrong.items():
        message = f"{ast.unparse(call.func)} takes no keyword {words}: a TypeError is raised instead"
        yield finding_at(call, looked, code=CODE, message=message)
    by_handler = {one.handler: one for one in catches(looked.around)}
    for node in looked.around.of_kind(ast.Raise):
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if node.exc in wrong or kind is None or not _is_class(kind):
            continue
        caught = _caught(node, looked, by_handler)
        if caught is not None:
            name = ast.unparse(kind)
            message = f"{name} never leaves: the handler at line {caught.handler.lineno} swallows it"
            yield finding_at(node, looked, code=CODE, message=message)


def _wrong_keywords(call: ast.Call, looked: Analysis) -> str:
    if not call.keywords or not isinstance(call.func, ast.Name):
        return ""
    found = builtin_exception(call.func.id)
    module = looked.around.module
    if found is None or module.stars or looked.classes.meaning(module, call.func) is not None:
        return ""
    taken = next((words for kind, words in _KEYWORDS.items() if issubclass(found, kind)), frozenset[str]())
    return ", ".join(word.arg for word in call.keywords if word.arg and word.arg not in taken)


def _is_class(node: ast.expr) -> bool:
    """Tell by its name whether a class is raised here, or a call of one; not what was caught or kept before."""
    parts = dotted(node)
    return bool(parts) and parts[-1].lstrip("_")[:1].isupper()


def _caught(node: ast.Raise, looked: Analysis, by_handler: dict[ast.ExceptHandler, Catch]) -> Catch | None:
    """Follow a raise outwards: give the clause where it ends, if that is silent."""
    if node.exc is None:
        return None
    for child, parent in looked.around.upward(node):
        if isinstance(parent, ast.Try) and child in parent.body and parent.handlers:
            handler = catcher(node.exc, parent, looked.around, looked.classes)
            if handler is None and _may_catch(parent):
                return None
            if handler is not None:
                one = by_handler[handler]
                return one if _is_silent(one, node.exc) else None
    return None


def _may_catch(node: ast.Try) -> bool:
    """Whether a clause may catch it was left open: careful, unless all clauses are builtins by name."""
    names = [one for h in node.handlers for one in (h.type.elts if isinstance(h.type, ast.Tuple) else [h.type])]
    return not all(isinstance(one, ast.Name) and builtin_exception(one.id) for one in names)


def _is_silent(one: Catch, raised: ast.expr) -> bool:
    if one.heard or one.excused:
        return False
    wanted = one.handler.type
    parts = [] if wanted is None else wanted.elts if isinstance(wanted, ast.Tuple) else [wanted]
    kind = raised.func if isinstance(raised, ast.Call) else raised
    if any(dotted(part) == dotted(kind) for part in parts) and not one.broad:
        return bool(one.low or (one.gives and not one.level)) and is_quiet(one.handler.body)
    return True
