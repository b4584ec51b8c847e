"""Buffer, factory and its emitter on the real host's classes, in all three modes; and what holds for every contract.

Needs FAILLOUD_HOST_TREE. Bridge and isolated emitter have modules of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import hostkit
import pytest
from hostkit import Bridge, Fault, Manager, call, context, everything, in_enforce, in_quiet_modes, make, rows

import shim
from shim.contracts import Contract, Shows
from shim.errors import (
    AgentCommunicationFailureError,
    WebSocketBridgeUnavailableError,
    WebSocketBufferOverflowError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts.netra import BRIDGE, BUFFER, FACTORY, HOST, ISOLATED, USER_EMITTER

pytestmark = [
    pytest.mark.host,
    # The host's own modules warn when they are imported; its warnings are not ours to fail on.
    pytest.mark.filterwarnings("ignore"),
]

Build = Callable[[], Callable[[], Awaitable[Any]]]
NO_EVENTS = (
    "register_run_thread_mapping",
    "unregister_run_mapping",
    "ensure_integration",
    "recover_integration",
)


def _emitter(row: Contract, bridge: Callable[[], Any]) -> Build:
    return lambda: call(make(USER_EMITTER, hostkit.USER, hostkit.THREAD, hostkit.RUN, bridge()), row)


def _buffer(message: dict[str, Any], **limits: int) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        config = make(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"), **limits)
        buffer = make(BUFFER, config)
        return lambda: buffer.buffer_message(hostkit.USER, message)

    return build


def _unconfigured() -> Callable[[], Awaitable[Any]]:
    factory = make(FACTORY)
    return lambda: factory.create_agent_instance("triage", context(), type("Agent", (), {}))


def _mapping(answer: Any) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        factory = make(FACTORY)
        factory._websocket_bridge = Bridge(answer)

        async def create() -> str:
            made = await factory.create_user_execution_context(hostkit.USER, hostkit.THREAD, hostkit.RUN)
            return f"a context of run {made.run_id}"  # its own text has times and fresh ids

        return create

    return build


def _faults() -> Iterator[Fault]:
    unavailable, communication = WebSocketBridgeUnavailableError, AgentCommunicationFailureError
    for row in rows(USER_EMITTER):
        yield Fault(contract=row.key, name="bridge is None", build=_emitter(row, lambda: None), error=unavailable)
        build = _emitter(row, lambda: Bridge(False))
        yield Fault(contract=row.key, name="bridge answers False", build=build, error=WebSocketSendFailureError)
        build = _emitter(row, lambda: Bridge(KeyError("lost")))
        yield Fault(contract=row.key, name="bridge raises", build=build, error=communication, cause=KeyError)
    small = {"type": "agent_thinking"}
    big = {"type": "agent_thinking", "text": "x" * 40_000}
    overflow = WebSocketBufferOverflowError
    yield Fault(contract="buffer.buffer_message", name="oversize", build=_buffer(big), error=overflow)
    full = _buffer(small, max_buffer_size_global=0)
    yield Fault(contract="buffer.buffer_message", name="full for all", build=full, error=overflow)
    made = "factory.create_agent_instance"
    yield Fault(contract=made, name="unconfigured", build=_unconfigured, error=unavailable, refused=True)
    mapped = "factory.create_user_execution_context"
    invalid = WebSocketContextValidationError
    yield Fault(contract=mapped, name="mapping refused", build=_mapping(False), error=invalid, escalates=True)
    build = _mapping(OSError("redis is down"))
    yield Fault(contract=mapped, name="mapping raises", build=build, error=communication, cause=OSError, escalates=True)


FAULTS = list(_faults())
EACH = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(installed: shim.Installation, fault: Fault) -> None:
    await in_quiet_modes(fault)


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(installed: shim.Installation, fault: Fault) -> None:
    await in_enforce(fault)


def test_every_contract_of_the_host_has_a_fault() -> None:
    here = {row.key for row in HOST.contracts if row.key not in hostkit.OWN_TABLES}
    assert here == {fault.contract for fault in hostkit.all_faults()}


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_healthy_host_makes_no_record(installed: shim.Installation, mode: str) -> None:
    bridge = hostkit.bridge_with(True)
    emitter = make(USER_EMITTER, hostkit.USER, hostkit.THREAD, hostkit.RUN, bridge)
    isolated = make(ISOLATED, hostkit.USER, hostkit.THREAD, hostkit.RUN, Manager(True))
    buffer = make(BUFFER)
    with everything(mode), shim.recording() as records:
        for instance, target in ((bridge, BRIDGE), (emitter, USER_EMITTER), (isolated, ISOLATED)):
            for row in rows(target):
                if row.method not in NO_EVENTS:
                    assert await call(instance, row)() is (None if row.shows is Shows.NEVER else True)
        assert await buffer.buffer_message(hostkit.USER, {"type": "agent_thinking"}) is True
    assert records == []


@pytest.mark.asyncio
async def test_an_eviction_that_reports_success_is_escalated(installed: shim.Installation) -> None:
    config = make(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"), max_buffer_size_per_user=1)
    buffer = make(BUFFER, config)
    with everything("enforce"), shim.recording() as records:
        assert await buffer.buffer_message("user_1", {"type": "note"}) is True
        assert await buffer.buffer_message("user_1", {"type": "other"}) is True
    [found] = records
    assert (found.error_type, found.event_type, found.action.value) == (
        "WebSocketEventDroppedError",
        "note",
        "escalated",
    )
