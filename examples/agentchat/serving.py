"""The server on a socket of its own choice: in the foreground, or in a thread for as long as a block lasts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.applications import Starlette

START_SECONDS = 10.0


def listen(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """Open the listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    return socket.create_server((host, port))


def server_for(app: Starlette, log_level: str = "warning") -> uvicorn.Server:
    config = uvicorn.Config(
        app, log_level=log_level, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)


@contextmanager
def serving(app: Starlette, port: int = 0) -> Iterator[str]:
    """Serve the application in a thread; gives its address, as `http://127.0.0.1:PORT`."""
    server = server_for(app)
    with closing(listen(port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise RuntimeError("the server did not start")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
