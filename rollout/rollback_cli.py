"""`failloud rollback`: the toggle for 3 a.m. Imports neither plan nor codemod libraries."""

from __future__ import annotations

import difflib
import sys
import time

import click

from rollout.places import Places, find_places, reason_given, state_dir_option
from rollout.rollback import COMPONENT, Report, known_components, roll_back
from shim.console import USAGE, Refused, print_json

__all__ = ["rollback"]


@click.command()
@click.argument("component", required=False, default="")
@click.option("--reason", required=True, callback=reason_given, help="Why; the history keeps it.")
@state_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rollback(component: str, reason: str, state_dirs: tuple[str, ...], *, as_json: bool) -> None:
    """Turn everything off, or one COMPONENT with all that depends on it.

    Kill file first, then the snapshot, then the control store, where the plan is latched until 'failloud rollout
    resume'. Needs no plan file and no network. Both environments of the plan are turned off. Exit code 0: done. 6: the
    kill holds, but a later step failed. 8: a directory could not be turned off.
    """
    places = find_places(state_dirs)
    for directory in places.directories:
        if not directory.is_dir():
            raise Refused(
                f"no directory {directory}, so no process reads it and nothing was turned off; "
                "next: name the state directory that the processes run with",
                USAGE,
            )
    note = _check(component, places) if component else ""
    report = roll_back(places.directories, component, reason=reason, now=time.time())
    if not component:
        note = _check(component, places)  # afterwards: nothing comes before the kill
    if as_json:
        print_json(_as_data(report, note))
    else:
        _print(report, note)
    sys.exit(report.code)


def _check(component: str, places: Places) -> str:
    """Refuse a component that is not known; gives a note where there is nothing to check against."""
    known = known_components(places.directories)
    if component and not COMPONENT.fullmatch(component):
        valid = f"; known are {', '.join(sorted(known))}" if known else ""
        raise Refused(f"{component!r} cannot be a component's name{valid}; nothing was turned off", USAGE)
    if not known:
        return (
            "note: neither a readable snapshot nor a control store names components here, so it could not be checked "
            "that processes read this directory" + (f" or have a component {component!r}" if component else "")
        )
    if component and component not in known:
        near = difflib.get_close_matches(component, sorted(known), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise Refused(
            f"unknown component {component!r}, nothing was turned off; {hint}known are {', '.join(sorted(known))}; "
            "next: name one of these, or none to turn everything off",
            USAGE,
        )
    return ""


def _as_data(report: Report, note: str) -> dict[str, object]:
    return {
        "schema": 1,
        "components": list(report.components) or "all",
        "checked": not note,
        "note": note,
        "steps": [
            {"what": step.what, "path": str(step.where), "result": step.result, "failed": step.failed}
            for step in report.steps
        ],
        "disobeyed": [str(path) for path in report.disobeyed()],
        "exit": int(report.code),
    }


def _print(report: Report, note: str) -> None:
    for step in report.steps:
        mark = "FAILED" if step.failed else "done"
        click.secho(f"{mark:7}{step.what:9}{step.where}: {step.result}", fg="red" if step.failed else None)
    if note:
        click.echo(note)
    lost = report.disobeyed()
    held = [str(path) for path in report.directories() if path not in lost]
    what = ", ".join(report.components) or "everything"
    if held:
        click.echo(f"off: {what}; processes that read {', '.join(held)} obey at their next read, within about a second")
    if lost:
        paths = ", ".join(map(str, lost))
        click.secho(
            f"NOT turned off for processes that read {paths}; next: make it writable and run this again, or set "
            "FAILLOUD_<COMPONENT>=off in their environment and restart them",
            fg="red",
            err=True,
        )
    elif report.code:
        click.echo(
            "the kill holds; next: repair what failed, then 'failloud rollout status' brings the plan up to it",
            err=True,
        )
    else:
        click.echo("next: repair the cause, then 'failloud rollout resume --reason R'")
