"""Install the shims on a host: compare signatures, build classes, rebind names, move instances; and undo it all."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet

from shim import flags
from shim.build import build_class, find, mismatches
from shim.contracts import Host
from shim.decisions import FlagError
from shim.guard import own_failure
from shim.hosts import load_host
from shim.logs import choice
from shim.tellers import forget

__all__ = ["AlreadyInstalledError", "HostMismatchError", "Installation", "install", "installed"]

_LOG = logging.getLogger("failloud")


class HostMismatchError(Exception):
    """Raised when the host's code is not what its host file declares; `differences` lists every difference."""

    def __init__(self, host: str, differences: tuple[str, ...]) -> None:
        super().__init__(host, differences)
        self.host, self.differences = host, differences

    def __str__(self) -> str:
        lines = "\n  ".join(self.differences)
        return (
            f"host {self.host!r} differs from its declaration, nothing was installed:\n  {lines}\n"
            "next: correct the host file's rows, or install the shim release made for this host version"
        )


class AlreadyInstalledError(Exception):
    """Raised when a host's shims are installed twice; `uninstall()` the first one before."""


@dataclass(slots=True)
class Installation:
    """What one install changed. `uninstall()` puts it back."""

    host: Host
    classes: dict[str, type] = field(default_factory=dict)
    "Target -> shim class."
    rebound: list[tuple[str, str]] = field(default_factory=list)
    "(module, name) pairs that now name a shim class."
    moved: int = 0
    "Live instances that were moved to a shim class."
    uncovered: list[str] = field(default_factory=list)
    "What stays silent, and why: instances of another layout, subclasses made before the install."
    active: bool = True

    def uninstall(self) -> list[str]:
        """Rebind every name and instance to the host's class; gives what could not be put back (normally nothing)."""
        if not self.active:
            return []
        left = []
        for module_name, name in self.rebound:
            module = sys.modules.get(module_name)
            found = getattr(module, name, None)
            if found in self.classes.values():
                setattr(module, name, found.__failloud_host__)  # type: ignore[union-attr]
            else:
                left.append(f"{module_name}.{name}: bound to something else since")
        for instance in _instances(self.classes.values()):
            instance.__class__ = type(instance).__failloud_host__  # type: ignore[attr-defined]
        forget()
        self.active = False
        _installed.remove(self)
        try:
            _declare()
        except FlagError as error:  # a variable went bad since the install; the host is put back all the same
            own_failure("host.uninstall", error)
        return left


_installed: list[Installation] = []


def installed() -> tuple[Installation, ...]:
    """Give the installations of this process."""
    return tuple(_installed)


def install(host: str | Host) -> Installation:
    """Install the shims of a host: a short name, a dotted module, a path, or a `Host`.

    Raises HostFileError, ContractError, HostMismatchError, AlreadyInstalledError, or FlagError (an unknown
    component, mode or log form in the environment). Whatever is raised, the host is left as it was.
    """
    found = load_host(host) if isinstance(host, str) else host
    if any(other.host.name == found.name for other in _installed):
        msg = f"the shims of host {found.name!r} are installed already; call uninstall() on that Installation first"
        raise AlreadyInstalledError(msg)
    taken = [name for other in _installed for name in found.components if name in other.host.components]
    if taken:
        msg = f"component {', '.join(taken)} of host {found.name!r} belongs to an installed host already; rename it"
        raise AlreadyInstalledError(msg)
    differences = [*_version_differs(found), *mismatches(found)]
    if differences:
        raise HostMismatchError(found.name, tuple(differences))
    choice()  # a typo in FAILLOUD_LOG is refused before anything is changed
    made = Installation(host=found)
    built = {declared.target: build_class(found, declared) for declared in found.classes}
    _installed.append(made)
    try:
        _declare()
    except BaseException:
        _installed.remove(made)
        raise
    made.classes = built
    _rebind(made)
    _move(made)
    for line in made.uncovered:
        _LOG.warning("failloud.not_covered %s", line)
    return made


def _declare() -> None:
    flags.declare(tuple(name for each in _installed for name in each.host.components))


def _version_differs(host: Host) -> list[str]:
    if not host.versions:
        return []
    try:
        version = str(find(host.version_attribute))
    except (ImportError, AttributeError) as error:
        return [f"{host.version_attribute}: cannot be read ({error})"]
    if version in SpecifierSet(host.versions):
        return []
    return [f"version {version} is not in the supported range {host.versions}"]


def _by_host_class(made: Installation) -> dict[type, type]:
    return {shim_class.__failloud_host__: shim_class for shim_class in made.classes.values()}  # type: ignore[attr-defined]


def _rebind(made: Installation) -> None:
    """Point every module-level name of a class at its shim: importers by name are found wherever they are."""
    wanted = {id(host_class): shim_class for host_class, shim_class in _by_host_class(made).items()}
    for module_name, module in list(sys.modules.items()):
        for name, value in list(getattr(module, "__dict__", {}).items()):  # sys.modules may hold anything
            if id(value) in wanted:
                setattr(module, name, wanted[id(value)])
                made.rebound.append((module_name, name))


def _move(made: Installation) -> None:
    wanted = _by_host_class(made)
    for instance in _instances(wanted):
        host_class = type(instance)
        try:
            instance.__class__ = wanted[host_class]
        except TypeError as error:
            name = f"{host_class.__module__}:{host_class.__qualname__}"
            made.uncovered.append(f"an instance of {name} keeps its class: {error}")
        else:
            made.moved += 1
    for host_class, shim_class in wanted.items():
        for other in host_class.__subclasses__():
            if other is not shim_class and "__failloud_host__" not in vars(other):
                name = f"{other.__module__}:{other.__qualname__}"
                made.uncovered.append(f"{name} was derived from {host_class.__qualname__} before the install")


def _instances(classes: Iterable[type]) -> list[object]:
    """Find the live instances of exactly these classes, in one pass over what the collector tracks."""
    wanted = frozenset(classes)
    return [found for found in gc.get_objects() if type(found) in wanted]
