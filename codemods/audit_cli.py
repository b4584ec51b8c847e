"""Command `audit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from codemods import rulebook
from codemods.audit import Audit
from codemods.audit import audit as run
from codemods.auditdoc import audit_json
from codemods.audited import Conclusion, concluded
from codemods.auditreport import audit_blocks, rule_blocks
from codemods.baseline import BaselineError, Entry, read_baseline, rendered
from codemods.blocks import show
from codemods.options import Given, given_or_none
from codemods.pool import default_jobs
from codemods.telling import Told, told, written
from codemods.write import write_atomic
from shim.console import USAGE, Refused, print_json

__all__ = ["audit"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of one run, as click gives them."""

    path: Path | None
    host: str | None
    modules: tuple[str, ...]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    form: str | None
    output: Path | None
    baseline: Path | None
    write_baseline: Path | None
    jobs: int
    as_json: bool
    list_rules: bool
    explain: str | None

    @property
    def shape(self) -> str:
        """The format of the report."""
        return "json" if self.as_json else self.form or "text"


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), required=False)
@click.option(
    "--host", help="Host file: short name, dotted module, or path to a .py file. Default: [tool.failloud] host."
)
@click.option("--module", "modules", multiple=True, help="Only this module or package: dotted, or a path below PATH.")
@click.option("--select", multiple=True, help="Only these rules: codes or names, with commas or several times.")
@click.option("--ignore", multiple=True, help="All rules but these.")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=_FILE, help="Write the report to this file.")
@click.option("--baseline", type=_FILE, help="Only findings that are not in this file fail.")
@click.option("--write-baseline", type=_FILE, help="Write the findings of this run to a baseline file.")
@click.option("--jobs", type=click.IntRange(min=1), default=default_jobs, show_default="one per processor")
@click.option("--list-rules", is_flag=True, help="List the rules and end.")
@click.option("--explain", metavar="RULE", help="Say what one rule finds, and end.")
def audit(**options: Any) -> int:
    """Find what fails in silence below PATH, by rule and root cause.

    Works on any Python tree; with a host file, contracted calls are judged too. A comment `# failloud: ok <reason>`
    suppresses a finding. Exit code: 0 clean, 1 findings (with --baseline: new ones), 2 a file could not be read,
    parsed or audited.
    """
    try:
        return _run(Asked(**options))
    except rulebook.RuleModuleError as error:
        raise Refused(f"{error}; nothing was audited", 2) from error


def _run(asked: Asked) -> int:
    if asked.as_json and asked.form not in (None, "json"):
        raise click.UsageError(f"--json and --format {asked.form} are two formats; name one")
    if asked.list_rules or asked.explain:
        return _about_rules(asked)
    if asked.path is None:
        raise click.UsageError("PATH is missing: audit PATH")
    rules = _rules(asked)
    before = _baseline(asked)
    given = given_or_none(asked.path, asked.host, asked.modules)
    if not given.files:
        raise Refused(f"no Python file below {asked.path}; next: name another PATH", USAGE)
    start = (asked.baseline or asked.write_baseline or Path("baseline")).resolve().parent
    done = _audited(given, rules, asked)
    made = concluded(done, before, start)
    if asked.write_baseline is not None:
        made = concluded(done, _write_baseline(asked.write_baseline, made), start)
    told(made, asked.shape, asked.output, Told(blocks=audit_blocks, document=audit_json))
    return made.exit_code


def _about_rules(asked: Asked) -> int:
    if asked.explain:
        entry = _one(asked.explain)
        if asked.shape == "json":
            print_json({"schema": 1} | entry.as_json() | {"help": entry.help})
        else:
            click.echo(f"{entry.code} {entry.name}: {entry.summary}\nroot cause: {entry.cause or '-'}\n\n{entry.help}")
    elif asked.shape == "json":
        print_json({"schema": 1, "rules": [one.as_json() for one in rulebook.entries()]})
    else:
        show(rule_blocks(rulebook.entries()))
    return 0


def _one(word: str) -> rulebook.Entry:
    try:
        return rulebook.entry_of(word)
    except rulebook.UnknownRuleError as error:
        raise click.UsageError(str(error)) from error


def _rules(asked: Asked) -> tuple[rulebook.Entry, ...]:
    select, ignore = (
        tuple(word.strip() for each in given for word in each.split(",") if word.strip())
        for given in (asked.select, asked.ignore)
    )
    try:
        rules = rulebook.chosen(select, ignore)
    except rulebook.UnknownRuleError as error:
        raise click.UsageError(str(error)) from error
    if not rules:
        raise click.UsageError("--select and --ignore leave no rule")
    return rules


def _baseline(asked: Asked) -> tuple[Entry, ...] | None:
    """Read the baseline to compare with, or the one to be renewed."""
    if asked.baseline and asked.write_baseline and asked.baseline.resolve() != asked.write_baseline.resolve():
        raise click.UsageError("--baseline and --write-baseline name two files; a run compares with one and renews it")
    path = asked.write_baseline or asked.baseline
    if path is None or (asked.write_baseline and not path.exists()):
        return None
    try:
        return read_baseline(path)
    except BaselineError as error:
        raise Refused(str(error), USAGE) from error


def _audited(given: Given, rules: tuple[rulebook.Entry, ...], asked: Asked) -> Audit:
    idle = () if given.wanted.rows else tuple(one for one in rules if one.needs_contracts)
    ran = tuple(one for one in rules if one not in idle)
    named = ", ".join(f"{one.code} {one.name}" for one in idle)
    if not ran:
        raise Refused(f"{named}: needs contracts, and there is no host file; next: --host MODULE_OR_FILE", USAGE)
    notes = []
    if idle:
        notes.append(f"contract rules not run: no host file ({named}); next: --host MODULE_OR_FILE")
    elif given.wanted.rows and not given.layout.has_package:
        notes.append(f"package {given.wanted.package} was not found: no call can be a contracted one")
    done = run(given.layout, given.wanted, ran, given.found, given.files, asked.jobs)
    return replace(done, notes=tuple(notes))


def _write_baseline(path: Path, made: Conclusion) -> tuple[Entry, ...]:
    """Write this run's findings; entries of files and rules that it did not look at stay. Give what is written."""
    found = made.comparison
    kept = [*(row.entry for row in made.rows), *(found.unchecked if found else ())]
    written(path, rendered(kept), write_atomic)
    click.echo(
        f"{path}: {len(kept)} findings written: {len(made.new)} new, {len(made.rows) - len(made.new)} known, "
        f"{len(found.unchecked) if found else 0} not looked at; {len(found.gone) if found else 0} taken out",
        err=True,
    )
    return tuple(kept)
