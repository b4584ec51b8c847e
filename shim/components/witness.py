"""See an exception that the host handles without handing it on: it is live while its except body runs.

Host code swallows what sockets raise, but touches its own attributes while it does so (a counter, usually). A
`Handled` descriptor on such an attribute, or an override of a method called there, looks at `sys.exception()` then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from shim.frames import INSTANCE, OPEN, OUTSIDE, PARENT, SEEN, STEP, Call, current
from shim.proxy import proxy_for

__all__ = ["Handled", "Witness", "cause_of", "look", "recording_proxy", "witness_of", "witnessing"]


class Witness:
    """One step of the host's, and the exceptions that it handled itself, oldest first."""

    def __init__(self, instance: object) -> None:
        self.instance = instance
        self.outside = sys.exception()
        "What was being handled when the step began: somebody else's."
        self.within = _stepped()
        "The call it is a part of, where that has a witness as well."
        self.errors: list[Exception] = []
        self.attempts = 0
        "Calls of what a recording proxy watches."

    def saw(self, error: BaseException | None) -> None:
        """Keep an exception that belongs to this step, once."""
        if isinstance(error, Exception) and error is not self.outside and not any(error is e for e in self.errors):
            self.errors.append(error)

    @property
    def cause(self) -> Exception | None:
        """The last exception: what the host gave up on."""
        return self.errors[-1] if self.errors else None


_handled = sys.exception
_current: ContextVar[Witness | None] = ContextVar("failloud_witness", default=None)


@contextmanager
def witnessing(witness: Witness) -> Iterator[None]:
    """Make this the step that sees what is handled, in this task and in those it starts."""
    token = _current.set(witness)
    try:
        yield
    finally:
        with suppress(ValueError):
            _current.reset(token)


def _stepped() -> Call | None:
    """Give the innermost call whose mixin takes steps of its own: such a call is a witness, made when it is needed."""
    call = current.get()
    while call is not None and call[STEP] is None:
        call = call[PARENT]
    return call


def witness_of(instance: object) -> Witness | None:
    """Give the step of `instance` under way, if there is one."""
    witness, call = _current.get(), _stepped()
    if witness is not None and witness.within is call:
        return witness if witness.instance is instance else None
    if call is None or call[INSTANCE] is not instance or not call[OPEN]:
        return None
    if call[SEEN] is None:
        call[SEEN] = made = Witness(instance)
        made.outside, made.within = call[OUTSIDE], None  # the call holds it: in a circle, nothing would die at once
    seen: Witness = call[SEEN]
    return seen


def cause_of(call: Call) -> Exception | None:
    """Give the last exception that the host handled in a call with steps."""
    seen: Witness | None = call[SEEN]
    return None if seen is None else seen.cause


def look(instance: object) -> None:
    """Show the exception that is being handled now, if one is, to the step of `instance` under way."""
    error = sys.exception()
    if error is not None and (witness := witness_of(instance)) is not None:
        witness.saw(error)


class Handled:
    """Data descriptor for an attribute that the host reads in its except bodies; the value stays in the instance."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> Any:
        """Give the instance's own value. Raises AttributeError where it has none, as the host's class would."""
        try:
            value = instance.__dict__[self.name]
        except (KeyError, AttributeError):
            holder = owner if instance is None else instance
            text = f"{type(holder).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(text, name=self.name, obj=holder) from None
        if _handled() is not None:  # what the host reads elsewhere costs it no more than this
            self.met(instance)
        return value

    def met(self, instance: object) -> None:
        """Show what is being handled to the step under way."""
        look(instance)

    def __set__(self, instance: object, value: object) -> None:
        vars(instance)[self.name] = value

    def __delete__(self, instance: object) -> None:
        try:
            del vars(instance)[self.name]
        except KeyError:
            raise AttributeError(self.name) from None


def recording_proxy(target: Any, witness: Witness, *methods: str) -> Any:
    """Stand in for a socket: what its `methods` raise is seen, and goes on."""

    def intercept(_target: Any, name: str, value: Any) -> Any:
        if name not in methods or not callable(value):
            return value

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            witness.attempts += 1
            try:
                return await value(*args, **kwargs)
            except Exception as error:
                witness.saw(error)
                raise

        return awaited

    return proxy_for(target, intercept)
