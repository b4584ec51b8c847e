"""Which directories a command works on: `--state-dir`, once or per environment, or the environment variable.

No plan library here: the rollback uses it too.
"""

from __future__ import annotations

import difflib
import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rollout.control import HERE, Control, Environment
from shim.console import USAGE, Refused

__all__ = ["STATE_DIR", "Places", "actor", "find_places", "reason_given", "state_dir_option", "where"]

STATE_DIR = "FAILLOUD_STATE_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The directories named on the command line, in order; the control store lies in the first."""

    named: tuple[tuple[str, Path], ...]
    "(environment, directory); the environment is empty for a plain directory."

    @property
    def control(self) -> Path:
        """Directory of the control store."""
        return self.named[0][1]

    @property
    def directories(self) -> tuple[Path, ...]:
        """Every directory once, in order."""
        return tuple(dict.fromkeys(path for _name, path in self.named))

    def by_environment(self) -> dict[str, str]:
        """Give each environment's directory, as the control store keeps it. Raises Refused where one has none."""
        given = dict(self.named)
        found = {}
        for environment in Environment:
            path = given.get(environment, given.get(""))
            if path is None:
                raise Refused(
                    f"no state directory for {environment}; next: add --state-dir {environment}=DIR "
                    "(the same directory may serve both)",
                    USAGE,
                )
            found[str(environment)] = HERE if path == self.control else str(path)
        return found

    def agree(self, control: Control) -> None:
        """Refuse a directory that is not the one the plan was started with."""
        for environment, path in self.named:
            placed = control.placed.get(environment)
            if placed is not None and where(placed.directory, self.control) != path:
                started = where(placed.directory, self.control)
                raise Refused(
                    f"the plan was started with {environment}={started}, not {path}; next: name that one", USAGE
                )


def where(directory: str, root: Path) -> Path:
    """Turn a directory as the control store keeps it into a path; `root` is the store's own."""
    return root if directory == HERE else Path(directory)


def find_places(values: tuple[str, ...]) -> Places:
    """Read the `--state-dir` values, or the environment. Raises Refused."""
    given = values or tuple(filter(None, [os.environ.get(STATE_DIR, "")]))
    if not given:
        raise Refused(f"no state directory; next: give --state-dir DIR, or set {STATE_DIR}", USAGE)
    named = tuple(_one(value) for value in given)
    names = [name for name, _path in named]
    for name in set(names):
        if names.count(name) > 1:
            raise Refused(f"--state-dir {name + '=' if name else ''}DIR is given twice; next: give it once", USAGE)
    return Places(named=named)


def _one(value: str) -> tuple[str, Path]:
    name, equals, directory = value.partition("=")
    if not equals or os.sep in name:
        name, directory = "", value
    elif name not in set(Environment):
        near = difflib.get_close_matches(name, [str(each) for each in Environment], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise Refused(f"unknown environment {name!r} in --state-dir; {hint}write {' or '.join(Environment)}", USAGE)
    if not directory:
        raise Refused(f"--state-dir {value}: no directory is named; next: write the path of one", USAGE)
    return name, Path(directory).expanduser().resolve()


def actor() -> str:
    """Say who acts: `user@machine`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def state_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--state-dir`."""
    return click.option(
        "--state-dir",
        "state_dirs",
        multiple=True,
        metavar="[ENV=]DIR",
        help=f"State directory, default {STATE_DIR}; per environment: staging=DIR and production=DIR. "
        "The control store lies in the first.",
    )(command)


def reason_given(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """Refuse a reason that says nothing; the history keeps it for whoever asks later."""
    if value is not None and not value.strip():
        raise click.BadParameter("say why; the history keeps it")
    return (value or "").strip()
