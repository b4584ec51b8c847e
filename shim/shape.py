"""Build a wrapper that has the very parameters of the function it wraps, from a template.

`*args, **kwargs` cost a call more than all the rest of a wrapper does: packing and unpacking takes 300 ns where handing
on named parameters takes 60. So the wrapper's source is written for the host's signature and compiled, as dataclasses
do for `__init__`. Its code lies in a file that does not exist, with a name `logging` and `warnings` take for the import
system's own: a host line with `stacklevel=2` names the caller, as it does without us.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

__all__ = ["MARK", "shaped"]

MARK = "_fl_wrapper"
"A name that the globals of every wrapper have."

_PREFIX = "_fl_"
"What every name in a template begins with, so that it can be no parameter of the host's."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameters:
    """One function's parameters as pieces of source."""

    declared: str
    passed: str
    "What hands them on, the instance included."
    others: str
    "The same without the instance."
    rest: str
    "The positional ones behind the instance, as a tuple."
    named: str
    "The keyword-only ones, as a dict."
    first: str


def shaped(
    host: Callable[..., Any], template: str, names: Mapping[str, object], label: str, *, is_method: bool = True
) -> Callable[..., Any]:
    """Compile `template`, the body of a function, under the parameters of `host`.

    In it `$call` calls the host (and awaits it where it is async), `$self` is the instance, `$args` and `$kwargs` the
    other arguments, `$passed` the same as a call takes them; `names` are its globals. A function has no instance: None.
    `label` says in tracebacks which wrapper it is.
    """
    is_async = inspect.iscoroutinefunction(host)
    known = _parameters(host.__code__, is_method=is_method) if isinstance(host, FunctionType) else _ANY
    body = template.replace("$call", f"{'await ' if is_async else ''}_fl_host({known.passed})")
    body = body.replace("$self", known.first).replace("$args", known.rest).replace("$kwargs", known.named)
    body = body.replace("$passed", known.others)
    source = f"{'async ' if is_async else ''}def _fl_made({known.declared}):\n{textwrap.indent(body, '    ')}"
    filename = f"<failloud wrapper of {label} (importlib._bootstrap: log lines look past it)>"
    namespace = {
        "__name__": getattr(host, "__module__", __name__), MARK: True, "_fl_host": host,
        **{f"{_PREFIX}{name}": value for name, value in names.items()},
    }  # fmt: skip
    exec(_compiled(source, filename), namespace)  # noqa: S102  # our own template; names from a code object
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    made: Any = namespace["_fl_made"]
    if isinstance(host, FunctionType):
        made.__code__ = made.__code__.replace(co_name=host.__code__.co_name, co_qualname=host.__code__.co_qualname)
        made.__defaults__, made.__kwdefaults__ = host.__defaults__, host.__kwdefaults__
    return functools.wraps(host)(made)


@functools.lru_cache(maxsize=1024)  # the same methods are wrapped again at each install
def _compiled(source: str, filename: str) -> CodeType:
    return compile(source, filename, "exec")


_ANY = _Parameters(
    declared="_fl_self, *_fl_args, **_fl_kwargs",
    passed="_fl_self, *_fl_args, **_fl_kwargs",
    others="*_fl_args, **_fl_kwargs",
    rest="_fl_args",
    named="_fl_kwargs",
    first="_fl_self",
)


def _parameters(code: CodeType, *, is_method: bool) -> _Parameters:
    """Read them off the code: a signature may be somebody's fiction."""
    count, only = code.co_argcount, code.co_kwonlyargcount
    if is_method and not count:
        return _ANY
    plain, keywords = code.co_varnames[:count], code.co_varnames[count : count + only]
    others = iter(code.co_varnames[count + only :])
    star = f"*{next(others)}" if code.co_flags & inspect.CO_VARARGS else ""
    stars = f"**{next(others)}" if code.co_flags & inspect.CO_VARKEYWORDS else ""
    declared = [*plain[: code.co_posonlyargcount], *(["/"] if code.co_posonlyargcount else [])]
    declared += [*plain[code.co_posonlyargcount :], star or ("*" if keywords else ""), *keywords, stars]
    passed = [*plain, star, *(f"{name}={name}" for name in keywords), stars]
    named = [*(f"{name!r}: {name}" for name in keywords), stars]
    return _Parameters(
        declared=_joined(declared),
        passed=_joined(passed),
        others=_joined(passed[is_method:]),
        rest=f"({''.join(f'{part}, ' for part in (*plain[is_method:], star) if part)})",
        named=f"{{{_joined(named)}}}" if any(named) else "_fl_nothing",
        first=plain[0] if is_method else "None",
    )


def _joined(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)
