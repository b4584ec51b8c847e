"""One installation: what was covered, where it was rebound, what is not covered, and the way back."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from types import ModuleType

from shim import recipients, tellers
from shim.contracts import Host
from shim.cover import Cover, overrides
from shim.fits import HostMismatchError, mismatches, module_of, targets, version_differs
from shim.guard import own_failure, shown
from shim.heap import Graph, thawed
from shim.later import forget, when_executed
from shim.places import Kind, Place, label, spots
from shim.rebind import NEXT, Pair, Rebinder, instances, place_of

__all__ = ["Installation"]

_LOG = logging.getLogger("failloud")
_PASSES = 5
"Looks for instances made meanwhile by other threads, before what is left is listed."


@dataclass(slots=True)
class Installation:
    """What one install changed. `uninstall()` puts it back."""

    host: Host
    rebound: list[Place] = field(default_factory=list)
    "Every place that names a shim now."
    moved: int = 0
    "Live instances that were moved to a shim class."
    uncovered: list[Place] = field(default_factory=list)
    "What stays silent, and why; `census()` looks again."
    active: bool = True
    _covers: list[Cover] = field(default_factory=list, repr=False)
    _awaited: set[str] = field(default_factory=set, repr=False)
    _rebinder: Rebinder = field(default_factory=Rebinder, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _ended: Callable[[Installation], None] = field(default=lambda _: None, repr=False)

    @property
    def classes(self) -> dict[str, type]:
        """Target -> shim class, for the classes that have one."""
        return {cover.target: shim_class for cover in self._covers for _, shim_class in cover.classes()}

    def begin(self, *, lazy: bool) -> None:
        """Cover every target; with `lazy` those whose module is there, the others when it has been imported."""
        modules = {module_of(target) for target in targets(self.host)}
        self._awaited = {name for name in modules if lazy and name not in sys.modules}
        self.cover([target for target in targets(self.host) if module_of(target) not in self._awaited])
        for name in self._watched_modules():
            when_executed(name, self._executed)  # also a reload makes new classes

    def complete(self) -> None:
        """Import and cover what is still awaited. Raises HostMismatchError."""
        wanted = [target for target in targets(self.host) if module_of(target) in self._awaited]
        if differences := mismatches(self.host, wanted):  # without the lock: imports take locks of their own
            raise HostMismatchError(self.host.name, tuple(differences))

    def cover(self, wanted: Collection[str]) -> None:
        """Build, rebind and move, for targets that were compared with the host's code."""
        with self._lock, thawed():
            made = [Cover(self.host, target) for target in wanted]
            pairs = [pair for cover in made for pair in cover.pairs]
            self._covers += made
            done, left = self._rebinder.swap(pairs)
            self.rebound += [*done, *(place for cover in made for place in cover.places)]
            moved, kept = _move(dict(each for cover in made for each in cover.classes()))
            self.moved += moved
            own = [place for cover in made for place in (*overrides(cover, self.host), *cover.untracked())]
            self._report([*left, *kept, *own])

    def _report(self, places: list[Place]) -> None:
        self.uncovered += places
        for place in places:
            _LOG.warning("failloud.not_covered %s", place)

    def _watched_modules(self) -> set[str]:
        version = {module_of(self.host.version_attribute)} if self.host.versions else set()
        return {module_of(target) for target in targets(self.host)} | version

    def _executed(self, module: ModuleType) -> None:
        """Cover the classes of a module that has just been run: imported late, or reloaded."""
        with self._lock:
            if not self.active:
                return
            wanted = [target for target in targets(self.host) if module_of(target) == module.__name__]
            differences = [*version_differs(self.host, loaded_only=True), *mismatches(self.host, wanted)]
            self._awaited.discard(module.__name__)
            if not differences:
                self.cover(wanted)
                return
            own_failure("install.later", HostMismatchError(self.host.name, tuple(differences)))
            how = "not covered; correct the host file's rows"
            if wanted == [] and self._covers:
                self.uninstall()
            self._report([Place(kind=Kind.DIFFERS, where=line, held=module.__name__, how=how) for line in differences])

    def census(self) -> list[Place]:
        """Look for what is not covered now: places, instances, overriding subclasses, modules not imported yet."""
        with self._lock, thawed():
            pairs = [pair for cover in self._covers for pair in cover.pairs]
            graph = Graph(pair.host for pair in pairs)
            found = [place for pair in pairs for place in _held(pair, graph)]
            count = Counter(type(each) for each in instances(pair.host for pair in pairs if pair.moves))
            how = "made by code that holds the old class: find it above, or make them after the install"
            for cls, each in count.items():
                found.append(Place(kind=Kind.INSTANCES, where=f"{each} live", held=label(cls), how=how))
            found += [place for cover in self._covers for place in overrides(cover, self.host)]
            found += [place for place in self.uncovered if place.kind is Kind.DIFFERS]
            how = "covered as soon as it is imported"
            for name in sorted(self._awaited):
                missed = "imported past the import hook; install again without lazy" if name in sys.modules else how
                found.append(Place(kind=Kind.AWAITED, where=name, held=self.host.name, how=missed))
            return found

    def uninstall(self) -> list[str]:
        """Rebind every place and instance to the host's own; gives what could not be put back (normally nothing)."""
        with self._lock, thawed():
            if not self.active:
                return []
            self.active = False
            for name in self._watched_modules():
                forget(name, self._executed)
            tellers.forget()
            recipients.forget()
            pairs = [pair for cover in self._covers for pair in cover.pairs]
            done, kept = self._rebinder.swap(pairs, back=True)
            left = [str(place) for place in kept]
            left += [line for cover in self._covers for line in cover.put_back()]
            _, stuck = _move({shim: host for cover in self._covers for host, shim in cover.classes()})
            left += [str(place) for place in stuck]
            left += self._changed_since({place.where for place in done})
            self._ended(self)
            return left

    def _changed_since(self, done: set[str]) -> Iterator[str]:
        hosts = [pair.host for cover in self._covers for pair in cover.pairs]
        for place in self.rebound:
            module, _, name = place.where.rpartition(".")
            if place.kind is Kind.MODULE and place.where not in done and module in sys.modules:
                found = getattr(sys.modules[module], name, None)
                if not any(found is host for host in hosts):
                    yield f"{place.where}: bound to something else since"


def _held(pair: Pair, graph: Graph) -> Iterator[Place]:
    for spot in spots(pair.host, graph):
        if spot.holder is not pair.shim:
            yield place_of(spot, pair.host, NEXT.get(spot.kind, "rebind it by hand, or import its module again"))


def _move(wanted: dict[type, type]) -> tuple[int, list[Place]]:
    """Give live instances their other class, until a look finds none that can be; gives the number and the rest."""
    moved = 0
    stuck: dict[int, Place] = {}
    kept = []  # keeps their ids theirs
    for _ in range(_PASSES):
        found = [each for each in instances(wanted) if id(each) not in stuck]
        if not found:
            break
        for each in found:
            old = type(each)
            try:
                each.__class__ = wanted[old]
            except TypeError as error:
                how = f"it keeps its class: {shown(error)}; make it after the install"
                kept.append(each)
                stuck[id(each)] = Place(kind=Kind.INSTANCES, where="an instance", held=label(old), how=how)
            else:
                moved += 1
    return moved, list(stuck.values())
