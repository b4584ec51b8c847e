"""Feed a ledger from the calls of the installed hosts, while somebody counts. When nobody counts, it costs nothing.

Counting puts a second layer around the contracted methods of the shim classes and takes it off again; the wrapper
itself does not know of it. An event is counted where the outermost contracted call that sends it begins; what became
of it follows from how that call ends and from the failure records.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, Token
from typing import Any

from shim import flags
from shim.contracts import Contract, Work
from shim.errors import UNKNOWN, LoudFailure
from shim.guard import own_failure
from shim.host import Installation, installed
from shim.identity import finder
from shim.ledger import RUNS_KEPT, Emission, Fate, Ledger
from shim.recorder import FailureRecord, add_sink, remove_sink
from shim.snapshot import Mode

__all__ = ["CountingError", "counting", "follow"]

_OFF = Mode.OFF
_Read = Callable[[object, tuple[Any, ...], dict[str, Any]], str]


class CountingError(RuntimeError):
    """Raised when counting cannot start: no host is installed, or somebody counts already."""


class _Scope:
    """One outermost contracted call: its own event, or those of the calls inside where it is work."""

    __slots__ = ("inner", "is_open", "own")

    def __init__(self, own: Emission | None) -> None:
        self.own, self.is_open = own, True
        self.inner: list[Emission] = []


_current: ContextVar[_Scope | None] = ContextVar("failloud_scope", default=None)
_counters: list[_Counter] = []


@contextmanager
def counting(*, cap: int = RUNS_KEPT) -> Iterator[Ledger]:
    """Count the events of every installed host into one ledger while the block runs, in all tasks and threads.

    Raises CountingError without an installed host, or where a ledger is open: two would count each other's layer.
    Hosts installed later are not counted; contracts that cannot be are named in `Ledger.uncounted`.
    """
    if not installed():
        raise CountingError("no host is installed; call shim.install() before counting()")
    if _counters:
        raise CountingError("somebody counts already; share that ledger, or end it first")
    terminal = frozenset[str]().union(*(made.host.terminal for made in installed()))
    ledger = Ledger(terminal=terminal, cap=cap)
    counter = _Counter(
        ledger, frozenset(row.key for made in installed() for row in made.host.contracts if row.for_user)
    )
    with ExitStack() as stack:
        _counters.append(counter)
        stack.callback(_counters.remove, counter)
        add_sink(counter.recorded)
        stack.callback(remove_sink, counter.recorded)
        for made in installed():
            ledger.uncounted += tuple(_layer(made, counter, stack))
        yield ledger


def follow(run_id: str, event_type: str, before: Fate, after: Fate) -> None:
    """Tell whoever counts what became of an event after its call; nothing where nobody does."""
    for counter in _counters:
        counter.ledger.follow(run_id, event_type, before, after)


def _layer(made: Installation, counter: _Counter, stack: ExitStack) -> Iterator[str]:
    """Put the layer around each contracted method; name those that are not there to be wrapped."""
    paths = {declared.target: declared.identity.get("run_id", "") for declared in made.host.classes}
    for row in made.host.contracts:
        cls = made.classes.get(row.target)
        method = vars(cls).get(row.method) if isinstance(cls, type) else None
        if not inspect.isfunction(method):
            yield row.key
            continue
        setattr(cls, row.method, counter.around(method, row, paths[row.target]))
        stack.callback(setattr, cls, row.method, method)


class _Counter:
    """Turns calls and records into moves of the ledger."""

    def __init__(self, ledger: Ledger, telling: frozenset[str]) -> None:
        self.ledger, self.telling = ledger, telling

    def around(self, method: Callable[..., Any], row: Contract, run_path: str) -> Callable[..., Any]:
        """Give the method with counting around it; sync stays sync, async async."""
        opened = self._opener(row, _reader(run_path, method), _type_reader(row, method))

        if inspect.iscoroutinefunction(method):

            @functools.wraps(method)
            async def awaited(self_: Any, *args: Any, **kwargs: Any) -> Any:
                if flags.current(row.component) is _OFF or (scope := opened(self_, args, kwargs)) is None:
                    return await method(self_, *args, **kwargs)
                with self._inside(scope, row.component):
                    return await method(self_, *args, **kwargs)

            return awaited

        @functools.wraps(method)
        def called(self_: Any, *args: Any, **kwargs: Any) -> Any:
            if flags.current(row.component) is _OFF or (scope := opened(self_, args, kwargs)) is None:
                return method(self_, *args, **kwargs)
            with self._inside(scope, row.component):
                return method(self_, *args, **kwargs)

        return called

    def _opener(self, row: Contract, run_of: _Read, type_of: _Read) -> Callable[..., _Scope | None]:
        def opened(instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Scope | None:
            outer = _current.get()
            within = outer if outer is not None and outer.is_open else None
            if within is not None and within.own is not None:
                return None  # part of a call that is counted
            if not (row.for_user and row.work is Work.NONE):
                return None if within is not None else _Scope(None)
            run_id, event_type = run_of(instance, args, kwargs), type_of(instance, args, kwargs)
            if outer is not None and outer.own is not None and _same(outer.own, run_id, event_type):
                return None  # a task that outlives the call which sends this event by it
            emission = self.ledger.emit(run_id, event_type)
            if within is not None:
                within.inner.append(emission)
            return _Scope(emission)

        return opened

    @contextmanager
    def _inside(self, scope: _Scope, component: str) -> Iterator[None]:
        token = _current.set(scope)
        try:
            yield
        except Exception as error:
            self._ended(scope, component, error)
            raise
        except BaseException:
            if scope.own is not None and scope.own.fate is Fate.PENDING:
                self.ledger.cancel(scope.own)
            raise
        else:
            self._ended(scope, component, None)
        finally:
            scope.is_open = False
            _restore(token)

    def _ended(self, scope: _Scope, component: str, error: Exception | None) -> None:
        own = scope.own
        if own is None or own.fate is not Fate.PENDING:
            return  # no event, or a record has named it
        if flags.current(component) is _OFF:  # killed while the call was under way
            self.ledger.withdraw(own)
        elif error is None:
            self.ledger.move(own, Fate.SENT_UNCONFIRMED)
        elif isinstance(error, LoudFailure) and error.recorded:
            self.ledger.move(own, Fate.REJECTED)
        else:
            self.ledger.leave(own)

    def recorded(self, made: FailureRecord) -> None:
        """Take a failure record: the event it names is rejected. A sink of the recorder."""
        if made.origin not in self.telling and f"{made.component}.{made.method}" not in self.telling:
            return
        scope = _current.get()
        named = (
            []
            if scope is None
            else [each for each in (*scope.inner, scope.own) if each and _same(each, made.run_id, made.event_type)]
        )
        for fate in (Fate.PENDING, Fate.SENT_UNCONFIRMED):
            for emission in reversed(named):
                if emission.fate is fate:
                    self.ledger.move(emission, Fate.REJECTED)
                    return
        # Another recipient of the same call, a call site without a call, or (counted before) an evicted event.
        other = scope is not None and (scope.own is not None or bool(scope.inner)) and not named
        self.ledger.lose(made.run_id, made.event_type, counted=other)


def _same(emission: Emission, run_id: str, event_type: str) -> bool:
    runs = (run_id, emission.run_id)
    return event_type == emission.event_type and (UNKNOWN in runs or runs[0] == runs[1])


def _restore(token: Token[_Scope | None]) -> None:
    try:
        _current.reset(token)
    except ValueError:
        return  # closed from another context than it ran in: there is nothing of ours to put back there


def _type_reader(row: Contract, method: Callable[..., Any]) -> _Read:
    if row.event_type.startswith("{") and row.event_type.endswith("}"):
        return _reader(row.event_type[1:-1], method)
    fixed = row.event_type or row.method
    return lambda _instance, _args, _kwargs: fixed


def _reader(paths: str, method: Callable[..., Any]) -> _Read:
    find = finder(paths, method)

    def read(instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        try:
            found = find(instance, args, kwargs)
            return UNKNOWN if found is None else str(found)
        except Exception as error:  # noqa: BLE001  # a property or text of the host's; its event is counted all the same
            own_failure("counting.identity", error)
        return UNKNOWN

    return read
