"""Which handlers on the way from call sites to a boundary have to be mended, and how. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from codemods.flow.crossing import ESCALATE, HOLDS, MENDED, RERAISE
from codemods.flow.ends import End, Fate
from codemods.flow.facts import FileFacts, Net, Start
from codemods.flow.graph import Graph
from codemods.flow.search import Way, ways_of

__all__ = ["Left", "Mending", "mending_of"]

_Place = tuple[str, int]
"A file and the line of an `except` in it."
_SILENT = frozenset({Fate.SWALLOWED, Fate.RESTARTS})
_ROUNDS = 60
"Nets on one chain; the longest known has seven."
_AT_THE_CALL = frozenset({"catch_specific"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A call site whose failure still ends in silence, and what to do about it."""

    start: Start
    end: End
    reason: str


@dataclass(slots=True, kw_only=True)
class Mending:
    """What is to be done: `handlers` by (file, line of the `except`), the chains each is for, and what is left."""

    handlers: dict[tuple[str, int], str] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)
    "By file: the ways from the call to the end, in words, once all is mended."
    left: list[Left] = field(default_factory=list)


def mending_of(starts: Iterable[Start], facts: Iterable[FileFacts], graph: Graph) -> Mending:
    """Work out the mending of call sites, whatever file the handlers are in."""
    made = Mending()
    clauses = _clauses(facts)
    sites = []
    for start in starts:
        if start.migration in _AT_THE_CALL:
            end = End(Fate.UNKNOWN, start.path, start.line, start.caller, "")
            made.left.append(
                Left(start=start, end=end, reason="a raise here would destroy work: catch-specific is for it")
            )
        elif start.raised:
            sites.append(start)
    for step in (_open, _close):  # first as far up as it goes, then closed again where nobody is known to hear it
        _settle(sites, graph, made.handlers, partial(step, clauses=clauses))
    for start in sites:
        for way in ways_of(start, graph, made.handlers):
            _tell(start, way, made)
    return made


def _settle(
    sites: list[Start], graph: Graph, handlers: dict[_Place, str], step: Callable[[Start, Way, dict[_Place, str]], None]
) -> None:
    """Take steps until none changes anything: what is mended lets a failure on to the next handler."""
    for _ in range(_ROUNDS):
        before = dict(handlers)
        for start in sites:
            for way in ways_of(start, graph, handlers):
                step(start, way, handlers)
        if handlers == before:
            return


def _clauses(facts: Iterable[FileFacts]) -> dict[tuple[str, int], Net]:
    """Give the `try` of each `except` line."""
    found: dict[tuple[str, int], Net] = {}
    for one in facts:
        stacks = [edge.nets for edge in one.edges] + [edge.direct for edge in one.edges]
        stacks += [nets for start in one.starts for nets in (start.edge.nets, start.edge.direct)]
        stacks += [nets for ways in one.contexts.values() for nets in ways]
        for nets in stacks:
            for net in nets:
                if net.kind == "try":
                    found |= {(one.path, clause.line): net for clause in net.clauses}
    return found


def _open(start: Start, way: Way, handlers: dict[_Place, str], clauses: dict[_Place, Net]) -> None:
    """Mend the handler that swallows, or those that made another exception of it before.

    What is sent once the work is done is escalated in the first handler: its result is on the way up with the call.
    """
    end = way.end
    if end.fate not in _SILENT:
        return
    changed = [(frame.path, one.line) for frame in way.frames for one in frame.met if one.does.startswith("raises ")]
    for place in [one for one in changed if one in clauses] or [(end.path, end.line)]:
        net = clauses.get(place)
        if net is not None:
            handlers.setdefault(place, ESCALATE if net.holds or start.ends else RERAISE)


def _close(_start: Start, way: Way, handlers: dict[_Place, str], clauses: dict[_Place, Net]) -> None:
    """Escalate in the last handler below work that a raise would destroy, or below an end where nobody hears it."""
    below: _Place | None = None
    for frame in way.frames:
        for one in frame.met:
            if one.does == MENDED and (frame.path, one.line) in clauses:
                below = (frame.path, one.line)
            elif one.does.startswith(HOLDS) and below is not None:
                handlers[below] = ESCALATE
                return
    if below is not None and way.end.fate in {*_SILENT, Fate.UNKNOWN}:
        handlers[below] = ESCALATE


def _tell(start: Start, way: Way, made: Mending) -> None:
    steps = [f"{start.path}:{start.line} {start.contract}"]
    touched: set[str] = set()
    for frame in way.frames:
        for one in frame.met:
            steps.append(f"{frame.path}:{one.line} {one.kind} {one.does}")
            if (frame.path, one.line) in made.handlers:
                touched.add(frame.path)
    steps.append(f"{way.end.path}:{way.end.line} {way.end.fate}: {way.end.why}")
    for path in touched:
        made.chains.setdefault(path, []).append(" -> ".join(steps))
    if way.end.fate in _SILENT:
        made.left.append(Left(start=start, end=way.end, reason=_reason(way.end)))


def _reason(end: End) -> str:
    if "task" in end.why:
        return f"{end.why}: track-tasks is for it"
    return f"{end.why}: rewrite that by hand"
