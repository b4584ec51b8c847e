"""`failloud drive`: put load on a host in three regimes, in each mode, and print what is lost and who was told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping

import click

from rollout.codes import Exit
from rollout.drive.find import find_target
from rollout.drive.load import Load, Outcome
from rollout.drive.load import drive as play
from rollout.drive.report import data, lines
from shim.console import USAGE, Refused, print_json
from shim.snapshot import Mode
from shim.traffic import Mix, Regime, Target, TargetError

__all__ = ["drive"]

INTERRUPTED = 130


_REGIMES, _MODES = [*(each.value for each in Regime), "all"], [*(each.value for each in Mode), "all"]


@click.command()
@click.option("--host", default="example", show_default=True, help="Host file: short name, dotted module, or path.")
@click.option("--target", default="", help="Adapter in place of the host file's own: module or path, :Class.")
@click.option("--regime", type=click.Choice(_REGIMES), default="all", show_default=True)
@click.option("--mode", type=click.Choice(_MODES), default="all", show_default=True)
@click.option(
    "--runs", type=click.IntRange(min=0), default=120, show_default=True, help="Runs at least, per regime and mode."
)
@click.option("--tenants", type=click.IntRange(min=1), default=4, show_default=True, help="Tenants at once.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives every mode the same load.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def drive(*, host: str, target: str, regime: str, mode: str, runs: int, tenants: int, seed: int, as_json: bool) -> None:
    """Put load on a host and count what its users receive.

    Exit codes: 0 done; 1 observe or enforce lost an event that no record names; 3 inconclusive, a cell has no clusters;
    6 the host does not come up; 64 usage; 130 interrupted, with what was done so far.
    """
    make = find_target(host, target)
    load = Load(
        regimes=tuple(Regime) if regime == "all" else (Regime(regime),),
        modes=tuple(Mode) if mode == "all" else (Mode(mode),),
        runs=runs,
        tenants=tenants,
        seed=seed,
    )
    mixes = _mixes(make, load)
    outcome, interrupted = Outcome(), False
    try:
        asyncio.run(play(make, load, outcome, _progress))
    except TargetError as error:
        raise Refused(str(error), Exit.STORE_UNREACHABLE) from error
    except KeyboardInterrupt:
        interrupted = True
    code = INTERRUPTED if interrupted else _code(outcome)
    if as_json:
        print_json(data(load, outcome, interrupted=interrupted, code=code))
    else:
        click.echo("\n".join(lines(load, outcome, mixes)))
        if interrupted:
            click.echo("interrupted: this is what was done so far", err=True)
    sys.exit(code)


def _mixes(make: Callable[[], Target], load: Load) -> Mapping[Regime, Mix]:
    found = make()
    missing = [regime for regime in load.regimes if regime not in found.mixes]
    if missing:
        raise Refused(f"the adapter has no mix for {', '.join(missing)}; next: name another --regime", USAGE)
    if load.tenants > found.most_tenants:
        raise Refused(
            f"{load.tenants} tenants at once would share a limit of this host and fail together; "
            f"next: at most --tenants {found.most_tenants}, and more --runs",
            USAGE,
        )
    return found.mixes


def _code(outcome: Outcome) -> Exit:
    loud = [cell for (_regime, mode), cell in outcome.cells.items() if mode is not Mode.OFF]
    if any(cell.total("silent") for cell in loud):
        return Exit.GATE_FAILED
    if any(not cell.clusters for cell in outcome.cells.values()):
        return Exit.INCONCLUSIVE
    return Exit.OK


def _progress(regime: Regime, mode: Mode, done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == of else ""
        click.echo(f"\r{regime}, {mode}: {done} of {of} blocks", err=True, nl=False)
        click.echo(end, err=True, nl=False)
