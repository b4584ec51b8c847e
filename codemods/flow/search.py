"""From a call site upwards, frame by frame, until each way has an end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

from codemods.flow.crossing import Crossed, Mends, Passage, Road, cross
from codemods.flow.ends import End, Fate, end_of
from codemods.flow.facts import Edge, Function, Net, Start
from codemods.flow.graph import Graph
from codemods.flow.thrown import Thrown

__all__ = ["Frame", "Way", "ways_of"]

_CARRIED = "inside another contracted call, which records it and raises in its place: see the call sites of that one"
_HANDLING = "only ever called from an except body: nothing is raised there"
_MANY = 4000
"Frames looked at for one site; more is told."


class Frame(NamedTuple):
    """One frame of a chain: a function, the line in it where the failure comes up, and what it meets there."""

    function: str
    path: str
    line: int
    evidence: str
    met: tuple[Crossed, ...]


class Way(NamedTuple):
    """One end of a site and the shortest chain of frames that leads to it."""

    end: End
    frames: tuple[Frame, ...]


class _Node(NamedTuple):
    """An exception that leaves a function. `pending`: the function only handed a coroutine on, and did not run it."""

    function: str
    thrown: Thrown
    pending: bool = False
    back: tuple[str, Edge] | None = None
    "A function that called what it was handed, and the place that handed it: the way leads back there."


def ways_of(start: Start, graph: Graph, mends: Mends = MappingProxyType({})) -> tuple[Way, ...]:
    """Give every end of a call site, once, each with its shortest chain. `mends`: handlers as they are to become."""
    if not start.raised:
        return (Way(End(Fate.ESCALATED, start.path, start.line, start.caller, start.why), ()),)
    return tuple(_Search(start, graph, mends).run())


class _Search:
    def __init__(self, start: Start, graph: Graph, mends: Mends) -> None:
        self.start, self.graph, self.mends = start, graph, mends
        self.first = Thrown(start.raised)
        self._came: dict[_Node, tuple[_Node | None, Frame]] = {}
        self._waiting: deque[_Node] = deque()
        self._ends: dict[tuple[Fate, str, int, str], Way] = {}

    def run(self) -> Iterator[Way]:
        """Go up, nearest frames first: what is found first is the shortest."""
        kind = "coroutine" if self.start.is_async else "function"
        callee = Function(self.start.contract, self.start.path, self.start.line, kind)
        self._step(None, self.first, self.start.edge, callee, pending=False)
        while self._waiting and len(self._came) < _MANY:
            self._leave(self._waiting.popleft())
        if self._waiting:
            self._end(self._waiting[0], Fate.UNKNOWN, "", 0, f"more than {_MANY} frames lead up from here")
        yield from self._ends.values()

    def _leave(self, node: _Node) -> None:
        """Follow an exception out of a function: through its decorators, to a boundary or to whoever calls it."""
        function = self.graph.functions.get(node.function)
        if function is None:
            self._end(node, Fate.UNKNOWN, "", 0, "a function that is not in the tree that was read")
            return
        for thrown in self._decorated(node, function):
            self._go_on(node._replace(thrown=thrown), function, came=node)

    def _decorated(self, node: _Node, function: Function) -> list[Thrown]:
        """Send the exception through the decorators, innermost first; gives what comes out."""
        under = [node.thrown]
        for one in function.decorated:
            if one.kind == "unknown":
                why = f"the decorator {one.name} is not in the tree: it may keep what passes"
                self._end(node, Fate.UNKNOWN, function.path, one.line, why)
            elif one.kind in {"tree", "factory"}:
                calls = self.graph.calls_of_decorated(one)
                inside = [
                    out for thrown in under for edge in calls for out in self._wrapper(node, edge, function, thrown)
                ]
                under = list(dict.fromkeys(inside)) if calls else under  # it gives the function back as it is
        return under

    def _wrapper(self, node: _Node, edge: Edge, function: Function, thrown: Thrown) -> Iterator[Thrown]:
        nets = edge.nets if function.kind == "coroutine" and edge.awaited else edge.direct
        for out in cross(nets, thrown, self._road(edge.caller)):
            if out.thrown is None:
                self._ended(node, edge, out)
            else:
                yield out.thrown

    def _go_on(self, node: _Node, function: Function, came: _Node) -> None:
        if function.boundary:
            self._boundary(came, node.thrown, function)
            return
        if node.back is not None and node.back[0] == node.function:
            self._step(came, node.thrown, node.back[1], function, pending=node.pending)
            return
        callers = list(self.graph.callers(node.function))
        for edge in callers:
            self._step(came, node.thrown, edge, function, pending=node.pending, back=node.back)
        if opens := self.graph.opens(function):
            where = ", ".join(f"{self.graph.path_of(one.caller)}:{one.line}" for one in opens[:3])
            more = f" and {len(opens) - 3} more" if len(opens) > 3 else ""
            why = f"{len(opens)} calls of this name tell nothing of their receiver: {where}{more}"
            self._end(came, Fate.UNKNOWN, function.path, function.line, why)
        elif not callers:
            self._end(
                came, Fate.UNKNOWN, function.path, function.line, "no caller found: dead, or called by a framework"
            )

    def _road(self, key: str) -> Road:
        return Road(self.graph, self.graph.path_of(key), self.mends)

    def _boundary(self, node: _Node, thrown: Thrown, function: Function) -> None:
        fate = Fate.REACHES if thrown.is_loud else Fate.WRAPPED
        what = "" if thrown.is_loud else f", as {thrown.name}"
        self._end(node, fate, function.path, function.line, f"{function.boundary} boundary{what}")

    def _step(
        self,
        node: _Node | None,
        thrown: Thrown,
        edge: Edge,
        callee: Function,
        *,
        pending: bool,
        back: tuple[str, Edge] | None = None,
    ) -> None:
        """Take one call of the function the exception leaves."""
        runs_later = pending or callee.kind == "coroutine" or (callee.kind == "generator" and not edge.iterated)
        if edge.form == "passed" or (runs_later and edge.given and not edge.awaited):
            self._handed(node, thrown, edge, callee, pending=pending)
        elif edge.form == "returned" and (runs_later or callee.kind == "generator"):
            self._arrive(node, edge, thrown, (), pending=True, back=back)
        elif runs_later and edge.form == "call" and not (edge.awaited or edge.iterated):
            kind = "generator" if callee.kind == "generator" else "coroutine"
            why = f"its {kind} is made here, and where it runs the text does not tell"
            self._end_at(node, edge, f"{edge.detail}: {why}" if edge.detail else why)
        else:
            nets = edge.nets if runs_later or edge.iterated or edge.form != "call" else edge.direct
            self._arrive(node, edge, thrown, nets, back=back)

    def _handed(self, node: _Node | None, thrown: Thrown, edge: Edge, callee: Function, *, pending: bool) -> None:
        """Go on where a function of the tree calls, or awaits, what it was handed."""
        found = False
        for parameter in edge.given:
            owner = parameter.split("|")[1]
            place = next(
                (one for one in self.graph.callers(owner) if (one.caller, one.line) == (edge.caller, edge.line)), None
            )
            for call in self.graph.calls_of(parameter):
                found = True
                inside = call.caller == owner or call.caller.startswith(f"{owner}.")
                back = (owner, place) if place is not None and inside else None
                runs_later = pending or callee.kind == "coroutine"
                nets = call.nets if runs_later else call.direct
                if runs_later and call.form == "call" and not call.awaited:
                    self._end_at(node, call, "its coroutine is kept")
                else:
                    self._arrive(node, call, thrown, nets, back=back)
        if not found:
            to = ", ".join(sorted({one.split("|")[1].rpartition(":")[2] for one in edge.given})) or edge.detail
            self._end_at(node, edge, f"handed to {to}, which keeps or passes it on")

    def _arrive(
        self,
        node: _Node | None,
        edge: Edge,
        thrown: Thrown,
        nets: tuple[Net, ...],
        *,
        pending: bool = False,
        back: tuple[str, Edge] | None = None,
    ) -> None:
        """Bring the exception up in a caller: as its form says, through the nets there."""
        if edge.form == "done-callback" and (seen := self._marked(edge)) is not None:
            frame = self._frame(edge)
            self._finish(node, frame, End(Fate.REACHES, seen.path, seen.line, seen.key, "done-callback boundary"))
            return
        if (end := end_of(edge.form, edge.detail)) is not None:
            fate, why = end
            frame = self._frame(edge)
            self._finish(node, frame, End(fate, frame.path, edge.line, edge.caller, why))
            return
        if edge.caller in self.graph.contracted:  # whatever its handlers do: the outermost call records and raises
            frame = self._frame(edge)
            self._finish(node, frame, End(Fate.CARRIED, frame.path, edge.line, edge.caller, _CARRIED))
            return
        for out in cross(nets, thrown, self._road(edge.caller)):
            if out.thrown is None:
                self._ended(node, edge, out)
                continue
            reached = _Node(edge.caller, out.thrown, pending, back)
            if reached not in self._came:
                frame = self._frame(edge, out.met)
                self._came[reached] = (node, frame)
                self._waiting.append(reached)

    def _ended(self, node: _Node | None, edge: Edge, out: Passage) -> None:
        fate, why, path = out.fate or Fate.UNKNOWN, out.why, self.graph.path_of(edge.caller)
        if fate in {Fate.SWALLOWED, Fate.RESTARTS}:
            stacks = self.graph.stacks.over(edge.caller)
            if Fate.SWALLOWED not in stacks:
                fate = min(stacks, key=list(Fate).index)
                why = _CARRIED if fate is Fate.CARRIED else _HANDLING
        frame = self._frame(edge, out.met)
        self._finish(node, frame, End(fate, out.path or path, out.line, edge.caller, why, out.effects))

    def _marked(self, edge: Edge) -> Function | None:
        """Give the done-callback of a task, where it is one that sees what it is handed."""
        known = [self.graph.functions[key] for key in edge.given if key in self.graph.functions]
        return next((one for one in known if any(each.kind == "boundary" for each in one.decorated)), None)

    def _frame(self, edge: Edge, met: tuple[Crossed, ...] = ()) -> Frame:
        return Frame(edge.caller, self.graph.path_of(edge.caller), edge.line, edge.evidence, met)

    def _end_at(self, node: _Node | None, edge: Edge, why: str) -> None:
        """Nobody can tell what becomes of it at a place."""
        frame = self._frame(edge)
        self._finish(node, frame, End(Fate.UNKNOWN, frame.path, edge.line, edge.caller, why))

    def _end(self, node: _Node, fate: Fate, path: str, line: int, why: str) -> None:
        self._finish(node, None, End(fate, path, line, node.function, why))

    def _finish(self, node: _Node | None, frame: Frame | None, end: End) -> None:
        key = (end.fate, end.path, end.line, end.why)
        if key not in self._ends:
            frames = [frame] if frame is not None else []
            while node is not None:
                node, one = self._came[node]
                frames.append(one)
            self._ends[key] = Way(end, tuple(reversed(frames)))
