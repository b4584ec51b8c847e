"""What an exception class takes when it is made, and what a call gives that it does not take."""

from __future__ import annotations

import ast
import builtins
import inspect
from dataclasses import dataclass

from codemods.project import FunctionNode
from shim.errors import Common, LoudFailure

__all__ = ["BUILTINS", "Shape", "complaint", "of_builtin", "of_class", "of_function"]

BUILTINS = {
    name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
}
_KEYWORDS: dict[type[BaseException], frozenset[str]] = {
    ImportError: frozenset({"name", "name_from", "path"}),
    AttributeError: frozenset({"name", "obj"}),
    NameError: frozenset({"name"}),
}
"What builtin exceptions take by keyword in Python 3.11 to 3.13; all others take none, and positions without end."
_COMMON = frozenset(Common.__annotations__)
_SPREAD = "Unpack[Common]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The parameters of one class. Plain data, so that workers can be sent it."""

    name: str
    positional: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    keywords: frozenset[str] = frozenset()
    star: bool = False
    "Takes any number of positional arguments."
    open: bool = False
    "Takes any keyword: `**name` that is not declared closer."


def of_builtin(name: str) -> Shape:
    """Give the shape of a builtin exception."""
    kind = BUILTINS[name]
    taken = next((words for base, words in _KEYWORDS.items() if issubclass(kind, base)), frozenset[str]())
    return Shape(name=name, keywords=taken, star=True)


def of_class(kind: type[LoudFailure]) -> Shape:
    """Give the shape of a loud exception, by its real signature."""
    found = inspect.signature(kind).parameters.values()
    spread = next((one for one in found if one.kind is one.VAR_KEYWORD), None)
    common = spread is not None and _SPREAD in str(spread.annotation)
    plain = [one for one in found if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = [one for one in found if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return Shape(
        name=kind.__name__,
        positional=tuple(one.name for one in plain),
        required=frozenset(one.name for one in (*plain, *named) if one.default is one.empty),
        keywords=frozenset(one.name for one in named) | (_COMMON if common else frozenset()),
        star=any(one.kind is one.VAR_POSITIONAL for one in found),
        open=spread is not None and not common,
    )


def of_function(name: str, function: FunctionNode) -> Shape:
    """Give the shape of a class of the tree by its `__init__` or `__new__`."""
    args = function.args
    plain = [one.arg for one in (*args.posonlyargs, *args.args)]
    without = plain[len(plain) - len(args.defaults) :]
    spread = args.kwarg
    common = spread is not None and spread.annotation is not None and _SPREAD in ast.unparse(spread.annotation)
    needed = [one.arg for one, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value is None]
    named = [one.arg for one in (*args.args, *args.kwonlyargs)]
    return Shape(
        name=name,
        positional=tuple(plain[1:]),
        required=frozenset([*(one for one in plain[1:] if one not in without), *needed]),
        keywords=frozenset(named[0 if args.posonlyargs else 1 :]) | (_COMMON if common else frozenset()),
        star=args.vararg is not None,
        open=spread is not None and not common,
    )


def complaint(call: ast.Call, shape: Shape) -> str:
    """Say what is wrong with a call; empty where nothing is, or where `*` and `**` hide it."""
    given = [word.arg for word in call.keywords if word.arg is not None]
    unknown = sorted({word for word in given if word not in shape.keywords}) if not shape.open else []
    if unknown:
        return f"{shape.name} takes no keyword {', '.join(unknown)}"
    starred = any(isinstance(one, ast.Starred) for one in call.args)
    if not starred and not shape.star and len(call.args) > len(shape.positional):
        return f"{shape.name} takes {len(shape.positional)} positional arguments, {len(call.args)} are given"
    filled = shape.positional[: len(call.args)]
    twice = [] if starred else sorted(set(filled) & set(given))
    if twice:
        return f"{shape.name} gets {', '.join(twice)} twice"
    spread = len(given) != len(call.keywords)
    absent = [] if starred or spread else sorted(shape.required - set(filled) - set(given))
    return f"{shape.name} needs {', '.join(absent)}" if absent else ""
