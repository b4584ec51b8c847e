"""The buffer on the real host's classes, in all three modes; and what holds for every contract.

Needs FAILLOUD_HOST_TREE. Bridge, factory and isolated emitter have modules of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import hostkit
import pytest
from hostkit import Fault, Manager, call, everything, in_enforce, in_quiet_modes, make, rows

import shim
from shim.contracts import Shows
from shim.errors import WebSocketBufferOverflowError
from shim.hosts.netra import BRIDGE, BUFFER, HOST, ISOLATED, USER_EMITTER

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


def _buffer(message: dict[str, Any], **limits: int) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        config = make(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"), **limits)
        buffer = make(BUFFER, config)
        return lambda: buffer.buffer_message(hostkit.USER, message)

    return build


def _faults() -> Iterator[Fault]:
    small = {"type": "agent_thinking"}
    big = {"type": "agent_thinking", "text": "x" * 40_000}
    overflow = WebSocketBufferOverflowError
    yield Fault(contract="buffer.buffer_message", name="oversize", build=_buffer(big), error=overflow)
    full = _buffer(small, max_buffer_size_global=0)
    yield Fault(contract="buffer.buffer_message", name="full for all", build=full, error=overflow)


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
