"""The peers: what else one could put around the same method. Each is optional; an absent one is named as absent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

from benchmarks.subjects import Subject, class_of

__all__ = ["PEERS", "absent"]


class NotDeliveredError(Exception):
    """Raised by the peer that tests the result."""


def by_wrapt(subject: Subject) -> None:
    """Put a plain `wrapt` wrapper around the method, which only tests the result."""
    _by_wrapt([(class_of(subject.target), subject.method)])


def by_wrapt_inside(subject: Subject) -> None:
    """Put the same around every method that the shim wraps on the way: what `wrapt` costs where it sees as much."""
    _by_wrapt(subject.wrapped())


def _by_wrapt(methods: Iterable[tuple[type, str]]) -> None:
    import wrapt

    def test(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001  # wrapt's signature
        answer = wrapped(*args, **kwargs)
        if answer is False:
            raise NotDeliveredError
        return answer

    async def test_async(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001  # wrapt's signature
        answer = await wrapped(*args, **kwargs)
        if answer is False:
            raise NotDeliveredError
        return answer

    for cls, name in methods:
        is_async = inspect.iscoroutinefunction(getattr(cls, name))
        wrapt.wrap_function_wrapper(cls, name, test_async if is_async else test)


def by_opentelemetry(subject: Subject) -> None:
    """Put a span around the method, as OpenTelemetry's instrumentations do; the spans are recorded and go nowhere."""
    import wrapt
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("benchmarks")

    async def span(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001  # wrapt's signature
        with tracer.start_as_current_span(subject.method):
            return await wrapped(*args, **kwargs)

    wrapt.wrap_function_wrapper(class_of(subject.target), subject.method, span)


PEERS: dict[str, tuple[Callable[[Subject], None], str]] = {
    "wrapt": (by_wrapt, "wrapt"),
    "wrapt+": (by_wrapt_inside, "wrapt"),
    "otel": (by_opentelemetry, "opentelemetry.sdk"),
}
"""Name -> what it does to a subject's class, and the module that it needs. `wrapt` is around the call alone, `wrapt+`
around the methods inside it as well that the shim wraps: its hooks, its steps, its collaborator's."""


def absent(module: str) -> bool:
    """Say whether a peer's module is not installed here."""
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:  # its parent package is not there
        return True
