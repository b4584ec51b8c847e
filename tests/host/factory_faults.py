"""The ways Netra's factory and its emitter lose a user's events, or leave a run half cleaned up: a table."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hostkit import (
    CALLS,
    RUN,
    THREAD,
    USER,
    Answers,
    Bridge,
    Fault,
    bridge_with,
    call,
    context,
    make,
    rows,
    swapped,
)

from shim.contracts import Contract
from shim.errors import (
    AgentCommunicationFailureError,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts.netra import FACTORY, USER_EMITTER

__all__ = ["Agent", "configured", "emitter", "failing", "faults", "opened"]

Build = Callable[[], Callable[[], Awaitable[Any]]]
WHO = {"run_id": RUN, "thread_id": THREAD, "user_id": USER}
KEY = f"{USER}_{THREAD}_{RUN}"


class Agent:
    """An agent that takes its bridge; what it was given is in `bridge`."""

    def __init__(self) -> None:
        CALLS["agents"] += 1
        self.bridge: Any = None

    def set_websocket_bridge(self, bridge: Any, run_id: str) -> None:
        self.bridge = bridge


class Mute:
    """An agent that takes no bridge."""


class Refusing(Agent):
    def set_websocket_bridge(self, bridge: Any, run_id: str) -> None:
        raise KeyError(run_id)


class Adapter:
    """The adapter through which the host's own agents talk."""

    def __init__(self, *, keeps: bool, raises: Exception | None = None) -> None:
        self._keeps, self._raises, self._bridge = keeps, raises, None

    def set_websocket_bridge(self, bridge: Any, run_id: str, agent_name: str) -> None:
        if self._raises:
            raise self._raises
        self._bridge = bridge if self._keeps else None

    def has_websocket_bridge(self) -> bool:
        return self._bridge is not None


class Forgetful(Agent):
    def __init__(self) -> None:
        super().__init__()
        self._websocket_adapter = Adapter(keeps=False)


class Broken(Agent):
    def __init__(self) -> None:
        super().__init__()
        self._websocket_adapter = Adapter(keeps=True, raises=KeyError("no run"))


class Needy(Agent):
    """An agent that says it takes both, and works without neither."""

    def __init__(self, llm_manager: Any = None, tool_dispatcher: Any = None) -> None:
        super().__init__()
        self.llm_manager, self.tool_dispatcher = llm_manager, tool_dispatcher


class Failing:
    def __init__(self) -> None:
        raise LookupError("no model")


class Unlike:
    """A bridge of another make: its methods take other arguments."""

    async def notify_agent_started(self, event: Any) -> bool:
        return True

    notify_agent_thinking = notify_tool_executing = notify_tool_completed = notify_agent_started
    notify_agent_completed = notify_agent_error = notify_agent_started


def emitter(bridge: Any) -> Any:
    return make(USER_EMITTER, USER, THREAD, RUN, bridge)


def configured(bridge: Any, **state: Any) -> Any:
    """Make a factory with a bridge, and with what `state` sets."""
    factory = make(FACTORY)
    vars(factory).update({"_websocket_bridge": bridge, **state})
    return factory


def gone() -> OSError:
    """Make the exception of the day: one that is raised twice would carry what came of the first time."""
    return OSError("gone")


def failing(method: str) -> Answers:
    """Give an object whose one method raises."""
    return Answers(**{method: gone()})


def opened(**but: Any) -> SimpleNamespace:
    """Give a run's context, as the factory's clean-ups read it."""
    given = {"user_id": USER, "thread_id": THREAD, "run_id": RUN, "db_session": None, "created_at": datetime.now(UTC)}
    return SimpleNamespace(**(given | but))


def _emits(row: Contract, bridge: Callable[[], Any]) -> Build:
    return lambda: call(emitter(bridge()), row)


def _cleaned(row: Contract) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = emitter(Bridge(True))

        async def emit() -> Any:
            await made.cleanup()
            return await call(made, row)()

        return emit

    return build


