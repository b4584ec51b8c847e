"""Calls around calls: loops, retries, fallbacks, tasks and threads over channels."""

from __future__ import annotations

import asyncio
import logging

_LOG = logging.getLogger("courier")


class Office:
    """Sends through several channels."""

    def __init__(self, *channels):
        self.channels = list(channels)
        self.tasks = []

    async def broadcast(self, run_id, event):
        """Send to all, and report success whatever came back."""
        _LOG.info("broadcast %s", event)
        for channel in self.channels:
            await channel.send(run_id, event)
        return True

    def broadcast_now(self, run_id, event):
        """Send to all from plain code; true where all arrived."""
        _LOG.info("broadcast_now %s", event)
        return all([channel.send_now(run_id, event) for channel in self.channels])  # noqa: C419  # all are told, then judged

    async def insist(self, run_id, event):
        """Try three times."""
        for _ in range(3):
            if await self.channels[0].send(run_id, event):
                return True
        return False

    async def either(self, run_id, event):
        """Take the second channel where the first fails."""
        return await self.channels[0].send(run_id, event) or await self.channels[1].send(run_id, event)

    async def together(self, run_id, event):
        """Send to all at once."""
        return all(await asyncio.gather(*(channel.send(run_id, event) for channel in self.channels)))

    async def in_time(self, run_id, event):
        """Send within five seconds."""
        return await asyncio.wait_for(self.channels[0].send(run_id, event), 5)

    async def shielded(self, run_id, event):
        """Send, shielded from cancellation."""
        return await asyncio.shield(self.channels[0].send(run_id, event))

    async def in_thread(self, run_id, event):
        """Send from a thread."""
        return await asyncio.to_thread(self.channels[0].send_now, run_id, event)

    async def later(self, run_id, event):
        """Start to send, and return before it has ended."""
        self.tasks.append(asyncio.get_running_loop().create_task(self.channels[0].send(run_id, event)))
        await asyncio.sleep(0)
        return True

    async def much_later(self, run_id, event):
        """Order the sending, and return before it has begun."""
        self.tasks.append(asyncio.get_running_loop().create_task(self.channels[0].send(run_id, event)))
        return True
