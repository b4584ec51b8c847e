"""What can be reached in a graph with circles: Tarjan's strongly connected components, R. Tarjan, 1972."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["reachable"]


def reachable(steps: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """Give for each node all that can be reached from it, itself too; nodes of one circle share one set.

    `steps` has a key for every node; recursion is kept on a list of our own, since import chains may be long.
    """
    found = _Components(steps)
    for node in steps:
        if node not in found.reached:
            found.visit(node)
    return found.reached


class _Components:
    def __init__(self, steps: Mapping[str, Sequence[str]]) -> None:
        self.steps = steps
        self.reached: dict[str, frozenset[str]] = {}
        self._order: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._stack: list[str] = []
        self._work: list[tuple[str, list[str]]] = []

    def visit(self, start: str) -> None:
        """Walk all that is new from here, depth first."""
        self._begin(start)
        while self._work:
            node, left = self._work[-1]
            if left:
                self._look(node, left.pop())
                continue
            self._work.pop()
            if self._work:
                above = self._work[-1][0]
                self._low[above] = min(self._low[above], self._low[node])
            if self._low[node] == self._order[node]:
                self._close(node)

    def _begin(self, node: str) -> None:
        self._order[node] = self._low[node] = len(self._order)
        self._stack.append(node)
        self._work.append((node, list(self.steps[node])))

    def _look(self, node: str, following: str) -> None:
        if following in self.reached:
            return
        if following in self._order:
            self._low[node] = min(self._low[node], self._order[following])
        else:
            self._begin(following)

    def _close(self, node: str) -> None:
        """Take a whole circle off the stack."""
        at = self._stack.index(node)
        circle = self._stack[at:]
        del self._stack[at:]
        group = set(circle)
        for one in circle:
            for other in self.steps[one]:
                group |= self.reached.get(other, frozenset())
        self.reached |= dict.fromkeys(circle, frozenset(group))
