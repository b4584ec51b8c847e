"""What `failloud doctor` looks at: one function per section, each naming what is wrong and what to do next.

Other packages add sections by a line in `SECTIONS`; a section whose extra is absent is left out, and said so.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shim import flags, logs
from shim.contracts import Host
from shim.decisions import FlagError
from shim.fits import find, mismatches, targets, version_differs
from shim.guard import own_failures, shown
from shim.host import Installation, install
from shim.places import Kind

__all__ = ["SECTIONS", "HostUnreadableError", "Section", "examine"]

SECTIONS = {
    "signatures": "shim.doctor:signatures",
    "install": "shim.doctor:installs",
    "flags": "shim.doctor:flag_files",
    "log": "shim.doctor:log_route",
    "own failures": "shim.doctor:failures",
}
"Section -> `module:function`, in the order they run; imported when they are asked for."


class HostUnreadableError(Exception):
    """Raised when a module of the host cannot be imported at all: nothing about it can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: `facts` for the reader, `findings` to act on."""

    name: str
    facts: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def examine(host: Host | None) -> Iterator[Section]:
    """Run every section. `host` is imported, installed and uninstalled in this process; None leaves that out.

    Raises HostUnreadableError.
    """
    for name, where in SECTIONS.items():
        module, _, function = where.partition(":")
        look: Callable[[Host | None], Section] | None
        try:
            look = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            yield Section(name=name, facts=(f"not available here: {error.name} is not installed",))
        else:
            assert look is not None  # noqa: S101  # getattr has raised otherwise
            yield look(host)


def signatures(host: Host | None) -> Section:
    """Compare the declaration with the host's code."""
    name = "signatures"
    if host is None:
        return Section(name=name, facts=("not looked at: no --host",))
    for target in targets(host):
        try:
            find(target)
        except ImportError as error:
            raise HostUnreadableError(f"{target}: {shown(error)}") from error
        except AttributeError:
            continue  # a difference, told below
        except Exception as error:  # the host's own code, whatever it raises
            raise HostUnreadableError(f"{target}: its module cannot be imported: {shown(error)}") from error
    found = [*version_differs(host), *mismatches(host)]
    version = find(host.version_attribute) if host.versions and not version_differs(host) else "not declared"
    facts = (f"{len(host.contracts)} contracts, {len(targets(host))} targets, version {version}",)
    return Section(name=name, facts=facts, findings=tuple(f"{line}; next: correct the host file" for line in found))


def installs(host: Host | None) -> Section:
    """Install, take the census, uninstall: what stays silent in a process made like this one."""
    name = "install"
    if host is None or mismatches(host) or version_differs(host):
        return Section(name=name, facts=("not tried: no --host, or it differs from its declaration",))
    try:
        made = install(host)
    except FlagError as error:
        return Section(name=name, findings=(f"{error}; next: correct the variable, or unset it",))
    try:
        facts, findings = _covered(made)
    finally:
        left = made.uninstall()
    return Section(name=name, facts=facts, findings=(*findings, *(f"uninstall leaves {line}" for line in left)))


def _covered(made: Installation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    count = len(made.rebound)
    altered = [place for place in made.rebound if place.kind is Kind.METHOD]
    facts = (f"{count} places rebound, {made.moved} live instances moved", *map(str, altered))
    return facts, tuple(dict.fromkeys(map(str, (*made.uncovered, *made.census()))))


def flag_files(host: Host | None) -> Section:
    """Read the flags as a process started here and now would."""
    name = "flags"
    if host is None:
        return Section(name=name, facts=("not looked at: no --host",))
    try:
        flags.declare(host.components)
    except FlagError as error:
        return Section(name=name, findings=(f"{error}; next: correct the variable, or unset it",))
    try:
        facts = tuple(f"{key}: {each.mode} ({each.reason}: {each.detail})" for key, each in flags.table().items())
        problem = flags.problem()
    finally:
        flags.declare(())
    return Section(name=name, facts=facts, findings=(problem,) if problem else ())


def log_route(_host: Host | None) -> Section:
    """Say where the one ERROR line per failure goes."""
    try:
        found = logs.choice()
    except FlagError as error:
        return Section(name="log", findings=(str(error),))
    return Section(name="log", facts=(f"{found.route}, {found.form}: {found.why}",))


def failures(_host: Host | None) -> Section:
    """List the failures of our own in this process."""
    how = "next: read the log lines failloud.own_failure"
    found = tuple(f"{operation}: {count}; {how}" for operation, count in own_failures().items())
    return Section(name="own failures", facts=() if found else ("none",), findings=found)
