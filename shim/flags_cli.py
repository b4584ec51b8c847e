"""`failloud flags`: show the modes with their reasons, or set them by hand, without a plan."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from shim import flags as process_flags
from shim.console import USAGE, Refused, print_json
from shim.contracts import ContractError, Host
from shim.decisions import STATE_DIR, FlagError
from shim.hosts import HostFileError, load_host
from shim.snapshot import FlagFileError, Mode, Snapshot, killed, read, write

__all__ = ["flags"]

FILE_BAD = 6
"Exit code where the flag file cannot be read: store unreachable, in the rollout commands' words."

_HOST = click.option("--host", "spec", required=True, help="Host file: short name, dotted module, or path.")
_DIRECTORY = click.option(
    "--state-dir", envvar=STATE_DIR, type=click.Path(path_type=Path), help=f"State directory; default ${STATE_DIR}."
)


@click.group()
def flags() -> None:
    """Show or set the mode of each component."""


@flags.command()
@_HOST
@_DIRECTORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(spec: str, state_dir: Path | None, *, as_json: bool) -> int:
    """Print each component's mode as a process started here and now would see it, and who said so."""
    host = _load(spec)
    if state_dir is not None:
        os.environ[STATE_DIR] = str(state_dir)
    logging.getLogger("failloud").setLevel(logging.CRITICAL + 1)  # this command prints the problem itself
    try:
        process_flags.declare(host.components)
    except FlagError as error:
        raise Refused(f"{error}; next: correct the variable, or unset it", USAGE) from error
    table, problem = process_flags.table(), process_flags.problem()
    if as_json:
        rows = {name: {"mode": d.mode, "reason": d.reason, "detail": d.detail} for name, d in table.items()}
        print_json({"schema": 1, "host": host.name, "problem": problem, "components": rows})
    else:
        for name, decision in table.items():
            click.echo(f"{name:12} {decision.mode:8} {decision.reason}: {decision.detail}")
    if problem:
        raise Refused(problem, FILE_BAD)
    return 0


@flags.command(name="set")
@click.argument("pairs", nargs=-1, required=True, metavar="COMPONENT=MODE...")
@_HOST
@_DIRECTORY
def set_(pairs: tuple[str, ...], spec: str, state_dir: Path | None) -> None:
    """Write modes into the snapshot that processes re-read; components not named keep theirs."""
    host = _load(spec)
    if state_dir is None:
        raise Refused(f"no state directory; next: give --state-dir DIR, or set {STATE_DIR}", USAGE)
    wanted = dict(_pair(text, host) for text in pairs)
    if len(wanted) != len(pairs):
        raise click.UsageError(f"a component is named twice: {' '.join(pairs)}; nothing was written")
    before = _before(state_dir)
    made = Snapshot(version=before.version + 1, modes={**before.modes, **wanted}, plan="", stage="set by hand")
    try:
        write(state_dir, made)
    except OSError as error:
        raise Refused(f"cannot write to {state_dir}: {error}; the flags are as they were", FILE_BAD) from error
    for name, mode in sorted(made.modes.items()):
        click.echo(f"{name:12} {mode}")
    click.echo(f"version {made.version}; processes follow within about a second")
    if dead := killed(state_dir):
        names = ", ".join(f"KILL.{name}" if name else "KILL" for name in sorted(dead))
        click.echo(f"note: {names} still holds; only 'failloud rollout resume' lifts it", err=True)


def _load(spec: str) -> Host:
    try:
        return load_host(spec)
    except (HostFileError, ContractError) as error:
        raise Refused(str(error), USAGE) from error


def _before(directory: Path) -> Snapshot:
    try:
        return read(directory)
    except FlagFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return Snapshot(version=0)
        raise Refused(
            f"{error}; to start over, move that file away: what it said is lost otherwise", FILE_BAD
        ) from error


def _pair(text: str, host: Host) -> tuple[str, Mode]:
    name, _, value = text.partition("=")
    if name not in host.components:
        raise click.UsageError(str(FlagError("component", name, host.components)))
    try:
        return name, Mode(value)
    except ValueError:
        raise click.UsageError(f"{text!r}: {FlagError('mode', value, tuple(str(known) for known in Mode))}") from None
