"""What a host's adapter tells of open connections, and how it writes to one. A host file names its adapter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shim.delivery.events import Stream

__all__ = ["Link", "Outlet", "fitting"]


@dataclass(frozen=True, slots=True)
class Link:
    """One open connection. Two links are the same where their ids are: a user who comes back has another one."""

    id: str
    user_id: str
    "Whose it is, as the host authenticated it."
    thread_id: str = ""
    "Empty: it shows whatever thread."


class Outlet(Protocol):
    """A host's connections, seen by the pump in the event loop that they belong to."""

    def links(self) -> Iterable[Link]:
        """Give the connections that are open now. Asked several times a second: quick, and waits for nothing."""

    async def send(self, link: Link, message: Mapping[str, object]) -> None:
        """Write to one connection, once. Raises whatever the socket raises, and LookupError where it is gone."""


def fitting(stream: Stream, links: Iterable[Link], failed: Iterable[str]) -> list[Link]:
    """Give the connections that a stream goes to: its owner's alone, of its thread or of any, and none that failed it.

    All of them, as the host itself sends to each: of a user's windows one may be there no more, and nobody knows which.
    """
    bad = frozenset(failed)
    return [
        link
        for link in links
        if link.user_id == stream.user_id
        and (link.thread_id in (stream.thread_id, "") or not stream.thread_id)
        and link.id not in bad
    ]
