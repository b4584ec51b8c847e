"""Missed events on Netra's own manager, bridge, emitters and tool engine. Needs FAILLOUD_HOST_TREE.

The sockets are stubs; everything between an agent's call and them is the host's.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shim.delivery.service import Service
from shim.delivery.sqlite import SqliteStore
from shim.hosts._netra_traffic import Target
from shim.recipients import forget
from shim.snapshot import Mode

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]


@asynccontextmanager
async def host(folder: Path, mode: Mode = Mode.ENFORCE) -> AsyncIterator[tuple[Any, Service]]:
    """Start Netra's classes with missed events kept; all is counted at the end."""
    target, store = Target(), SqliteStore(folder / "m.sqlite")
    await target.start(mode)
    try:
        async with Service("netra", store) as service:
            yield target, service
        assert store.sums().remainder == 0
    finally:
        await target.close()
        store.close()
        forget()


async def settled(service: Service) -> None:
    """Wait until nothing waits any more."""
    await asyncio.sleep(0.5)  # an event whose user is not known yet is looked at again after a tenth of a second
    async with asyncio.timeout(60):
        while service.store.waiting():  # noqa: ASYNC110  # another thread writes
            await asyncio.sleep(0.1)


def received(target: Any, user: str) -> list[dict[str, Any]]:
    return [message for socket in target._users[user].sockets for message in socket.received]


def lost(asked: Any, got: list[dict[str, Any]]) -> Counter[str]:
    mine = [one for one in got if (one.get("run_id") or one.get("data", {}).get("run_id")) == asked.run_id]
    return Counter(event.type for event in asked.events) - Counter(one["type"] for one in mine)


Story = Callable[[Any], Awaitable[Any]]


async def unready(target: Any) -> Any:
    """The bridge was never integrated: events fail before the host has worded them."""
    await target.connect("ada")
    return await target.run("ada", 10, ready=False)


async def idle(target: Any) -> Any:
    """The manager forgot the connection after 180 s; it is open."""
    await target.connect("ada")
    await target.pass_time()
    return await target.run("ada", 10)


async def reloaded(target: Any) -> Any:
    """Asked before the new page's socket was open."""
    await target.connect("ada")
    await asyncio.sleep(0.2)
    await target.cut("ada")
    asked = await target.run("ada", 10)
    await target.connect("ada")
    return asked


async def slow(target: Any) -> Any:
    """The client is slower than the manager waits; then its user loads the page again."""
    await target.connect("ada")
    await target.slow("ada")
    asked = await target.run("ada", 10)
    await target.cut("ada")
    await target.connect("ada")
    return asked


async def large(target: Any) -> Any:
    """A question longer than the manager takes."""
    await target.connect("ada")
    return await target.run("ada", 200_000)


STORIES: dict[str, Story] = {made.__name__: made for made in (unready, idle, reloaded, slow, large)}


@pytest.mark.parametrize("name", STORIES)
def test_in_enforce_what_the_host_could_not_deliver_arrives_later(tmp_path: Path, name: str) -> None:
    async def play() -> None:
        async with host(tmp_path) as (target, service):
            asked = await STORIES[name](target)
            await settled(service)
            got = received(target, "ada")
            assert lost(asked, got) == Counter()
            late = [one for one in got if "failloud" in one and one["type"] != "error"]
            assert [one["failloud"]["seq"] for one in late] == sorted(one["failloud"]["seq"] for one in late)
            if late:
                assert [one for one in got if one["type"] == "error"], "and he is told why"
            assert "duplicate" not in service.counts()
            print(f"{name}: {len(asked.events)} events, {len(late)} of them late, {service.counts()}")  # noqa: T201  # figures for `pytest -s`

    asyncio.run(play())


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.OBSERVE])
def test_off_and_observe_keep_nothing(tmp_path: Path, mode: Mode) -> None:
    async def play() -> None:
        async with host(tmp_path, mode) as (target, service):
            asked = await reloaded(target)
            await settled(service)
            assert lost(asked, received(target, "ada"))
            assert service.store.streams() == []

    asyncio.run(play())


def test_what_the_hosts_sanitizers_have_not_seen_is_not_shown(tmp_path: Path) -> None:
    async def play() -> None:
        async with host(tmp_path) as (target, service):
            await unready(target)
            await settled(service)
            late = [one for one in received(target, "ada") if "failloud" in one and one["type"] != "error"]
            assert {one["type"] for one in late} >= {"agent_started"}
            assert all(one["failloud"]["incomplete"] for one in late)
            assert {name for one in late for name in one["payload"]} <= {
                "tool_name", "step_number", "progress_percentage", "execution_time_ms",
            }  # fmt: skip

    asyncio.run(play())


def test_no_user_gets_anothers_event_on_the_real_manager(tmp_path: Path) -> None:
    """Users connect, are cut, ask and come back at random."""
    chance = random.Random(11)  # noqa: S311  # no secret
    users = [f"user-{number}" for number in range(20)]

    async def play() -> None:
        async with host(tmp_path) as (target, service):
            asked = []
            for _ in range(2_000):
                user = chance.choice(users)
                action = chance.random()
                if action < 0.3:
                    await target.connect(user)
                elif action < 0.5 and user in target._users:
                    await target.cut(user)
                else:
                    asked.append(await target.run(user, 10, ready=chance.random() > 0.2))
            for user in users:
                await target.connect(user)
            await settled(service)
            whose = {one.run_id: one.user_id for one in asked}
            wrong = [
                (user, one)
                for user in users
                for one in received(target, user)
                if whose.get(one.get("run_id") or one.get("data", {}).get("run_id"), user) != user
            ]
            assert wrong == []
            missing = [lost(one, received(target, one.user_id)) for one in asked]
            assert sum(missing, Counter()) == Counter()
            counts = service.counts()
            print(f"{len(asked)} runs of {len(users)} users: {counts}")  # noqa: T201  # figures for `pytest -s`
            assert counts["delivered"] > 1_000

    asyncio.run(play())
