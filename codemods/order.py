"""In which order to migrate modules: what others are built on comes first. Pure.

So a review meets a failure's origin before the handlers above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Step", "Weight", "ordered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What is open in a module."""

    places: int
    "Places that some codemod would change."
    lost: int = 0
    "Contracted calls whose failure is lost today: result dropped, or exception swallowed in the same function."
    delicate: int = 0
    "Contracted calls with a hazard: a loop, a shared `try`, a clean-up."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One module in its place, and why there."""

    module: str
    why: str


def ordered(imports: Mapping[str, frozenset[str]], weights: Mapping[str, Weight]) -> list[Step]:
    """Order the keys of `weights`.

    A module comes after those it imports: a handler is repaired when what it calls is loud. Those in a circle wait for
    what is outside it alone. Of several that could come next, the one that loses the most events, then the one with the
    fewest delicate calls, then with the most places, then the one that waits for the fewest in its circle.
    """
    waits = {name: {other for other in imports.get(name, frozenset()) if other in weights} for name in weights}
    for name, others in waits.items():
        others.discard(name)
    behind = {name: _behind(name, waits) for name in waits}
    steps: list[Step] = []
    placed: set[str] = set()
    while len(placed) < len(waits):
        left = {name: waits[name] - placed for name in waits if name not in placed}
        ready = [name for name in left if all(name in behind[other] for other in behind[name] - placed)]
        name = min(ready, key=lambda one: (*_rank(weights[one]), len(left[one]), one))
        steps.append(Step(module=name, why=f"{_why(waits[name], left[name])}; {_shown(weights[name])}"))
        placed.add(name)
    return steps


def _behind(name: str, waits: Mapping[str, set[str]]) -> set[str]:
    """Give all that a module waits for, through others too; itself where it is in a circle."""
    found: set[str] = set()
    waiting = [*waits[name]]
    while waiting:
        if (other := waiting.pop()) not in found:
            found.add(other)
            waiting += waits[other]
    return found


def _rank(weight: Weight) -> tuple[int, int, int]:
    return -weight.lost, weight.delicate, -weight.places


def _shown(weight: Weight) -> str:
    return f"calls that lose their failure: {weight.lost}, delicate ones: {weight.delicate}"


def _why(waited: set[str], still: set[str]) -> str:
    if still:
        return f"in a circle of imports with {_some(still)}"
    return f"after {_some(waited)}, which it imports" if waited else "imports none of the others"


def _some(names: set[str]) -> str:
    first, *more = sorted(names)
    return first + (f" and {len(more)} more" if more else "")
