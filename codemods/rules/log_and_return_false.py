"""log-and-return-false: the failure is in a log and in an empty result, and a caller must look at the result.

Handlers: they log, at whatever level, and return False, None or something empty, in a function that elsewhere returns
more than that; they neither raise nor hand the failure on. This rule owns them whatever their level is, so
`failure-logged-low` and `swallowed-exception` leave them out.

Branches: `if ...: log; return False`, where the author's own level says it is a failure: WARNING or above. Left out:
functions whose answer False is (`is_ready`, `validate`), switches (`if not self.enabled`), and guards of a missing
collaborator, which `missing-guard` owns.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.catches import Catch, catches
from codemods.excuses import answers
from codemods.finding import Cause, Finding, finding_at
from codemods.guards import is_quiet
from codemods.logs import is_low, log_level
from codemods.missing import missing_guards
from codemods.surroundings import in_except
from codemods.values import empty_value, gives_values

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL004"
SUMMARY = "a failure that is logged and returned as False, None or an empty value"
CAUSE = Cause.RESULT_IGNORED
WORDS = (b"return",)
_SWITCH = re.compile(r"(dis|en)abled?|switched|turned_o")
"What is turned off by its owner has not failed."


def check(looked: Analysis) -> Iterator[Finding]:
    """Report handlers and branches, each once."""
    for one in catches(looked.around):
        if one.level and one.gives and not (one.heard or one.excused or _is_expected(one)):
            yield _found(one.handler, looked, one.level, one.gives)
    guards = {guard.node for guard in missing_guards(looked)}
    for node in looked.around.of_kind(ast.If):
        if node in guards:
            continue
        for block in (node.body, node.orelse):
            if (told := _says_failure(block)) and _is_failure(node, looked):
                yield _found(block[-1], looked, *told)


def _is_expected(one: Catch) -> bool:
    """Tell whether it is a lookup that misses, logged low; whoever logs it at ERROR says that it is a failure."""
    return one.expected and one.low


def _found(node: ast.stmt | ast.excepthandler, looked: Analysis, level: str, value: str) -> Finding:
    said = "printed" if level == "print" else f"logged at {level.upper()}"
    message = f"failure is {said} and returned as {value}: whoever does not look at the result never hears of it"
    return finding_at(node, looked, code=CODE, message=message)


def _says_failure(block: list[ast.stmt]) -> tuple[str, str] | None:
    """Give level and value of a branch that logs a failure, returns an empty value, and does nothing else."""
    if not block or not isinstance(last := block[-1], ast.Return) or not (value := empty_value(last.value)):
        return None
    calls = [node.value for node in block if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    levels = [level for call in calls if (level := log_level(call))]
    loud = [level for level in levels if level == "warning" or not is_low(level)]
    return (loud[-1], value) if loud and len(levels) == len(calls) and is_quiet(block) else None


def _is_failure(node: ast.If, looked: Analysis) -> bool:
    function = looked.around.function(node)
    if function is None or in_except(node, looked.around) or answers(function.name):
        return False
    return gives_values(function) and not _SWITCH.search(ast.unparse(node.test).lower())
