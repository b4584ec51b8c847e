"""Baselines: the findings that were there before, in a file; only others fail an audit.

A finding is known by code, path, function and the text of its statement, not by its line. Equal ones in one function
are counted. One entry is one line, sorted, so that branches merge line by line.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from codemods.audit import Reported

__all__ = ["BaselineError", "Comparison", "Entry", "compared", "identified", "read_baseline", "rendered"]

_KIND = "audit baseline"
_ABOUT = (
    "Findings of `failloud audit` that were there before. With --baseline only findings that are not listed here fail."
    " Paths start from the folder of this file."
)
_RENEW = "failloud audit PATH --write-baseline THIS_FILE (with the --host of the audit); then commit it"
_NEXT = "next: repair it, or make it anew with --write-baseline after removing it"


class BaselineError(Exception):
    """Raised when a baseline cannot be used; the text says why and what to do."""

    def __init__(self, path: Path, reason: str, advice: str = _NEXT) -> None:
        super().__init__(path, reason, advice)
        self.path, self.reason, self.advice = path, reason, advice

    def __str__(self) -> str:
        return f"baseline {self.path}: {self.reason}; {self.advice}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One finding in a baseline."""

    path: str
    "Relative to the folder of the baseline."
    code: str
    function: str
    text: str
    "Its line, for the reader; not compared."
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Findings against a baseline."""

    known: frozenset[str]
    "Fingerprints of findings that are in the baseline."
    gone: tuple[Entry, ...]
    "Entries without a finding: repaired, or changed."
    unchecked: tuple[Entry, ...]
    "Entries of files or rules that this run did not look at."


def identified(reported: list[Reported], folder: Path, start: Path) -> list[Entry]:
    """Give each finding its entry. `folder` is what the findings' paths are relative to, `start` the baseline's."""
    prefix = Path(os.path.relpath(folder, start)).as_posix()
    seen = Counter[tuple[str, ...]]()
    found = []
    for one in reported:
        path = one.finding.path if prefix == "." else f"{prefix}/{one.finding.path}"
        key = (one.finding.code, path, one.finding.function, one.statement)
        digest = hashlib.sha256("\0".join((*key, str(seen[key]))).encode()).hexdigest()
        seen[key] += 1
        found.append(
            Entry(
                path=path,
                code=one.finding.code,
                function=one.finding.function,
                text=one.line_text,
                fingerprint=digest[:20],
            )
        )
    return found


def compared(now: list[Entry], before: tuple[Entry, ...], looked_at: Callable[[Entry], bool]) -> Comparison:
    """Compare. `looked_at` tells whether this run would have found an entry if it were still there."""
    present, listed = {one.fingerprint for one in now}, {one.fingerprint for one in before}
    absent = sorted({one for one in before if one.fingerprint not in present})
    return Comparison(
        known=frozenset(present & listed),
        gone=tuple(one for one in absent if looked_at(one)),
        unchecked=tuple(one for one in absent if not looked_at(one)),
    )


def rendered(kept: list[Entry]) -> str:
    """Give the text of a baseline file."""
    head = json.dumps({"failloud": _KIND, "schema": 1, "about": _ABOUT, "renew": _RENEW}, indent=2)
    lines = [f"    {json.dumps(asdict(one), ensure_ascii=False)}" for one in sorted(set(kept))]
    body = ",\n".join(lines)
    listed = f"[\n{body}\n  ]" if lines else "[]"
    return f'{head[:-2]},\n  "findings": {listed}\n}}\n'


def read_baseline(path: Path) -> tuple[Entry, ...]:
    """Read a baseline file. Raises BaselineError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BaselineError(path, "no such file", f"next: make it with --write-baseline {path}") from error
    except (OSError, UnicodeError) as error:
        raise BaselineError(path, f"cannot be read: {error}") from error
    try:
        data = json.loads(text)
    except ValueError as error:
        hint = (
            "it holds merge conflict marks, keep the lines of both sides" if "<<<<<<<" in text else f"no JSON: {error}"
        )
        raise BaselineError(path, hint) from error
    if not isinstance(data, dict) or data.get("failloud") != _KIND:
        raise BaselineError(path, f'it is no {_KIND} ("failloud": "{_KIND}" is missing)')
    if data.get("schema") != 1:
        raise BaselineError(path, f"schema {data.get('schema')!r} is not 1, the only one this version reads")
    rows = data.get("findings")
    if not isinstance(rows, list):
        raise BaselineError(path, '"findings" is no list')
    return tuple(_entry(path, number, row) for number, row in enumerate(rows, 1))


def _entry(path: Path, number: int, row: object) -> Entry:
    names = [one.name for one in fields(Entry)]
    if not isinstance(row, dict) or sorted(row) != sorted(names) or not all(isinstance(v, str) for v in row.values()):
        raise BaselineError(path, f"finding {number} does not have exactly {', '.join(names)}, all text")
    return Entry(**row)
