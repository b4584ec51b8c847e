"""Check a host declaration row by row. Pure: nothing of the host is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shim.errors import Common, LoudFailure

if TYPE_CHECKING:
    from shim.contracts import Contract, Host, HostClass, Needs

__all__ = ["validate_host"]

_TARGET = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?$")
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
_FUNCTION = re.compile(rf"{_DOTTED.pattern[:-1]}:{_DOTTED.pattern[1:]}")
_CATEGORIES = range(8)
_FIELDS = ("component", "method", "event_type", "run_id", "thread_id", "user_id", "cause", "hint")


def validate_host(host: Host) -> None:
    """Raise ContractError for the first row that cannot be what it says."""
    _check_header(host)
    for cls in host.classes:
        _check_class(host, cls)
    targets = {cls.target for cls in host.classes}
    if len(targets) != len(host.classes):
        twice = [cls.target for cls in host.classes if sum(cls.target == other.target for other in host.classes) > 1]
        _refuse(f"class {twice[0]!r}", "declared twice")
    seen: set[str] = set()
    for row in host.contracts:
        _check_contract(host, row, targets)
        if row.key in seen:
            _refuse(f"contract {row.key}", "declared twice; one row per component and method")
        seen.add(row.key)
    for name in host.components:
        if name not in {cls.component for cls in host.classes} | {row.component for row in host.contracts}:
            _refuse(f"component {name!r}", "no class and no contract belongs to it")
    for rule in host.naming:
        _check_pattern(rule.pattern)
        if rule.target not in targets:
            _refuse(f"naming rule {rule.pattern!r}", f"target {rule.target!r} is not a declared class")
    _check_legacy(host, targets)


def _check_legacy(host: Host, targets: set[str]) -> None:
    seen: set[str] = set()
    for each in host.legacy:
        row = f"legacy name {each.old!r}"
        if not _TARGET.match(each.old) or ":" not in each.old:
            _refuse(row, "must read 'package.module:Name'")
        if each.new not in targets:
            _refuse(row, f"its successor {each.new!r} is not a declared class")
        if each.old in targets:
            _refuse(row, "is a declared class itself: it has a shim and nothing takes its place")
        if each.old in seen:
            _refuse(row, "declared twice")
        seen.add(each.old)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        _refuse(f"naming rule {pattern!r}", f"pattern is not a regular expression ({error})")


def _refuse(row: str, reason: str) -> None:
    from shim.contracts import ContractError

    raise ContractError(row, reason)


def _check_header(host: Host) -> None:
    row = f"host {host.name!r}"
    if not _DOTTED.match(host.package):
        _refuse(row, f"package {host.package!r} is not a dotted name")
    if not _DOTTED.match(host.facade) or not host.facade.startswith(f"{host.package}."):
        _refuse(row, f"facade {host.facade!r} is not a module inside package {host.package!r}")
    if len(set(host.components)) != len(host.components):
        _refuse(row, f"a component is named twice: {', '.join(host.components)}")
    for name in host.components:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            _refuse(row, f"component {name!r} must be lower case letters, digits and underscores")
    try:
        SpecifierSet(host.versions)
    except InvalidSpecifier:
        _refuse(row, f"versions {host.versions!r} is not a version specifier such as '>=1,<2'")
    _check_places(host, row)


def _check_places(host: Host, row: str) -> None:
    """Check what names a place in the host's code."""
    if host.versions and not (_TARGET.match(host.version_attribute) and ":" in host.version_attribute):
        _refuse(row, "versions needs version_attribute, 'package.module:NAME'")
    if host.traffic and not (_TARGET.match(host.traffic) and ":" in host.traffic):
        _refuse(row, f"traffic {host.traffic!r} must read 'package.module:Class'")
    if host.delivery is not None and not (_TARGET.match(host.delivery.outlet) and ":" in host.delivery.outlet):
        _refuse(row, f"the outlet {host.delivery.outlet!r} of its delivery must read 'package.module:Class'")
    for name in host.boundaries:
        if not _FUNCTION.match(name):
            _refuse(row, f"boundary {name!r} must read 'package.module:function' or 'package.module:Class.function'")


