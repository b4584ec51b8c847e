"""Build the shim class of one host class: a real subclass with wrapped methods."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shim.contracts import Contract, Host, HostClass
from shim.fits import find
from shim.hooks import wrap_hook
from shim.wrap import wrap_function, wrap_method

__all__ = ["build_class", "rows_of", "watched_names", "wrap_member", "wrapped_members"]


def build_class(host: Host, declared: HostClass, cls: type) -> type:
    """Make the subclass. It carries the host class's name and module: pickles, logs and `inspect` see no other.

    Raises whatever a class raises that cannot be subclassed.
    """
    mixin = find(declared.mixin) if declared.mixin else None
    namespace: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__slots__": (),  # the very layout of the host's class: live instances can change to it and back
        "__failloud_host__": cls,
    }
    if "__firstlineno__" in vars(cls):  # Python 3.13: where inspect.getsource looks for a class
        namespace["__firstlineno__"] = vars(cls)["__firstlineno__"]
    if mixin is not None:
        namespace |= _mixed(mixin, cls)
    namespace |= wrapped_members(host, declared, cls, namespace)
    bases = (mixin, cls) if mixin is not None else (cls,)
    with _unannounced(cls):
        made: type = type(cls)(cls.__name__, bases, namespace)  # the host's own metaclass
    return made


def rows_of(host: Host, target: str) -> list[Contract]:
    """Give the contracts of one target."""
    return [row for row in host.contracts if row.target == target]


def watched_names(host: Host, declared: HostClass) -> list[str]:
    """Name the attributes of a class whose objects are watched."""
    return sorted({watch.attribute for row in rows_of(host, declared.target) for watch in row.watches})


def wrapped_members(host: Host, declared: HostClass, cls: type, over: dict[str, Any]) -> dict[str, Any]:
    """Wrap every contracted method and hook; `over` holds members that go before the class's own."""
    made: dict[str, Any] = {}

    def raw(name: str) -> Any:
        return made.get(name) or over.get(name) or inspect.getattr_static(cls, name)

    for row in rows_of(host, declared.target):
        made[row.method] = wrap_member(raw(row.method), row, declared.identity)
    for hook in declared.hooks:
        made[hook.method] = wrap_hook(raw(hook.method), hook, declared.component)
    return made


def wrap_member(raw: Any, row: Contract, paths: Mapping[str, str]) -> Any:
    """Wrap what stands in a class: a plain method, a static or a class method; gives the same kind."""
    if isinstance(raw, staticmethod):
        return staticmethod(wrap_function(raw.__func__, row, paths))
    if isinstance(raw, classmethod):
        return classmethod(wrap_method(raw.__func__, row, paths))
    return wrap_method(raw, row, paths)


@contextmanager
def _unannounced(cls: type) -> Iterator[None]:
    """Step over the host's `__init_subclass__`: the shim is no class of the host's, to be registered or refused."""
    hook = inspect.getattr_static(cls, "__init_subclass__", None)
    if not isinstance(hook, classmethod):
        yield
        return
    own = "__init_subclass__" in vars(cls)
    type.__setattr__(cls, "__init_subclass__", classmethod(lambda _cls, **_kwargs: None))
    try:
        yield
    finally:
        if own:
            type.__setattr__(cls, "__init_subclass__", hook)
        else:
            type.__delattr__(cls, "__init_subclass__")


def _mixed(mixin: type, cls: type) -> dict[str, Any]:
    """Copy a mixin's overrides under the host method's own signature and docstring: `inspect` sees the host's."""
    namespace = {}
    members = {name: member for base in reversed(mixin.__mro__[:-1]) for name, member in vars(base).items()}
    for name, function in members.items():
        if isinstance(function, types.FunctionType) and hasattr(cls, name):
            copy = types.FunctionType(
                function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
            )
            namespace[name] = functools.wraps(getattr(cls, name))(copy)
    return namespace