def _emitter_faults() -> Iterator[Fault]:
    unavailable, send, communication = (
        WebSocketBridgeUnavailableError,
        WebSocketSendFailureError,
        AgentCommunicationFailureError,
    )
    for row in rows(USER_EMITTER):
        key, inner = row.key, f"bridge.{row.method}"

        def fault(name: str, build: Build, error: Any, cause: Any = None, key: str = key, **record: Any) -> Fault:
            return Fault(contract=key, name=name, build=build, error=error, cause=cause, record=WHO | record)

        yield fault("bridge is None", _emits(row, lambda: None), unavailable)
        yield fault("after cleanup", _cleaned(row), unavailable)
        for answer in (False, None):
            yield fault(f"bridge answers {answer}", _emits(row, lambda answer=answer: Bridge(answer)), send)
        yield fault("bridge raises", _emits(row, lambda: Bridge(KeyError("lost"))), communication, KeyError)
        yield fault("bridge cannot notify", _emits(row, object), unavailable, AttributeError)
        yield fault("bridge takes other arguments", _emits(row, Unlike), unavailable, TypeError)
        yield fault("its bridge's manager answers False", _emits(row, lambda: bridge_with(False)), send, origin=inner)
        yield fault(
            "its bridge's manager raises", _emits(row, lambda: bridge_with(gone())), send, OSError, origin=inner
        )


def _makes(factory: Callable[[], Any], agent: type) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = factory()
        return lambda: made.create_agent_instance("triage", context(), agent)

    return build


def _agent_faults() -> Iterator[Fault]:
    key, unavailable, communication = (
        "factory.create_agent_instance",
        WebSocketBridgeUnavailableError,
        AgentCommunicationFailureError,
    )
    good = lambda: configured(Bridge(True))  # noqa: E731  # one word for the table below

    def fault(name: str, agent: type, error: Any, cause: Any = None, **more: Any) -> Fault:
        more = {"escalates": True} | more
        build = _makes(more.pop("factory", good), agent)
        return Fault(contract=key, name=name, build=build, error=error, cause=cause, record=WHO, **more)

    unconfigured = {"factory": lambda: make(FACTORY), "escalates": False, "refused": True}
    yield fault("unconfigured", Mute, unavailable, **unconfigured)
    yield fault("agent takes no bridge", Mute, unavailable, reason="a Mute, has no set_websocket_bridge")
    yield fault("agent keeps no bridge", Forgetful, unavailable, reason="did not keep the bridge")
    for name, agent in (("agent refuses its bridge", Refusing), ("agent's adapter raises", Broken)):
        yield fault(name, agent, communication, KeyError, reason="the agent has no bridge")
    needy = type("DataSubAgent", (Needy,), {"__init__": Needy.__init__})  # a name the host knows
    yield fault("no LLM manager", needy, communication, reason="without llm_manager and tool_dispatcher")
    yield fault("agent cannot be made", Failing, communication, LookupError, host_raises=True, escalates=False)


def _opens(factory: Callable[[], Any]) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = factory()

        async def create() -> str:
            opened = await made.create_user_execution_context(USER, THREAD, RUN)
            return f"a context of run {opened.run_id}"  # its own text has times and fresh ids

        return create

    return build


def _with_registry(method: str) -> Callable[[], Any]:
    def bridge() -> Any:
        made = bridge_with(True)
        made._thread_registry = failing(method)
        return made

    return bridge


def _context_faults() -> Iterator[Fault]:
    key, invalid = "factory.create_user_execution_context", WebSocketContextValidationError
    communication = AgentCommunicationFailureError

    def fault(name: str, bridge: Callable[[], Any], error: Any, cause: Any = None, **more: Any) -> Fault:
        record = WHO | more.pop("record", {})
        build = _opens(lambda: configured(bridge()))
        more = {"escalates": not more.get("host_raises")} | more
        return Fault(contract=key, name=name, build=build, error=error, cause=cause, record=record, **more)

    for answer in (False, None):
        yield fault(f"mapping answers {answer}", lambda answer=answer: Bridge(answer), invalid)
    yield fault("mapping raises", lambda: Bridge(OSError("redis is down")), communication, OSError)
    lacks = "the bridge, a Answers, has no register_run_thread_mapping"
    yield fault("bridge cannot map", Answers, invalid, record={"code": "unmapped_run"}, reason=lacks)
    other = type("Other", (), {"register_run_thread_mapping": lambda self: True})
    yield fault("mapping takes other arguments", other, communication, TypeError)
    inner = {"origin": "bridge.register_run_thread_mapping"}
    yield fault("thread registry raises", _with_registry("register"), invalid, OSError, record=inner)
    yield fault("unconfigured", lambda: None, WebSocketBridgeUnavailableError, host_raises=True)


