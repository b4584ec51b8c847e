"""Remember connections beyond the host's cache: what expires there is still open, and its user looks at it."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from shim.codes import Code
from shim.components.sends import Lost, user_of
from shim.guard import own_failure

__all__ = ["LOOK_S", "Known", "is_open", "lost_of"]

LOOK_S = 1.0
"Seconds between looks at the host's own entry of a connection that it sends to: it takes the host's cache 2 µs."


class Known:
    """The connections one manager was seen with while its component was on; as many as it has wrappers."""

    def __init__(self, manager: object) -> None:
        self.infos: dict[str, Mapping[str, Any]] = {}
        self.of_user: dict[object, set[str]] = {}
        "User -> the connections of `infos` that are his."
        self.due: dict[str, float] = {}
        "Connection -> when to look at it again."
        key = id(manager)
        self._manager = weakref.ref(manager, lambda _: _known.pop(key, None))

    @staticmethod
    def of(manager: object) -> Known:
        """Give what is known of a manager's connections."""
        found = _known.get(id(manager))
        if found is None:
            found = _known[id(manager)] = Known(manager)
        return found

    def look(self, manager: Any, connection_id: str, now: float) -> None:
        """Look at a connection that a message goes to at `now`, by `time.monotonic`.

        The host's entry is one dict from first to last, so that is to be done again only when it is `due`.
        """
        self.refresh(manager, (connection_id,))
        self.due[connection_id] = now + LOOK_S

    def is_covered(self, user_id: object, reached: Collection[str]) -> bool:
        """Say whether these are all of a user's connections that are known."""
        for each in self.of_user.get(user_id, ()):  # noqa: SIM110  # a generator costs each send as much again
            if each not in reached:
                return False
        return True

    def refresh(self, manager: Any, ids: Collection[str]) -> list[str]:
        """Take over what the host knows now of these connections; gives those whose entry cannot be read."""
        unreadable = []
        for connection_id in ids:
            info = manager.connections.get(connection_id)
            if isinstance(info, Mapping):
                self._keep(connection_id, info)
            elif connection_id in manager.connections:
                unreadable.append(connection_id)
        return unreadable

    def move(self, manager: Any, user_id: str, thread_id: str) -> None:
        """Note the thread that a user's windows are at now, for those the host no longer knows."""
        for connection_id, info in self._present(manager):
            if info.get("user_id") == user_id and connection_id not in manager.connections:
                self._keep(connection_id, {**info, "thread_id": thread_id})

    def _keep(self, connection_id: str, info: Mapping[str, Any]) -> None:
        before = self.infos.get(connection_id)
        if before is not None and before.get("user_id") != info.get("user_id"):
            self._drop(connection_id)
        self.infos[connection_id] = info
        self.of_user.setdefault(info.get("user_id"), set()).add(connection_id)

    def _drop(self, connection_id: str) -> None:
        user_id = self.infos.pop(connection_id).get("user_id")
        ids = self.of_user.get(user_id, set())
        ids.discard(connection_id)
        if not ids:
            self.of_user.pop(user_id, None)

    def left_out(
        self, manager: Any, tried: Collection[str], *, user_id: str | None = None, thread_id: str | None = None
    ) -> Iterator[Lost]:
        """Give the open connections of a user or thread that the host does not try, and why it does not."""
        for connection_id, info in self._present(manager):
            wanted = info.get("user_id") == user_id if thread_id is None else info.get("thread_id") == thread_id
            if connection_id in tried or not wanted or not is_open(info.get("websocket")):
                continue
            code = Code.CONNECTION_EXPIRED
            if connection_id not in manager.connections:
                reason = "the connection has expired from the manager's cache while its socket is open"
            elif thread_id is None:
                reason = "the manager's index of the user's connections has expired while the connection is open"
            elif not info.get("is_healthy", True):
                reason, code = (
                    "the connection is flagged unhealthy and skipped while its socket is open",
                    Code.NO_CONNECTION,
                )
            else:
                continue  # it came after the host had looked
            yield lost_of(connection_id, info, reason, code)

    def _present(self, manager: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for connection_id, info in list(self.infos.items()):
            if connection_id in manager.connection_wrappers:
                yield connection_id, info
            else:  # the host has closed it
                self._drop(connection_id)
                self.due.pop(connection_id, None)


_known: dict[int, Known] = {}
"By identity: a manager that is gone takes its entry along."


def lost_of(connection_id: str, info: Mapping[str, Any], reason: str, code: Code, **more: Any) -> Lost:
    """Describe a connection that did not get a message."""
    user, thread = user_of(info), info.get("thread_id") or ""
    text = f"connection {connection_id}: {reason}"
    return Lost(connection=connection_id, user_id=user, thread_id=str(thread), reason=text, code=code, **more)


def is_open(websocket: Any) -> bool:
    """Say whether a socket is open as far as it tells: Starlette's state, or `closed`; one that tells nothing is."""
    try:
        state, closed = getattr(websocket, "client_state", None), getattr(websocket, "closed", None)
        named = getattr(state, "name", "")
    except Exception as error:  # noqa: BLE001  # a property of somebody's socket; reported
        own_failure("known.is_open", error)
        return False
    return websocket is not None and (named == "CONNECTED" if named else closed is not True)
