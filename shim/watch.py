"""See to it that a contracted call is told of what its collaborators do.

Host code swallows what its collaborators raise and ignores what they answer. Their classes' methods are taught to tell;
where that cannot be, a descriptor on the shim class gives a proxy of the collaborator, and only to the contracted call
of that very instance. For everybody else, and outside a call, the attribute holds the raw object.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from shim import flags
from shim.contracts import Collaborator, Contract
from shim.frames import OPEN, Call, current, frame_of
from shim.guard import own_failure
from shim.proxy import proxy_for, unwrap
from shim.snapshot import Mode
from shim.tellers import Check, taught
from shim.watching import Watching, inner_call

__all__ = ["Watched", "Watches"]

_MISSING = object()


class Watches:
    """The collaborators of one contract row."""

    def __init__(self, row: Contract) -> None:
        self.row = row
        self.ready: tuple[dict[object, Check], ...] = tuple({} for _ in row.watches)
        "For each watch, the classes that are taught; where it names one method, that method as taught."
        self._told: set[tuple[type, str]] = set()

    def source(self) -> str:
        """Write the test, true where each collaborator tells or there is none; it may raise, which counts as false."""
        return " and ".join(
            f"((_fl_held := $self.{watch.attribute}) is None or {self._test(watch, place)})"
            for place, watch in reversed(list(enumerate(self.row.watches)))  # the first stays in `_fl_held`
        )

    @staticmethod
    def _test(watch: Collaborator, place: int) -> str:
        if len(watch.methods) == 1:
            return f"_fl_held.{watch.methods[0]}.__func__ in _fl_ready[{place}]"
        return f"_fl_ready[{place}][type(_fl_held)](_fl_held)"

    def prepare(self, instance: object) -> None:
        """Make those tell that do not yet. Called before the host is."""
        for watch, ready in zip(self.row.watches, self.ready, strict=True):
            try:
                self._prepare(instance, watch, ready)
            except Exception as error:  # noqa: BLE001  # ours or the host's attribute: its call goes on, seen from outside
                own_failure("watch.prepare", error)

    def _prepare(self, instance: object, watch: Collaborator, ready: dict[object, Check]) -> None:
        held = unwrap(getattr(instance, watch.attribute, None))
        if held is None:
            return
        check = taught(type(held), watch.methods)
        if check is not None and check(held):
            ready[_taught_as(held, watch)] = check
            return
        kind = next(each for each in type(instance).__mro__ if self.row.method in vars(each))
        host_class = vars(kind).get("__failloud_host__")
        if host_class is not None:
            if not isinstance(vars(kind).get(watch.attribute), Watched):
                setattr(kind, watch.attribute, Watched(watch.attribute, host_class))
        elif (kind, watch.attribute) not in self._told:
            self._told.add((kind, watch.attribute))
            text = f"{self.row.key}: what {watch.attribute} of {kind.__qualname__} does is not seen"
            own_failure("watch.blind", TypeError(text))


class Watched:
    """Data descriptor for one watched attribute; the value stays in the instance's own dict."""

    def __init__(self, name: str, host_class: type) -> None:
        self.name = name
        self.host_class = host_class

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return getattr(self.host_class, self.name)  # raises what the host's class raises
        value = instance.__dict__.get(self.name, _MISSING)
        if value is _MISSING:
            return self._as_the_host_would(instance)
        if value is None or (frame := frame_of(instance)) is None:
            return value
        for watch in frame.row.watches:
            if watch.attribute == self.name and not _tells(value, watch):
                return proxy_for(value, functools.partial(_intercept, watch, frame.call))
        return value

    def __set__(self, instance: object, value: object) -> None:
        instance.__dict__[self.name] = unwrap(value)

    def __delete__(self, instance: object) -> None:
        try:
            del instance.__dict__[self.name]
        except KeyError:
            text = f"{type(instance).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(text) from None

    def _as_the_host_would(self, instance: object) -> Any:
        if hasattr(self.host_class, self.name):
            return getattr(self.host_class, self.name)
        text = f"{type(instance).__name__!r} object has no attribute {self.name!r}"
        raise AttributeError(text, name=self.name, obj=instance)


def _taught_as(held: object, watch: Collaborator) -> object:
    method = getattr(held, watch.methods[0], None) if len(watch.methods) == 1 else None
    return getattr(method, "__func__", type(held))


def _tells(value: object, watch: Collaborator) -> bool:
    check = taught(type(value), watch.methods)
    return check is not None and check(value)


def _intercept(watch: Collaborator, call: Call, target: Any, name: str, value: Any) -> Any:
    if name in watch.methods and callable(value):
        return _watched(value, name, watch, call)
    return unwrap(target) if name == "__self__" else value


def _watched(method: Callable[..., Any], name: str, watch: Collaborator, outer: Call) -> Callable[..., Any]:
    def quiet() -> bool:
        return not outer[OPEN] and flags.current(outer[0].row.component) is Mode.OFF  # a proxy that somebody kept

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = inner_call(outer)
        watching, token = Watching(watch, name, args, kwargs, call), current.set(call)
        try:
            answer = method(*args, **kwargs)
        except Exception as error:
            watching.raised(error)
            raise
        except BaseException:
            watching.cancelled()
            raise
        finally:
            current.reset(token)
        return watching.ended(answer)

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await (method(*args, **kwargs) if quiet() else begin(args, kwargs))

        return awaited

    @functools.wraps(method)
    def called(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs) if quiet() else begin(args, kwargs)

    return called