def _configures(**given: Any) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = make(FACTORY)

        def broken() -> Any:
            raise gone()

        async def configure() -> Any:
            with swapped(importlib.import_module(FACTORY.partition(":")[0]), get_agent_class_registry=broken):
                return made.configure(**given)

        return configure

    return build


def _cleans(bridge: Callable[[], Any], state: Callable[[], dict[str, Any]] = dict, session: Any = None) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made, run = configured(bridge(), **state()), opened(db_session=session and session())
        return lambda: made.cleanup_user_context(run)

    return build


def _sweeps(run: Callable[[], Any]) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = configured(Bridge(True), _active_contexts={KEY: run()})
        return lambda: made.cleanup_inactive_contexts(0)

    return build


def _miscounting() -> dict[str, Any]:
    """Give the state of a factory whose emitter cannot say how long it lived."""
    made = emitter(Bridge(True))
    made.created_at, made._event_count, made._last_event_time = None, 1, datetime.now(UTC)
    return {"_websocket_emitters": {f"{KEY}_emitter": made}}


def _lifecycle_faults() -> Iterator[Fault]:
    communication, invalid = AgentCommunicationFailureError, WebSocketContextValidationError
    key = "factory.configure"
    build = _configures()
    yield Fault(contract=key, name="no bridge", build=build, error=communication, cause=ValueError, host_raises=True)
    build, reason = _configures(websocket_bridge=Bridge(True)), "the host raised ValueError: Either"
    yield Fault(
        contract=key, name="the class registry raises", build=build, error=communication, cause=OSError,
        host_raises=True, reason=reason,
    )  # fmt: skip

    def cleans(name: str, build: Build, error: Any = invalid, cause: Any = OSError, **more: Any) -> Fault:
        key = more.pop("key", "factory.cleanup_user_context")
        return Fault(
            contract=key, name=name, build=build, error=error, cause=cause, escalates=True,
            record=WHO | more.pop("record", {}), **more,
        )  # fmt: skip

    yield cleans("unmapping raises", _cleans(lambda: Bridge(gone())), communication)
    inner = {"origin": "bridge.unregister_run_mapping"}
    yield cleans("thread registry raises", _cleans(_with_registry("unregister_run")), record=inner)
    left = {"state": lambda: {"_websocket_emitters": {f"{KEY}_emitter": failing("cleanup")}}}
    yield cleans("the emitter's clean-up raises", _cleans(lambda: Bridge(True), **left))
    yield cleans("closing the session raises", _cleans(lambda: Bridge(True), session=lambda: failing("close")))
    yield cleans("the emitter's statistics raise", _cleans(lambda: Bridge(True), _miscounting), cause=TypeError)
    odd = {"state": lambda: {"_agent_instances": {"agent": None}}}
    yield cleans("anything else raises", _cleans(lambda: Bridge(True), **odd), cause=AttributeError)
    sweep, inner = "factory.cleanup_inactive_contexts", {"origin": "factory.cleanup_user_context"}
    yield cleans("an age cannot be told", _sweeps(lambda: opened(created_at=None)), cause=TypeError, key=sweep)
    yield cleans(
        "a failed clean-up is counted", _sweeps(lambda: opened(db_session=failing("close"))), key=sweep, record=inner
    )


def faults() -> Iterator[Fault]:
    """Give the table."""
    yield from _emitter_faults()
    yield from _agent_faults()
    yield from _context_faults()
    yield from _lifecycle_faults()
