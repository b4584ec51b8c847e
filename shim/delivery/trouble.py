"""Which connections are open, since when, and which of them have failed whose events. Any thread may ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from shim.delivery.events import Stream
from shim.delivery.outlet import Link
from shim.delivery.retry import Retry
from shim.locks import fresh_lock

__all__ = ["Trouble"]


@dataclass(slots=True)
class _Stream:
    links: set[str] = field(default_factory=set)
    failed: int = 0
    due: float = 0.0


class Trouble:
    """Forgets a connection once it is closed, a stream once none that failed it is left. Times: `time.monotonic`."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._open: dict[str, tuple[str, float]] = {}
        self._streams: dict[Stream, _Stream] = {}
        self._lock = fresh_lock()

    def look(self, links: Iterable[Link], now: float) -> bool:
        """Take over which connections are open now; True where one is new."""
        links = tuple(links)
        with self._lock:
            came = any(link.id not in self._open for link in links)
            self._open = {link.id: self._open.get(link.id, (link.user_id, now)) for link in links}
            for stream, one in list(self._streams.items()):
                one.links &= self._open.keys()
                if not one.links and one.due <= now:
                    del self._streams[stream]
        return came

    def open_since(self, user_id: str, began: float) -> frozenset[str]:
        """Give a user's connections that were open when a call began: what that call could not send has failed there.

        One that came while the call ran, or that nobody has looked at yet, may never have been tried, and is left out.
        """
        with self._lock:
            return frozenset(each for each, (user, since) in self._open.items() if user == user_id and since <= began)

    def suspect(self, stream: Stream, links: Collection[str]) -> None:
        """Write nothing of a stream to these connections again."""
        if links:
            with self._lock:
                self._streams.setdefault(stream, _Stream()).links.update(links)

    def failed(self, stream: Stream, link: Link, now: float, jitter: float) -> bool:
        """Count a connection that failed; True where that was the last attempt, and only a new connection can help."""
        with self._lock:
            one = self._streams.setdefault(stream, _Stream())
            one.links.add(link.id)
            one.failed += 1
            one.due = now + self._retry.pause(one.failed, jitter)
            if not self._retry.is_spent(one.failed):
                return False
            one.failed, one.due = 0, now
            one.links.update(each for each, (user, _) in self._open.items() if user == stream.user_id)
            return True

    def rest(self, stream: Stream, until: float) -> None:
        """Leave a stream alone for a while: not a connection failed it, but the store."""
        with self._lock:
            self._streams.setdefault(stream, _Stream()).due = until

    def succeeded(self, stream: Stream) -> None:
        """Begin at zero."""
        with self._lock:
            if (one := self._streams.get(stream)) is not None:
                one.failed, one.due = 0, 0.0

    def bad(self, stream: Stream, now: float) -> frozenset[str] | None:
        """Give the connections that have failed a stream; None where it is to wait."""
        with self._lock:
            one = self._streams.get(stream)
            if one is None:
                return frozenset()
            return None if now < one.due else frozenset(one.links)
