"""What the commands share: the host file, its default, and the files that are meant."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import click

from codemods.layout import Layout, UnknownModuleError, Walk, find_layout, plain_layout, select, walk
from codemods.wanted import Wanted
from shim.console import USAGE, Refused
from shim.contracts import ContractError, Host
from shim.hosts import HostFileError, load_host

__all__ = ["Given", "given", "given_or_none", "given_several", "warn_package"]


class Given:
    """The checked input of one command."""

    def __init__(
        self, layout: Layout, wanted: Wanted, found: Walk, files: tuple[Path, ...], host: Host | None = None
    ) -> None:
        self.layout, self.wanted, self.found, self.files, self.host = layout, wanted, found, files, host


def given(path: Path, host: str | None, modules: tuple[str, ...]) -> Given:
    """Load the host and list the files. Raises Refused with what to do."""
    return given_several((path,), host, modules)


def given_several(paths: tuple[Path, ...], host: str | None, modules: tuple[str, ...]) -> Given:
    """As `given`, for several files and folders: their common folder is then what paths are relative to."""
    path = paths[0] if len(paths) == 1 else Path(os.path.commonpath([one.resolve() for one in paths]))
    spec = host or _configured(path.resolve())
    if not spec:
        raise Refused(
            "no host file: pass --host MODULE_OR_FILE, or write host = '...' in [tool.failloud] "
            f"of a pyproject.toml at or above {path.resolve()}",
            USAGE,
        )
    return _given(path, paths, spec, modules)


def given_or_none(path: Path, host: str | None, modules: tuple[str, ...]) -> Given:
    """As `given`, for a command that does with no host file too: `wanted` then has no package and no contracts."""
    return _given(path, (path,), host or _configured(path.resolve()), modules)


def warn_package(asked: Given) -> None:
    """Say on standard error that nothing can be found where the host's package is not."""
    if not asked.layout.has_package:
        click.echo(f"warning: package {asked.wanted.package} was not found: no call can be a target", err=True)


def _given(path: Path, paths: tuple[Path, ...], spec: str, modules: tuple[str, ...]) -> Given:
    try:
        declared = load_host(spec) if spec else None
        wanted = Wanted.of(declared) if declared is not None else Wanted.none()
    except (HostFileError, ContractError) as error:
        raise Refused(str(error), USAGE) from error
    layout = find_layout(path, wanted.package) if spec else plain_layout(path)
    found = _walked(layout, paths)
    try:
        files = select(found, layout, modules)
    except UnknownModuleError as error:
        raise Refused(str(error), USAGE) from error
    return Given(layout, wanted, found, files, declared)


def _walked(layout: Layout, paths: tuple[Path, ...]) -> Walk:
    if len(paths) == 1:
        return walk(layout.root)
    walks = [(one, walk(one)) for one in dict.fromkeys(path.resolve() for path in paths)]
    files = sorted({file for _, found in walks for file in found.files})
    skipped = {f"{layout.shown(one)}/{name}" for one, found in walks for name in found.skipped_directories}
    return Walk(files=tuple(files), skipped_directories=tuple(sorted(skipped)))


def _configured(path: Path) -> str:
    """Find `host` in failloud.toml, or in `[tool.failloud]` of pyproject.toml, in PATH or the nearest folder above.

    Empty where none names one.
    """
    for folder in (path, *path.parents):
        for name in ("failloud.toml", "pyproject.toml"):
            file = folder / name
            if file.is_file() and (spec := _host_in(file, own=name == "failloud.toml")):
                return str(folder / spec) if spec.endswith(".py") else spec
    return ""


def _host_in(file: Path, *, own: bool) -> str:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}; repair it, or pass --host", USAGE) from error
    tool = data.get("tool")
    table = data if own else tool.get("failloud", {}) if isinstance(tool, dict) else {}
    spec = table.get("host", "") if isinstance(table, dict) else ""
    if not isinstance(spec, str):
        raise Refused(f"{file}: host must be text, a dotted module or a path; it is {spec!r}", USAGE)
    return spec
