"""The plan: which components become how loud, in which order, and how long each stage bakes.

Shapes only, strict and closed: an unknown key is refused. What stages may follow each other is in `rollout.rules`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rollout.control import Environment
from shim.snapshot import Mode

__all__ = ["Metadata", "Plan", "Stage", "parse_duration"]

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: object) -> timedelta:
    """Read `0s`, `30m`, `24h` or `7d`. Raises ValueError for anything else, a bare number included."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a duration; write a whole number and a unit, such as 0s, 30m, 24h or 7d")
    return timedelta(**{_UNIT[found[2]]: int(found[1])})


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$", max_length=80)]
Component = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Metadata(_Closed):
    """What the plan is called, who answers for it, and the last day (UTC) on which it may move."""

    name: Name
    owner: Annotated[str, StringConstraints(min_length=1)]
    expires: date


class Stage(_Closed):
    """One step: these components, this mode, in this environment, for at least `bake`."""

    name: Name
    environment: Environment
    mode: Mode
    bake: Duration
    components: Annotated[tuple[Component, ...], Field(min_length=1)] | None = None
    "None = all components of the plan."


class Plan(_Closed):
    """A whole plan."""

    api_version: Literal["failloud/v1"] = Field(alias="apiVersion")
    kind: Literal["RolloutPlan"]
    metadata: Metadata
    host: Annotated[str, StringConstraints(min_length=1)]
    "Host file: short name, dotted module, or path."
    components: Annotated[tuple[Component, ...], Field(min_length=1)]
    requires: dict[Component, tuple[Component, ...]] = Field(default_factory=dict)
    "Component -> components that it may never be louder than."
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    def of(self, stage: Stage) -> tuple[str, ...]:
        """Name the components that a stage sets."""
        return self.components if stage.components is None else stage.components

    def modes_at(self, index: int) -> dict[Environment, dict[str, Mode]]:
        """Give each entered environment's modes once stage `index` is in force; what no stage named yet is off."""
        modes: dict[Environment, dict[str, Mode]] = {}
        for stage in self.stages[: index + 1]:
            here = modes.setdefault(stage.environment, dict.fromkeys(self.components, Mode.OFF))
            here.update(dict.fromkeys(self.of(stage), stage.mode))
        return modes

    def first_of(self, environment: str) -> int:
        """Give the index of an environment's first stage. Raises StopIteration where it has none."""
        return next(i for i, stage in enumerate(self.stages) if stage.environment == environment)

    def expired(self, now: float) -> bool:
        """Say whether `now` (seconds since the epoch) is past the last day."""
        return datetime.fromtimestamp(now, UTC).date() > self.metadata.expires
