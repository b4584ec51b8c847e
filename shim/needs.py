"""What must hold before a contracted call: the test that every call pays for, and what to say where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shim.contracts import Needs
from shim.guard import own_failure
from shim.identity import Finder

__all__ = ["lacks", "missing"]


def lacks(needs: Sequence[Needs]) -> str:
    """Write the test as source, true where something may be missing; it may raise, which counts as true.

    `_fl_given_0` is the finder of the first need's argument.
    """
    return " or ".join(_source(place, need) for place, need in enumerate(needs))


def _source(place: int, need: Needs) -> str:
    if need.argument:
        return f"_fl_given_{place}($self, $args, $kwargs) is None"
    held = f"$self.{need.attribute}"
    if need.methods:  # None has none of them either
        return " or ".join(f"not hasattr({held}, {name!r})" for name in need.methods)
    return held if need.unset else f"{held} is None"


def missing(need: Needs, given: Finder, instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Say what is missing; empty where nothing is, or where the host's own attribute raises."""
    try:
        if need.argument:
            return need.reason if given(instance, args, kwargs) is None else ""
        held = getattr(instance, need.attribute, None)
        if need.unset:
            return need.reason if held else ""
        if held is None:
            return need.reason
        lacking = next((name for name in need.methods if not hasattr(held, name)), "")
        return f"the {need.attribute} is a {type(held).__name__}, which has no method {lacking}" if lacking else ""
    except Exception as error:  # noqa: BLE001  # a property of the host's may do anything; the host will meet it too
        own_failure("wrap.need", error)
        return ""
