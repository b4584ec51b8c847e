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
    namespace: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__slots__": (),  # the very layout of the host's class: live instances can change to it and back
        "__failloud_host__": cls,
    }
    if "__firstlineno__" in vars(cls):  # Python 3.13: where inspect.getsource looks for a class
        namespace["__firstlineno__"] = vars(cls)["__firstlineno__"]
    with _unannounced(cls):
        base = _mixed_in(find(declared.mixin), cls) if declared.mixin else cls
        namespace |= wrapped_members(host, declared, base, {})
        made: type = type(cls)(cls.__name__, (base,), namespace)  # the host's own metaclass
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
        made[row.method] = wrap_member(raw(row.method), row, declared.identity, cls)
    for hook in declared.hooks:
        made[hook.method] = wrap_hook(raw(hook.method), hook, declared.component)
    return made


def wrap_member(raw: Any, row: Contract, paths: Mapping[str, str], owner: type | None = None) -> Any:
    """Wrap what stands in a class: a plain method, a static or a class method; gives the same kind."""
    if isinstance(raw, staticmethod):
        return staticmethod(wrap_function(raw.__func__, row, paths))
    if isinstance(raw, classmethod):
        return classmethod(wrap_method(raw.__func__, row, paths))
    return wrap_method(raw, row, paths, owner)


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


def _mixed_in(mixin: type, cls: type) -> type:
    """Derive a class from the host's for each class of a mixin, in one line: no second base changes the layout.

    Live instances can then be moved whatever the host's class derives from. An override carries the host method's own
    signature and docstring: `inspect` sees the host's.
    """
    base = cls
    for each in reversed(mixin.__mro__[:-1]):
        here = types.CellType()
        members = {name: _moved(member, here) for name, member in vars(each).items() if name not in _OF_A_CLASS}
        overrides = [name for name in members if isinstance(members[name], types.FunctionType) and hasattr(cls, name)]
        members |= {name: functools.wraps(getattr(cls, name))(members[name]) for name in overrides}
        base = type(cls)(each.__name__, (base,), {**members, "__failloud_host__": cls})
        here.cell_contents = base
    return base


_OF_A_CLASS = frozenset({"__dict__", "__weakref__", "__slots__", "__module__", "__qualname__"})


def _moved(member: Any, here: types.CellType) -> Any:
    """Copy a function so that its `super()` means the class it is put in."""
    if isinstance(member, staticmethod | classmethod):  # `__new__` is one of them
        return type(member)(_moved(member.__func__, here))
    if not isinstance(member, types.FunctionType):
        return member
    cells = zip(member.__code__.co_freevars, member.__closure__ or (), strict=True)
    closure = tuple(here if name == "__class__" else cell for name, cell in cells)
    made = types.FunctionType(member.__code__, member.__globals__, member.__name__, member.__defaults__, closure)
    made.__kwdefaults__ = member.__kwdefaults__
    return functools.wraps(member)(made)
