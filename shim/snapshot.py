"""The data plane on disk: the snapshot file that processes re-read, and the kill files.

Everything lies in one directory (`FAILLOUD_STATE_DIR`). A snapshot is written to a temporary file, flushed, and
renamed into place: a reader sees the old one or the new one. Kill files are armed beforehand and renamed into
place, which works on a full disk; only `rollout resume` removes them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

__all__ = [
    "KILL",
    "SNAPSHOT",
    "FlagFileError",
    "Mode",
    "Snapshot",
    "UnknownSchemaError",
    "arm",
    "kill",
    "killed",
    "lift",
    "parse",
    "read",
    "write",
]

SNAPSHOT = "flags.json"
KILL = "KILL"
ARMED = ".KILL.armed"
"Hidden, so that no component's kill file can have its name."
SCHEMA = 1


class Mode(StrEnum):
    """How loud a component is."""

    OFF = "off"
    "Host behaviour, untouched."
    OBSERVE = "observe"
    "Host behaviour, plus a record of what would have been raised."
    ENFORCE = "enforce"
    "Record, then raise or escalate."


class FlagFileError(Exception):
    """Raised when a flag file is missing, truncated or not understood; `path`, `reason`, and what to do next."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return (
            f"flag file {self.path}: {self.reason}; "
            "next: write it again with 'failloud flags set' or 'failloud rollout start', never by hand"
        )


class UnknownSchemaError(FlagFileError):
    """Raised when a flag file is whole, but of a schema that this release does not know: another one wrote it."""

    def __str__(self) -> str:
        return (
            f"flag file {self.path}: {self.reason}; next: use the failloud that wrote it, or move the file away, and "
            "then run 'failloud flags set' or 'failloud rollout status'"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What each component's mode is, and which plan and stage said so."""

    version: int
    "Grows by one with each write; a reader shows it, never compares clocks."
    modes: Mapping[str, Mode] = field(default_factory=dict)
    plan: str = ""
    stage: str = ""


def parse(text: str, path: str) -> Snapshot:
    """Read a snapshot's text. Raises FlagFileError for anything but a whole, known, valid document."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FlagFileError(path, f"not whole JSON ({error})") from error
    if not isinstance(data, dict):
        raise FlagFileError(path, "not a JSON object")
    schema = data.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        kind = UnknownSchemaError if type(schema) is int else FlagFileError
        raise kind(path, f"schema {schema!r} is not known here; this failloud reads schema {SCHEMA}")
    version, modes = data.get("version"), data.get("modes")
    if type(version) is not int or not isinstance(modes, dict):
        raise FlagFileError(path, "'version' must be a number and 'modes' an object of component: mode")
    try:
        known = {str(name): Mode(mode) for name, mode in modes.items()}
    except ValueError as error:
        raise FlagFileError(path, f"{error}; modes are {', '.join(Mode)}") from error
    return Snapshot(version=version, modes=known, plan=str(data.get("plan", "")), stage=str(data.get("stage", "")))


def read(directory: Path) -> Snapshot:
    """Read the snapshot of a state directory. Raises FlagFileError, also where there is none."""
    path = directory / SNAPSHOT
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise FlagFileError(str(path), "no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FlagFileError(str(path), str(error)) from error


def write(directory: Path, snapshot: Snapshot) -> None:
    """Replace the snapshot atomically; raises OSError with the old one left whole."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / SNAPSHOT
    temporary = directory / f".{SNAPSHOT}.{os.getpid()}"
    document = {"schema": SCHEMA, **asdict(snapshot)}
    try:
        with temporary.open("w", encoding="utf-8") as out:
            json.dump(document, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def arm(directory: Path) -> None:
    """Put the kill file's blank in place, so that a later kill is a rename and needs no disk space."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ARMED).touch()


def kill(directory: Path, component: str = "") -> Path:
    """Turn everything (or one component) off for every process that reads this directory; gives the kill file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / (f"{KILL}.{component}" if component else KILL)
    try:
        (directory / ARMED).rename(path)
    except FileNotFoundError:
        path.touch()
    return path


def killed(directory: Path) -> frozenset[str]:
    """Name what is killed: component names, and the empty name for everything."""
    names = (path.name for path in directory.glob(f"{KILL}*"))
    return frozenset(name[len(KILL) + 1 :] for name in names if name == KILL or name.startswith(f"{KILL}."))


def lift(directory: Path) -> tuple[str, ...]:
    """Remove all kill files and arm again; gives the names that were killed."""
    names = sorted(killed(directory))
    for name in names:
        (directory / (f"{KILL}.{name}" if name else KILL)).unlink(missing_ok=True)
    arm(directory)
    return tuple(names)
