"""The ways Netra's manager loses a user's events: a table that the matrix is made of."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from managerkit import Pinged, Play, Slow, Socket, World

RAISED, ESCALATED, HOST_RAISES = "raised", "escalated", "host raises"

DROPPED, LOST, SEND = "WebSocketEventDroppedError", "WebSocketConnectionLostError", "WebSocketSendFailureError"


@dataclass(frozen=True)
class Fault:
    """One way to fail, what is recorded for it, and how enforce ends."""

    name: str
    method: str
    play: Play
    error: str
    code: str
    ends: str = RAISED
    cause: str = ""
    event: str = "agent_started"
    records: int = 1


FAULTS: list[Fault] = []


def fault(method: str, error: str, code: str, **more: Any) -> Callable[[Play], Play]:
    """Put a scenario in the table; its docstring's first line is its name."""

    def keep(play: Play) -> Play:
        FAULTS.append(Fault(play.__name__.replace("_", " ").strip(), method, play, error, code, **more))
        return play

    return keep


def started() -> dict[str, Any]:
    return {"type": "agent_started", "run_id": "run_1", "payload": {"agent": "triage"}}


class Opaque:
    """What JSON cannot hold."""

    def __str__(self) -> str:
        return "opaque"


@fault("send_to_user", LOST, "no_connection")
async def user_is_not_connected(w: World) -> Any:
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "no_connection")
async def user_named_like_a_run_is_not_connected(w: World) -> Any:
    return await w.manager.send_to_user("run_ada", started())


@fault("send_to_user", SEND, "send_failed", cause="OSError: gone")
async def user_s_every_socket_raises(w: World) -> Any:
    await w.connect(Socket(OSError("gone")))
    await w.connect(Socket(OSError("gone")))
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "connection_lost")
async def user_s_socket_is_closed(w: World) -> Any:
    await w.connect(Socket())
    w.sockets[0].hang_up()
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "connection_lost")
async def a_socket_whose_state_cannot_be_read(w: World) -> Any:
    class Odd(Socket):
        def __getattribute__(self, name: str) -> Any:
            if name == "client_state" and object.__getattribute__(self, "__dict__").get("odd"):
                raise RuntimeError("no state")
            return super().__getattribute__(name)

    await w.connect(Odd())
    w.sockets[0].__dict__["odd"] = True
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", SEND, "partial_send", ends=ESCALATED, cause="OSError: gone")
async def one_of_a_user_s_windows_raises(w: World) -> Any:
    await w.connect(Socket())
    await w.connect(Socket(OSError("gone")))
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", SEND, "partial_send", ends=ESCALATED, cause="OSError: gone", records=2)
async def two_of_a_user_s_three_windows_raise(w: World) -> Any:
    for errors in ((), (OSError("gone"),), (OSError("gone"),)):
        await w.connect(Socket(*errors))
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "connection_expired")
async def user_s_connection_expires_in_use(w: World) -> Any:
    w.manager.connections.pop(await w.connect(Socket()))
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "connection_expired", ends=ESCALATED)
async def one_of_a_user_s_windows_expires_in_use(w: World) -> Any:
    w.manager.connections.pop(await w.connect(Socket()))
    await w.connect(Socket())
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", LOST, "connection_expired")
async def the_index_of_a_user_s_connections_expires(w: World) -> Any:
    await w.connect(Socket())
    w.manager.user_connections.pop("ada")
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", SEND, "send_failed", cause="AttributeError: 'Socket' object has no attribute 'ping'")
async def a_good_socket_fails_its_check_for_want_of_a_ping(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["is_healthy"] = False
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", SEND, "send_failed", cause="OSError: no pong")
async def the_ping_raises(w: World) -> Any:
    w.manager.connections[await w.connect(Pinged())]["is_healthy"] = False
    return await w.manager.send_to_user("ada", started())


@fault("send_to_user", DROPPED, "event_retyped", ends=ESCALATED, event="agent_death")
async def agent_death_reaches_the_user_as_a_message(w: World) -> Any:
    await w.connect(Socket())
    await w.connect(Socket())
    return await w.manager.send_to_user("ada", started() | {"type": "agent_death"})


@fault("send_to_user", DROPPED, "event_replaced", cause="TypeError", event="unknown")
async def an_object_is_replaced_by_its_text(w: World) -> Any:
    await w.connect(Socket())
    return await w.manager.send_to_user("ada", Opaque())


@fault("send_to_user", DROPPED, "event_replaced", cause="RuntimeError", event="unknown")
async def a_serialisation_that_fails_is_replaced(w: World) -> Any:
    await w.connect(Socket())
    w.manager._serialization_executor.shutdown()
    return await w.manager.send_to_user("ada", Opaque())


@fault("send_to_user", DROPPED, "event_replaced", cause="TimeoutError", event="unknown")
async def a_serialisation_that_hangs_is_replaced(w: World) -> Any:
    class Heavy(Opaque):
        def model_dump(self, **_options: Any) -> dict[str, Any]:
            importlib.import_module("time").sleep(1.3)
            return {}

    await w.connect(Socket())
    return await w.manager.send_to_user("ada", Heavy())


@fault("send_to_user", DROPPED, "event_replaced", cause="TypeError", event="unknown")
async def a_state_that_cannot_be_dumped_is_sent_in_part(w: World) -> Any:
    state = importlib.import_module("netra_backend.app.agents.state").DeepAgentState

    class Broken(state):  # type: ignore[misc, valid-type]
        def to_dict(self) -> dict[str, Any]:
            raise ValueError("no dict")

        def model_dump(self, **_options: Any) -> dict[str, Any]:
            raise ValueError("no dump")

    await w.connect(Socket())
    return await w.manager.send_to_user("ada", Broken(user_request="x"))


@fault("send_to_user", SEND, "send_failed", cause="TypeError: unhashable type: 'list'", event="[1]")
async def a_type_that_is_no_text(w: World) -> Any:
    await w.connect(Socket())
    return await w.manager.send_to_user("ada", started() | {"type": [1]})


@fault("send_to_user", SEND, "send_failed", ends=HOST_RAISES, cause="AttributeError")
async def a_user_without_an_id(w: World) -> Any:
    return await w.manager.send_to_user(None, started())


@fault("send_to_thread", LOST, "false_success")
async def nobody_at_the_thread_and_testing_says_yes(w: World) -> Any:
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "no_connection")
async def nobody_at_the_thread(w: World) -> Any:
    with _not_testing(w):
        return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "no_connection")
