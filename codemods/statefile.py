"""The state file: what makes each function loud, by module and function; committed beside the code.

One function is one line, sorted, so that branches merge line by line. Nothing in it depends on line numbers or on the
folder it lies in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

__all__ = ["DEFAULT", "Recorded", "StateError", "read_state", "rendered", "sum_of"]

DEFAULT = "failloud.loud.json"
_KIND = "loud state"
_ABOUT = (
    "What makes each function loud: verbs, clauses and marks, counted. `failloud check` reports what becomes silent"
    " again. Commit it; after a merge conflict keep the lines of both sides, or renew it."
)
_RENEW = "failloud check PATH --write-state (with the --host of the check); then commit it"
_NEXT = "next: repair it, or remove it and make it anew with --write-state"


class StateError(Exception):
    """Raised when a state file cannot be used; the text says why and what to do."""

    def __init__(self, path: Path, reason: str, advice: str = _NEXT) -> None:
        super().__init__(path, reason, advice)
        self.path, self.reason, self.advice = path, reason, advice

    def __str__(self) -> str:
        return f"state {self.path}: {self.reason}; {self.advice}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One function of a migrated module."""

    module: str
    function: str
    marks: Mapping[str, int] = field(default_factory=dict)
    "`delivered bridge.notify_x`, `missing bridge.notify_x`, `own ...`, `reraise`, `catch`, `escalate`, `spawn`, ..."
    calls: Mapping[str, int] = field(default_factory=dict)
    "Calls that are, or may be, contracted: by method name."
    silent: int = 0
    "Those of them that a codemod would still change."
    swallowed: int = 0
    "Those in a handler that would swallow a loud failure."
    open: int = 0
    "Handlers that would swallow one."
    tasks: int = 0
    "Tasks that are made without `spawn`."
    builtins: int = 0
    "Raises of builtin exceptions."

    @property
    def key(self) -> tuple[str, str]:
        """What a function is known by."""
        return self.module, self.function


def sum_of(one: Recorded, other: Recorded) -> Recorded:
    """Add up two functions of one name: a property and its setter, or the two branches of an `if`."""
    numbers = {name: getattr(one, name) + getattr(other, name) for name in _NUMBERS}
    return Recorded(
        module=one.module,
        function=one.function,
        marks=_added(one.marks, other.marks),
        calls=_added(one.calls, other.calls),
        **numbers,
    )


_NUMBERS = ("silent", "swallowed", "open", "tasks", "builtins")


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def rendered(rows: list[Recorded]) -> str:
    """Give the text of a state file."""
    head = json.dumps({"failloud": _KIND, "schema": 1, "about": _ABOUT, "renew": _RENEW}, indent=2)
    lines = [f"    {json.dumps(_plain(one), ensure_ascii=False)}" for one in sorted(rows, key=lambda one: one.key)]
    body = ",\n".join(lines)
    listed = f"[\n{body}\n  ]" if lines else "[]"
    return f'{head[:-2]},\n  "functions": {listed}\n}}\n'


def _plain(one: Recorded) -> dict[str, object]:
    """Give a row without what is zero or empty."""
    return {name: value for name, value in asdict(one).items() if value}


def read_state(path: Path) -> dict[tuple[str, str], Recorded]:
    """Read a state file. Raises StateError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StateError(path, "no such file", "next: make it with --write-state") from error
    except (OSError, UnicodeError) as error:
        raise StateError(path, f"cannot be read: {error}") from error
    try:
        data = json.loads(text)
    except ValueError as error:
        marks = "it holds merge conflict marks, keep the lines of both sides"
        raise StateError(path, marks if "<<<<<<<" in text else f"no JSON: {error}") from error
    if not isinstance(data, dict) or data.get("failloud") != _KIND:
        raise StateError(path, f'it is no {_KIND} ("failloud": "{_KIND}" is missing)')
    if data.get("schema") != 1:
        raise StateError(path, f"schema {data.get('schema')!r} is not 1, the only one this version reads")
    rows = data.get("functions")
    if not isinstance(rows, list):
        raise StateError(path, '"functions" is no list')
    found: dict[tuple[str, str], Recorded] = {}
    for number, row in enumerate(rows, 1):
        one = _recorded(path, number, row)
        if one.key in found and found[one.key] != one:
            raise StateError(path, f"function {number}, {one.module} {one.function}, is listed twice, differently")
        found[one.key] = one
    return found


def _recorded(path: Path, number: int, row: object) -> Recorded:
    known = {one.name for one in fields(Recorded)}
    if not isinstance(row, dict) or not {"module", "function"} <= set(row) or not set(row) <= known:
        raise StateError(
            path, f"function {number} is no object with module, function, and of {', '.join(sorted(known))}"
        )
    for name, value in row.items():
        if name in ("module", "function"):
            fits = isinstance(value, str)
        elif name in ("marks", "calls"):
            fits = isinstance(value, dict) and all(_count(one) for one in value.values())
        else:
            fits = _count(value)
        if not fits:
            raise StateError(path, f"function {number}: {name} cannot be {value!r}")
    return Recorded(**row)


def _count(value: object) -> bool:
    return type(value) is int and value >= 0
