"""The audit's own examples on the real host's classes, in all three modes. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import shim
from shim import errors
from shim.contracts import Contract, Shows, Work
from shim.hosts.netra import BRIDGE, BUFFER, FACTORY, HOST, ISOLATED, USER_EMITTER

pytestmark = [
    pytest.mark.host,
    # The host's own modules warn when they are imported; its warnings are not ours to fail on.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def host(host_tree: Path) -> Iterator[Any]:
    """Import the real host, quiet, and take it out of the way again."""
    sys.path.insert(0, str(host_tree))
    level = logging.root.level
    try:
        for cls in HOST.classes:
            importlib.import_module(cls.target.partition(":")[0])
        importlib.import_module("loguru").logger.remove()
        import hostkit

        yield hostkit
    finally:
        sys.path.remove(str(host_tree))
        logging.root.setLevel(level)


@pytest.fixture
def installation(host: Any) -> Iterator[shim.Installation]:
    made = shim.install("netra")
    yield made
    assert made.uninstall() == []


def everything(mode: str) -> Any:
    return shim.override(**dict.fromkeys(HOST.components, mode))


def _rows(target: str, *, but: tuple[str, ...] = ()) -> list[Contract]:
    return [row for row in HOST.contracts if row.target == target and row.method not in but]


_MAPPINGS = ("register_run_thread_mapping", "unregister_run_mapping")
Build = Callable[[Any, Contract], Any]


def _bridge_no_manager(kit: Any, row: Contract) -> Any:
    return kit.call(kit.make(BRIDGE), row)


def _bridge_manager_false(kit: Any, row: Contract) -> Any:
    return kit.call(kit.bridge_with(False), row)


def _bridge_manager_none(kit: Any, row: Contract) -> Any:
    return kit.call(kit.bridge_with(None), row)


def _bridge_manager_raises(kit: Any, row: Contract) -> Any:
    return kit.call(kit.bridge_with(OSError("socket is gone")), row)


def _bridge_context(run_id: object) -> Build:
    return lambda kit, row: kit.call(kit.bridge_with(True), row, run_id=run_id)


def _bridge_no_registry(kit: Any, row: Contract) -> Any:
    return kit.call(kit.make(BRIDGE), row)


def _emitter_no_bridge(kit: Any, row: Contract) -> Any:
    return kit.call(kit.make(USER_EMITTER, "user_1", "thread_abcd", kit.RUN, None), row)


def _emitter_bridge(answer: Any) -> Build:
    return lambda kit, row: kit.call(kit.make(USER_EMITTER, "user_1", "thread_abcd", kit.RUN, kit.Bridge(answer)), row)


def _isolated(manager: Callable[[Any], Any]) -> Build:
    return lambda kit, row: kit.call(kit.make(ISOLATED, "user_1", "thread_abcd", kit.RUN, manager(kit)), row)


def _isolated_lazy(answer: Any) -> Build:
    return _isolated(lambda kit: kit.Manager(answer))


def _buffer(message: dict[str, Any], **limits: int) -> Build:
    def build(kit: Any, row: Contract) -> Any:
        config = kit.make(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"), **limits)
        buffer = kit.make(BUFFER, config)
        return lambda: buffer.buffer_message("user_1", message)

    return build


def _factory_unconfigured(kit: Any, row: Contract) -> Any:
    factory = kit.make(FACTORY)
    return lambda: factory.create_agent_instance("triage", kit.context(), type("Agent", (), {}))


def _factory_mapping(answer: Any) -> Build:
    def build(kit: Any, row: Contract) -> Any:
        factory = kit.make(FACTORY)
        factory._websocket_bridge = kit.Bridge(answer)
        return lambda: factory.create_user_execution_context("user_1", "thread_abcd", kit.RUN)

    return build


def _table() -> Iterator[tuple[str, Contract, Build, type[errors.LoudFailure], type[BaseException] | None]]:
    for row in _rows(BRIDGE, but=_MAPPINGS):
        yield "no manager", row, _bridge_no_manager, errors.WebSocketBridgeUnavailableError, None
        yield "manager answers False", row, _bridge_manager_false, errors.WebSocketSendFailureError, None
        yield "manager answers None", row, _bridge_manager_none, errors.WebSocketSendFailureError, None
        yield "manager raises", row, _bridge_manager_raises, errors.WebSocketSendFailureError, OSError
        for bad in (None, "", "   "):
            cause = None if row.method in ("notify_agent_started", "emit_agent_event") else ValueError
            yield f"run_id {bad!r}", row, _bridge_context(bad), errors.WebSocketContextValidationError, cause
    for row in _rows(BRIDGE):
        if row.method in _MAPPINGS:
            yield "no thread registry", row, _bridge_no_registry, errors.WebSocketContextValidationError, None
    for row in _rows(USER_EMITTER):
        yield "bridge is None", row, _emitter_no_bridge, errors.WebSocketBridgeUnavailableError, None
        yield "bridge answers False", row, _emitter_bridge(False), errors.WebSocketSendFailureError, None
        raised = KeyError("lost")
        yield "bridge raises", row, _emitter_bridge(raised), errors.AgentCommunicationFailureError, KeyError
    for row in _rows(ISOLATED):
        no_manager = _isolated(lambda _kit: None)
        yield "no manager", row, no_manager, errors.WebSocketManagerNotInitializedError, None
        yield "manager answers False", row, _isolated_lazy(False), errors.WebSocketSendFailureError, None
        yield "manager raises", row, _isolated_lazy(OSError("gone")), errors.WebSocketSendFailureError, OSError
    row = HOST.contract("buffer.buffer_message")
    small = {"type": "agent_thinking"}
    big = {"type": "agent_thinking", "text": "x" * 40_000}
    overflow = errors.WebSocketBufferOverflowError
    yield "oversize", row, _buffer(big), overflow, None
    yield "full for all", row, _buffer(small, max_buffer_size_global=0), overflow, None
    made = HOST.contract("factory.create_agent_instance")
    yield "unconfigured", made, _factory_unconfigured, errors.WebSocketBridgeUnavailableError, None
    mapped = HOST.contract("factory.create_user_execution_context")
    yield "mapping refused", mapped, _factory_mapping(False), errors.WebSocketContextValidationError, None
    broken = OSError("redis is down")
    yield "mapping raises", mapped, _factory_mapping(broken), errors.AgentCommunicationFailureError, OSError


TABLE = [pytest.param(*cells[1:], id=f"{cells[1].key}: {cells[0]}") for cells in _table()]


OWN_TABLES = {row.key for row in HOST.contracts if row.component in ("buffer", "connections")} - {
    "buffer.buffer_message"
}
"Contracts whose faults have a table and tests of their own."


def test_every_contract_of_the_host_has_a_fault() -> None:
    here = {row.key for row in HOST.contracts if row.key not in OWN_TABLES}
    assert here == {param.values[0].key for param in TABLE}


@pytest.mark.asyncio
@pytest.mark.parametrize(("row", "build", "error", "cause"), TABLE)
async def test_off_and_observe_answer_as_the_bare_host_does(
    host: Any, row: Contract, build: Build, error: type[errors.LoudFailure], cause: type[BaseException] | None
) -> None:
    bare = await build(host, row)()
    made = shim.install("netra")
    try:
        with everything("off"), shim.recording() as silent:
            off = await build(host, row)()
        with everything("observe"), shim.recording() as records:
            observed = await build(host, row)()
    finally:
        made.uninstall()
    assert silent == []
    for answer in (off, observed):
        assert answer == bare or (type(answer).__name__ == type(bare).__name__ and row.work is not Work.NONE)
    [found] = records
    assert (found.error_type, found.action.value, found.cause_known) == (error.__name__, "observed", True)
    assert (type(found.error.__cause__) if found.error.__cause__ else None) is cause


@pytest.mark.asyncio
@pytest.mark.parametrize(("row", "build", "error", "cause"), TABLE)
async def test_enforce_is_loud_once_with_the_cause(
    host: Any,
    installation: shim.Installation,
    row: Contract,
    build: Build,
    error: type[errors.LoudFailure],
    cause: type[BaseException] | None,
) -> None:
    with everything("enforce"), shim.recording() as records:
        if row.work is Work.PRECEDES:
            assert await build(host, row)() is not None
        else:
            with pytest.raises(error) as caught:
                await build(host, row)()
            assert (type(caught.value.__cause__) if caught.value.__cause__ else None) is cause
    [found] = records
    assert found.error_type == error.__name__
    assert found.action.value == ("escalated" if row.work is Work.PRECEDES else "raised")


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_healthy_host_makes_no_record(host: Any, installation: shim.Installation, mode: str) -> None:
    bridge = host.bridge_with(True)
    emitter = host.make(USER_EMITTER, "user_1", "thread_abcd", host.RUN, bridge)
    isolated = host.make(ISOLATED, "user_1", "thread_abcd", host.RUN, host.Manager(True))
    buffer = host.make(BUFFER)
    with everything(mode), shim.recording() as records:
        for instance, target in ((bridge, BRIDGE), (emitter, USER_EMITTER), (isolated, ISOLATED)):
            for row in _rows(target, but=_MAPPINGS):
                answer = await host.call(instance, row)()
                assert answer is (None if row.shows is Shows.NEVER else True)
        assert await buffer.buffer_message("user_1", {"type": "agent_thinking"}) is True
    assert records == []


@pytest.mark.asyncio
async def test_an_eviction_that_reports_success_is_escalated(host: Any, installation: shim.Installation) -> None:
    config = host.make(BUFFER.replace("WebSocketMessageBuffer", "BufferConfig"), max_buffer_size_per_user=1)
    buffer = host.make(BUFFER, config)
    with everything("enforce"), shim.recording() as records:
        assert await buffer.buffer_message("user_1", {"type": "note"}) is True
        assert await buffer.buffer_message("user_1", {"type": "other"}) is True
    [found] = records
    assert (found.error_type, found.event_type, found.action.value) == (
        "WebSocketEventDroppedError",
        "note",
        "escalated",
    )


def test_off_shows_inspect_the_host_s_own_methods(host: Any) -> None:
    before = {row.key: _seen(row) for row in HOST.contracts}
    made = shim.install("netra")
    try:
        assert {row.key: _seen(row) for row in HOST.contracts} == before
    finally:
        made.uninstall()
    assert {row.key: _seen(row) for row in HOST.contracts} == before


def _seen(row: Contract) -> tuple[object, ...]:
    module, _, name = row.target.partition(":")
    cls = getattr(importlib.import_module(module), name)
    method = getattr(cls, row.method)
    signature, is_async = inspect.signature(method), inspect.iscoroutinefunction(method)
    return (cls.__name__, cls.__module__, cls.__doc__, signature, is_async, method.__doc__, method.__qualname__)


def test_importers_by_name_are_rebound_and_put_back(host: Any) -> None:
    factory = importlib.import_module(FACTORY.partition(":")[0])
    bare = factory.AgentWebSocketBridge
    made = shim.install("netra")
    try:
        assert factory.AgentWebSocketBridge is made.classes[BRIDGE]
        assert issubclass(factory.AgentWebSocketBridge, bare)
    finally:
        assert made.uninstall() == []
    assert factory.AgentWebSocketBridge is bare
