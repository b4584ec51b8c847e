"""The numbers as lines, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.drive.load import Load, Outcome
from rollout.drive.tally import Cell, Rate
from shim.snapshot import Mode
from shim.traffic import Mix, Regime

__all__ = ["AUDIT", "data", "lines"]

AUDIT = {
    Regime.NORMAL: (0.02, 0.03),
    Regime.HIGH_LOAD: (0.15, 0.20),
    Regime.AFTER_NETWORK_TROUBLE: (0.40, 0.50),
}
"Share of agent executions that fail in silence, as the audit of 2025-09-03 found it."

_COUNTS = ("asked", "received", "told", "swallowed", "silent")
_HEADS = ("regime", "mode", "runs", "clusters", *_COUNTS, "runs failed in silence, 95 %", "runs visible, 95 %")
_WIDTHS = (22, 8, 6, 9, 8, 9, 7, 10, 7, 30, 26)


def lines(load: Load, outcome: Outcome, mixes: Mapping[Regime, Mix]) -> Iterator[str]:
    """Give the report, line by line."""
    for regime in load.regimes:
        yield f"{regime}: {_mixed(mixes[regime])}"
    yield ""
    yield _row(_HEADS)
    for (regime, mode), cell in outcome.cells.items():
        rates = (_shown(cell.silent_rate()), _shown(cell.visibility()))
        counts = (len(cell.runs), len(cell.clusters), *(cell.total(name) for name in _COUNTS))
        yield _row((regime, mode, *counts, *rates))
    yield ""
    yield (
        "swallowed: handed to a dead link, received by nobody: sent_unconfirmed, which only a client's ack could tell; "
        "not counted as silent"
    )
    for (regime, mode), cell in outcome.cells.items():
        if cell.total("swallowed"):
            yield f"  {regime}, {mode}: runs silent or swallowed {_shown(cell.unconfirmed_rate())}"
    yield from _ledgers(outcome)
    yield from _own_failures(outcome)
    yield from _audit(outcome)
    yield (
        f"seed {load.seed}; a cluster is one tenant in one block of time, bounds are Clopper-Pearson's over clusters, "
        "each at 95 % by itself"
    )


def _ledgers(outcome: Outcome) -> Iterator[str]:
    yield "the shim's ledger: emitted = acked + sent_unconfirmed + pending + expired + rejected, and what remains"
    for (regime, mode), ended in outcome.ended.items():
        if (sums := ended.sums) is not None:
            yield (
                f"  {regime}, {mode}: {sums.emitted} = {sums.acked} + {sums.sent_unconfirmed} + {sums.pending} + "
                f"{sums.expired} + {sums.rejected}, remainder {sums.remainder}"
            )


def _own_failures(outcome: Outcome) -> Iterator[str]:
    for (regime, mode), ended in outcome.ended.items():
        for operation, count in ended.own_failures.items():
            yield f"the shim failed by itself: {regime}, {mode}: {operation} {count} times"


def _audit(outcome: Outcome) -> Iterator[str]:
    yield "beside the audit's figures, runs that fail in silence with every component off:"
    for (regime, mode), cell in outcome.cells.items():
        if mode is Mode.OFF:
            low, high = AUDIT[regime]
            yield f"  {regime}: audit {low:.0%} to {high:.0%}, here {_shown(cell.silent_rate())}"


def _mixed(mix: Mix) -> str:
    whole = sum(mix.stories.values())
    told = ", ".join(f"{story} {weight / whole:.1%}" for story, weight in mix.stories.items())
    long = f"{mix.long_texts:.1%} of questions above {mix.limit} characters" if mix.long_texts else "short questions"
    return f"{told} of tenants; {mix.runs} runs each in a block; {long}"


def _row(cells: tuple[object, ...]) -> str:
    return "".join(str(cell).ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _shown(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "inconclusive: no clusters"
    return f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def data(load: Load, outcome: Outcome, *, interrupted: bool, code: int) -> dict[str, Any]:
    """Give the report as one JSON document."""
    return {
        "schema": 1,
        "seed": load.seed,
        "tenants": load.tenants,
        "interrupted": interrupted,
        "cells": [_cell(regime, mode, cell, outcome) for (regime, mode), cell in outcome.cells.items()],
        "exit": code,
    }


def _cell(regime: Regime, mode: Mode, cell: Cell, outcome: Outcome) -> dict[str, Any]:
    ended = outcome.ended.get((regime, mode))
    sums = ended.sums if ended is not None else None
    low, high = AUDIT[regime]
    return {
        "regime": regime,
        "mode": mode,
        "complete": ended is not None,
        "runs": len(cell.runs),
        "clusters": len(cell.clusters),
        "events": {name: cell.total(name) for name in _COUNTS},
        "records_of_nothing_lost": cell.spare,
        "silent_runs": _rate(cell.silent_rate()),
        "silent_or_swallowed_runs": _rate(cell.unconfirmed_rate()),
        "visible_runs": _rate(cell.visibility()),
        "audit_silent_runs": {"low": low, "high": high} if mode is Mode.OFF else None,
        "ledger": None if sums is None else sums.to_dict(),
        "own_failures": {} if ended is None else dict(ended.own_failures),
    }


def _rate(rate: Rate) -> dict[str, float | None]:
    return {"value": rate.value, "low": rate.low, "high": rate.high}
