"""The ways Netra's tool engine leaves a user without news of a tool: a table that the matrix is made of."""

from __future__ import annotations

import importlib
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

from hostkit import CALLS, RUN, THREAD, USER, Bridge, Fault, make, swapped

from shim.errors import (
    AgentCommunicationFailureError,
    LoudFailure,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts.netra import TOOLS

Build = Callable[[], Callable[[], Awaitable[Any]]]

COMMUNICATION, SEND = AgentCommunicationFailureError, WebSocketSendFailureError
NO_BRIDGE, CONTEXT = WebSocketBridgeUnavailableError, WebSocketContextValidationError
WHO = {"run_id": RUN, "thread_id": THREAD, "user_id": USER}
EXECUTING, COMPLETED = "notify_tool_executing", "notify_tool_completed"
TELLS = {
    "_send_tool_executing": EXECUTING,
    "_send_tool_completed": COMPLETED,
    "send_progress_update": "notify_progress_update",
}
"The notifications, and what of the bridge each of them asks."


def engine(bridge: Any) -> Any:
    return make(TOOLS, bridge)


def context() -> SimpleNamespace:
    return SimpleNamespace(**WHO, agent_name="triage")


class Tool:
    """A tool that answers, or raises, what it was given."""

    name = "search"

    def __init__(self, answer: Any = "the answer") -> None:
        self.answer = answer

    async def arun(self, _parameters: Any) -> Any:
        CALLS["arun"] += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Wordless:
    """A bridge of another kind: a manager, as one dispatcher of the host passes it."""

    async def send_to_thread(self, thread_id: str, message: Any) -> bool:
        CALLS["send_to_thread"] += 1
        return True


class Only(Bridge):
    """A bridge that fails at one event, or answers that alone falsely."""

    def __init__(self, method: str, answer: Any) -> None:
        super().__init__(answer)
        self.method = method

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return super().__getattr__(name) if name == self.method else getattr(Bridge(True), name)


class Falsy(Bridge):
    """A bridge that the host takes for none."""

    def __bool__(self) -> bool:
        return False


class Untold(str):
    """A text that cannot be asked whether it is empty."""

    __slots__ = ()

    def __bool__(self) -> bool:
        msg = "neither true nor false"
        raise ArithmeticError(msg)


class Share:
    """A number that can be compared, and not be formatted."""

    def __le__(self, _other: object) -> bool:
        return False

    def __ge__(self, _other: object) -> bool:
        return True


def _input() -> Any:
    return importlib.import_module("netra_backend.app.schemas.tool").ToolInput(
        tool_name="search", kwargs={"query": "x"}
    )


def runs(bridge: Callable[[], Any], tool: Callable[[], Any] = Tool, *, told: bool = True) -> Build:
    """Run a tool with an input."""

    def build() -> Callable[[], Awaitable[Any]]:
        made, given = engine(bridge()), {"context": context()} if told else {}

        async def call() -> str:
            found = await made.execute_tool_with_input(_input(), tool(), given)
            payload = None if found.payload is None else found.payload.result
            left = sorted(made._active_executions)
            return f"{found.status} {found.message} {payload} {_counts(made)} {left}"

        return call

    return build


def _counts(made: Any) -> list[int]:
    counts = made._execution_metrics
    return [counts[f"{name}_executions"] for name in ("total", "successful", "failed")]


def with_state(
    bridge: Callable[[], Any], tool: Callable[[], Any] = Tool, run_id: Any = RUN, state: dict[str, Any] | None = None
) -> Build:
    """Run a tool by an agent's state; a made-up run id is blanked."""

    def build() -> Callable[[], Awaitable[Any]]:
        made = engine(bridge())
        own = SimpleNamespace(**({"thread_id": THREAD, "user_id": USER} if state is None else state))

        async def call() -> Any:
            found = await made.execute_with_state(tool(), "search", {"query": "x"}, own, run_id)
            return {**found, "metadata": sorted(found["metadata"])}

        return call

    return build


def tells(method: str, bridge: Callable[[], Any], *, told: Any = context, **given: Any) -> Build:
    """Make one notification by itself."""
    usual = {
        "_send_tool_executing": {"tool_name": "search", "tool_input": {"query": "x"}},
        "_send_tool_completed": {"tool_name": "search", "result": "found", "duration_ms": 1.0, "status": "success"},
        "send_progress_update": {"tool_name": "search", "progress_percentage": 40.0},
    }[method]
    return lambda: lambda: getattr(engine(bridge()), method)(told(), **usual | given)


def _refused() -> Iterator[Fault]:
    """What is known before the tool starts: enforce starts nothing; in observe the tool runs, and loses two events."""
    run, state = "tools.execute_tool_with_input", "tools.execute_with_state"
    for name, bridge, reason in (
        ("no bridge", lambda: None, "the tool engine has no bridge"),
        ("a manager for a bridge", Wordless, "is a Wordless, which has no method notify_tool_"),
    ):
        for key, build in ((run, runs(bridge)), (state, with_state(bridge))):
            yield Fault(
                contract=key, name=name, build=build, error=NO_BRIDGE, refused=True, reason=reason, observed=2,
                record=WHO,
            )  # fmt: skip
    failing = with_state(lambda: None, lambda: Tool(OSError("disk")))
    yield Fault(
        contract=state, name="no bridge, tool fails", build=failing, error=NO_BRIDGE, refused=True, observed=2,
        reason="the tool engine has no bridge", record=WHO,
    )  # fmt: skip
    yield Fault(
        contract=run, name="no context", build=runs(lambda: Bridge(True), told=False), error=CONTEXT, refused=True,
        observed=2, reason="without a context", record={"run_id": "unknown"},
    )  # fmt: skip
    for given in (None, ""):
        yield Fault(
            contract=state, name=f"run_id {given!r}", build=with_state(lambda: Bridge(True), run_id=given),
            error=CONTEXT, refused=True, observed=2, reason="no run_id was given",
            record={"user_id": USER, "thread_id": THREAD},
        )  # fmt: skip


def _escalated() -> Iterator[Fault]:
    """The tool runs or has run, and one event fails: its result is given back in every mode."""
    builds: dict[str, Callable[..., Build]] = {
        "tools.execute_tool_with_input": runs,
        "tools.execute_with_state": with_state,
    }
    failing: dict[str, Callable[[], Any]] = {"": Tool, ", tool fails": lambda: Tool(OSError("disk"))}
    for key, build in builds.items():
        for method, event in ((EXECUTING, "tool_executing"), (COMPLETED, "tool_completed")):
            for what, tool in failing.items():
                for answer in (False, None, 0):
                    yield _escalates(
                        key, f"{event} answered {answer}{what}", build(_only(method, answer), tool), SEND, event
                    )
                raising = build(_only(method, KeyError("lost")), tool)
                yield _escalates(key, f"{event} raises{what}", raising, COMMUNICATION, event, cause=KeyError)
                late = build(_only(method, TimeoutError("slow")), tool)
                yield _escalates(key, f"{event} times out{what}", late, COMMUNICATION, event, cause=TimeoutError)
        wordless = build(lambda: Bridge(True), lambda: Tool(Untold("the answer")))
        yield _escalates(key, "a result without a truth value", wordless, SEND, "tool_completed", cause=ArithmeticError)


def _only(method: str, answer: Any) -> Callable[[], Any]:
    return lambda: Only(method, answer)


def _escalates(
    key: str, name: str, build: Build, error: type[LoudFailure], event: str, cause: type[BaseException] | None = None
) -> Fault:
    return Fault(
        contract=key, name=name, build=build, error=error, cause=cause, escalates=True,
        record={**WHO, "event_type": event},
    )  # fmt: skip


def _raised() -> Iterator[Fault]:
    """A notification called by itself."""
    for method, notifies in TELLS.items():
        key, who = f"tools.{method}", WHO
        yield Fault(
            contract=key, name="no context", build=tells(method, lambda: Bridge(True), told=lambda: None),
            error=CONTEXT, reason="without a context",
        )  # fmt: skip
        yield Fault(contract=key, name="no bridge", build=tells(method, lambda: None), error=NO_BRIDGE, record=who)
        yield Fault(
            contract=key, name="a manager for a bridge", build=tells(method, Wordless), error=NO_BRIDGE, record=who,
            reason=f"is a Wordless, which has no method {notifies}",
        )  # fmt: skip
        for answer in (False, None, 0):
            build = tells(method, lambda answer=answer: Bridge(answer))
            yield Fault(contract=key, name=f"bridge answers {answer}", build=build, error=SEND, record=who)
        build = tells(method, lambda: Bridge(KeyError("lost")))
        yield Fault(contract=key, name="bridge raises", build=build, error=COMMUNICATION, cause=KeyError, record=who)
    for method in ("_send_tool_executing", "_send_tool_completed"):
        yield Fault(
            contract=f"tools.{method}", name="a bridge that is false", build=tells(method, lambda: Falsy(True)),
            error=SEND, reason="took its bridge or the context for missing", record=WHO,
        )  # fmt: skip
    wrong: list[tuple[str, dict[str, Any], type[BaseException]]] = [
        ("_send_tool_executing", {"tool_input": Untold()}, ArithmeticError),
        ("_send_tool_completed", {"result": Untold()}, ArithmeticError),
        ("send_progress_update", {"progress_percentage": "half"}, TypeError),
        ("send_progress_update", {"progress_percentage": Share(), "status_message": "half"}, TypeError),
    ]
    for method, given, cause in wrong:
        [(name, value)] = list(given.items())[:1]
        yield Fault(
            contract=f"tools.{method}", name=f"{name} is {type(value).__name__}",
            build=tells(method, lambda: Bridge(True), **given), error=SEND, cause=cause, record=WHO,
        )  # fmt: skip


def _answers() -> Iterator[Fault]:
    """A run that sends nothing: the tool's failure is in the answer alone, as text."""
    key, who = "tools.execute_tool", {"event_type": "tool_completed"}
    yield Fault(
        contract=key, name="the tool raises", build=_by_name(None), error=SEND, cause=OSError, escalates=True,
        reason="the tool failed and no event says so", record=who,
    )  # fmt: skip
    yield Fault(
        contract=key, name="the tool cannot be made", build=_by_name(RuntimeError("no breaker")), error=SEND,
        cause=RuntimeError, escalates=True, record=who,
    )  # fmt: skip
    key = "tools.execute_with_permissions"
    yield Fault(
        contract=key, name="the handler raises", build=_permitted(OSError("disk")), error=SEND, cause=OSError,
        escalates=True, record={"user_id": USER, "event_type": "tool_completed"},
    )  # fmt: skip
    yield Fault(
        contract=key, name="the handler has no text", build=_permitted(ArithmeticError()), error=SEND,
        cause=ArithmeticError, escalates=True, record={"user_id": USER},
    )  # fmt: skip


def _by_name(broken: Exception | None) -> Build:
    """Run a tool by its name: it raises, or cannot be made."""

    def raising(*_args: Any) -> Any:
        CALLS["raising"] += 1
        raise broken or OSError("disk")

    method = "arun" if broken is None else "_init_circuit_breaker"

    def build() -> Callable[[], Awaitable[Any]]:
        made = engine(None)
        tool = importlib.import_module("netra_backend.app.agents.production_tool").ProductionTool

        async def call() -> Any:
            with swapped(tool, **{method: raising}):
                return await made.execute_tool("search", {})

        return call

    return build


def _permitted(broken: Exception) -> Build:
    """Run a tool for a user: its handler raises."""

    def handler(_arguments: Any, _user: Any) -> Any:
        CALLS["handler"] += 1
        raise broken

    def build() -> Callable[[], Awaitable[Any]]:
        made, tool = engine(None), SimpleNamespace(name="search", handler=handler, input_schema=None)

        async def call() -> str:
            found = await made.execute_with_permissions(tool, {}, SimpleNamespace(id=USER))
            return f"{found.status} {found.error_message} {found.result}"

        return call

    return build


def stuck() -> Callable[[], Awaitable[Any]]:
    """Clean up after a user whose tool never ended."""
    made = engine(Bridge(True))
    entry = {"tool_name": "search", "start_time": time.time() - made.default_timeout * 4, "context": context()}
    made._active_executions["search_1"] = entry
    return lambda: made.force_cleanup_user_executions(USER)


def _faults() -> Iterator[Fault]:
    yield from _refused()
    yield from _escalated()
    yield from _raised()
    yield from _answers()
    yield Fault(
        contract="tools.force_cleanup_user_executions", name="a stuck tool", build=stuck, error=COMMUNICATION,
        escalates=True, reason="were not cleaned up: search_1; the host answered 0", record={"user_id": USER},
    )  # fmt: skip


FAULTS = list(_faults())
