"""`migrate plan`: what the codemods would do, module by module, in the order to do it, as text and JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codemods import registry
from codemods.order import Step, ordered
from codemods.site import CallRow
from codemods.survey import FileSurvey
from codemods.tally import counted, files_json, left_json, left_lines, lines_shown, open_in, problems, summary, total

__all__ = ["Plan", "apart", "plan_of", "plan_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The modules with open places in the order to migrate them."""

    files: tuple[FileSurvey, ...]
    steps: tuple[tuple[Step, FileSurvey], ...]
    apart: dict[str, str]
    "Codemods that are proposed apart, and why."
    facade: str
    "Module through which migrated code knows our names."
    facade_there: bool

    @property
    def exit_code(self) -> int:
        """2 = a file could not be looked at or rewritten; 1 = something is open; 0 = nothing is left to do."""
        return 2 if any(one.error for one in self.files) else int(bool(self.steps))

    def proposed(self, one: FileSurvey) -> dict[str, tuple[int, ...]]:
        """Give the open places of the codemods that are not apart, by line."""
        return {name: lines for name, lines in one.pending.items() if name not in self.apart}

    def as_json(self) -> dict[str, object]:
        """Give the document of `migrate plan --json`."""
        return {
            "schema": 1,
            "files": files_json(self.files),
            "facade": {"module": self.facade, "there": self.facade_there},
            "apart": self.apart,
            "modules": [
                {
                    "module": step.module,
                    "path": one.path,
                    "why": step.why,
                    "codemods": {name: list(lines) for name, lines in one.pending.items()},
                    "calls": [_call(row) for row in _todo(one)],
                    "by_hand": [_by_hand(*each) for each in one.by_hand],
                    "left": left_json(one),
                }
                for step, one in self.steps
            ],
            "by_hand": [{"path": one.path} | _by_hand(*each) for one in self.files for each in one.by_hand],
        }


def apart() -> dict[str, str]:
    """Give the codemods that a plan proposes apart, and why."""
    reasons = {name: getattr(registry.load(name), "APART", "") for name in registry.names()}
    return {name: why for name, why in reasons.items() if why}


def plan_of(files: tuple[FileSurvey, ...], facade: str, *, facade_there: bool) -> Plan:
    """Order the modules that a codemod would change; one that cannot be rewritten is in no step."""
    aside = apart()
    open_ones = {one.module: one for one in files if one.pending.keys() - aside.keys() and not one.error}
    weights = {name: one.weight for name, one in open_ones.items()}
    imports = {name: one.imports for name, one in open_ones.items()}
    steps = tuple((step, open_ones[step.module]) for step in ordered(imports, weights))
    return Plan(files=files, steps=steps, apart=aside, facade=facade, facade_there=facade_there)


def plan_text(plan: Plan, host: str, path: Path) -> Iterator[str]:
    """Give the plan: the modules in order with what is proposed and why, then the commands."""
    yield from problems(plan.files)
    if plan.steps and not plan.facade_there:
        yield f"  0. {plan.facade}  (the façade: the first command that needs it makes it)"
    for number, (step, one) in enumerate(plan.steps, 1):
        yield f"{number:>3}. {step.module}  ({step.why})"
        for name, lines in plan.proposed(one).items():
            yield f"       {name}: {len(lines)} at {lines_shown(lines)}"
        for row in _todo(one):
            yield f"       line {row.line}, {_named(row)}: {row.migration}, {row.why}"
        yield from (f"       {line}" for line in _left(one))
    shown = {one.path for _, one in plan.steps}
    for one in plan.files:
        if one.path not in shown:
            yield from (f"{one.path}: {line}" for line in _left(one))
    yield from _commands(plan, host, path)
    yield summary(plan.files, plan.apart)


def _commands(plan: Plan, host: str, path: Path) -> Iterator[str]:
    used = total(map(open_in, plan.files))
    if plan.steps:
        yield ""
        yield "what they do:"
        yield from (f"  {name:<16}{registry.load(name).SUMMARY}" for name in used if name not in plan.apart)
        yield "commands, in this order (leave out --write to see the diff, or say --review):"
    for step, one in plan.steps:
        words = ["failloud", "migrate", *plan.proposed(one), *(["--host", host] if host else [])]
        yield "  " + shlex.join([*words, "--module", step.module, str(path), "--write"])
    for name, count in used.items():
        if name in plan.apart:
            yield f"apart: {name}: {count} places; {plan.apart[name]}"
    if by_hand := sum(len(one.by_hand) for one in plan.files):
        yield f"by hand: {by_hand} calls, named above"
    yield f"left: {sum(len(one.left) for one in plan.files)} places; proposed: {counted(_proposed(plan))}"


def _proposed(plan: Plan) -> dict[str, int]:
    return total({name: len(lines) for name, lines in plan.proposed(one).items()} for _, one in plan.steps)


def _todo(one: FileSurvey) -> list[CallRow]:
    return [row for row in one.sites if row.migration != "leave_alone"]


def _named(row: CallRow) -> str:
    return f"{row.receiver}.{row.method}" if row.receiver else row.method


def _left(one: FileSurvey) -> Iterator[str]:
    for row, reason in one.by_hand:
        yield f"by hand: line {row.line}, {_named(row)}: {reason}"
    yield from left_lines(one, {(row.line, reason) for row, reason in one.by_hand})


def _call(row: CallRow) -> dict[str, object]:
    return {"line": row.line, "call": _named(row), "function": row.function, "migration": row.migration, "why": row.why}


def _by_hand(row: CallRow, reason: str) -> dict[str, object]:
    return {"line": row.line, "method": row.method, "reason": reason}
