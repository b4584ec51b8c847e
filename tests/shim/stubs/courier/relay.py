"""A relay holds a channel as its collaborator: both are shimmed, one failure passes through both."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("courier")


class Relay:
    """Passes events on for one user."""

    def __init__(self, run_id, channel, spare=None):
        self.run_id = run_id
        self.channel = channel
        self.spare = spare

    async def pass_on(self, event):
        """Pass an event on; whatever comes back is reported."""
        _LOG.info("pass_on %s", event)
        return await self.channel.send(self.run_id, event)

    async def claim(self, event):
        """Pass an event on by a method that boasts."""
        _LOG.info("claim %s", event)
        return await self.channel.boast(self.run_id, event)

    async def or_spare(self, event):
        """Take the spare where the channel fails."""
        _LOG.info("or_spare %s", event)
        return await self.channel.send(self.run_id, event) or await self.spare.send(self.run_id, event)

    async def or_by_hand(self, event):
        """Take another method of the same channel where the first fails."""
        _LOG.info("or_by_hand %s", event)
        return await self.channel.send(self.run_id, event) or self.channel.send_now(self.run_id, event)
