"""Make a collaborator's own methods tell the contracted call that holds it; the object itself stays what it is.

The first contracted call that meets a class puts a wrapper before each method it watches. To everybody else, and while
the component is off, that wrapper is the method: it finds no call that holds this very object and watches this method.
What cannot be taught that way (a mock, a method set on one instance, a class written in C) is left to a proxy.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from shim.contracts import Collaborator, Shows
from shim.frames import INSTANCE, NOTHING, OPEN, PLAN, Call, current, open_call
from shim.guard import own_failure
from shim.locks import fresh_lock
from shim.proxy import unwrap
from shim.shape import shaped
from shim.watching import Watching

__all__ = ["Check", "forget", "taught"]

Check = Callable[[Any], bool]
"Says of one instance of a taught class whether its methods tell: nothing has replaced them since."

_TELL = """\\
_fl_outer = _fl_get()
if _fl_outer is None:
    return $call
if _fl_outer[8] is $self and _fl_outer[7]:
    _fl_watch = _fl_outer[0].first.get(_fl_name)
else:
    _fl_outer, _fl_watch = _fl_match(_fl_outer, $self)
if _fl_watch is None:
    return $call
_fl_call = [
    _fl_outer[0], None, (), _fl_nothing, _fl_outer, _fl_outer[5], None, True, None, _fl_outer[9], None, None, None
]
_fl_token = _fl_set(_fl_call)
try:
    _fl_answer = $call
except Exception as _fl_error:
    _fl_watching(_fl_watch, _fl_name, $args, $kwargs, _fl_call).raised(_fl_error)
    raise
except BaseException:
    _fl_watching(_fl_watch, _fl_name, $args, $kwargs, _fl_call).cancelled()
    raise
finally:
    try:
        _fl_reset(_fl_token)
    except ValueError:
        pass  # ended in another context than it began in: there is nothing of ours to put back there
if _fl_answer is True and _fl_watch.shows is _fl_falsy and _fl_call[6] is None and _fl_outer[6] is None:
    _fl_call[7] = False
    if _fl_call[6] is None:  # nor has another thread noted anything meanwhile
        return _fl_answer
return _fl_watching(_fl_watch, _fl_name, $args, $kwargs, _fl_call).ended(_fl_answer)
"""

_MISSING: Any = object()
_PLAIN: Any = object.__getattribute__
_lock = fresh_lock()
_before: dict[tuple[type, str], tuple[Any, Any]] = {}
"(class, method) -> the wrapper that stands there, and what the class's own dict held before."


def taught(kind: type, methods: tuple[str, ...]) -> Check | None:
    """Teach a class's methods to tell; None where one cannot be taught. A method that it has not is no obstacle."""
    with _lock:
        found = {name: inspect.getattr_static(kind, name, _MISSING) for name in methods}
        known = {name: method for name, method in found.items() if method is not _MISSING}
        made_up = len(known) < len(methods) and hasattr(kind, "__getattr__")
        if made_up or kind.__getattribute__ is not _PLAIN:
            return None
        if not all(isinstance(method, FunctionType) for method in known.values()):
            return None
        try:
            tellers = {name: _teach(kind, name, method) for name, method in known.items()}
        except (TypeError, AttributeError):
            return None  # the class takes no new attributes
    return _check_of(kind, tellers, methods)


def forget() -> None:
    """Put every class back; what somebody has set over one of ours since is left alone, and ours behind it is quiet."""
    with _lock:
        for (kind, name), (teller, before) in _before.items():
            if vars(kind).get(name) is not teller:
                continue
            if before is _MISSING:
                delattr(kind, name)
            else:
                setattr(kind, name, before)
        _before.clear()


def _teach(kind: type, name: str, method: FunctionType) -> Any:
    if any(method is teller for (_, known), (teller, _) in _before.items() if known == name):
        return method  # a class before it in the line was taught
    names = {
        "get": current.get, "set": current.set, "reset": current.reset, "nothing": NOTHING,
        "match": _matcher(name), "watching": Watching, "name": name, "falsy": Shows.FALSY,
    }  # fmt: skip
    teller = shaped(method, _TELL, names, f"{kind.__qualname__}.{name}")
    before = vars(kind).get(name, _MISSING)
    setattr(kind, name, teller)
    _before[kind, name] = (teller, before)
    return teller


def _matcher(name: str) -> Callable[[Call, object], tuple[Call | None, Collaborator | None]]:
    def match(call: Call, target: object) -> tuple[Call | None, Collaborator | None]:
        """Give the open call and its row's watch, if it holds this very object under it."""
        outer = call if call[OPEN] else open_call()
        if outer is None or name not in outer[PLAN].watching:
            return outer, None
        try:
            for watch in outer[PLAN].watching[name]:
                held = getattr(outer[INSTANCE], watch.attribute, None)
                if held is target or unwrap(held) is target:
                    return outer, watch
        except Exception as error:  # noqa: BLE001  # the host's attribute; the host will meet it too
            own_failure("watch.match", error)
        return outer, None

    return match


def _check_of(kind: type, tellers: dict[str, Any], methods: tuple[str, ...]) -> Check:
    """Write the check out: it runs before every contracted call, and a loop would cost twice as much."""
    parts = [f"kind.{name} is teller_{name}" for name in tellers]
    if kind.__dictoffset__:
        parts.append("methods.isdisjoint(held.__dict__)")
    names = {"kind": kind, "methods": frozenset(methods), **{f"teller_{name}": each for name, each in tellers.items()}}
    check: Check = eval(f"lambda held: {' and '.join(parts) or 'True'}", names)  # noqa: S307  # identifiers of a host file
    return check
