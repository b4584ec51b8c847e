"""Work that must neither be lost nor run twice because a notification failed, and a host that raises by itself."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("courier")


class Plant:
    """Runs jobs and tells about them through `desk`."""

    def __init__(self, user_id, desk):
        self.user_id = user_id
        self.desk = desk
        self.done = []

    async def start(self, job, run_id):
        """Tell, then work."""
        _LOG.info("start %s", job)
        if self.desk is not None:
            await self.desk.announce(self.user_id, "started")
        self.done.append(job)
        return "result of " + job

    def start_now(self, job, run_id):
        """Tell, then work, from plain code."""
        _LOG.info("start_now %s", job)
        if self.desk is not None:
            self.desk.announce_now(self.user_id, "started")
        self.done.append(job)
        return "result of " + job

    async def finish(self, job, run_id):
        """Work, then tell."""
        _LOG.info("finish %s", job)
        self.done.append(job)
        try:
            await self.desk.announce(self.user_id, "finished")
        except Exception as error:  # noqa: BLE001  # silent on purpose
            _LOG.debug("swallowed %s", error)
        return "result of " + job

    def finish_now(self, job, run_id):
        """Work, then tell, from plain code; the answer says whether the user was told."""
        _LOG.info("finish_now %s", job)
        self.done.append(job)
        return self.desk.announce_now(self.user_id, "finished")

    async def publish(self, run_id, event):
        """Publish; raises ConnectionError."""
        _LOG.info("publish %s", event)
        if not await self.desk.announce(self.user_id, event):
            raise ConnectionError("nobody took " + event)

    def publish_now(self, run_id, event):
        """Publish from plain code; raises ConnectionError."""
        _LOG.info("publish_now %s", event)
        if not self.desk.announce_now(self.user_id, event):
            raise ConnectionError("nobody took " + event)
