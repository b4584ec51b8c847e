"""The control record: where a plan stands. Data only; no plan file, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shim.snapshot import Mode

__all__ = ["HERE", "RANK", "Control", "Entry", "Environment", "Placed", "Status"]

RANK: Mapping[Mode, int] = {Mode.OFF: 0, Mode.OBSERVE: 1, Mode.ENFORCE: 2}
"How loud: a mode never falls within an environment, and production never passes staging."

HERE = "."
"The directory that holds the control store itself, so that it may be moved or mounted elsewhere."


class Environment(StrEnum):
    """Where a stage runs; all staging stages come before the first production stage."""

    STAGING = "staging"
    PRODUCTION = "production"


class Status(StrEnum):
    """Where a plan stands."""

    DRAFT = "draft"
    "No plan is started."
    BAKING = "baking"
    "A stage is in force and its bake is not over."
    READY = "ready"
    "The bake is over. Never stored: it follows from the clock."
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    "Latched: only a resume leaves it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What one environment was told last."""

    directory: str
    "State directory: absolute, or HERE."
    plan: str = ""
    stage: str = ""
    "Name of the last stage that ran here; empty = none yet, its snapshot is not ours."
    modes: Mapping[str, Mode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The one row of the control store."""

    rev: int = 0
    "Grows by one with each change; a change names the revision that it was decided on."
    version: int = 0
    "Snapshot version that this state asks for."
    status: Status = Status.DRAFT
    plan: str = ""
    sha: str = ""
    "SHA-256 of `text`."
    text: str = ""
    "The plan file, as it was started."
    environment: str = ""
    stage: int = 0
    "Index of the stage in force."
    since: float = 0.0
    "When the state was entered, seconds since the epoch."
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    "Kept here too, so that a rollback needs no plan: component -> those it may never be louder than."
    placed: Mapping[str, Placed] = field(default_factory=dict)
    "Environment -> what it was told, in the order of the plan."

    @property
    def stage_name(self) -> str:
        """Name of the stage in force; empty for a draft."""
        return self.placed[self.environment].stage if self.environment in self.placed else ""

    def components(self) -> frozenset[str]:
        """Name every component that this plan ever set."""
        return frozenset(name for placed in self.placed.values() for name in placed.modes)

    def dependents(self, component: str) -> tuple[str, ...]:
        """Name those that may not be louder than `component`, near or far; sorted, itself not included."""
        found: set[str] = set()
        ask = [component]
        while ask:
            need = ask.pop()
            new = {name for name, needs in self.requires.items() if need in needs} - found - {component}
            found |= new
            ask += sorted(new)
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the history: who did what, when, why. Rows are added, never changed."""

    at: float
    "Seconds since the epoch."
    actor: str
    "`user@machine`."
    verb: str
    rev: int
    before: str
    after: str
    environment: str
    stage: str
    reason: str = ""
