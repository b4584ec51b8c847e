"""Compare a host's declaration with its code: names, kinds, signatures, the version. Nothing is changed."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Collection
from typing import Any

from packaging.specifiers import SpecifierSet

from shim.contracts import Contract, Host, HostClass, plain_signature

__all__ = ["HostMismatchError", "find", "mismatches", "module_of", "targets", "version_differs"]

_METHODS = (types.FunctionType, staticmethod, classmethod, types.MethodDescriptorType)
"What can be wrapped in a class; the last are the methods of classes written in C."


class HostMismatchError(Exception):
    """Raised when the host's code is not what its host file declares; `differences` lists every difference."""

    def __init__(self, host: str, differences: tuple[str, ...]) -> None:
        super().__init__(host, differences)
        self.host, self.differences = host, differences

    def __str__(self) -> str:
        lines = "\n  ".join(self.differences)
        return (
            f"host {self.host!r} differs from its declaration, nothing was installed:\n  {lines}\n"
            "next: correct the host file's rows, or install the shim release made for this host version"
        )


def find(target: str) -> Any:
    """Import what `package.module:Name` names. Raises ImportError or AttributeError."""
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def module_of(target: str) -> str:
    """Give the module of a target."""
    return target.partition(":")[0]


def targets(host: Host) -> tuple[str, ...]:
    """List what is covered: the declared classes, and the modules of contracted functions."""
    functions = [row.target for row in host.contracts if row.is_function]
    return (*(declared.target for declared in host.classes), *dict.fromkeys(functions))


def mismatches(host: Host, wanted: Collection[str] | None = None) -> list[str]:
    """Compare every row of the wanted targets (all) with the host's code; one line per difference."""
    classes = {declared.target: declared for declared in host.classes}
    found = []
    for target in targets(host) if wanted is None else wanted:
        try:
            held = find(target)
        except (ImportError, AttributeError) as error:
            found.append(f"{target}: cannot be imported ({error})")
            continue
        rows = [row for row in host.contracts if row.target == target]
        if target not in classes:
            found += [line for row in rows for line in _function_differs(held, row)]
        elif isinstance(held, type):
            found += [line for row in rows for line in _method_differs(held, row)]
            found += _class_differs(held, classes[target], rows)
        else:
            found.append(f"{target}: not a class")
    return found


def version_differs(host: Host, *, loaded_only: bool = False) -> list[str]:
    """Compare the host's version with the supported range; with `loaded_only` nothing is imported for that."""
    if not host.versions or (loaded_only and module_of(host.version_attribute) not in sys.modules):
        return []
    try:
        version = str(find(host.version_attribute))
    except (ImportError, AttributeError) as error:
        spec = getattr(sys.modules.get(module_of(host.version_attribute)), "__spec__", None)
        if loaded_only and getattr(spec, "_initializing", False):
            return []  # it is being imported: asked again when it is there
        return [f"{host.version_attribute}: cannot be read ({error})"]
    if version in SpecifierSet(host.versions):
        return []
    return [f"version {version} is not in the supported range {host.versions}"]


def _class_differs(cls: type, declared: HostClass, rows: list[Contract]) -> list[str]:
    watched = {watch.attribute for row in rows for watch in row.watches}
    lines = [
        f"{declared.target}.{name}: a {type(found).__name__} of the class; only plain attributes can be watched"
        for name in sorted(watched)
        if hasattr(found := inspect.getattr_static(cls, name, None), "__set__")
    ]
    hooks = [hook.method for hook in declared.hooks if not hasattr(cls, hook.method)]
    return [*lines, *(f"{declared.target}.{name}: no such method" for name in hooks)]


def _method_differs(cls: type, row: Contract) -> list[str]:
    raw = inspect.getattr_static(cls, row.method, None)
    where = f"{row.target}.{row.method}"
    if raw is None:
        return [f"{where}: no such method"]
    if not isinstance(raw, _METHODS):
        return [f"{where}: a {type(raw).__name__}; only methods can be contracted"]
    return _signature_differs(where, getattr(raw, "__func__", raw), row)


def _function_differs(module: types.ModuleType, row: Contract) -> list[str]:
    found = getattr(module, row.method, None)
    where = f"{row.target}.{row.method}"
    if found is None:
        return [f"{where}: no such function"]
    if not isinstance(found, types.FunctionType):
        return [f"{where}: a {type(found).__name__}; only plain functions can be contracted"]
    return _signature_differs(where, found, row)


def _signature_differs(where: str, function: Any, row: Contract) -> list[str]:
    lines = []
    try:
        actual = plain_signature(inspect.signature(function))
    except (TypeError, ValueError) as error:
        return [f"{where}: its signature cannot be read ({error})"]
    if actual != row.signature:
        lines.append(f"{where}: signature is {actual}, declared {row.signature}")
    if inspect.iscoroutinefunction(function) != row.is_async:
        lines.append(f"{where}: {'async' if not row.is_async else 'not async'}, declared otherwise")
    return lines
