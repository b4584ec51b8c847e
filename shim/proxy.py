"""A transparent stand-in for one object: every protocol the object has, and nothing it has not.

The class of a proxy is made per target type, with the special methods that type has: `len`, `async with`,
`callable` or `hasattr` answer as for the target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["Intercept", "proxy_for", "unwrap"]

Intercept = Callable[[Any, str, Any], Any]
"Given the target, an attribute's name and its value, what the proxy gives in its place."

_OWN = frozenset(
    {
        "__class__", "__del__", "__delattr__", "__dict__", "__doc__", "__getattr__", "__getattribute__", "__getstate__",
        "__init__", "__init_subclass__", "__module__", "__new__", "__reduce__", "__reduce_ex__", "__setattr__",
        "__slots__", "__subclasshook__", "__weakref__",
    }
)  # fmt: skip


class _Proxy:
    __slots__ = ("__weakref__", "_failloud_intercept", "_failloud_target")

    def __getattribute__(self, name: str) -> Any:
        target = object.__getattribute__(self, "_failloud_target")
        return object.__getattribute__(self, "_failloud_intercept")(target, name, getattr(target, name))

    def __setattr__(self, name: str, value: object) -> None:
        setattr(unwrap(self), name, unwrap(value))

    def __delattr__(self, name: str) -> None:
        delattr(unwrap(self), name)


_classes: WeakKeyDictionary[type, type[_Proxy]] = WeakKeyDictionary()


def proxy_for(target: Any, intercept: Intercept) -> Any:
    """Make a proxy; `intercept` sees every attribute that is read through it."""
    made = object.__new__(_class_for(type(target)))
    object.__setattr__(made, "_failloud_target", target)
    object.__setattr__(made, "_failloud_intercept", intercept)
    return made


def unwrap(value: Any) -> Any:
    """Give the object behind a proxy; anything else as it is."""
    kind = type(value)
    return object.__getattribute__(value, "_failloud_target") if kind.__base__ is _Proxy else value


def _class_for(kind: type) -> type[_Proxy]:
    if (found := _classes.get(kind)) is not None:
        return found
    namespace: dict[str, Any] = {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__}
    for name in dir(kind):
        if name.startswith("__") and name.endswith("__") and name not in _OWN:
            special = getattr(kind, name)
            namespace[name] = _forward(special) if callable(special) else special
    _classes[kind] = made = type(kind.__name__, (_Proxy,), namespace)
    return made


def _forward(special: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return special(unwrap(self), *(unwrap(arg) for arg in args), **kwargs)

    return forward
