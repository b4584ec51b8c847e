"""The audit's rules: the modules of `codemods/rules/`, found by walking it, and the audit's own about suppressions."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import cast

from codemods import rules
from codemods.finding import Cause, Rule
from codemods.shelf import load_from, names_in, near

__all__ = ["FL900", "Entry", "RuleModuleError", "UnknownRuleError", "chosen", "entries", "entry_of"]

_CODE = re.compile(r"FL[02-8]\d\d")


class RuleModuleError(Exception):
    """Raised when a module in `codemods/rules/` is no rule, or takes another rule's code: a mistake in this package."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"rule {self.name}: {self.reason}"


class UnknownRuleError(Exception):
    """Raised when no rule has the code or name; the text lists the valid ones."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word

    def __str__(self) -> str:
        known = entries()
        hint = near(self.word, tuple(word for one in known for word in (one.code, one.name)))
        return f"no rule {self.word!r}{hint}; valid rules: {', '.join(f'{one.code} {one.name}' for one in known)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule as reports and options know it."""

    code: str
    name: str
    summary: str
    help: str
    "The module's docstring."
    cause: Cause | None
    "None for a rule about the audit's own comments."
    words: tuple[bytes, ...] = ()
    rule: Rule | None = None
    "None where the command itself does the looking."
    level: str = "error"
    "`error`, `warning`, or `note`: a notice, which fails nothing."

    @property
    def needs_contracts(self) -> bool:
        """Tell whether the rule can find nothing without a host file."""
        return self.rule is not None and not self.words

    def as_json(self) -> dict[str, object]:
        """Give the rule as plain data."""
        return {
            "code": self.code,
            "name": self.name,
            "summary": self.summary,
            "cause": self.cause,
            "level": self.level,
            "needs_contracts": self.needs_contracts,
        }


FL900 = Entry(
    code="FL900",
    name="suppression-without-reason",
    summary="a suppression that gives no reason; it suppresses nothing",
    help=(
        "suppression-without-reason: `# failloud: ok` must say why the silence is right.\n\n"
        "Without a reason nobody can tell a decision from a shortcut. Write `# failloud: ok <reason>`, or\n"
        "`# failloud: ok FL001 <reason>` for one rule. This finding cannot be suppressed itself."
    ),
    cause=None,
    level="warning",
)


def entries() -> tuple[Entry, ...]:
    """Give all rules by code. Raises RuleModuleError."""
    found: dict[str, Entry] = {}
    for name in names_in(rules):
        entry = _entry(name)
        if entry.code in found:
            raise RuleModuleError(name, f"code {entry.code} is already that of {found[entry.code].name}")
        found[entry.code] = entry
    return (*(found[code] for code in sorted(found)), FL900)


def _entry(name: str) -> Entry:
    try:
        module = load_from(rules, name)
    except Exception as error:
        raise RuleModuleError(name, f"cannot be imported: {type(error).__name__}: {error}") from error
    absent = [each for each in ("CODE", "SUMMARY", "CAUSE", "WORDS", "check") if not hasattr(module, each)]
    if absent:
        raise RuleModuleError(name, f"it defines no {', '.join(absent)}")
    rule = cast("Rule", module)
    if not _CODE.fullmatch(rule.CODE):
        own = "FL1xx are those of check, FL9xx are the audit's own"
        raise RuleModuleError(name, f"code {rule.CODE!r} is not FL000 to FL899; {own}")
    return Entry(
        code=rule.CODE,
        name=name,
        summary=rule.SUMMARY,
        help=inspect.cleandoc(module.__doc__ or rule.SUMMARY),
        cause=rule.CAUSE,
        words=rule.WORDS,
        rule=rule,
    )


def entry_of(word: str) -> Entry:
    """Find a rule by code, in any case, or by name. Raises UnknownRuleError."""
    for one in entries():
        if word.upper() == one.code or word.lower() == one.name:
            return one
    raise UnknownRuleError(word)


def chosen(select: tuple[str, ...], ignore: tuple[str, ...]) -> tuple[Entry, ...]:
    """Give the rules selected (all, where none is named) and not ignored, by code. Raises UnknownRuleError."""
    wanted = {entry_of(word).code for word in select} or {one.code for one in entries()}
    refused = {entry_of(word).code for word in ignore}
    return tuple(one for one in entries() if one.code in wanted - refused)
