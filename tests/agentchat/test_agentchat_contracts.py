"""Bridge, isolated emitter and agent factory of the example host: each way they lose an event, in all modes."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field

import agentchat.bridge
import agentchat.emitter
import agentchat.factory
import agentchat.manager
import pytest
from agentchat.manager import Connection

import shim
from shim.errors import (
    LoudFailure,
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketManagerNotInitializedError,
    WebSocketSendFailureError,
)
from shim.hosts.example import HOST

RUN, THREAD, USER = "run_1", "thread_1", "ada"
CALLS = Counter()


class Manager:
    """A stub manager that answers, or raises, what it was given."""

    def __init__(self, answer, *threads):
        self.answer = answer
        self._connections = [Connection(USER, thread, None) for thread in threads]

    async def send_to_thread(self, thread_id, message):
        CALLS["send_to_thread"] += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Registry:
    """A stub registry that answers, or raises, what it was given."""

    def __init__(self, answer, **threads):
        self.answer, self._threads = answer, threads

    async def get_thread(self, run_id):
        return self._answer(self._threads.get(run_id))

    async def register(self, run_id, thread_id, metadata=None):
        return self._answer(self.answer)

    unregister = get_thread

    def _answer(self, found):
        if isinstance(self.answer, Exception):
            raise self.answer
        return found


def bridge(manager=None, registry=None):
    made = agentchat.bridge.AgentWebSocketBridge()
    made._websocket_manager, made._thread_registry = manager, registry
    return made


def emitter(manager, run_id=RUN):
    return agentchat.emitter.IsolatedWebSocketEventEmitter(USER, THREAD, run_id, manager)


def known():
    return Registry(True, **{RUN: THREAD})


async def after_cleanup(again=None):
    made = emitter(Manager(True))
    await made.cleanup()
    made.websocket_manager = again
    await made.emit_agent_thinking("triage", "because")


async def without_manager():
    def broken():
        raise OSError("no memory")

    before, agentchat.bridge.get_websocket_manager = agentchat.bridge.get_websocket_manager, broken
    try:
        return await bridge().ensure_integration()
    finally:
        agentchat.bridge.get_websocket_manager = before


@dataclass(frozen=True)
class Fault:
    contract: str
    name: str
    call: object
    error: type
    cause: type | None = None
    escalates: bool = False
    unknown: bool = False
    raises: bool = False
    record: dict = field(default_factory=dict)


def notifies(name, manager, registry, error, *, run_id=RUN, cause=None, **record):
    def call():
        return bridge(manager(), registry()).notify_agent_started(run_id, "triage")

    return Fault("bridge.notify_agent_started", name, call, error, cause, record=record)


def emits(name, call, error, cause=None, **record):
    return Fault("emitter.emit_agent_started", name, call, error, cause, record=record)


def tells(name, held, error, cause=None, **record):
    """Notify through the emitter that the factory makes; `held` gives what it has for a bridge."""

    def call():
        return agentchat.factory.UserWebSocketEmitter(USER, THREAD, RUN, held()).notify_agent_started("triage")

    return Fault("factory.notify_agent_started", name, call, error, cause, record={"user_id": USER, **record})


def opens(name, held, error, cause=None, **record):
    """Open a run on a factory; `held` gives what it has for a bridge."""

    def call():
        made = agentchat.factory.AgentInstanceFactory()
        made.configure(websocket_bridge=held())
        return made.create_user_execution_context(USER, THREAD, RUN)

    contract = "factory.create_user_execution_context"
    return Fault(contract, name, call, error, cause, escalates=True, record={"user_id": USER, **record})


gone = OSError("gone")
CONTEXT, SEND = WebSocketContextValidationError, WebSocketSendFailureError
NO_MANAGER = WebSocketManagerNotInitializedError
MAPS = "bridge.register_run_thread_mapping"
FAULTS = [
    notifies("no manager", lambda: None, known, WebSocketBridgeUnavailableError, thread_id=THREAD),
    notifies("manager answers False", lambda: Manager(False, THREAD), known, SEND, thread_id=THREAD, user_id=USER),
    notifies("manager answers None", lambda: Manager(None, THREAD), known, SEND, thread_id=THREAD, user_id=USER),
    notifies("manager raises", lambda: Manager(gone), known, SEND, cause=OSError, thread_id=THREAD),
    *(
        notifies(f"run_id {bad!r}", lambda: Manager(True), known, CONTEXT, run_id=bad)
        for bad in (None, "", "  ", 7, "registry")
    ),
    notifies(
        "thread unknown", lambda: Manager(True), known, CONTEXT, run_id="x", cause=ValueError, code="unmapped_run"
    ),
    notifies(
        "thread guessed, nobody there",
        lambda: Manager(True, "thread_2"),
        known,
        CONTEXT,
        run_id="thread_9",
        code="event_misrouted",
        thread_id="thread_9",
    ),
    notifies("registry raises", lambda: Manager(True), lambda: Registry(gone), CONTEXT, cause=OSError),
    Fault(
        "bridge.register_run_thread_mapping",
        "no registry",
        lambda: bridge().register_run_thread_mapping(RUN, THREAD),
        CONTEXT,
    ),
    Fault(
        "bridge.register_run_thread_mapping",
        "registry refuses",
        lambda: bridge(None, Registry(False)).register_run_thread_mapping(RUN, THREAD),
        CONTEXT,
    ),
    Fault(
        "bridge.register_run_thread_mapping",
        "registry raises",
        lambda: bridge(None, Registry(gone)).register_run_thread_mapping(RUN, THREAD),
        CONTEXT,
        OSError,
    ),
    Fault(
        "bridge.unregister_run_mapping",
        "no registry",
        lambda: bridge().unregister_run_mapping(RUN),
        CONTEXT,
        escalates=True,
    ),
    Fault(
        "bridge.unregister_run_mapping",
        "registry raises",
        lambda: bridge(None, Registry(gone)).unregister_run_mapping(RUN),
        CONTEXT,
        OSError,
        raises=True,
    ),
    Fault(
        "bridge.ensure_integration",
        "manager cannot be made",
        without_manager,
        WebSocketBridgeUnavailableError,
        unknown=True,
    ),
    emits("no manager", lambda: emitter(None).emit_agent_started("triage", RUN), NO_MANAGER, run_id=RUN, user_id=USER),
    emits("manager answers False", lambda: emitter(Manager(False)).emit_agent_started("triage", RUN), SEND),
    emits("manager answers None", lambda: emitter(Manager(None)).emit_agent_started("triage", RUN), SEND),
    emits("manager raises", lambda: emitter(Manager(gone)).emit_agent_started("triage", RUN), SEND, OSError),
    emits("manager cannot send", lambda: emitter(object()).emit_agent_started("triage", RUN), NO_MANAGER),
    emits(
        "another run",
        lambda: emitter(Manager(True)).emit_agent_started("triage", "run_2"),
        CONTEXT,
        code="event_misrouted",
    ),
    Fault("emitter.emit_agent_thinking", "after cleanup", after_cleanup, NO_MANAGER),
    tells("no bridge", lambda: None, WebSocketBridgeUnavailableError),
    tells("bridge cannot notify", object, WebSocketBridgeUnavailableError, AttributeError),
    tells(
        "its bridge's manager raises",
        lambda: bridge(Manager(gone), known()),
        SEND,
        OSError,
        origin="bridge.notify_agent_started",
    ),
    opens("no bridge", lambda: None, WebSocketBridgeUnavailableError),
    opens("bridge cannot map", object, CONTEXT, AttributeError, code="unmapped_run"),
    opens("registry refuses", lambda: bridge(None, Registry(False)), CONTEXT, origin=MAPS),
    opens("registry raises", lambda: bridge(None, Registry(gone)), CONTEXT, OSError, origin=MAPS),
    Fault(
        "emitter.emit_agent_thinking", "after cleanup, manager set", lambda: after_cleanup(Manager(True)), NO_MANAGER
    ),
]
EACH = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.contract}: {fault.name}")


def modes(mode):
    return shim.override(**dict.fromkeys(HOST.components, mode))


async def outcome(fault, caplog):
    """Give what a caller and the host's log see of one call."""
    caplog.clear()
    CALLS.clear()
    answer, failed = None, None
    with caplog.at_level("DEBUG"):
        try:
            answer = await fault.call()
        except Exception as error:  # noqa: BLE001  # what the caller sees is the outcome
            failed = error
    lines = [(one.levelname, one.getMessage()) for one in caplog.records if one.name.startswith("agentchat")]
    return answer, failed, lines, dict(CALLS)


