"""The peers: what else one could put around the same method. Each is optional; an absent one is named as absent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from benchmarks.subjects import Subject, class_of

__all__ = ["PEERS", "absent"]


class NotDeliveredError(Exception):
    """Raised by the peer that tests the result."""


def by_wrapt(subject: Subject) -> None:
    """Put a plain `wrapt` wrapper around the method, which only tests the result."""
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

    cls = class_of(subject.target)
    is_async = inspect.iscoroutinefunction(getattr(cls, subject.method))
    wrapt.wrap_function_wrapper(cls, subject.method, test_async if is_async else test)


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
    "otel": (by_opentelemetry, "opentelemetry.sdk"),
}
"Name -> what it does to a subject's class, and the module that it needs."


def absent(module: str) -> bool:
    """Say whether a peer's module is not installed here."""
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:  # its parent package is not there
        return True