async def nobody_at_the_thread_nor_the_user_it_names(w: World) -> Any:
    return await w.manager.send_to_thread("alpha", started() | {"user_id": "ada"})


@fault("send_to_thread", LOST, "no_connection")
async def only_unhealthy_connections_and_testing_says_yes(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["is_healthy"] = False
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "no_connection")
async def only_unhealthy_connections(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["is_healthy"] = False
    with _not_testing(w):
        return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "false_success")
async def the_socket_is_missing_and_testing_says_yes(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["websocket"] = None
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "no_connection")
async def the_socket_is_missing(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["websocket"] = None
    with _not_testing(w):
        return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "no_connection")
async def the_socket_is_missing_and_the_user_it_names_too(w: World) -> Any:
    w.manager.connections[await w.connect(Socket(), user="ben")]["websocket"] = None
    return await w.manager.send_to_thread("alpha", started() | {"user_id": "ada"})


@fault("send_to_thread", SEND, "send_failed", cause="AttributeError: 'NoneType' object has no attribute 'get'")
async def the_send_ends_in_an_exception_of_the_manager(w: World) -> Any:
    return await w.manager.send_to_thread("alpha", started() | {"data": None})


@fault("send_to_thread", SEND, "send_failed", cause="OSError: gone")
async def the_thread_s_socket_raises(w: World) -> Any:
    await w.connect(Socket(OSError("reset"), OSError("gone")))
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "connection_lost")
async def the_thread_s_socket_is_closed(w: World) -> Any:
    await w.connect(Socket())
    w.sockets[0].hang_up()
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", SEND, "timed_out", cause="TimeoutError")
async def the_thread_s_socket_takes_nothing(w: World) -> Any:
    await w.connect(Slow())
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", SEND, "timed_out", cause="TimeoutError")
async def the_thread_s_socket_takes_nothing_and_closes(w: World) -> Any:
    slow = Slow()
    slow.hangs_up = True
    await w.connect(slow)
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", SEND, "partial_send", ends=ESCALATED, cause="OSError: gone")
async def one_of_the_thread_s_windows_raises(w: World) -> Any:
    await w.connect(Socket(OSError("gone")))
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", SEND, "send_failed", ends=ESCALATED, cause="OSError: gone")
async def one_of_the_thread_s_users_gets_nothing(w: World) -> Any:
    await w.connect(Socket(OSError("gone")), user="ada")
    await w.connect(Socket(OSError("gone")), user="ada")
    await w.connect(Socket(), user="ben")
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "partial_send", ends=ESCALATED)
async def one_of_the_thread_s_windows_is_flagged_and_skipped(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())]["is_healthy"] = False
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "connection_expired")
async def the_thread_s_connection_expires_in_use(w: World) -> Any:
    w.manager.connections.pop(await w.connect(Socket()))
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "connection_expired", ends=ESCALATED)
async def one_of_the_thread_s_windows_expires_in_use(w: World) -> Any:
    w.manager.connections.pop(await w.connect(Socket()))
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", LOST, "connection_expired")
async def an_expired_window_that_changed_its_thread(w: World) -> Any:
    gone = await w.connect(Socket(), thread="omega")
    await w.connect(Socket(), thread="omega")
    w.manager.connections.pop(gone)
    assert w.manager.update_connection_thread("ada", "beta")
    w.manager.connections.clear()
    w.manager.connection_wrappers.pop(next(each for each in w.manager.connection_wrappers if each != gone))
    return await w.manager.send_to_thread("beta", started())


