"""Every `except` clause of a module and what it does with the failure: one pass that several rules share."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from codemods.excuses import is_excused
from codemods.handed import hands_on
from codemods.handlers import TryNode, is_broad
from codemods.logs import LOW, log_level
from codemods.scope import nodes_in
from codemods.tree import Around, name_of
from codemods.values import empty_value, frame_of

__all__ = ["Catch", "catches"]

_EXPECTED = frozenset({
    "ArithmeticError", "AttributeError", "BlockingIOError", "CancelledError", "EOFError", "FileExistsError",
    "FileNotFoundError", "GeneratorExit", "ImportError", "IndexError", "InterruptedError", "IsADirectoryError",
    "KeyError", "KeyboardInterrupt", "LookupError", "ModuleNotFoundError", "NotADirectoryError", "NotImplementedError",
    "ProcessLookupError", "StopAsyncIteration", "StopIteration", "SystemExit", "TypeError",
    "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError", "ZeroDivisionError",
})  # fmt: skip
_EXPECTED_WORDS = re.compile(
    r"Absent|Cancel|Closed|Decode|Disconnect|DoesNotExist|Empty|Exists|Exit|Full|Interrupt|Invalid|Missing|NotFound"
    r"|Parse|Skip|Stop|Syntax|Validation|Value"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """One `except` clause. Nothing in nested functions counts: they do not run with it."""

    node: TryNode
    handler: ast.ExceptHandler
    broad: bool
    expected: bool
    "All it names is expected: a miss, bad input, a peer that left, cancellation, a timeout in a loop that waits again."
    level: str
    "Loudest level it logs at, empty where it logs nothing."
    gives: str
    "Text of the empty value it returns (`False`, `None`, `[]`) where the function also returns values; else empty."
    heard: bool
    "It raises, on some path, or hands the failure on: to a call, a value, an attribute, a name used later."
    excused: bool
    "See `excuses`: clean-up, one of several attempts, a question answered by False, another way for the same input."

    @property
    def low(self) -> bool:
        """It logs, and only below ERROR."""
        return self.level in LOW


@lru_cache(maxsize=2)
def catches(around: Around) -> tuple[Catch, ...]:
    """Give the `except` clauses of a module, in the order of the text. Kept for the module that is being audited."""
    tries: list[TryNode] = [*around.of_kind(ast.Try), *around.of_kind(ast.TryStar)]
    found = [_catch(node, handler, around) for node in tries for handler in node.handlers]
    return tuple(sorted(found, key=lambda one: (one.handler.lineno, one.handler.col_offset)))


def _catch(node: TryNode, handler: ast.ExceptHandler, around: Around) -> Catch:
    inner = list(nodes_in(handler.body))
    frame = frame_of(around.function(node) or around.module.tree)
    levels = [level for n in inner if isinstance(n, ast.Call) and (level := log_level(n))]
    returned = [text for n in inner if isinstance(n, ast.Return) and (text := empty_value(n.value))]
    gives = returned[0] if returned and frame.values else ""
    return Catch(
        node=node,
        handler=handler,
        broad=is_broad(handler.type),
        expected=_is_expected(handler, _in_loop(node, around)),
        level=max(levels, key=_loudness, default=""),
        gives=gives,
        heard=any(isinstance(n, ast.Raise) for n in inner) or hands_on(handler, inner, frame, around),
        excused=is_excused(node, handler, frame, around),
    )


def _is_expected(handler: ast.ExceptHandler, in_loop: bool) -> bool:  # noqa: FBT001  # one fact of the clause
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    names = [name_of(part) for part in parts]
    polls = {"TimeoutError"} if in_loop else frozenset[str]()
    return bool(names) and all(name in _EXPECTED | polls or _EXPECTED_WORDS.search(name) for name in names)


def _in_loop(node: TryNode, around: Around) -> bool:
    return any(isinstance(parent, ast.For | ast.AsyncFor | ast.While) for _, parent in around.upward(node))


def _loudness(level: str) -> int:
    return LOW.index(level) if level in LOW else len(LOW)
