"""Append events, and print each one that is accepted, until killed: `python store_child.py FILE PREFIX COUNT`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from store_case import event

from shim.delivery.events import Stream
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits


async def main(file: str, prefix: str, count: int) -> None:
    store = SqliteStore(Path(file), Limits(events_per_stream=10**9, events_per_user=10**9))

    async def producer(user: int) -> None:
        for number in range(count):
            name = f"{prefix}-{user}-{number}"
            accepted = await asyncio.wrap_future(store.append(event(name, Stream(f"user{user}", "t"))))
            sys.stdout.write(f"{user} {accepted.seq} {name}\n")
            sys.stdout.flush()

    sys.stdout.write("ready\n")
    await asyncio.gather(*(producer(user) for user in range(8)))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
