"""Command `migrate`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from codemods import registry
from codemods.facade import facade_path
from codemods.gitstate import GitError
from codemods.journal import UndoError, home_of, undo_run
from codemods.options import Given, given, warn_package
from codemods.planning import plan_of, plan_text
from codemods.pool import default_jobs
from codemods.report import diff_text, run_json, run_text
from codemods.review import Session, review
from codemods.runner import Run, prepare, write
from codemods.runstate import run_states
from codemods.status import Status
from codemods.survey import FileSurvey, survey
from codemods.treelock import temporaries
from shim.console import USAGE, Refused, print_json

__all__ = ["migrate"]


@click.command()
@click.argument(
    "words", nargs=-1, required=True, metavar="NAME... PATH | plan PATH | status PATH | list | undo RUN [PATH]"
)
@click.option(
    "--host", help="Host file: short name, dotted module, or path to a .py file. Default: [tool.failloud] host."
)
@click.option("--module", "modules", multiple=True, help="Only this module or package: dotted, or a path below PATH.")
@click.option("--write", "do_write", is_flag=True, help="Write the changes. Without it they are shown only.")
@click.option(
    "--review", "ask", is_flag=True, help="Show each change and ask; what is accepted is written, --write is implied."
)
@click.option(
    "--through",
    is_flag=True,
    help="With reraise-loud: mend every handler on the way to a boundary, in whatever module, as `flow` finds them.",
)
@click.option("--allow-dirty", is_flag=True, help="Also write files with changes that are not committed.")
@click.option("--jobs", type=click.IntRange(min=1), default=default_jobs, show_default="one per processor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def migrate(  # noqa: C901, PLR0913  # one per option
    words: tuple[str, ...],
    host: str | None,
    modules: tuple[str, ...],
    jobs: int,
    *,
    do_write: bool,
    ask: bool,
    through: bool,
    allow_dirty: bool,
    as_json: bool,
) -> int:
    """Rewrite call sites with the named codemods; a diff is shown, files are written with --write only.

    `migrate plan` proposes codemods for each module and orders them, `migrate status` says what is done and open,
    `migrate list` names the codemods, `migrate undo RUN` takes a written run back. Exit code: 0 nothing left to do,
    1 changes are pending, a run was cut short, or `q` ended the review, 2 a file could not be read, parsed or
    rewritten, or another run writes, 64 a review had no answers, 130 interrupted.
    """
    if words[0] == "list" and len(words) == 1:
        return _list(as_json=as_json)
    if words[0] == "undo":
        return _undo(words[1:], as_json=as_json)
    if words[0] in ("plan", "status"):
        return _surveyed(words, host, modules, jobs, as_json=as_json)
    names, path = _names_and_path(words)
    asked = given(path, host, modules)
    if not asked.layout.has_package:
        raise Refused(
            f"package {asked.wanted.package} is not in {path} or above it; name its folder, or another --host", USAGE
        )
    if ask and as_json:
        raise click.UsageError("--review talks to a person: leave out --json")
    if through and (names != ("reraise-loud",) or ask):
        raise click.UsageError("--through goes with reraise-loud alone, and without --review")
    session = _reviewed(asked, names, jobs, allow_dirty=allow_dirty) if ask else None
    run = session.run if session else _prepared(asked, names, jobs, through=through)
    shown = [] if do_write or ask or as_json else list(diff_text(run))
    if (do_write or ask) and run.changed:
        run = _written(run, asked, allow_dirty=allow_dirty)
    if as_json:
        print_json(run_json(run))
    for line in [] if as_json else [*shown, *run_text(run)]:
        click.echo(line)
    if session and session.note:
        raise Refused(session.note, session.code)
    return max(run.exit_code, session.code) if session else run.exit_code


def _prepared(asked: Given, names: tuple[str, ...], jobs: int, *, through: bool) -> Run:
    if not through:
        return prepare(asked.layout, asked.wanted, names, asked.found, asked.files, jobs)
    from codemods.through_run import prepare_through

    return prepare_through(asked, jobs, None)


def _written(run: Run, asked: Given, *, allow_dirty: bool) -> Run:
    try:
        return write(run, asked.layout, datetime.now(UTC), allow_dirty=allow_dirty)
    except GitError as error:
        raise Refused(f"{error}; nothing was written", 2) from error
    except OSError as error:
        raise Refused(f"cannot write: {error}; the files of this run are as they were", 2) from error


def _reviewed(asked: Given, names: tuple[str, ...], jobs: int, *, allow_dirty: bool) -> Session:
    try:
        return review(asked, names, jobs, allow_dirty=allow_dirty)
    except GitError as error:
        raise Refused(f"{error}; nothing was written", 2) from error


def _surveyed(words: tuple[str, ...], host: str | None, modules: tuple[str, ...], jobs: int, *, as_json: bool) -> int:
    """Show the plan or the status of a tree; nothing is written."""
    if len(words) != 2 or not Path(words[1]).exists():
        raise click.UsageError(f"{words[0]} takes one PATH that exists: migrate {words[0]} PATH")
    path = Path(words[1])
    asked = given(path, host, modules)
    warn_package(asked)
    files = survey(asked.layout, asked.wanted, asked.files, jobs)
    if words[0] == "status":
        status = _status(asked, files)
        document, lines, code = status.as_json(), status.as_text(), status.exit_code
    else:
        there = facade_path(asked.layout, asked.wanted.facade).exists()
        plan = plan_of(files, asked.wanted.facade, facade_there=there)
        document, lines, code = plan.as_json(), plan_text(plan, host or "", path), plan.exit_code
    if as_json:
        print_json(document)
    for line in [] if as_json else lines:
        click.echo(line)
    return code


def _status(asked: Given, files: tuple[FileSurvey, ...]) -> Status:
    """Join the survey with the journals: of PATH, of the folders above it, and of the package's own folder."""
    root = asked.layout.root if asked.layout.root.is_dir() else asked.layout.root.parent
    stale = temporaries({path.parent for path in asked.files})
    return Status(
        files=files,
        runs=run_states({root, *root.parents, asked.layout.base}),
        temporaries=tuple(str(one.relative_to(root)) for one in stale),
    )


