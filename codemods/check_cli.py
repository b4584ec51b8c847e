"""Command `check`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from codemods.audit import Audit
from codemods.audited import concluded
from codemods.baseline import BaselineError, Entry, read_baseline
from codemods.checkreport import Report, notes_of
from codemods.checkrun import Checked
from codemods.checkrun import check as run
from codemods.driftbook import MOVED, NEW_SILENT, REPLACED, REPORTS, SILENT_AGAIN
from codemods.options import Given, given_several
from codemods.pool import default_jobs
from codemods.rulebook import RuleModuleError
from codemods.statefile import DEFAULT, Recorded, StateError, read_state, rendered
from codemods.telling import Told, told, written
from codemods.write import write_atomic
from shim.console import USAGE, Refused

__all__ = ["check"]

_FILE = click.Path(dir_okay=False, path_type=Path)
_OF_STATE = frozenset(one.code for one in (SILENT_AGAIN, REPLACED, NEW_SILENT, MOVED))
"Reports that --write-state accepts."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of one run, as click gives them."""

    paths: tuple[Path, ...]
    host: str | None
    modules: tuple[str, ...]
    state: Path | None
    write_state: bool
    baseline: Path | None
    form: str | None
    output: Path | None
    jobs: int
    as_json: bool
    explain: str | None

    @property
    def shape(self) -> str:
        """The format of the report."""
        return "json" if self.as_json else self.form or "text"


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--host", help="Host file: short name, dotted module, or path to a .py file. Default: [tool.failloud] host."
)
@click.option("--module", "modules", multiple=True, help="Only this module or package: dotted, or a path below PATH.")
@click.option("--state", type=_FILE, help=f"State file. Default: the nearest {DEFAULT} in or above PATH.")
@click.option("--write-state", is_flag=True, help="Record what is loud now in the state file.")
@click.option("--baseline", type=_FILE, help="Baseline of `audit`: contracted calls in it are known, and do not fail.")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=_FILE, help="Write the report to this file.")
@click.option("--jobs", type=click.IntRange(min=1), default=default_jobs, show_default="one per processor")
@click.option("--explain", metavar="CODE", help="Say what one report means, and end.")
def check(**options: Any) -> int:
    """Tell whether the host still fits its contracts, loud code is still loud, and nothing new is silent.

    PATH is a folder, or the files that changed: the declaration is compared with the whole tree all the same. A comment
    `# failloud: ok FL1xx <reason>` suppresses a report. Exit code: 0 no drift, 1 drift, 2 a file could not be read,
    parsed or checked.
    """
    try:
        return _run(Asked(**options))
    except RuleModuleError as error:
        raise Refused(f"{error}; nothing was checked", 2) from error


def _run(asked: Asked) -> int:
    if asked.as_json and asked.form not in (None, "json"):
        raise click.UsageError(f"--json and --format {asked.form} are two formats; name one")
    if asked.explain:
        return _explain(asked.explain)
    if not asked.paths:
        raise click.UsageError("PATH is missing: check PATH...")
    given = given_several(asked.paths, asked.host, asked.modules)
    if not given.files:
        raise Refused(f"no Python file below {given.layout.root}; next: name another PATH", USAGE)
    if not given.layout.has_package or given.host is None:
        raise Refused(
            f"package {given.wanted.package} is not in {given.layout.root} or above it; "
            "name its folder, or another --host",
            USAGE,
        )
    before = _baseline(asked.baseline)
    path = _state_path(asked, given)
    known = _state(path, asked)
    checked = run(given, given.host, known, asked.jobs)
    read = path if known or (path is not None and path.is_file()) else None
    audit = replace(checked.audit, notes=notes_of(checked, read if not asked.write_state else path))
    if asked.write_state and path is not None:
        _write(path, checked)
        audit = _accepted(audit)
    made = concluded(audit, before, (asked.baseline or Path("baseline")).resolve().parent)
    report = Report(checked=checked, state=read)
    told(made, asked.shape, asked.output, Told(blocks=report.blocks, document=report.document))
    return made.exit_code


def _explain(code: str) -> int:
    found = next((one for one in REPORTS if code.upper() == one.code or code.lower() == one.name), None)
    if found is None:
        valid = ", ".join(f"{one.code} {one.name}" for one in REPORTS)
        raise click.UsageError(
            f"no report {code!r}; valid reports: {valid}; rules of the audit: audit --explain {code}"
        )
    click.echo(f"{found.code} {found.help}")
    return 0


def _baseline(path: Path | None) -> tuple[Entry, ...] | None:
    try:
        return None if path is None else read_baseline(path)
    except BaselineError as error:
        raise Refused(str(error), USAGE) from error


def _state_path(asked: Asked, given: Given) -> Path | None:
    """Give the file named, or the nearest above PATH; one to be written stands in the working folder."""
    if asked.state is not None:
        return asked.state
    folder = given.layout.root if given.layout.root.is_dir() else given.layout.root.parent
    found = next((one / DEFAULT for one in (folder, *folder.parents) if (one / DEFAULT).is_file()), None)
    return found or (Path(DEFAULT) if asked.write_state else None)


def _state(path: Path | None, asked: Asked) -> dict[tuple[str, str], Recorded]:
    if path is None or (asked.write_state and not path.exists()):
        return {}
    try:
        return read_state(path)
    except StateError as error:
        raise Refused(str(error), USAGE) from error


def _write(path: Path, checked: Checked) -> None:
    rows = checked.state()
    written(path, rendered(rows), write_atomic)
    counts = checked.counts()
    less = counts["silent_again"] + counts["gone_with_their_call"] + counts["gone_with_their_function"]
    click.echo(
        f"{path}: {len(rows)} functions written, {sum(sum(one.marks.values()) for one in rows)} marks; of "
        f"{counts['marks']} before, {less} are gone: {counts['silent_again']} of them silent again, and accepted",
        err=True,
    )


def _accepted(audit: Audit) -> Audit:
    """Leave out what the file that was just written accepts."""
    files = (
        replace(one, reported=tuple(each for each in one.reported if each.finding.code not in _OF_STATE))
        for one in audit.files
    )
    return replace(audit, files=tuple(files))