def _check_class(host: Host, cls: HostClass) -> None:
    row = f"class {cls.target!r}"
    if cls.component not in host.components:
        _refuse(row, f"component {cls.component!r} is not one of {', '.join(host.components)}")
    if not _TARGET.match(cls.target) or ":" not in cls.target:
        _refuse(row, "target must read 'package.module:Class'")
    if cls.mixin and not (_TARGET.match(cls.mixin) and ":" in cls.mixin):
        _refuse(row, f"mixin {cls.mixin!r} must read 'package.module:Class'")
    _check_identity(host, row, cls.identity)
    for hook in cls.hooks:
        _check_error(f"{row}, hook {hook.method}", hook.error)


def _check_contract(host: Host, row: Contract, targets: set[str]) -> None:
    name = f"contract {row.key}"
    if row.component not in host.components:
        _refuse(name, f"component {row.component!r} is not one of {', '.join(host.components)}")
    _check_target(host, name, row, targets)
    if not row.method.isidentifier():
        _refuse(name, f"method {row.method!r} is not an identifier")
    if row.category not in _CATEGORIES:
        _refuse(name, f"category {row.category} is not 0 to 7")
    if not row.reason:
        _refuse(name, "reason is empty; say what a failure of this row means")
    _check_error(name, row.error)
    for need in row.needs:
        _check_need(f"{name}, need {need.place}", need, row)
    for watch in row.watches:
        _check_error(f"{name}, collaborator {watch.attribute}", watch.error)
        _check_error(f"{name}, collaborator {watch.attribute}", watch.raised_error)
    try:
        ast.parse(f"def f{row.signature}: ...")
    except SyntaxError:
        _refuse(name, f"signature {row.signature!r} does not parse; write it as '(self, run_id, context=None)'")


def _check_need(name: str, need: Needs, row: Contract) -> None:
    _check_error(name, need.error)
    if bool(need.attribute) == bool(need.argument):
        _refuse(name, "names either an attribute or an argument")
    if need.argument and (need.methods or need.unset):
        _refuse(name, "methods and unset are said of an attribute")
    heads = [path.partition(".")[0] for path in need.argument.split("|")]
    known = {part.split("=")[0].strip(" *") for part in row.signature.strip("()").split(",")} - {"self"}
    if need.argument and (unknown := sorted({*heads} - known)):
        _refuse(name, f"{unknown[0]!r} is no argument of {row.signature}")


def _check_target(host: Host, name: str, row: Contract, targets: set[str]) -> None:
    if row.is_function:
        _check_function(name, row)
        _check_identity(host, name, row.identity)
    elif row.target not in targets:
        _refuse(name, f"target {row.target!r} is not a declared class")
    elif row.identity:
        _refuse(name, "identity belongs to the class of a method; declare it in that HostClass")


def _check_function(name: str, row: Contract) -> None:
    if not _DOTTED.match(row.target):
        _refuse(name, f"target {row.target!r} must read 'package.module' for a function, or 'package.module:Class'")
    if row.needs or row.watches:
        _refuse(name, "a function has no attributes to need or to watch")
    if own := [path for path in row.identity.values() if "self" in path.replace("|", ".").split(".")]:
        _refuse(name, f"identity {own[0]!r}: a function has no self")


def _check_identity(host: Host, row: str, identity: Mapping[str, str]) -> None:
    """Refuse a field that no record has, and no exception of this host: a typo would cost the record its field."""
    errors = {contract.error for contract in host.contracts}
    errors |= {need.error for contract in host.contracts for need in contract.needs}
    errors |= {watch.error for contract in host.contracts for watch in contract.watches}
    errors |= {hook.error for cls in host.classes for hook in cls.hooks}
    own = {key for error in errors for key in getattr(error, "context_keys", ())}
    if unknown := identity.keys() - {*Common.__annotations__, "subject", *own}:
        _refuse(row, f"identity names no field of a record: {', '.join(sorted(unknown))}")


def _check_error(row: str, error: object) -> None:
    if not (isinstance(error, type) and issubclass(error, LoudFailure)):
        _refuse(row, f"error {error!r} is not a subclass of LoudFailure")
    try:
        error.build("probe", {}, **dict.fromkeys(_FIELDS, ""))  # type: ignore[attr-defined]
    except Exception as failed:  # noqa: BLE001  # its constructor may do anything; the reason is in the text
        _refuse(row, f"error {error!r} cannot be made from a reason and the common fields: {failed!r}")
