"""`migrate plan` and `migrate status`: what a survey says, module by module, as text and JSON."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codemods import registry
from codemods.order import Step, ordered
from codemods.site import CallRow
from codemods.survey import FileSurvey

__all__ = ["Plan", "plan_of", "plan_text", "status_json", "status_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The modules with open places in the order to migrate them."""

    files: tuple[FileSurvey, ...]
    steps: tuple[tuple[Step, FileSurvey], ...]
    apart: dict[str, str]
    "Codemods that are proposed apart, and why."

    @property
    def exit_code(self) -> int:
        """2 = a file could not be looked at; 1 = something is open; 0 = nothing is left to do."""
        return 2 if any(one.error for one in self.files) else int(bool(self.steps))

    def proposed(self, one: FileSurvey) -> dict[str, int]:
        """Give the open places of the codemods that are not apart."""
        return {name: len(lines) for name, lines in one.pending.items() if name not in self.apart}

    def as_json(self) -> dict[str, object]:
        """Give the document of `migrate plan --json`."""
        return {
            "schema": 1,
            "files": _files(self.files),
            "apart": self.apart,
            "modules": [
                {
                    "module": step.module,
                    "path": one.path,
                    "why": step.why,
                    "codemods": {name: list(lines) for name, lines in one.pending.items()},
                    "by_hand": [_by_hand(*each) for each in one.by_hand],
                }
                for step, one in self.steps
            ],
            "by_hand": [{"path": one.path} | _by_hand(*each) for one in self.files for each in one.by_hand],
        }


def plan_of(files: tuple[FileSurvey, ...]) -> Plan:
    """Order the modules that a codemod would change."""
    reasons = {name: getattr(registry.load(name), "APART", "") for name in registry.names()}
    apart = {name: why for name, why in reasons.items() if why}
    open_ones = {one.module: one for one in files if one.pending.keys() - apart.keys()}
    places = {name: sum(map(len, one.pending.values())) for name, one in open_ones.items()}
    imports = {name: frozenset(one.imports) for name, one in open_ones.items()}
    steps = tuple((step, open_ones[step.module]) for step in ordered(imports, places))
    return Plan(files=files, steps=steps, apart=apart)


def plan_text(plan: Plan, host: str, path: Path) -> Iterator[str]:
    """Give the plan: the modules in order with what is proposed, then the commands."""
    yield from _errors(plan.files)
    for number, (step, one) in enumerate(plan.steps, 1):
        yield f"{number:>3}. {step.module}  ({step.why})"
        yield f"       {_counted(plan.proposed(one))}"
        for row, reason in one.by_hand:
            yield f"       by hand: line {row.line}, {row.method}: {reason}"
    shown = {one.path for _, one in plan.steps}
    for one in plan.files:
        for row, reason in one.by_hand if one.path not in shown else ():
            yield f"by hand: {one.path}:{row.line}, {row.method}: {reason}"
    if plan.steps:
        yield ""
        yield "commands, in this order (leave out --write to see the diff, or say --review):"
        for step, one in plan.steps:
            words = ["failloud", "migrate", *plan.proposed(one), *(["--host", host] if host else [])]
            yield "  " + shlex.join([*words, "--module", step.module, str(path), "--write"])
    for name, count in _total(map(_open, plan.files)).items():
        if name in plan.apart:
            yield f"apart: {name}: {count} places; {plan.apart[name]}"
    yield _summary(plan.files)


def status_text(files: tuple[FileSurvey, ...]) -> Iterator[str]:
    """Give the state of each module that has contracted calls or our work in it, then totals."""
    yield from _errors(files)
    for one in files:
        if not (one.sites or one.done or one.pending):
            continue
        yield f"{one.module}: {len(one.sites)} calls; done: {_counted(one.done)}; open: {_counted(_open(one))}"
        for (codemod, reason), count in sorted(Counter((s.codemod, s.reason) for s in one.left).items()):
            yield f"    left: {count} x {codemod}: {reason}"
    yield f"done: {_counted(_total(one.done for one in files))}"
    yield f"open: {_counted(_total(map(_open, files)))}"
    yield _summary(files)


def status_json(files: tuple[FileSurvey, ...]) -> dict[str, object]:
    """Give the document of `migrate status --json`."""
    return {
        "schema": 1,
        "files": _files(files),
        "modules": [
            {
                "module": one.module,
                "path": one.path,
                "calls": len(one.sites),
                "done": one.done,
                "open": {name: list(lines) for name, lines in one.pending.items()},
                "left": [{"codemod": s.codemod, "line": s.line, "reason": s.reason} for s in one.left],
            }
            for one in files
            if one.sites or one.done or one.pending
        ],
        "totals": {"done": _total(one.done for one in files), "open": _total(map(_open, files))},
    }


def _open(one: FileSurvey) -> dict[str, int]:
    return {name: len(lines) for name, lines in one.pending.items()}


def _total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"


def _by_hand(row: CallRow, reason: str) -> dict[str, object]:
    return {"line": row.line, "method": row.method, "reason": reason}


def _errors(files: tuple[FileSurvey, ...]) -> Iterator[str]:
    for one in files:
        if one.error:
            yield f"failed: {one.path}: {one.error}"


def _files(files: tuple[FileSurvey, ...]) -> dict[str, object]:
    failed = [{"path": one.path, "error": one.error} for one in files if one.error]
    return {"found": len(files), "looked_at": len(files) - len(failed), "failed": failed}


def _summary(files: tuple[FileSurvey, ...]) -> str:
    failed = sum(bool(one.error) for one in files)
    calls = sum(len(one.sites) for one in files)
    modules = sum(bool(one.pending) for one in files)
    return f"files: {len(files)} in, {failed} failed; contracted calls: {calls}; modules with open places: {modules}"
