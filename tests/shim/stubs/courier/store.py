"""A bounded store: it evicts somebody's item and reports success."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("courier")


class Store:
    """Keeps at most `limit` items; an item longer than `longest` is refused."""

    def __init__(self, limit=2, longest=10):
        self.limit = limit
        self.longest = longest
        self.items = []

    def _evict(self):
        return self.items.pop(0)

    async def put(self, user_id, item):
        """Keep an item; False where it is refused."""
        _LOG.info("put %s", item)
        if len(item) > self.longest:
            return False
        if len(self.items) >= self.limit:
            self._evict()
        self.items.append((user_id, item))
        return True
