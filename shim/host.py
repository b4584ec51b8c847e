"""Install the shims on a host: compare signatures, build classes, rebind names, move instances; and undo it all."""

from __future__ import annotations

import sys

from shim import flags
from shim.contracts import Host
from shim.decisions import FlagError
from shim.fits import HostMismatchError, mismatches, module_of, targets, version_differs
from shim.guard import own_failure
from shim.hosts import load_host
from shim.installation import Installation
from shim.locks import fresh_lock
from shim.logs import choice
from shim.places import Place

__all__ = ["AlreadyInstalledError", "HostMismatchError", "Installation", "census", "install", "installed"]


class AlreadyInstalledError(Exception):
    """Raised when another declaration of an installed host, or of one of its components, is installed."""


_installed: list[Installation] = []
_lock = fresh_lock()


def installed() -> tuple[Installation, ...]:
    """Give the installations of this process."""
    return tuple(_installed)


def census() -> tuple[Place, ...]:
    """List what is not covered in this process now, and what to do about each: for a look at a live process."""
    return tuple(place for each in installed() for place in each.census())


def install(host: str | Host, *, lazy: bool = False) -> Installation:
    """Install the shims of a host: a short name, a dotted module, a path, or a `Host`. Twice is once.

    The host's modules are imported and compared first. With `lazy` none is: what is imported already is covered now,
    the rest when the application imports it; a difference found then is reported (`own_failures`, `census`), since
    raising would break somebody's import.
    Raises HostFileError, ContractError, HostMismatchError, AlreadyInstalledError, or FlagError (an unknown
    component, mode or log form in the environment). Whatever is raised, the host is left as it was.
    """
    found = load_host(host) if isinstance(host, str) else host
    if known := _known(found):
        if not lazy:
            known.complete()
        return known
    wanted = [target for target in targets(found) if not lazy or module_of(target) in sys.modules]
    differences = [*version_differs(found, loaded_only=lazy), *mismatches(found, wanted)]
    if differences:
        raise HostMismatchError(found.name, tuple(differences))
    choice()  # a typo in FAILLOUD_LOG is refused before anything is changed
    with _lock:
        if known := _known(found):  # another thread was faster
            return known
        made = Installation(host=found, _ended=_remove)
        _installed.append(made)
        try:
            _declare()
        except BaseException:
            _installed.remove(made)
            raise
        try:
            made.begin(lazy=lazy)
        except BaseException:
            try:
                made.uninstall()
            except Exception as failed:  # noqa: BLE001  # the first error says more
                own_failure("host.undo", failed)
                _remove(made)
            raise
    return made


def _known(found: Host) -> Installation | None:
    """Find the installation of this very host. Raises AlreadyInstalledError where another one is in the way."""
    for other in installed():
        if other.host == found:
            return other
        if other.host.name == found.name:
            msg = (
                f"another declaration of host {found.name!r} is installed already; "
                "call uninstall() on that Installation first"
            )
            raise AlreadyInstalledError(msg)
        if taken := [name for name in found.components if name in other.host.components]:
            msg = f"component {', '.join(taken)} of host {found.name!r} belongs to an installed host already; rename it"
            raise AlreadyInstalledError(msg)
    return None


def _remove(ended: Installation) -> None:
    with _lock:
        _installed[:] = [each for each in _installed if each is not ended]
        try:
            _declare()
        except FlagError as error:  # a variable went bad since the install; the host is put back all the same
            own_failure("host.uninstall", error)


def _declare() -> None:
    flags.declare(tuple(name for each in _installed for name in each.host.components))
