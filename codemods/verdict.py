"""Is this receiver a contracted class? The verdict, the class, the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codemods.found import Found
from codemods.infer import Inferrer
from codemods.wanted import Row, Wanted

__all__ = ["NAMING_RULE", "Judge", "Verdict"]

NAMING_RULE = "naming rule"
"The evidence of a receiver that no type tells, only its name; every other evidence is typed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`verdict` as in DESIGN section 7; `rows` are the contracts a call may fall under."""

    verdict: str
    resolved: str
    evidence: str
    rows: tuple[Row, ...] = ()
    others: tuple[str, ...] = ()
    "`module:Class` of classes in a mixed union that are not contracted."


class Judge:
    """Verdicts for one host over one project."""

    def __init__(self, inferrer: Inferrer, wanted: Wanted) -> None:
        self.inferrer = inferrer
        self.wanted = wanted
        self.rows: dict[tuple[str, str], Row] = {(self._canonical(row.target), row.method): row for row in wanted.rows}

    def _canonical(self, target: str) -> str:
        module, _, name = target.partition(":")
        meaning = self.inferrer.project.lookup(module, name) if name and self.inferrer.project.module(module) else None
        return meaning.key if meaning and meaning.kind == "class" else target

    def missing(self) -> list[dict[str, str]]:
        """List contracts whose module, class or method the tree does not have."""
        found: list[dict[str, str]] = []
        for (target, method), row in self.rows.items():
            module, _, name = target.partition(":")
            known = self.inferrer.project.module(module)
            if known is None:
                reason = "no such module in the tree"
            elif name and self.inferrer.classes.node(target) is None:
                reason = "no such class in the module"
            elif name and self.inferrer.classes.definer(target, method) is None:
                reason = "the class defines no such method"
            elif not name and method not in known.functions:
                reason = "no such function in the module"
            else:
                continue
            found.append({"contract": row.key, "target": row.target, "method": method, "reason": reason})
        return found

    def method(self, found: Found, method: str, receiver: str, *, own: bool) -> Verdict:
        """Judge `receiver.method`. `own` says the receiver is `self` or `cls`: a subclass may define more."""
        keys = sorted(found.instances | found.classes)
        if not keys:
            return self._module_function(found, method) or self._by_name(method, receiver)
        rows: list[Row] = []
        others: list[str] = []
        absent, complete = [], True
        for key in keys:
            row, definer = self._contracted(key, method)
            if definer is None:
                absent.append(key)
                complete &= self.inferrer.classes.mro(key).complete
            elif row is not None:
                rows.append(row)
            else:
                others.append(definer)
        resolved = "|".join(keys)
        if rows:
            mixed = bool(others or absent)
            named = "|".join(sorted({row.target for row in rows} | set(others)))
            return Verdict(
                verdict="target_mixed" if mixed else "target",
                resolved=named,
                evidence=found.how,
                rows=tuple(dict.fromkeys(rows)),
                others=tuple(others),
            )
        if others:
            return Verdict(verdict="other", resolved="|".join(sorted(set(others))), evidence=found.how)
        sure = complete and not own
        return Verdict(verdict="phantom" if sure else "unknown", resolved=resolved, evidence=found.how)

    def _contracted(self, key: str, method: str) -> tuple[Row | None, str | None]:
        """Give the contract a method of `key` falls under, and the class that defines it."""
        definer = self.inferrer.classes.definer(key, method)
        if definer is None:
            return None, None
        for candidate in self.inferrer.classes.mro(key).keys:
            if row := self.rows.get((candidate, method)):
                return row, definer
            if candidate == definer:
                break
        return None, definer

    def function(self, found: Found, method: str) -> Verdict:
        """Judge a call by bare name."""
        return self._module_function(found, method) or Verdict(verdict="unknown", resolved="", evidence="none")

    def _module_function(self, found: Found, method: str) -> Verdict | None:
        owners = sorted({owner for owner, name in found.functions if name == method} | found.modules)
        rows = [row for owner in owners if (row := self.rows.get((owner, method)))]
        if rows:
            return Verdict(verdict="target", resolved=rows[0].target, evidence="import", rows=tuple(rows))
        if not owners:
            return None
        return Verdict(verdict="other", resolved="|".join(owners), evidence="import")

    def _by_name(self, method: str, receiver: str) -> Verdict:
        rows = []
        for rule in self.wanted.rules:
            if re.search(rule.pattern, receiver.lower()):
                row, definer = self._contracted(self._canonical(rule.target), method)
                rows += [row] if row is not None and definer is not None else []
        unique = tuple(dict.fromkeys(rows))
        if not unique:
            return Verdict(verdict="unknown", resolved="", evidence="none")
        verdict = "target" if len(unique) == 1 else "target_mixed"
        return Verdict(verdict=verdict, resolved="|".join(r.target for r in unique), evidence=NAMING_RULE, rows=unique)
