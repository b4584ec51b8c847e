"""Netra's connection manager, fault by fault and mode by mode. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import managerkit
import pytest
from hostkit import Answers
from manager_faults import ESCALATED, FAULTS, HOST_RAISES, RAISED, Fault, started
from managerkit import Outcome, Socket, World, run

import shim
from shim.hosts.netra import HOST

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]
CASES = [pytest.param(fault, id=f"{fault.method}: {fault.name}") for fault in FAULTS]
ROWS = [row for row in HOST.contracts if row.component == "connections"]


@pytest.fixture(scope="module")
def bare(host: Any) -> Iterator[dict[str, Outcome]]:
    """Play every fault on the bare manager, then install the shims for the whole module."""
    found = {fault.name: asyncio.run(run(fault.play, None)) for fault in FAULTS}
    made = shim.install("netra")
    yield found
    assert made.uninstall() == []


@pytest.fixture
def installation(bare: dict[str, Outcome]) -> None:
    """Have the shims installed."""


def test_every_row_of_the_manager_has_a_fault() -> None:
    assert {row.method for row in ROWS} == {fault.method for fault in FAULTS}


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_off_is_the_bare_manager(bare: dict[str, Outcome], fault: Fault) -> None:
    found = await run(fault.play, "off")
    assert found.seen() == bare[fault.name].seen()
    assert found.records == found.ours == []


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_observe_gives_the_manager_s_answer_and_one_record(bare: dict[str, Outcome], fault: Fault) -> None:
    before, found = bare[fault.name], await run(fault.play, "observe")
    assert found.seen() == before.seen()
    assert before.error is None or fault.ends == HOST_RAISES, "the fault is silent on the bare manager"
    action = "raised" if HOST_RAISES in (fault.ends, _host_raises(fault)) else "observed"
    expect(fault, found.records, action)


def _host_raises(fault: Fault) -> str:
    return HOST_RAISES if fault.play.__name__ == "the_periodic_cleanup_fails_unseen" else ""


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_enforce_records_then_raises_or_escalates(installation: None, fault: Fault) -> None:
    found = await run(fault.play, "enforce")
    action = "escalated" if fault.ends == ESCALATED and not _host_raises(fault) else "raised"
    expect(fault, found.records, action)
    if fault.ends == RAISED:
        assert found.error is found.records[0].error
    elif fault.ends == ESCALATED:
        assert found.error is None
    else:
        assert found.error is not None
        assert type(found.error).__name__ in found.records[0].cause


def expect(fault: Fault, records: list[Any], action: str) -> None:
    found = [(made.method, made.error_type, made.code, made.event_type, str(made.action)) for made in records]
    assert found == [(fault.method, fault.error, fault.code, fault.event, action)] * fault.records
    for made in records:
        assert made.cause.startswith(fault.cause)
        assert bool(made.cause) == bool(fault.cause)
        assert made.cause_known
        assert made.hint


async def everything(world: World) -> Any:
    """Do what a healthy manager does."""
    first, second = Socket(), Socket()
    await world.connect(first, user="ada")
    await world.connect(second, user="ben", thread=None)
    answers = [world.manager.update_connection_thread("ben", "alpha")]
    for name in ("agent_started", "agent_thinking", "agent_completed", "chat", "user_input", "agent_response"):
        message = {"type": name, "payload": {}}
        answers.append(await world.manager.send_to_user("ada", dict(message)))
        answers.append(await world.manager.send_to_thread("alpha", dict(message)))
        answers.append(await world.manager.send_to_thread("nowhere", {**message, "user_id": "ben"}))
        answers.append((await world.module.broadcast_message(dict(message))).successful)
    answers.append(await world.manager.send_to_user("ada", "just text"))
    await world.manager._cleanup_stale_connections()
    await world.manager.disconnect_user("ben", second)
    await world.manager.shutdown()
    return answers


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_healthy_manager_makes_no_record(installation: None, mode: str) -> None:
    found = await run(everything, mode)
    assert found.error is None
    assert all(found.answer)
    assert found.records == []
    assert [len(sent) for sent in found.sent] == [19, 18]


@pytest.mark.asyncio
async def test_a_user_who_left_is_no_loss_beside_one_who_is_there(installation: None) -> None:
    async def play(world: World) -> Any:
        expired = await world.connect(Socket())
        flagged = await world.connect(Socket())
        await world.connect(Socket())
        world.manager.connections[flagged]["is_healthy"] = False
        world.expire(expired)
        for socket in world.sockets[:2]:
            socket.hang_up()
        return await world.manager.send_to_thread("alpha", started())

    found = await run(play, "enforce")
    assert (found.answer, found.records) == (True, [])


@pytest.mark.asyncio
async def test_a_send_every_50_ms_outlives_the_cache_by_a_record_each(installation: None) -> None:
    """The table's lifetime is not refreshed by use: what is sent after it is lost, and each loss recorded."""

    async def play(world: World) -> Any:
        short = managerkit.make(ttl=0.2)
        world.sockets = short.sockets
        await short.connect(Socket())
        answers = []
        for _ in range(10):
            answers.append(await short.manager.send_to_user("ada", started()))
            await asyncio.sleep(0.05)
        return answers

    found = await run(play, "observe")
    assert found.answer.count(False) == len(found.records) > 0
    assert {made.code for made in found.records} == {"connection_expired"}


