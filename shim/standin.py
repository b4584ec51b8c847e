"""Cover a class that can be neither subclassed nor changed (final, written in C): a stand-in under its name.

What the name makes is a proxy whose contracted methods are wrapped. `isinstance` holds in both directions.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

from shim.build import wrap_member
from shim.contracts import Host, HostClass
from shim.proxy import proxy_for

__all__ = ["LOSES", "stand_in"]

LOSES = (
    "it can be neither subclassed nor changed, so a stand-in goes under its name; lost: instances made before, "
    "instances that C code makes, type(x) is the class, and C code that asks for the real type"
)


class _StandIn(type):
    """The metaclass of stand-ins: calling one makes a proxy, everything else is the host class's."""

    __failloud_host__: type

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return proxy_for(cls.__failloud_host__(*args, **kwargs), cls.failloud_intercept)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__failloud_host__)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__failloud_host__)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.__failloud_host__, name)

    def failloud_intercept(cls, target: Any, name: str, value: Any) -> Any:
        """Give a contracted method wrapped, bound to the real object."""
        wrapped = cls.__failloud_wrapped__.get(name)
        return value if wrapped is None else types.MethodType(wrapped, target)


def stand_in(host: Host, declared: HostClass, cls: type) -> type:
    """Make the stand-in. It carries the name, module and docstring of the host's class."""
    rows = [row for row in host.contracts if row.target == declared.target]
    wrapped = {row.method: wrap_member(inspect.getattr_static(cls, row.method), row, declared.identity) for row in rows}
    namespace = {
        "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__,
        "__failloud_host__": cls, "__failloud_wrapped__": wrapped,
    }  # fmt: skip
    return _StandIn(cls.__name__, (), namespace)
