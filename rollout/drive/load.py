"""Play the blocks on a target, one regime in one mode at a time, and count what each run came to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rollout.drive.regimes import Part, blocks
from rollout.drive.tally import Cell, account
from shim.snapshot import Mode
from shim.traffic import Asked, Ended, Regime, Story, Target

__all__ = ["Load", "Outcome", "drive"]

_T = TypeVar("_T")
Progress = Callable[[Regime, Mode, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to do."""

    regimes: tuple[Regime, ...]
    modes: tuple[Mode, ...]
    runs: int
    "Runs at least, in each regime and mode."
    tenants: int
    seed: int


@dataclass(slots=True)
class Outcome:
    """What has been done so far: also after an interrupt."""

    cells: dict[tuple[Regime, Mode], Cell] = field(default_factory=dict)
    ended: dict[tuple[Regime, Mode], Ended] = field(default_factory=dict)
    "What the shim says of each cell that was finished."


async def drive(make: Callable[[], Target], load: Load, outcome: Outcome, progress: Progress) -> None:
    """Fill `outcome` cell by cell; each has a host of its own. Raises TargetError."""
    for regime in load.regimes:
        for mode in load.modes:
            target = make()
            cell = outcome.cells[regime, mode] = Cell()
            try:
                await target.start(mode)
                await _play(target, regime, mode, load, cell, progress)
            finally:
                ended = await target.close()
            outcome.ended[regime, mode] = ended


async def _play(target: Target, regime: Regime, mode: Mode, load: Load, cell: Cell, progress: Progress) -> None:
    plan = list(blocks(regime, target.mixes[regime], runs=load.runs, tenants=load.tenants, seed=load.seed))
    for done, block in enumerate(plan):
        progress(regime, mode, done, len(plan))
        idle = [part for part in block if part.story is Story.IDLE]
        if idle:
            await _all(target.connect(part.user) for part in idle)
            await target.pass_time()
        asked = await _all(_part(target, part) for part in block)
        seen = await target.look()
        fates, spare = account([run for runs in asked for run in runs], seen)
        cell.spare += spare
        for part, runs in zip(block, asked, strict=True):
            cell.add(part.cluster, fates[: len(runs)])
            del fates[: len(runs)]
    progress(regime, mode, len(plan), len(plan))


async def _part(target: Target, part: Part) -> list[Asked]:
    """Live one tenant's story; gives its runs."""
    user, story, lengths = part.user, part.story, part.lengths
    if story not in (Story.IDLE, Story.RELOADED):
        await target.connect(user)
    if story in (Story.DROPPED, Story.HALF_OPEN):
        half = len(lengths) // 2 or 1
        await (target.cut(user) if story is Story.DROPPED else target.stall(user))
        found = await _runs(target, user, lengths[:half])
        await target.connect(user)
        return [*found, *await _runs(target, user, lengths[half:])]
    if story is Story.ASLEEP:
        await target.cut(user)
        found = [await target.run(user, length) for length in lengths]
    else:
        if story is Story.SLOW:
            await target.slow(user)
        found = await _runs(target, user, lengths, ready=story is not Story.UNREADY)
    if story in (Story.ASLEEP, Story.RELOADED):
        await target.connect(user)
    return found


async def _runs(target: Target, user: str, lengths: Sequence[int], *, ready: bool = True) -> list[Asked]:
    return await _all(target.run(user, length, ready=ready) for length in lengths)


async def _all(waiting: Iterable[Awaitable[_T]]) -> list[_T]:
    return list(await asyncio.gather(*waiting))
