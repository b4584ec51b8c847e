"""`failloud rollout`: a plan through staging and production, stage by stage, with its history."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from rollout import actions
from rollout.codes import Exit
from rollout.control import Status
from rollout.engine import TransitionError
from rollout.loader import load_plan
from rollout.places import find_places, reason_given, state_dir_option
from rollout.problems import PlanError
from rollout.publish import PublishError, settle
from rollout.state import ConflictError, Store, StoreError
from rollout.view import changes, history_data, history_line, state_data, state_lines
from shim.console import USAGE, Refused, print_json
from shim.snapshot import FlagFileError

__all__ = ["rollout"]

_PLAN = click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_HOST = click.option("--host", default="", help="Host file in place of the plan's own: short name, module or path.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def rollout() -> None:
    """Move a plan through staging and production; 'failloud rollback' takes it down.

    Exit codes: 0 ok, 2 invalid plan, 3 too early, 4 rolled back, 5 conflict, 6 store or snapshot not writable, 9
    expired, 64 usage.
    """


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the verbs raise into a message and an exit code."""
    try:
        yield
    except PlanError as error:
        raise Refused(str(error), error.code) from error
    except TransitionError as error:
        raise Refused(str(error), error.code) from error
    except ConflictError as error:
        raise Refused(str(error), Exit.CONFLICT) from error
    except (StoreError, PublishError, FlagFileError) as error:
        raise Refused(str(error), Exit.STORE_UNREACHABLE) from error


@rollout.command()
@_PLAN
@_HOST
@_JSON
def lint(plan: Path, host: str, *, as_json: bool) -> None:
    """Check a plan: all problems at once, each with its line and what to write."""
    try:
        found, _text = load_plan(plan, now=time.time(), host=host)
    except PlanError as error:
        if as_json:
            problems = [problem.to_dict() for problem in error.problems]
            print_json({"schema": 1, "plan": str(plan), "problems": problems, "exit": int(error.code)})
        else:
            click.echo(str(error), err=True)
        sys.exit(error.code)
    if as_json:
        print_json({"schema": 1, "plan": str(plan), "problems": [], "exit": 0})
    else:
        click.echo(f"{plan}: ok, {len(found.stages)} stages for {', '.join(found.components)}")


@rollout.command()
@_PLAN
@_HOST
@state_dir_option
@_JSON
def start(plan: Path, host: str, state_dirs: tuple[str, ...], *, as_json: bool) -> None:
    """Put a plan's first stage in force and arm the kill files."""
    places = find_places(state_dirs)
    with _refusals():
        outcome = actions.start(places, plan, now=time.time(), host=host)
    _tell(outcome, places.control, as_json=as_json)


@rollout.command()
@state_dir_option
@_JSON
def status(state_dirs: tuple[str, ...], *, as_json: bool) -> None:
    """Say where the plan stands; brings snapshots and control store into step and says so."""
    places = find_places(state_dirs)
    now = time.time()
    with _refusals():
        with Store.open(places.control) as store:
            control, notes = settle(store, now=now, also=places.directories)
        places.agree(control)
        plan = actions.plan_of(control)
    code = Exit.ROLLED_BACK if control.status is Status.ROLLED_BACK else Exit.OK
    if plan is not None and code is Exit.OK and control.status is not Status.COMPLETED and plan.expired(now):
        code = Exit.EXPIRED
    if as_json:
        data = state_data(control, plan, places.control, now)
        print_json({"schema": 1, **data, "notes": notes, "exit": int(code)})
    else:
        for line in [*notes, *state_lines(control, plan, places.control, now)]:
            click.echo(line)
    sys.exit(code)


@rollout.command()
@click.option("--skip-bake", is_flag=True, help="Promote before the bake is over; needs --reason.")
@click.option("--reason", callback=reason_given, help="Why; the history keeps it.")
@state_dir_option
@_JSON
def promote(reason: str, state_dirs: tuple[str, ...], *, skip_bake: bool, as_json: bool) -> None:
    """Put the next stage in force, or complete the plan after the last one."""
    if skip_bake and not reason:
        raise Refused("--skip-bake needs --reason; next: say why the bake may be skipped", USAGE)
    places = find_places(state_dirs)
    try:
        with _refusals():
            outcome = actions.promote(places, now=time.time(), skip_bake=skip_bake, reason=reason)
    except Refused as refusal:
        if refusal.exit_code != Exit.OK:
            raise
        if as_json:
            print_json({"schema": 1, "changes": [], "notes": [refusal.message], "exit": 0})
        else:
            click.echo(refusal.message)
    else:
        _tell(outcome, places.control, as_json=as_json)


@rollout.command()
@click.argument("plan", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", required=True, callback=reason_given, help="Why; the history keeps it.")
@_HOST
@state_dir_option
@_JSON
def resume(plan: Path | None, reason: str, host: str, state_dirs: tuple[str, ...], *, as_json: bool) -> None:
    """Leave the latch of a rolled back plan and lift the kill files.

    The plan goes on at the first stage of the environment it was in, with a full bake. With a corrected PLAN, it begins
    at that plan's first stage.
    """
    places = find_places(state_dirs)
    with _refusals():
        outcome = actions.resume(places, now=time.time(), reason=reason, path=plan, host=host)
    _tell(outcome, places.control, as_json=as_json)


@rollout.command()
@state_dir_option
@_JSON
def history(state_dirs: tuple[str, ...], *, as_json: bool) -> None:
    """Print who did what, when and why; oldest first."""
    places = find_places(state_dirs)
    with _refusals(), Store.open(places.control) as store:
        entries = store.history()
    if as_json:
        print_json({"schema": 1, "history": [history_data(entry) for entry in entries]})
        return
    for entry in entries:
        click.echo(history_line(entry))
    if not entries:
        click.echo("nothing has happened yet; next: failloud rollout start PLAN")


def _tell(outcome: actions.Outcome, root: Path, *, as_json: bool) -> None:
    now = time.time()
    rows = changes(outcome.before, outcome.after)
    if as_json:
        data = state_data(outcome.after, outcome.plan, root, now)
        print_json({"schema": 1, **data, "changes": rows, "notes": outcome.notes, "exit": 0})
        return
    for line in [*outcome.notes, *rows, *state_lines(outcome.after, outcome.plan, root, now)]:
        click.echo(line)
