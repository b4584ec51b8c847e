"""Where a caught exception goes: whether anybody beside a log hears of it."""

from __future__ import annotations

import ast
import re

from codemods.logs import log_level, tells
from codemods.tree import Around, name_of
from codemods.values import Frame, empty_value

__all__ = ["hands_on"]

_FAILED = re.compile(
    r"abort|\bbad|degrad|den(y|ied)|error|err\b|exc_info|fail|(?<!de)fault|invalid|(?<![a-z])miss(ing|ed)?|not_?found"
    r"|offline|problem|reject|skip|unavail|unhealthy|unknown|warn|\bFalse\b|-1\b|\b[45]\d\d\b",
    re.IGNORECASE,
)
"Text by which a value or a counter says that something went wrong."
_TRACES = frozenset({"exc_info", "format_exc", "format_exception"})
_LOOKS = frozenset({"getattr", "hasattr", "isinstance", "len", "repr", "str", "type"})
_Saying = ast.Return | ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr


def hands_on(handler: ast.ExceptHandler, inner: list[ast.AST], frame: Frame, around: Around) -> bool:
    """Tell whether a clause hands the failure on: to a call, a value, an attribute, a name that is used later.

    `inner` are the nodes of its body, `frame` is the function around it. What says that something went wrong counts as
    well: `status = "failed"`, `errors += 1`, `return Result(success=False)`.
    """
    return _Flow(handler, frame, around).hands_on(inner)


def _is_log(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and bool(log_level(node))


class _Flow:
    """Where the exception of one clause goes."""

    def __init__(self, handler: ast.ExceptHandler, frame: Frame, around: Around) -> None:
        self.handler, self.frame, self.around = handler, frame, around

    def hands_on(self, inner: list[ast.AST]) -> bool:
        """Tell whether somebody beside a log hears of it."""
        names = {self.handler.name} if self.handler.name else set[str]()
        for node in inner:
            if isinstance(node, ast.Call) and not log_level(node):
                trace = name_of(node.func) in _TRACES and self._goes_on(node, names)
                if trace or tells(node):
                    return True
            elif isinstance(node, _Saying) and self._says_so(node):
                return True
        return self._used(names)

    def _used(self, names: set[str]) -> bool:
        """Follow the names the exception has: a name it is kept in is followed too."""
        loads = [n for s in self.handler.body for n in ast.walk(s) if isinstance(n, ast.Name)]
        done: set[str] = set()
        while waiting := names - done:
            done |= waiting
            if any(n.id in waiting and isinstance(n.ctx, ast.Load) and self._goes_on(n, names) for n in loads):
                return True
        kept = names - {self.handler.name}
        lines = range(self.handler.lineno, (self.handler.end_lineno or 0) + 1)
        return any(line not in lines for name in kept if name for line in self.frame.loads.get(name, ()))

    def _goes_on(self, node: ast.expr, names: set[str]) -> bool:  # noqa: PLR0911  # one way out per kind of parent
        """Follow one use upwards. A plain name it is assigned to is added to `names`."""
        for child, parent in self.around.all_upward(node):
            match parent:
                case ast.Call():
                    if log_level(parent) not in ("", "print"):
                        return False
                    if name_of(parent.func) not in _LOOKS:
                        return child is not parent.func
                case ast.Assign() | ast.AnnAssign() | ast.NamedExpr():
                    return self._assigned(parent, names)
                case ast.If() | ast.While() | ast.Assert() | ast.Expr() | ast.Match():
                    return False
                case ast.IfExp() if child is parent.test:
                    return False
                case ast.stmt() | ast.Yield() | ast.Lambda():
                    return True
                case _:
                    pass
        return False

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, names: set[str]) -> bool:
        """Tell whether it is kept where others see it: in anything but a name of the function's own."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        plain = {target.id for target in targets if isinstance(target, ast.Name)}
        names |= plain
        own = self.around.function(node) is not None and not plain & self.frame.shared
        return not own or not all(isinstance(target, ast.Name) for target in targets)

    @staticmethod
    def _says_so(node: _Saying) -> bool:
        """Tell whether what is given back, kept or called says that something went wrong: `status = "failed"`."""
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(node, ast.Expr) and (isinstance(value, ast.Constant) or _is_log(value)):
            return False
        if isinstance(node, ast.Return) and empty_value(value):
            return False
        if isinstance(node, ast.Return) and isinstance(value, ast.Constant) and type(value.value) is int:
            return value.value != 0  # an exit code
        return bool(_FAILED.search(ast.unparse(node)))
