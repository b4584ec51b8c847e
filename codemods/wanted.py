"""What a scan looks for: the part of a host file that the codemods need, as plain data that any worker can be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.contracts import Host

__all__ = ["NameRule", "Row", "Wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contract as a call site sees it."""

    key: str
    target: str
    "`package.module:Class`, or `package.module` for a function."
    method: str
    is_async: bool
    shows: str


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

    @classmethod
    def of(cls, host: Host) -> Wanted:
        """Reduce a host declaration to what a scan needs."""
        rows = tuple(
            Row(key=c.key, target=c.target, method=c.method, is_async=c.is_async, shows=str(c.shows))
            for c in host.contracts
        )
        rules = tuple(NameRule(pattern=n.pattern, target=n.target) for n in host.naming)
        return cls(package=host.package, facade=host.facade, rows=rows, rules=rules)

    def methods(self) -> frozenset[str]:
        """Names of all contracted methods."""
        return frozenset(row.method for row in self.rows)
