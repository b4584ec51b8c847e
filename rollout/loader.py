"""From a plan file to a plan: all problems at once, each with its field, its line and what to write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path as FilePath

from pydantic import BaseModel, ValidationError

from rollout.control import Environment
from rollout.document import Document, parse_document
from rollout.plan import Metadata, Plan, Stage
from rollout.problems import Path, PlanError, Problem, choices, dotted, line_of
from rollout.rules import check_plan
from shim.contracts import ContractError
from shim.hosts import HostFileError, load_host
from shim.snapshot import Mode

__all__ = ["lint", "load_plan", "parse_plan", "read_text"]

_EXAMPLES = {
    "apiVersion": "failloud/v1",
    "kind": "RolloutPlan",
    "metadata": "{name: loud-failures, owner: platform, expires: 2027-06-30}",
    "host": "shim.hosts.example",
    "components": "[bridge, buffer]",
    "requires": "{factory: [bridge]}",
    "stages": "a list of {name: ..., environment: ..., mode: ..., bake: ...}",
    "name": "a-short-name",
    "owner": "platform",
    "expires": "2027-06-30 (the last day on which the plan may move)",
    "environment": " or ".join(Environment),
    "mode": ", ".join(Mode),
    "bake": "24h",
}


def read_text(path: FilePath) -> str:
    """Read a plan file. Raises PlanError where it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({error})"
        raise PlanError(str(path), [Problem(field="", line=0, what=what, write="name a UTF-8 file")]) from error


def parse_plan(text: str, path: str) -> tuple[Plan, Document]:
    """Read a plan's shape. Raises PlanError with every problem of shape; rules between stages are not checked."""
    document = parse_document(text)
    problems = list(document.problems)
    plan = None
    if document.data is not None:
        try:
            # JSON mode: strict about types, yet a list is a tuple and a word may be a date or a mode
            plan = Plan.model_validate_json(json.dumps(document.data), strict=True)
        except ValidationError as error:
            refused = {problem.field for problem in problems}  # already said; that its value is missing is no news
            explained = (_explain(dict(item), document) for item in error.errors())
            problems += [problem for problem in explained if problem.field not in refused]
    if plan is None or problems:
        raise PlanError(path, sorted(problems, key=lambda problem: problem.line))
    return plan, document


def lint(text: str, path: str, *, now: float, host: str = "") -> Plan:
    """Read and check a whole plan, its host file included (`host` takes the place of the plan's own).

    Raises PlanError with all problems. Rules between stages are checked once the shape is right: before that, a
    misspelt mode would be reported a second time as a stage that is missing.
    """
    plan, document = parse_plan(text, path)
    spec = host or plan.host
    problems: list[Problem] = []
    known: tuple[str, ...] | None = None
    try:
        known = load_host(spec).components
    except (HostFileError, ContractError, ImportError) as error:
        line = 0 if host else line_of(("host",), document.lines)
        problems.append(Problem(field="host", line=line, what=str(error), write="repair it, or pass --host"))
    problems += check_plan(plan, document.lines, known=known, now=now)
    if problems:
        raise PlanError(path, sorted(problems, key=lambda problem: problem.line))
    return plan


def load_plan(path: FilePath, *, now: float, host: str = "") -> tuple[Plan, str]:
    """Read and check a plan file; gives the plan and its text. Raises PlanError."""
    text = read_text(path)
    return lint(text, str(path), now=now, host=host), text


def _explain(item: Mapping[str, object], document: Document) -> Problem:
    path: Path = tuple(item["loc"])  # type: ignore[arg-type]  # pydantic: a tuple of str and int
    kind, given = item["type"], item.get("input")
    name = str(path[-1]) if path else ""
    if kind == "missing":
        what, write = "is missing", f"write {name}: {_EXAMPLES.get(name, '...')}"
    elif kind == "extra_forbidden":
        what, write = "unknown key", choices(name, _keys(path[:-1]))
    elif name == "mode":
        what, write = f"unknown mode {given!r}", choices(str(given), Mode)
    elif name == "environment":
        what, write = f"unknown environment {given!r}", choices(str(given), Environment)
    elif kind == "value_error":
        what, _, write = str(item["msg"]).removeprefix("Value error, ").partition("; ")
    else:
        message = str(item["msg"])
        what = f"{given!r} is not valid here: {message[:1].lower()}{message[1:]}"
        write = f"write {_EXAMPLES.get(name, 'a value of that kind')}"
    return Problem(field=dotted(path), line=line_of(path, document.lines), what=what, write=write)


def _keys(parent: Path) -> list[str]:
    model: type[BaseModel] = Plan
    if parent[:1] == ("metadata",):
        model = Metadata
    elif parent[:1] == ("stages",):
        model = Stage
    return [field.alias or name for name, field in model.model_fields.items()]
