"""`python -m benchmarks.delivery`: the store of missed events beside aiosqlite, with the same durability, in one run.

Each of the producers appends an event and acknowledges it, one after the other. The peer does what one would write with
aiosqlite: one connection, a transaction for each append (place in the stream, row) and one for each acknowledgement.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiosqlite
import click

from shim.delivery.events import NewEvent, Priority, Stream
from shim.delivery.landing import landed
from shim.delivery.outlet import Link
from shim.delivery.pump import Pump
from shim.delivery.sqlite import SqliteStore

__all__ = ["main"]

BODY = b'{"type":"agent_thinking","payload":{"reasoning":"' + b"x" * 340 + b'"}}'
"400 bytes, as in the reference measurement."


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of one store."""

    per_second: float
    "Appends with their acknowledgements."
    p50_ms: float
    p99_ms: float
    "Of the append alone."


Append = Callable[[str, int], Awaitable[int]]
Ack = Callable[[str, int], Awaitable[object]]


async def produce(append: Append, ack: Ack, producers: int, events: int) -> Round:
    """Let each producer append and acknowledge so many events."""
    took: list[float] = []

    async def one(user: str) -> None:
        for number in range(events):
            begun = time.perf_counter()
            seq = await append(user, number)
            took.append(time.perf_counter() - begun)
            await ack(user, seq)

    begun = time.perf_counter()
    await asyncio.gather(*(one(f"user{number}") for number in range(producers)))
    seconds = time.perf_counter() - begun
    took.sort()
    return Round(
        per_second=len(took) / seconds, p50_ms=took[len(took) // 2] * 1e3, p99_ms=took[int(len(took) * 0.99)] * 1e3
    )


async def ours(folder: Path, durability: str, producers: int, events: int) -> Round:
    """Measure the store."""
    store = SqliteStore(folder / "ours.sqlite", durability=durability)

    async def append(user: str, number: int) -> int:
        return (await landed(store.append(event(user, number)))).seq

    try:
        return await produce(append, lambda user, seq: landed(store.ack(Stream(user, "t"), seq)), producers, events)
    finally:
        store.close()


async def theirs(folder: Path, durability: str, producers: int, events: int) -> Round:
    """Measure what one would write with aiosqlite."""
    async with aiosqlite.connect(folder / "theirs.sqlite", isolation_level=None) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute(f"PRAGMA synchronous = {durability}")
        await db.execute("CREATE TABLE stream(user TEXT PRIMARY KEY, next_seq INTEGER, acked INTEGER)")
        await db.execute(
            "CREATE TABLE event(user TEXT, seq INTEGER, id TEXT UNIQUE, body BLOB, PRIMARY KEY (user, seq))"
        )
        lock = asyncio.Lock()

        async def append(user: str, number: int) -> int:
            async with lock:  # one connection has one transaction
                await db.execute("BEGIN IMMEDIATE")
                rows = await db.execute_fetchall(
                    "INSERT INTO stream VALUES (?, 2, 0) ON CONFLICT DO UPDATE SET next_seq = next_seq + 1"
                    " RETURNING next_seq - 1",
                    (user,),
                )
                seq = int(next(iter(rows))[0])
                await db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (user, seq, f"{user}-{number}", BODY))
                await db.execute("COMMIT")
                return seq

        async def ack(user: str, seq: int) -> None:
            async with lock:
                await db.execute("UPDATE stream SET acked = max(acked, ?) WHERE user = ?", (seq, user))

        return await produce(append, ack, producers, events)


def event(user: str, number: int) -> NewEvent:
    """Make one event."""
    return NewEvent(
        event_id=f"{user}-{number}", stream=Stream(user, "t"), run_id="run", type="agent_thinking",
        priority=Priority.NORMAL, body=BODY, created=time.time(),
    )  # fmt: skip


class _Taken:
    def __init__(self) -> None:
        self.count = 0

    def links(self) -> list[Link]:
        return [Link("c1", "ada", "t")]

    async def send(self, _link: Link, _message: Mapping[str, object]) -> None:
        self.count += 1


async def replay(folder: Path, events: int) -> float:
    """Give the milliseconds from a user's coming back until so many events are written to him and marked."""
    store, taken = SqliteStore(folder / "replay.sqlite"), _Taken()
    try:
        for done in [store.append(event("ada", number)) for number in range(events)]:
            done.result()
        pump = Pump(store, taken, holder="me", allowed=lambda _: True, href=str)
        begun = time.perf_counter()
        await pump.look()
        await pump.idle()
        seconds = time.perf_counter() - begun
        if taken.count != events or store.waiting():
            raise AssertionError(f"{taken.count} of {events} were delivered")
        return seconds * 1e3
    finally:
        store.close()


@click.command()
@click.option("--rounds", "count", default=5, show_default=True, type=click.IntRange(min=1), help="Rounds, in turn.")
@click.option("--producers", default=64, show_default=True, type=click.IntRange(min=1))
@click.option("--events", default=150, show_default=True, type=click.IntRange(min=1), help="Of each producer.")
def main(count: int, producers: int, events: int) -> None:
    """Print what keeping an event costs, beside aiosqlite, and how long a replay takes."""
    click.echo(f"{producers} producers of {events} events of {len(BODY)} bytes, {count} rounds, the two in turn")
    click.echo(f"{'':12}{'':22}{'append+ack/s':>14}{'p50 ms':>9}{'p99 ms':>9}")
    for durability in ("NORMAL", "FULL"):
        rounds: dict[str, list[Round]] = {"failloud": [], "aiosqlite": []}
        scale = events if durability == "NORMAL" else max(1, events // 10)  # the peer flushes for each event
        for _ in range(count):
            for name, measure in (("failloud", ours), ("aiosqlite", theirs)):
                with tempfile.TemporaryDirectory() as folder:
                    rounds[name].append(asyncio.run(measure(Path(folder), durability, producers, scale)))
        for name, made in rounds.items():
            figures = [median(getattr(each, field) for each in made) for field in ("per_second", "p50_ms", "p99_ms")]
            click.echo(f"{durability:12}{name:22}{figures[0]:>14,.0f}{figures[1]:>9.1f}{figures[2]:>9.1f}")
        pairs = zip(rounds["failloud"], rounds["aiosqlite"], strict=True)
        ratios = sorted(mine.per_second / theirs.per_second for mine, theirs in pairs)
        click.echo(f"{'':12}ratio {median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})")
    with tempfile.TemporaryDirectory() as folder:
        took = [asyncio.run(replay(Path(folder) / str(number), 1_000)) for number in range(count)]
    click.echo(f"replay of 1,000 events to a user who comes back: {median(took):.0f} ms (at most {max(took):.0f} ms)")


if __name__ == "__main__":
    main()
