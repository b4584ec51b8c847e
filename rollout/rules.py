"""What a plan must keep to, beyond its shape. Pure: each rule gives the problems it finds, all are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rollout.codes import Exit
from rollout.control import RANK, Environment
from rollout.plan import Plan
from rollout.problems import Lines, Path, Problem, choices, dotted, line_of
from shim.snapshot import Mode

__all__ = ["check_plan"]

_Found = Iterator[tuple[Path, str, str]]


def check_plan(plan: Plan, lines: Lines, *, known: tuple[str, ...] | None, now: float) -> list[Problem]:
    """List what is wrong. `known` are the host's components (None: host file not readable), `now` is in seconds."""
    rules = (_names, _requires, _order, _growth, _staging_first)
    found = [*_components(plan, known), *(row for rule in rules for row in rule(plan))]
    problems = [
        Problem(field=dotted(path), line=line_of(path, lines), what=what, write=write) for path, what, write in found
    ]
    if plan.expired(now):
        path: Path = ("metadata", "expires")
        what = f"the plan expired after {plan.metadata.expires}"
        write = "finish and retire the plan, or write a later date after looking at it again"
        line = line_of(path, lines)
        problems.append(Problem(field=dotted(path), line=line, what=what, write=write, code=Exit.EXPIRED))
    return problems


def _names(plan: Plan) -> _Found:
    first: dict[str, int] = {}
    for index, stage in enumerate(plan.stages):
        if first.setdefault(stage.name, index) != index:
            yield (
                ("stages", index, "name"),
                f"{stage.name!r} is the name of stages[{first[stage.name]}] too",
                "give each stage its own name",
            )


def _components(plan: Plan, known: tuple[str, ...] | None) -> _Found:
    lists: list[tuple[Path, tuple[str, ...], tuple[str, ...]]] = []
    if known is not None:
        lists.append((("components",), plan.components, known))
    lists += [(("requires", name), (name, *needs), plan.components) for name, needs in plan.requires.items()]
    lists += [
        (("stages", index, "components"), stage.components, plan.components)
        for index, stage in enumerate(plan.stages)
        if stage.components is not None
    ]
    for path, given, valid in lists:
        for name in given:
            if name not in valid:
                yield path, f"unknown component {name!r}", choices(name, valid)
        for name, count in Counter(given).items():
            if count > 1 and path[0] != "requires":
                yield path, f"component {name!r} is named {count} times", "name it once"
    used = {name for stage in plan.stages for name in plan.of(stage)}
    for name in plan.components:
        if name not in used:
            yield ("components",), f"no stage sets component {name!r}", "add it to a stage, or take it out here"


def _requires(plan: Plan) -> _Found:
    for name in plan.requires:
        chain = _cycle(plan, name)
        if chain:
            yield ("requires", name), f"goes in a circle ({' -> '.join(chain)})", "take one of these out"
    for index, stage in enumerate(plan.stages):
        modes = plan.modes_at(index)[stage.environment]
        for name, needs in plan.requires.items():
            for need in needs:
                ours, theirs = modes.get(name), modes.get(need)
                if ours is not None and theirs is not None and RANK[ours] > RANK[theirs]:
                    yield (
                        ("stages", index),
                        f"{name} would be at {ours} while {need}, which it requires, is at {theirs}",
                        f"set {need} to {ours} in this stage or before it",
                    )


def _cycle(plan: Plan, start: str) -> list[str]:
    """Give the way from `start` back to itself, or nothing."""
    ways = [[start, need] for need in plan.requires.get(start, ())]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == start:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, need] for need in plan.requires.get(way[-1], ())]
    return []


def _order(plan: Plan) -> _Found:
    production = None
    for index, stage in enumerate(plan.stages):
        if stage.environment is Environment.PRODUCTION:
            production = production or stage.name
        elif production:
            yield (
                ("stages", index, "environment"),
                f"staging stage {stage.name!r} comes after production stage {production!r}",
                "move all staging stages before the first production stage",
            )


def _growth(plan: Plan) -> _Found:
    so_far: dict[tuple[Environment, str], Mode] = {}
    for index, stage in enumerate(plan.stages):
        for name in plan.of(stage):
            before = so_far.get((stage.environment, name), Mode.OFF)
            so_far[stage.environment, name] = stage.mode
            path: Path = ("stages", index, "mode")
            if RANK[stage.mode] < RANK[before]:
                what = f"{name} falls from {before} to {stage.mode} in {stage.environment}"
                yield path, what, f"write {before} or louder; to go down there is 'failloud rollback'"
            elif before is Mode.OFF and stage.mode is Mode.ENFORCE:
                what = f"{name} goes from off to enforce in {stage.environment} without being observed"
                yield path, what, f"put a stage with mode observe for {name} before this one"


def _staging_first(plan: Plan) -> _Found:
    proven: dict[str, int] = {}
    for index, stage in enumerate(plan.stages):
        for name in plan.of(stage):
            if stage.environment is Environment.STAGING:
                proven[name] = max(proven.get(name, 0), RANK[stage.mode])
            elif RANK[stage.mode] > proven.get(name, 0):
                yield (
                    ("stages", index, "mode"),
                    f"{name} reaches {stage.mode} in production before any staging stage did: the plan skips staging",
                    f"put a staging stage with mode {stage.mode} for {name} before this one",
                )
