"""In which order to migrate modules: what others are built on comes first. Pure.

So a review meets a failure's origin before the handlers above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Step", "ordered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One module in its place, and why there."""

    module: str
    why: str


def ordered(imports: Mapping[str, frozenset[str]], open_places: Mapping[str, int]) -> list[Step]:
    """Order the keys of `open_places`.

    A module comes after those it imports; of several that could come next, the one with the most open places. A circle
    is entered at the module that waits for the fewest others.
    """
    waits = {name: {other for other in imports.get(name, frozenset()) if other in open_places} for name in open_places}
    for name, others in waits.items():
        others.discard(name)
    steps: list[Step] = []
    placed: set[str] = set()
    while len(placed) < len(waits):
        left = {name: waits[name] - placed for name in waits if name not in placed}
        name = min(left, key=lambda one: (len(left[one]), -open_places[one], one))
        steps.append(Step(module=name, why=_why(waits[name], left[name])))
        placed.add(name)
    return steps


def _why(waited: set[str], still: set[str]) -> str:
    if still:
        return f"in a circle of imports with {_some(still)}"
    return f"after {_some(waited)}, which it imports" if waited else "imports none of the others"


def _some(names: set[str]) -> str:
    first, *more = sorted(names)
    return first + (f" and {len(more)} more" if more else "")
