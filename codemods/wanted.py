"""What a scan looks for: the part of a host file that the codemods need, as plain data that any worker can be sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.errors import LoudFailure

if TYPE_CHECKING:
    from shim.contracts import Contract, Host

__all__ = ["NameRule", "Row", "Wanted"]

_ENDS = re.compile(r"(^|_)(completed|done|ended|finished)$")
"Events that are sent once work is done, beside those the host file calls terminal."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contract as a call site sees it."""

    key: str
    target: str
    "`package.module:Class`, or `package.module` for a function."
    method: str
    is_async: bool
    shows: str
    run_at: int = -1
    "Position of the argument that names the run, `self` not counted; -1 where no argument does."
    work: str = "none"
    "Where the work stands when the failure is known, as in `shim.contracts.Work`."
    ends: bool = False
    "The event says that work is finished: its result is there when it is sent."
    error: tuple[str, ...] = ()
    "Names of the exception that is raised and of the classes above it, nearest first."


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """A naming rule of the host file: `pattern` searched in the receiver's lower-case text."""

    pattern: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All rows and rules of one host. Host files may define classes that cannot be pickled; this can."""

    package: str
    facade: str
    rows: tuple[Row, ...]
    rules: tuple[NameRule, ...]
    legacy: tuple[tuple[str, str], ...] = ()
    "(old, new) of the legacy names, `package.module:Name` each."
    errors: tuple[tuple[str, str], ...] = ()
    "(module, name) of the host's own exceptions: what its file declares and `shim.errors` does not have."

    @classmethod
    def of(cls, host: Host) -> Wanted:
        """Reduce a host declaration to what a scan needs."""
        identity = {declared.target: declared.identity for declared in host.classes}
        rows = tuple(
            Row(
                key=c.key,
                target=c.target,
                method=c.method,
                is_async=c.is_async,
                shows=str(c.shows),
                run_at=_run_at(c, identity.get(c.target, {}).get("run_id", "")),
                work=str(c.work),
                ends=c.event_type in host.terminal or bool(_ENDS.search(c.event_type)),
                error=tuple(f"{kind.__module__}:{kind.__name__}" for kind in c.error.__mro__ if kind is not object),
            )
            for c in host.contracts
        )
        rules = tuple(NameRule(pattern=n.pattern, target=n.target) for n in host.naming)
        own = sorted((e.__module__, e.__name__) for e in host.errors() if e.__module__ != LoudFailure.__module__)
        legacy = tuple((each.old, each.new) for each in host.legacy)
        return cls(package=host.package, facade=host.facade, rows=rows, rules=rules, legacy=legacy, errors=tuple(own))

    @classmethod
    def none(cls) -> Wanted:
        """Give what a scan looks for without a host file: our own names only."""
        return cls(package="", facade="shim", rows=(), rules=())

    def keys(self) -> frozenset[str]:
        """Contracted methods and functions as `module:Class.method` and `module:function`."""
        return frozenset(f"{row.target}{'.' if ':' in row.target else ':'}{row.method}" for row in self.rows)

    def methods(self) -> frozenset[str]:
        """Names of all contracted methods."""
        return frozenset(row.method for row in self.rows)


def _run_at(row: Contract, paths: str) -> int:
    """Find the argument that is the run id itself, by the place it has in the signature."""
    names = [part.partition("=")[0].strip() for part in row.signature.strip("()").split(",")]
    positional = names[: names.index("*")] if "*" in names else names
    given = [name for name in positional if name not in ("self", "/")]
    return next((given.index(path) for path in paths.split("|") if path == "run_id" and path in given), -1)