def same(one, other):
    return (one[0], type(one[1]), *one[2:]) == (other[0], type(other[1]), *other[2:])


def check(fault, records, action):
    assert [str(one.action) for one in records] == [action]
    [found] = records
    assert f"{found.component}.{found.method}" == fault.contract
    assert (found.error_type, found.cause_known) == (fault.error.__name__, not fault.unknown)
    cause = found.error.__cause__
    assert (cause and type(cause)) is fault.cause
    for name, value in fault.record.items():
        assert getattr(found, name) == value


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(fault, caplog):
    before = await outcome(fault, caplog)
    assert bool(before[1]) == fault.raises
    with installed():
        with modes("off"), shim.recording() as none:
            off = await outcome(fault, caplog)
        with modes("observe"), shim.recording() as records:
            observed = await outcome(fault, caplog)
    assert same(off, before)
    assert none == []
    assert same(observed, before)
    check(fault, records, "raised" if fault.raises else "observed")


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(fault, caplog):
    before = await outcome(fault, caplog)
    with installed(), modes("enforce"), shim.recording() as records:
        found = await outcome(fault, caplog)
    check(fault, records, "escalated" if fault.escalates else "raised")
    assert found[2:] == before[2:], "the host was called other than once"
    if fault.escalates or fault.raises:
        assert same(found, before)
    else:
        assert isinstance(found[1], LoudFailure)
        assert found[1] is records[0].error


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_without_a_fault_nothing_is_recorded(mode):
    with installed(), modes(mode), shim.recording() as records:
        made = bridge(Manager(True, THREAD), known())
        assert await made.notify_agent_started(RUN, "triage") is True
        assert await bridge(Manager(True, "thread_2")).notify_agent_started("thread_2", "triage") is True
        assert await made.unregister_run_mapping("run_unknown") is None
        assert (await bridge().ensure_integration()).success
        sender = emitter(Manager(True))
        await sender.emit_agent_started("triage", RUN)
        await sender.cleanup()
        factory = agentchat.factory.AgentInstanceFactory()
        factory.configure(websocket_bridge=bridge(Manager(True, THREAD), known()))
        context = await factory.create_user_execution_context(USER, THREAD, RUN)
        told = agentchat.factory.UserWebSocketEmitter(USER, THREAD, context.run_id, factory._websocket_bridge)
        assert await told.notify_agent_started("triage") is True
    assert records == []


@contextlib.contextmanager
def installed():
    made = shim.install("example")
    try:
        yield
    finally:
        assert made.uninstall() == []