@pytest.mark.asyncio
async def test_a_connection_pushed_out_of_a_full_table_is_told_at_the_next_send(installation: None) -> None:
    async def play(world: World) -> Any:
        small = managerkit.make(size=2)
        world.sockets = small.sockets
        for user in ("ada", "ben", "cleo"):
            await small.connect(Socket(), user=user, thread=user)
        return [await small.manager.send_to_thread(user, started()) for user in ("ada", "ben", "cleo")]

    found = await run(play, "observe")
    assert [(made.user_id, made.code) for made in found.records] == [("ada", "connection_expired")]
    assert [len(sent) for sent in found.sent] == [0, 1, 1]


@pytest.mark.parametrize("name", ["sync_state", "check_connection_heartbeat"])
def test_nothing_calls_what_the_map_calls_dead(host_tree: Path, name: str) -> None:
    """No call of that name in the application; those of another class's method of the same name have a receiver."""
    calls = []
    for path in (host_tree / "netra_backend" / "app").rglob("*.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        calls += [
            f"{path.name}: {line.strip()}" for line in text.splitlines() if re.search(rf"(?<!def )\b{name}\(", line)
        ]
    assert [call for call in calls if f".{name}(" not in call] == []


BRIDGE = "netra_backend.app.services.agent_websocket_bridge"
EMITTER = "netra_backend.app.websocket_core.isolated_event_emitter"
FACTORY = "netra_backend.app.agents.supervisor.agent_instance_factory"


def outermost(kind: str, world: World) -> Any:
    """Give a notification whose outermost contracted call is the bridge's, or one of the emitters'."""
    bridge = importlib.import_module(BRIDGE).AgentWebSocketBridge()
    bridge._websocket_manager = world.manager
    if kind == "factory":
        bridge._thread_registry = Answers(get_thread="alpha")
        made = importlib.import_module(FACTORY).UserWebSocketEmitter("ada", "alpha", "run_1", bridge)
        return made.notify_agent_thinking("triage", "because")
    if kind == "bridge":
        return bridge.notify_agent_thinking("thread_alpha_run_1", "triage", "because")
    emitter = importlib.import_module(EMITTER).IsolatedWebSocketEventEmitter("ada", "alpha", "run_1", world.manager)
    return emitter.emit_agent_thinking("triage", "because")


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["bridge", "emitter", "factory"])
@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("loss", ["all", "one of two"])
async def test_one_failure_is_one_record_with_the_socket_s_exception(
    installation: None, kind: str, mode: str, loss: str
) -> None:
    gone = OSError("gone")

    async def play(world: World) -> Any:
        for thread in ("alpha", "thread_alpha_run_1", "thread_alpha"):
            await world.connect(Socket(gone), thread=thread)
            if loss != "all":
                await world.connect(Socket(), thread=thread)
        return await outermost(kind, world)

    found = await run(play, mode)
    [made] = found.records
    assert (made.component, made.origin, made.category) == (kind, "connections.send_to_thread", 6)
    assert made.error.__cause__ is gone
    assert (made.event_type, made.user_id) == ("agent_thinking", "ada")
    raised = mode == "enforce" and loss == "all"
    assert (found.error is not None) == raised
    assert str(made.action) == ("raised" if raised else "observed" if mode == "observe" else "escalated")


@pytest.mark.asyncio
async def test_a_caller_s_own_exception_is_not_taken_for_the_cause(installation: None) -> None:
    async def play(world: World) -> Any:
        try:
            raise KeyError("the agent's own")  # noqa: TRY301
        except KeyError:
            return await world.manager.send_to_thread("alpha", started())

    found = await run(play, "observe")
    assert [made.cause for made in found.records] == [""]


@pytest.mark.asyncio
async def test_a_cancelled_send_records_what_was_lost_until_then(installation: None) -> None:
    async def play(world: World) -> Any:
        await world.connect(Socket(OSError("gone")), user="ada")
        world.manager.send_timeout = 60

        class Stuck(managerkit.Slow):
            pass

        await world.connect(Stuck(), user="ben")
        task = asyncio.create_task(world.manager.send_to_thread("alpha", started()))
        await asyncio.sleep(0.05)
        task.cancel()
        [end] = await asyncio.gather(task, return_exceptions=True)
        return type(end).__name__

    found = await run(play, "enforce")
    assert found.answer == "CancelledError"
    assert [(made.user_id, made.cause) for made in found.records] == [("ada", "OSError: gone")]