def _names_and_path(words: tuple[str, ...]) -> tuple[tuple[str, ...], Path]:
    *names, last = words
    path = Path(last)
    for name in names:
        _known(name)
    if not path.exists():
        if not names or last in registry.names():
            _known(last)
            raise click.UsageError("PATH is missing: migrate NAME... PATH")
        raise click.UsageError(f"PATH {last!r} does not exist")
    if not names:
        raise click.UsageError(f"name a codemod before PATH: {', '.join(registry.names())}")
    return tuple(dict.fromkeys(names)), path


def _known(name: str) -> None:
    try:
        registry.load(name)
    except registry.UnknownCodemodError as error:
        raise click.UsageError(str(error)) from error


def _list(*, as_json: bool) -> int:
    rows = [{"name": name, "summary": registry.load(name).SUMMARY} for name in registry.names()]
    if as_json:
        print_json({"schema": 1, "codemods": rows})
    for row in [] if as_json else rows:
        click.echo(f"{row['name']:<16}{row['summary']}")
    return 0


def _undo(words: tuple[str, ...], *, as_json: bool) -> int:
    if len(words) not in (1, 2):
        raise click.UsageError("undo takes one run id and a PATH: migrate undo RUN [PATH]")
    run, path = words[0], Path(words[1] if len(words) > 1 else ".")
    try:
        done = undo_run(home_of(path, run), run)
    except UndoError as error:
        raise Refused(f"{error}; nothing was changed", 2) from error
    except OSError as error:
        raise Refused(
            f"cannot undo: {error}; files are as they were, or restored as a whole; next: undo again", 2
        ) from error
    if as_json:
        print_json(
            {"schema": 1, "run": run} | {name: list(paths) for name, paths in asdict(done).items() if name != "run"}
        )
        return 0
    click.echo(f"run {run}: {len(done.restored)} files restored, {len(done.already)} were at their old state before")
    for name in done.removed:
        click.echo(f"removed: {name}, a temporary file that a killed run left")
    return 0
