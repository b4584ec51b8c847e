"""What an exception becomes on its way through nets: itself, another, or an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from codemods.flow.effects import RESTARTS
from codemods.flow.ends import Fate
from codemods.flow.facts import Clause, Net
from codemods.flow.graph import Graph
from codemods.flow.meanings import builtin_bases
from codemods.flow.thrown import Takes, Thrown, takes, thrown_of, ways_for

__all__ = ["ESCALATE", "HOLDS", "MENDED", "RERAISE", "Crossed", "Mends", "Passage", "Road", "cross"]

MENDED = "is to let it through"
HOLDS = "holds "
_DEEP = 4
"Context managers opened in context managers that are followed."


class Crossed(NamedTuple):
    """One thing a net does to an exception, for the telling."""

    line: int
    kind: str
    does: str


RERAISE, ESCALATE = "let it through", "escalate it"
Mends = Mapping[tuple[str, int], str]
"What is to become of handlers: (file, line of the `except`) -> RERAISE or ESCALATE."


class Passage(NamedTuple):
    """What came out on one way: an exception, or an end."""

    thrown: Thrown | None
    met: tuple[Crossed, ...]
    fate: Fate | None = None
    line: int = 0
    why: str = ""
    effects: tuple[str, ...] = ()
    path: str = ""
    "Where it ends, if that is in another file: a context manager's."


class Road(NamedTuple):
    """What is known on the way: the whole tree, the file the nets are in, the handlers that are to be mended."""

    graph: Graph
    path: str
    mends: Mends = MappingProxyType({})
    deep: int = 0


def cross(nets: tuple[Net, ...], thrown: Thrown, road: Road) -> list[Passage]:
    """Send an exception through nets, innermost first; every way it may go, each once."""
    under: list[tuple[Thrown, tuple[Crossed, ...]]] = [(thrown, ())]
    ended: list[Passage] = []
    for net in nets:
        going: list[tuple[Thrown, tuple[Crossed, ...]]] = []
        for one, met in under:
            for out in _through(net, one, road):
                told = (*met, *out.met)
                if out.thrown is None:
                    ended.append(out._replace(met=told))
                else:
                    going.append((out.thrown, told))
        under = list(dict.fromkeys(going))
    return [*ended, *(Passage(one, met) for one, met in under)]


def _through(net: Net, thrown: Thrown, road: Road) -> Iterator[Passage]:  # noqa: C901, PLR0915  # one case per kind
    match net.kind:
        case "try" | "try*" | "suppress":
            yield from _clauses(net, thrown, road)
        case "handling":
            why = "called from an except body: nothing is raised there in enforce"
            yield Passage(None, (Crossed(net.line, "except body", "escalated"),), Fate.ESCALATED, net.line, why)
        case "boundary":
            fate = Fate.REACHES if thrown.is_loud else Fate.WRAPPED
            yield Passage(None, (Crossed(net.line, "boundary", "seen"),), fate, net.line, f"boundary({net.name})")
        case "finally":
            met = (Crossed(net.line, "finally", "leaves, and drops the exception"),)
            yield Passage(None, met, Fate.SWALLOWED, net.line, "a finally body that leaves", ("leave in finally",))
        case "exit" | "exit?":
            met = (Crossed(net.line, "__exit__", "answers true" if net.kind == "exit" else "may answer true"),)
            if net.kind == "exit":
                yield Passage(None, met, Fate.SWALLOWED, net.line, "an __exit__ that answers true", ("does nothing",))
            else:
                yield Passage(None, met, Fate.UNKNOWN, net.line, "an __exit__ whose answer the text does not tell")
                yield Passage(thrown, ())
        case "group":
            inner = thrown.grouped or thrown.bases
            yield Passage(
                Thrown(builtin_bases("ExceptionGroup"), inner), (Crossed(net.line, net.name, "wraps it in a group"),)
            )
        case "gather":
            met = (Crossed(net.line, "gather", "keeps exceptions as values"),)
            yield Passage(
                None,
                met,
                Fate.SWALLOWED,
                net.line,
                "gather(return_exceptions=True), its result dropped",
                ("does nothing",),
            )
        case "gather?":
            met = (Crossed(net.line, "gather", "hands exceptions on as values"),)
            yield Passage(
                None, met, Fate.UNKNOWN, net.line, "it becomes a value: whoever takes the results may look at it"
            )
        case "context":
            yield from _context(net, thrown, road)
        case _:
            raise AssertionError(net.kind)


def _clauses(net: Net, thrown: Thrown, road: Road) -> Iterator[Passage]:
    star = net.kind == "try*"
    for clause in net.clauses:
        taken = takes(clause, thrown, star=star)
        if taken is Takes.NO:
            continue
        yield from _taken(net, clause, thrown, road, doubt=taken is Takes.MAYBE)
        if taken is Takes.YES:
            return
    yield Passage(thrown, ())


def _taken(net: Net, clause: Clause, thrown: Thrown, road: Road, *, doubt: bool) -> Iterator[Passage]:
    kind = "suppress" if net.kind == "suppress" else f"except {_names(clause)}"
    mend = road.mends.get((road.path, clause.line)) if thrown.is_loud and not thrown.grouped else None
    if mend == RERAISE:
        yield Passage(thrown, (Crossed(clause.line, kind, MENDED),))
        return
    if mend == ESCALATE:
        yield Passage(
            None,
            (Crossed(clause.line, kind, "is to escalate it"),),
            Fate.ESCALATED,
            clause.line,
            "escalated, once mended",
        )
        return
    for way in ways_for(clause, thrown):
        if way.kind == "same":
            out = (
                Thrown(builtin_bases("ExceptionGroup"), thrown.bases)
                if net.kind == "try*" and not thrown.grouped
                else thrown
            )
            yield Passage(out, (Crossed(clause.line, kind, "raises it again"),))
        elif way.kind == "other":
            other = thrown_of(way.raised, road.graph.types)
            yield Passage(other, (Crossed(clause.line, kind, f"raises {other.name} in its place"),))
        elif way.kind == "seen":
            met = (Crossed(clause.line, kind, "escalates it"),)
            yield Passage(
                None, met, Fate.ESCALATED, clause.line, "a handler escalates it or declares it handled", clause.effects
            )
        else:
            fate = Fate.UNKNOWN if doubt else Fate.RESTARTS if RESTARTS in clause.effects else Fate.SWALLOWED
            does = ", ".join(clause.effects)
            why = f"{kind} keeps it: {does}" if not doubt else f"{kind} may keep it: the text does not tell the type"
            yield Passage(None, (Crossed(clause.line, kind, does),), fate, clause.line, why, clause.effects)


def _names(clause: Clause) -> str:
    return ", ".join(one.rpartition(":")[2].replace("*", "anything") for one in clause.types)


def _context(net: Net, thrown: Thrown, road: Road) -> Iterator[Passage]:
    keys = [] if net.name.startswith("?") else net.name.split("|")
    inside = [ways for key in keys if (ways := _ways_of(key, road.graph)) is not None]
    held = (Crossed(net.line, f"with {net.name.lstrip('?')}", f"{HOLDS}{net.holds}"),) if net.holds else ()
    if not inside or road.deep > _DEEP:
        yield Passage(thrown, held)
        return
    within = road._replace(path=road.graph.path_of(keys[0]), deep=road.deep + 1)
    found: list[Passage] = []
    for alternatives in inside:
        for nets in alternatives or ((),):
            found += cross(nets, thrown, within)
    name = keys[0].rpartition(":")[2]
    for one in dict.fromkeys(found):
        quiet = one.thrown is not None and one.thrown == thrown
        why = f"the context manager {name}: {one.why}" if one.why else ""
        told = (Crossed(net.line, f"with {name}", "; ".join(each.does for each in one.met)),)
        yield one._replace(met=held if quiet else told, why=why, path=one.path or within.path)


def _ways_of(key: str, graph: Graph) -> tuple[tuple[Net, ...], ...] | None:
    if key in graph.contexts:
        return graph.contexts[key]
    for base in graph.classes.get(key, ())[1:]:
        if base in graph.contexts:
            return graph.contexts[base]
    return None