@fault("send_to_thread", LOST, "connection_lost", ends=ESCALATED)
async def a_connection_the_manager_cannot_read(w: World) -> Any:
    await w.connect(Socket())
    w.manager.connections["conn_broken"] = object()
    return await w.manager.send_to_thread("alpha", started())


@fault("send_to_thread", DROPPED, "event_replaced", cause="TypeError: unhashable type: 'list'", event="[1]")
async def a_serialisation_that_raises_is_replaced_by_an_error(w: World) -> Any:
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", started() | {"type": [1]})


@fault("send_to_thread", DROPPED, "event_replaced", cause="TypeError", event="unknown")
async def an_object_is_replaced_at_the_thread(w: World) -> Any:
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", Opaque())


@fault("send_to_thread", DROPPED, "event_retyped", ends=ESCALATED, event="progress_update")
async def progress_reaches_the_thread_as_a_message(w: World) -> Any:
    await w.connect(Socket())
    return await w.manager.send_to_thread("alpha", started() | {"type": "progress_update"})


@fault("_send_to_connection", SEND, "send_failed", ends=ESCALATED, cause="OSError: gone")
async def a_broadcast_misses_one(w: World) -> Any:
    await w.connect(Socket(OSError("gone")), user="ada")
    await w.connect(Socket(), user="ben")
    return await w.module.broadcast_message(started())


@fault("_send_to_connection", LOST, "connection_lost", ends=ESCALATED)
async def a_message_to_a_connection_nobody_knows(w: World) -> Any:
    return await w.manager._send_to_connection("conn_none", started())


@fault("send_to_user", LOST, "no_connection")
async def a_broadcast_to_one_user_who_is_not_there(w: World) -> Any:
    return await w.module.broadcast_message(started(), user_id="ada")


@fault("update_connection_thread", LOST, "connection_lost", event="thread_association")
async def the_thread_of_a_user_nobody_knows(w: World) -> Any:
    return w.manager.update_connection_thread("ada", "alpha")


@fault("update_connection_thread", LOST, "connection_lost", event="thread_association")
async def the_thread_of_a_user_whose_connections_are_gone(w: World) -> Any:
    w.manager.connections.pop(await w.connect(Socket()))
    return w.manager.update_connection_thread("ada", "beta")


class Unreadable(dict[str, Any]):
    """An entry of the table that raises when the manager wants its user."""

    def __getitem__(self, name: str) -> Any:
        raise RuntimeError("entry is gone")


@fault(
    "disconnect_user", LOST, "connection_lost", ends=ESCALATED, cause="RuntimeError: entry is gone", event="disconnect"
)
async def a_connection_that_cannot_be_removed(w: World) -> Any:
    made = await w.connect(Socket())
    w.manager.connections[made] = Unreadable(w.manager.connections[made])
    return await w.manager.disconnect_user("ada", w.sockets[0])


@fault("disconnect_user", LOST, "connection_lost", ends=ESCALATED, cause="AttributeError", event="disconnect")
async def a_disconnect_that_ends_in_an_exception(w: World) -> Any:
    w.manager.connections[await w.connect(Socket())] = object()
    return await w.manager.disconnect_user("ada", w.sockets[0])


@fault("shutdown", LOST, "connection_lost", ends=ESCALATED, cause="RuntimeError: entry is gone", event="shutdown")
async def a_shutdown_that_cannot_remove_a_connection(w: World) -> Any:
    made = await w.connect(Socket())
    w.manager.connections[made] = Unreadable(w.manager.connections[made])
    return await w.manager.shutdown()


@fault(
    "_cleanup_stale_connections", LOST, "connection_lost", ends=HOST_RAISES, cause="TypeError", event="stale_cleanup"
)
async def a_successful_ping_stops_the_stale_cleanup(w: World) -> Any:
    class Alive(Socket):
        async def ping(self, payload: bytes = b"") -> None:
            return None

    assert await w.manager.check_connection_health(await w.connect(Alive()))
    return await w.manager._cleanup_stale_connections()


@fault("_cleanup_stale_connections", LOST, "connection_lost", ends=ESCALATED, cause="TypeError", event="stale_cleanup")
async def the_periodic_cleanup_fails_unseen(w: World) -> Any:
    made = await w.connect(Socket())
    w.manager.connections[made]["last_activity"] = dt.datetime.now()  # noqa: DTZ005  # as a ping leaves it
    w.manager.CLEANUP_INTERVAL_SECONDS = 0.03
    task = asyncio.create_task(w.manager._periodic_cleanup())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@fault("connect_user", LOST, "connection_lost", ends=HOST_RAISES, cause="TypeError", event="connect")
async def a_connect_that_raises(w: World) -> Any:
    return await w.manager.connect_user(["ada"], Socket())


def _not_testing(_w: World) -> Any:
    from unittest.mock import patch

    isolated = importlib.import_module("shared.isolated_environment").get_env()
    return patch.object(type(isolated), "get", lambda _self, _name, default=None: default)
