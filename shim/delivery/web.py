"""Missed events around an ASGI application: the service runs while it does, and bodies too long to send are served.

    app = Web(app, service, authenticate=user_of_request)      # uvicorn serves this one

Needs nothing but the standard library; what it does not answer itself goes on to the application untouched.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shim.delivery.service import Service
from shim.delivery.store import StoreError
from shim.guard import own_failure

__all__ = ["Web"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Web:
    """`authenticate` gives the user id of a request, by its scope, or None. There is no default: nobody is trusted."""

    def __init__(self, app: App, service: Service, *, authenticate: Callable[[Scope], Awaitable[str | None]]) -> None:
        self._app, self._service, self._authenticate = app, service, authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's life."""
        place = f"{self._service.prefix}/events/"
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(place):
            await self._body(scope, scope["path"].removeprefix(place), send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start once the application has, and stop before it does; one that has no life of its own gets one."""
        said = False

        async def told(message: MutableMapping[str, Any]) -> None:
            nonlocal said
            said = True
            if message["type"] == "lifespan.startup.complete":
                await self._service.start()
            await send(message)

        async def asked() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._service.stop()
            return message

        try:
            await self._app(scope, asked, told)
        except Exception:  # the specification: an application that raises here, and has said nothing, has no lifespan
            if said:
                raise
            await self._live_alone(receive, send)

    async def _live_alone(self, receive: Receive, send: Send) -> None:
        await self._service.start()
        await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != "lifespan.shutdown":
            continue  # the application has not taken its start
        await self._service.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _body(self, scope: Scope, event_id: str, send: Send) -> None:
        if scope["method"] != "GET":
            await _answer(send, 405, {"error": "GET only"})
            return
        user = await self._authenticate(scope)
        if user is None:
            await _answer(send, 401, {"error": "sign in first"})
            return
        try:
            body = await asyncio.to_thread(self._service.store.body, user, event_id)
        except StoreError as error:
            own_failure("delivery.body", error)
            await _answer(send, 503, {"error": "the store cannot be read; try again later"})
            return
        if body is None:  # there is none, or it is somebody else's: nobody learns which
            await _answer(send, 404, {"error": "no such event"})
            return
        await _answer(send, 200, body)


async def _answer(send: Send, status: int, body: bytes | dict[str, str]) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
