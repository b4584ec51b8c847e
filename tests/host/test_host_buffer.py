"""Netra's message buffer, fault by fault and mode by mode: enforce loses nothing to its defects."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from buffer_faults import ESCALATED, FAULTS, HOST_RAISES, RAISED, Fault, due, filled, held, make, takes

import shim
from shim.components import redelivery
from shim.hosts.netra import HOST

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]
CASES = [pytest.param(fault, id=fault.name) for fault in FAULTS]
_ID = re.compile(r"_\d{13}_")


@dataclass
class Outcome:
    """What can be seen from outside."""

    answer: Any = None
    error: BaseException | None = None
    lines: list[str] = field(default_factory=list)
    ours: list[str] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    books: tuple[Any, ...] = ()
    records: list[Any] = field(default_factory=list)

    def seen(self) -> tuple[Any, ...]:
        return self.answer, repr(self.error), self.lines, self.held, self.books


async def run(play: Any, mode: str | None) -> Outcome:
    """Play a scenario, bare (None) or in a mode of every component."""
    found, world = Outcome(), SimpleNamespace(buffer=None)
    loguru = importlib.import_module("loguru").logger

    def keep(text: Any) -> None:
        line = _ID.sub("_", text.record["message"])
        (found.ours if line.startswith("failloud.") else found.lines).append(line)

    sink = loguru.add(keep, level="DEBUG")
    try:
        if mode is None:
            await _play(play, world, found)
        else:
            with shim.override(**dict.fromkeys(HOST.components, mode)), shim.recording() as records:
                await _play(play, world, found)
            found.records = records
    finally:
        loguru.remove(sink)
    found.held = held(world.buffer)
    found.books = (world.buffer.message_count, world.buffer.total_size_bytes, dict(world.buffer.stats))
    return found


async def _play(play: Any, world: Any, found: Outcome) -> None:
    try:
        found.answer = await play(world)
    except Exception as error:  # noqa: BLE001  # what came out is what we compare
        found.error = error


@pytest.fixture(scope="module")
def bare(host: Any) -> Iterator[dict[str, Outcome]]:
    """Play every fault on the bare buffer, then install the shims for the whole module."""
    found = {fault.name: asyncio.run(run(fault.play, None)) for fault in FAULTS}
    made = shim.install("netra")
    yield found
    assert made.uninstall() == []


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivery, "RETRY_PAUSE_S", 0.01)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_off_is_the_bare_buffer(bare: dict[str, Outcome], fault: Fault) -> None:
    found, before = await run(fault.play, "off"), bare[fault.name]
    assert found.seen() == before.seen()
    assert found.records == found.ours == []
    assert before.held == fault.kept[0]
    assert type(before.error).__name__ == (fault.bare_raises or "NoneType")


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_observe_repairs_nothing_and_records_what_was_lost(bare: dict[str, Outcome], fault: Fault) -> None:
    found = await run(fault.play, "observe")
    assert found.seen() == bare[fault.name].seen()
    expect(fault, found.records, fault.observed, "raised" if fault.bare_raises else "observed")


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", CASES)
async def test_enforce_loses_nothing_to_the_host_s_defects(bare: dict[str, Outcome], fault: Fault) -> None:
    found = await run(fault.play, "enforce")
    assert found.held == fault.kept[1]
    assert found.books[0] == len(found.held), "the host's own count of what it holds"
    action = {RAISED: "raised", ESCALATED: "escalated", HOST_RAISES: "raised"}[fault.ends]
    expect(fault, found.records, fault.enforced, action)
    if fault.ends == RAISED:
        assert found.error is found.records[0].error
    elif fault.ends == ESCALATED:
        assert found.error is None


def expect(fault: Fault, records: list[Any], codes: tuple[str, ...], action: str) -> None:
    assert sorted(made.code for made in records) == sorted(codes)
    assert codes != fault.observed or {made.error_type for made in records} >= {fault.error}
    assert any(made.cause.startswith(fault.cause) for made in records)
    for made in records:
        beside = made.code == "event_evicted" and fault.ends == RAISED  # lost by the call, and not its own event
        assert str(made.action) == ("escalated" if beside and action == "raised" else action)
        assert (made.category, made.cause_known, bool(made.hint)) == (2, True, True)
        assert made.run_id in ("run_1", "unknown")


async def everything(world: Any) -> Any:
    """Do what a healthy buffer does."""
    world.buffer = await filled(make(), 1, 2, 3)
    await world.buffer.start()
    await world.buffer._process_retry_queue()
    answers = [await world.buffer.deliver_buffered_messages("ada", takes)]
    answers.append(await world.buffer.deliver_buffered_messages("nobody", takes) == 0)
    answers.append(await world.buffer.clear_user_buffer("nobody") == 0)
    answers.append(await world.buffer.get_buffered_messages("nobody") == [])
    await world.buffer.stop()
    return answers


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_healthy_buffer_makes_no_record(bare: dict[str, Outcome], mode: str) -> None:
    found = await run(everything, mode)
    assert (found.answer, found.error, found.records) == ([3, True, True, True], None, [])


@pytest.mark.asyncio
async def test_what_was_kept_is_delivered_once_in_its_order(bare: dict[str, Outcome]) -> None:
    seen: list[int] = []

    async def third_time(each: Any) -> bool:
        seen.append(each["n"])
        if len(seen) <= 2:
            raise OSError("gone")
        return True

    async def play(world: Any) -> Any:
        world.buffer = await filled(make(), 1, 2)
        first = await world.buffer.deliver_buffered_messages("ada", third_time)
        await filled(world.buffer, 3)
        return first, await world.buffer.deliver_buffered_messages("ada", third_time)

    found = await run(play, "enforce")
    assert found.answer == (0, 3)
    assert seen == [1, 2, 1, 2, 3]
    assert (found.held, found.books[0], found.books[1]) == ([], 0, 0)


@pytest.mark.asyncio
@pytest.mark.parametrize(("mode", "left"), [("observe", [2]), ("enforce", [1, 2])])
async def test_a_delivery_that_is_cancelled(bare: dict[str, Outcome], mode: str, left: list[int]) -> None:
    async def play(world: Any) -> Any:
        world.buffer = await filled(make(), 1, 2)

        async def hangs(_message: Any) -> bool:
            await asyncio.sleep(60)
            return True

        task = asyncio.create_task(world.buffer.deliver_buffered_messages("ada", hangs))
        await asyncio.sleep(0.01)
        task.cancel()
        [end] = await asyncio.gather(task, return_exceptions=True)
        return type(end).__name__

    found = await run(play, mode)
    assert (found.answer, found.held) == ("CancelledError", left)
    assert [made.code for made in found.records] == ["send_failed"]


@pytest.mark.asyncio
async def test_a_message_that_comes_while_others_come_back_is_not_evicted(bare: dict[str, Outcome]) -> None:
    async def play(world: Any) -> Any:
        world.buffer = await filled(make(max_buffer_size_per_user=2), 1, 2)

        async def busy(each: Any) -> bool:
            await filled(world.buffer, each["n"] + 2) if each["n"] < 3 else None
            raise OSError("gone")

        return await world.buffer.deliver_buffered_messages("ada", busy)

    found = await run(play, "enforce")
    assert found.held == [1, 2, 3, 4]
    assert found.books[0] == 4


@pytest.mark.asyncio
async def test_the_retry_loop_does_not_spin(bare: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivery, "RETRY_PAUSE_S", 0.02)

    async def play(world: Any) -> Any:
        world.buffer = make()
        world.buffer.retry_queue.append(due(world.buffer, 1, when="tomorrow"))
        await world.buffer.start()
        await asyncio.sleep(0.1)
        world.buffer._shutdown = True
        world.buffer.retry_task.cancel()
        await asyncio.gather(world.buffer.retry_task, return_exceptions=True)

    found = await run(play, "enforce")
    assert found.held == [1]
    assert 1 <= len(found.records) <= 6


@pytest.mark.asyncio
async def test_the_retry_queue_is_always_empty_on_the_bare_host(bare: dict[str, Outcome]) -> None:
    """Scheduling a retry raises before anything is queued, so a loop that is never started retries nothing less."""

    async def play(world: Any) -> Any:
        world.buffer = await filled(make(), 1)
        return await world.buffer.deliver_buffered_messages("ada", declines_once)

    async def declines_once(_message: Any) -> bool:
        return False

    found = await run(play, "off")
    assert type(found.error).__name__ == "AttributeError"
    assert found.held == []


def test_nothing_in_the_application_uses_the_buffer(host_tree: Path) -> None:
    calls = []
    for path in (host_tree / "netra_backend" / "app").rglob("*.py"):
        if path.name != "message_buffer.py":
            text = path.read_text(encoding="utf-8", errors="replace")
            calls += re.findall(r"\b(?:get_message_buffer|buffer_user_message|deliver_user_messages)\(", text)
    assert calls == []
