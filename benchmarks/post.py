"""The host that is measured: one class that does almost nothing, so that what the shim adds is seen at its worst."""

from __future__ import annotations

from shim.contracts import Collaborator, Contract, Host, HostClass, Needs, Shows
from shim.errors import WebSocketBridgeUnavailableError, WebSocketSendFailureError

__all__ = ["HOST", "Box", "Post"]


class Box:
    """Takes everything."""

    def put(self, recipient: str, event: str) -> bool:
        """Take one event."""
        return bool(recipient and event)

    async def put_async(self, recipient: str, event: str) -> bool:
        """Take one event."""
        return bool(recipient and event)


class Post:
    """Sends through a box; `*_watched` go through the collaborator that the contract watches."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.sent = 0

    def send(self, run_id: str, event: str) -> bool:
        """Send without the box."""
        self.sent += 1
        return bool(run_id and event)

    async def send_async(self, run_id: str, event: str) -> bool:
        """Send without the box."""
        self.sent += 1
        return bool(run_id and event)

    def send_watched(self, run_id: str, event: str) -> bool:
        """Send through the box."""
        self.sent += 1
        return self.box.put(run_id, event)

    async def send_watched_async(self, run_id: str, event: str) -> bool:
        """Send through the box."""
        self.sent += 1
        return await self.box.put_async(run_id, event)


_TARGET = "benchmarks.post:Post"
_BOX = Collaborator(
    attribute="box",
    methods=("put", "put_async"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=WebSocketSendFailureError,
    reason="the box refused",
)
_NEEDS_BOX = Needs(attribute="box", error=WebSocketBridgeUnavailableError, reason="no box")


def _row(method: str, *, is_async: bool, watched: bool) -> Contract:
    return Contract(
        component="post",
        target=_TARGET,
        method=method,
        signature="(self, run_id, event)",
        is_async=is_async,
        shows=Shows.FALSY,
        error=WebSocketSendFailureError,
        reason="not sent",
        event_type="{event}",
        needs=(_NEEDS_BOX,),
        watches=(_BOX,) if watched else (),
    )


HOST = Host(
    name="post",
    package="benchmarks",
    facade="benchmarks.loud",
    components=("post",),
    classes=(HostClass(component="post", target=_TARGET, identity={"run_id": "run_id"}),),
    contracts=(
        _row("send", is_async=False, watched=False),
        _row("send_async", is_async=True, watched=False),
        _row("send_watched", is_async=False, watched=True),
        _row("send_watched_async", is_async=True, watched=True),
    ),
)
