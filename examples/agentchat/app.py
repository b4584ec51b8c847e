"""The web server: a page, a socket per user and thread, runs, and the switchboard."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from agentchat.faults import FAULTS, Switchboard, UnknownFaultError
from agentchat.wiring import Platform

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


async def page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html")


async def socket(websocket: WebSocket) -> None:
    platform: Platform = websocket.app.state.platform
    user, thread = websocket.query_params.get("user"), websocket.query_params.get("thread")
    await websocket.accept()
    if not user or not thread:
        await websocket.close(code=1008, reason="user and thread are required")
        return
    await websocket.send_json({"type": "connected", "thread_id": thread})
    await platform.manager.connect_user(user, websocket, thread)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        logger.debug("user %s left thread %s", user, thread)
    finally:
        await platform.manager.disconnect_user(user, websocket)


async def start_run(request: Request) -> Response:
    platform: Platform = request.app.state.platform
    try:
        body = await request.json()
        user, thread, message = (str(body[key]) for key in ("user", "thread", "message"))
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "send user, thread and message"}, status_code=400)
    record = platform.start_run(user, thread, message)
    return JSONResponse({"run_id": record.run_id})


async def show_run(request: Request) -> Response:
    record = request.app.state.platform.run_log.get(request.path_params["run_id"])
    if record is None:
        return JSONResponse({"error": "no such run"}, status_code=404)
    return JSONResponse(asdict(record))


async def notice(request: Request) -> Response:
    await request.app.state.platform.notice((await request.body()).decode())
    return JSONResponse({"status": "sent"})


async def show_faults(request: Request) -> Response:
    active = request.app.state.switchboard.active
    rows = [
        {"name": f.name, "category": f.category, "text": f.text, "active": f.name in active} for f in FAULTS.values()
    ]
    return JSONResponse(rows)


async def inject_fault(request: Request) -> Response:
    switchboard: Switchboard = request.app.state.switchboard
    try:
        switchboard.switch_on(request.path_params["name"])
    except UnknownFaultError as error:
        return JSONResponse({"error": str(error)}, status_code=404)
    return JSONResponse({"active": switchboard.active})


async def clear_faults(request: Request) -> Response:
    request.app.state.switchboard.clear()
    return JSONResponse({"active": []})


def create_app(pace: float = 0.0) -> Starlette:
    """Build the application; `app.state.platform` and `app.state.switchboard` exist once it has started."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.platform = await Platform.start(pace)
        app.state.switchboard = Switchboard(app.state.platform)
        try:
            yield
        finally:
            app.state.switchboard.clear()
            await app.state.platform.stop()

    routes = [
        Route("/", page),
        WebSocketRoute("/ws", socket),
        Route("/runs", start_run, methods=["POST"]),
        Route("/runs/{run_id}", show_run),
        Route("/notices", notice, methods=["POST"]),
        Route("/faults", show_faults, methods=["GET"]),
        Route("/faults", clear_faults, methods=["DELETE"]),
        Route("/faults/{name}", inject_fault, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
