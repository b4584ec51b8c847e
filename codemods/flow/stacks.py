"""What the calls above a function make of a failure in it, whatever the handlers do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from codemods.flow.ends import Fate
from codemods.flow.facts import Edge, Function

__all__ = ["Stacks"]


class Stacks:
    """Answers over one tree, each worked out once.

    SWALLOWED: some way up is plain. ESCALATED: one leads through an except body, where nothing is raised in enforce.
    CARRIED: one leads through another contracted call, which records and raises in its place.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        contracted: frozenset[str],
        callers: Callable[[str], Iterable[Edge]],
        opens: Callable[[Function], object],
    ) -> None:
        self.functions, self.contracted, self.callers, self.opens = functions, contracted, callers, opens
        self._known: dict[str, frozenset[Fate]] = {}

    def over(self, key: str) -> frozenset[Fate]:
        """Say it of one function."""
        if key not in self._known:
            self._known[key] = frozenset(self._look(key)) or frozenset({Fate.SWALLOWED})
        return self._known[key]

    def _look(self, key: str) -> set[Fate]:
        found: set[Fate] = set()
        waiting, known = [key], {key}
        while waiting:
            one = waiting.pop()
            function = self.functions.get(one)
            if one in self.contracted:
                found.add(Fate.CARRIED)
                continue
            callers = list(self.callers(one))
            if function is None or function.boundary or not callers or self.opens(function):
                found.add(Fate.SWALLOWED)
            for edge in callers:
                if any(net.kind == "handling" for net in edge.direct):
                    found.add(Fate.ESCALATED)
                elif edge.caller not in known:
                    known.add(edge.caller)
                    waiting.append(edge.caller)
        return found
