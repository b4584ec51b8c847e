"""One user's channel: a false result, or a receipt without success, where an event did not arrive."""

from __future__ import annotations

import logging
from dataclasses import dataclass

_LOG = logging.getLogger("courier")


@dataclass
class Receipt:
    success: bool
    note: str = ""


class Channel:
    """Sends events to one user."""

    def __init__(self, user_id, wire):
        self.user_id = user_id
        self.wire = wire

    def _valid(self, run_id):
        """Say whether the run may send."""
        return bool(run_id)

    async def _route(self, run_id):
        """Find the way; raises LookupError."""
        if run_id == "lost":
            raise LookupError("no route for " + run_id)
        return "route-" + run_id

    async def send(self, run_id, event, extra=None):
        """Send one event; False where it did not arrive."""
        _LOG.info("send %s to %s", event, self.user_id)
        if self.wire is None or not self._valid(run_id):
            return False
        try:
            await self._route(run_id)
            return await self.wire.push(self.user_id, event)
        except Exception as error:  # noqa: BLE001  # silent on purpose
            _LOG.debug("swallowed %s", error)
            return False

    def send_now(self, run_id, event, *, urgent=False):
        """Send one event from plain code; None or False where it did not arrive."""
        _LOG.info("send_now %s to %s", event, self.user_id)
        if self.wire is None or not self._valid(run_id):
            return None
        try:
            return self.wire.push_now(self.user_id, event)
        except Exception as error:  # noqa: BLE001  # silent on purpose
            _LOG.debug("swallowed %s", error)
            return False

    async def boast(self, run_id, event):
        """Send one event and report success whatever the wire says."""
        _LOG.info("boast %s to %s", event, self.user_id)
        await self.wire.push(self.user_id, event)
        return True

    async def deliver(self, run_id, event):
        """Send one event; the receipt says how it went."""
        _LOG.info("deliver %s to %s", event, self.user_id)
        try:
            return Receipt(bool(await self.wire.push(self.user_id, event)))
        except Exception as error:  # noqa: BLE001  # silent on purpose
            return Receipt(False, str(error))

    def deliver_now(self, run_id, event):
        """Send one event from plain code; the receipt says how it went."""
        _LOG.info("deliver_now %s to %s", event, self.user_id)
        try:
            return Receipt(bool(self.wire.push_now(self.user_id, event)))
        except Exception as error:  # noqa: BLE001  # silent on purpose
            return Receipt(False, str(error))
