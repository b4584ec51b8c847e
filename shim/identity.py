"""Find who and what a call was about: run, thread, user, event type, from its arguments and its instance."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shim.contracts import Contract
from shim.errors import UNKNOWN
from shim.guard import own_failure

__all__ = ["Finder", "arguments_of", "event_type_of", "finder", "identity_of", "look_up"]

Finder = Callable[[object, tuple[Any, ...], Mapping[str, Any]], object]
"Given the instance and the other arguments, finds a value; None where there is none."


def arguments_of(
    function: Callable[..., Any], instance: object, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, object]:
    """Name the arguments as the signature does; where they do not fit, the keyword arguments alone."""
    try:
        bound = inspect.signature(function).bind(instance, *args, **kwargs)
    except TypeError:
        return dict(kwargs)  # the host itself is about to say so
    bound.apply_defaults()
    return dict(bound.arguments)


def identity_of(paths: Mapping[str, str], instance: object, arguments: Mapping[str, object]) -> dict[str, str]:
    """Give the record fields that `paths` names as text; `unknown` where there is none."""
    found = {}
    for name, path in paths.items():
        found[name] = _text(partial(_first, path.split("|"), instance, arguments))
    return found


def event_type_of(row: Contract, instance: object, arguments: Mapping[str, object]) -> str:
    """Give the notification's own name: literal, or what the path in braces holds."""
    if not (row.event_type.startswith("{") and row.event_type.endswith("}")):
        return row.event_type or row.method
    return _text(partial(look_up, row.event_type[1:-1], instance, arguments))


def _first(paths: list[str], instance: object, arguments: Mapping[str, object]) -> object:
    found = (look_up(path, instance, arguments) for path in paths)
    return next((value for value in found if value is not None and value != ""), None)


def finder(paths: str, method: Callable[..., Any]) -> Finder:
    """Compile `a|b.c|self.d` for a method: where the argument stands is looked up once, not in every call."""
    places = {name: place - 1 for place, name in enumerate(inspect.signature(method).parameters if paths else ())}
    ways = [(path, path.partition(".")[0]) for path in paths.split("|") if path]

    def find(instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> object:
        for path, head in ways:
            place = places.get(head, -1)
            given = args[place] if 0 <= place < len(args) else kwargs.get(head)
            value = given if path == head else look_up(path, instance, {head: given})
            if value is not None and value != "":
                return value
        return None

    return find


def _text(find: Callable[[], object]) -> str:
    """Render what is found; a property or text of the host's that raises must not cost the record."""
    try:
        value = find()
        return UNKNOWN if value is None else str(value)
    except Exception as error:  # noqa: BLE001  # reported; the field reads unknown
        own_failure("identity", error)
        return UNKNOWN


def look_up(path: str, instance: object, arguments: Mapping[str, object]) -> object:
    """Follow a dotted path from an argument or from `self`, through attributes and keys; None where it ends early."""
    head, *rest = path.split(".")
    value = instance if head == "self" else arguments.get(head)
    for name in rest:
        if value is None:
            return None
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value
