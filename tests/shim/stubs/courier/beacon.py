"""A beacon whose methods are declared None: no result tells whether an event arrived."""

from __future__ import annotations

import contextlib
import logging

_LOG = logging.getLogger("courier")


class Beacon:
    """Emits the events of one run."""

    def __init__(self, run_id, user_id, wire=None):
        self.run_id = run_id
        self.user_id = user_id
        self.wire = wire
        self.muted = False

    async def _ready(self):
        return not self.muted

    async def emit(self, event):
        """Emit one event."""
        _LOG.info("emit %s", event)
        if self.wire is None or not await self._ready():
            return
        with contextlib.suppress(Exception):
            await self.wire.push(self.user_id, event)

    def emit_now(self, event):
        """Emit one event from plain code."""
        _LOG.info("emit_now %s", event)
        if self.wire is not None:
            with contextlib.suppress(Exception):
                self.wire.push_now(self.user_id, event)
