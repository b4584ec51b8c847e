"""Build the shim class of one host class: a real subclass, wrapped methods, watched attributes."""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Callable
from typing import Any

from shim.contracts import Contract, Host, HostClass, plain_signature
from shim.hooks import wrap_hook
from shim.wrap import wrap_method

__all__ = ["build_class", "find", "mismatches"]


def find(target: str) -> Any:
    """Import what `package.module:Name` names. Raises ImportError or AttributeError."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def mismatches(host: Host) -> list[str]:
    """Compare every row with the host's code; one line per difference, nothing changed."""
    found = []
    for declared in host.classes:
        try:
            cls = find(declared.target)
        except (ImportError, AttributeError) as error:
            found.append(f"{declared.target}: cannot be imported ({error})")
            continue
        if not isinstance(cls, type):
            found.append(f"{declared.target}: not a class")
            continue
        found += [line for row in host.contracts if row.target == declared.target for line in _row_differs(cls, row)]
        found += _unwatchable(cls, declared, host)
        found += [
            f"{declared.target}.{hook.method}: no such method"
            for hook in declared.hooks
            if not hasattr(cls, hook.method)
        ]
    return found


def _unwatchable(cls: type, declared: HostClass, host: Host) -> list[str]:
    watched = {w.attribute for row in host.contracts if row.target == declared.target for w in row.watches}
    return [
        f"{declared.target}.{name}: a {type(found).__name__} of the class; only plain attributes can be watched"
        for name in sorted(watched)
        if hasattr(found := inspect.getattr_static(cls, name, None), "__set__")
    ]


def _row_differs(cls: type, row: Contract) -> list[str]:
    raw = inspect.getattr_static(cls, row.method, None)
    where = f"{row.target}.{row.method}"
    if raw is None:
        return [f"{where}: no such method"]
    if not isinstance(raw, types.FunctionType):
        return [f"{where}: a {type(raw).__name__}; only plain methods can be contracted"]
    lines = []
    actual = plain_signature(inspect.signature(raw))
    if actual != row.signature:
        lines.append(f"{where}: signature is {actual}, declared {row.signature}")
    if inspect.iscoroutinefunction(raw) != row.is_async:
        lines.append(f"{where}: {'async' if not row.is_async else 'not async'}, declared otherwise")
    return lines


def build_class(host: Host, declared: HostClass) -> type:
    """Make the subclass. It carries the host class's name and module: pickles, logs and `inspect` see no other."""
    cls = find(declared.target)
    mixin = find(declared.mixin) if declared.mixin else None
    namespace: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__failloud_host__": cls,
    }
    if "__firstlineno__" in vars(cls):  # Python 3.13: where inspect.getsource looks for a class
        namespace["__firstlineno__"] = vars(cls)["__firstlineno__"]
    if mixin is not None:
        namespace |= _mixed(mixin, cls)
    rows = [row for row in host.contracts if row.target == declared.target]
    for row in rows:
        namespace[row.method] = wrap_method(_host_method(namespace, cls, row.method), row, declared.identity)
    for hook in declared.hooks:
        namespace[hook.method] = wrap_hook(_host_method(namespace, cls, hook.method), hook, declared.component)
    bases = (mixin, cls) if mixin is not None else (cls,)
    made: type = type(cls)(cls.__name__, bases, namespace)  # the host's own metaclass
    return made


def _host_method(namespace: dict[str, Any], cls: type, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = namespace.get(name) or getattr(cls, name)
    return found


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
