"""How the control record and the history lie in SQLite. Pure: rows in, records out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rollout.control import Control, Entry, Placed, Status
from shim.snapshot import Mode

__all__ = ["COLUMNS", "ENTRY_COLUMNS", "SCHEMA_SQL", "from_row", "to_row"]

COLUMNS = (
    "rev", "version", "status", "plan", "sha", "text", "environment", "stage", "since", "requires", "placed",
)  # fmt: skip
ENTRY_COLUMNS = tuple(Entry.__dataclass_fields__)

SCHEMA_SQL = """
CREATE TABLE control (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rev INTEGER NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL,
    plan TEXT NOT NULL, sha TEXT NOT NULL, text TEXT NOT NULL,
    environment TEXT NOT NULL, stage INTEGER NOT NULL, since REAL NOT NULL,
    requires TEXT NOT NULL, placed TEXT NOT NULL
);
CREATE TABLE history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, actor TEXT NOT NULL, verb TEXT NOT NULL,
    rev INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    environment TEXT NOT NULL, stage TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TRIGGER history_is_kept BEFORE DELETE ON history
    BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER history_is_fixed BEFORE UPDATE ON history
    BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
"""


def to_row(control: Control) -> list[object]:
    """Give the values in the order of COLUMNS."""
    placed = {
        name: {"directory": here.directory, "plan": here.plan, "stage": here.stage, "modes": dict(here.modes)}
        for name, here in control.placed.items()
    }
    requires = {name: list(needs) for name, needs in control.requires.items()}
    plain = [getattr(control, name) for name in COLUMNS[:-2]]
    return [*plain, json.dumps(requires), json.dumps(placed)]


def from_row(row: Sequence[object] | None) -> Control:
    """Read one row. Raises ValueError, KeyError, TypeError or AttributeError for one that is not ours."""
    if row is None:
        raise ValueError("its control row is gone")
    found = dict(zip(COLUMNS, row, strict=True))
    placed = {
        name: Placed(
            directory=here["directory"],
            plan=here["plan"],
            stage=here["stage"],
            modes={component: Mode(mode) for component, mode in here["modes"].items()},
        )
        for name, here in json.loads(str(found.pop("placed"))).items()
    }
    requires = {name: tuple(needs) for name, needs in json.loads(str(found.pop("requires"))).items()}
    status = Status(str(found.pop("status")))
    return Control(status=status, requires=requires, placed=placed, **found)  # type: ignore[arg-type]  # typed columns
