"""The example host with missed events kept, served for real: what its users get, at once and later."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager, suppress

from agentchat.app import create_app
from agentchat.serving import serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from shim.delivery.service import Service
from shim.delivery.sqlite import SqliteStore
from shim.delivery.web import Web

QUESTION = "tell me of tides and bread, and of 2 + 3"
COMPONENTS = ("bridge", "buffer", "emitter", "factory", "tools")
MARK = "failloud"


class Server:
    """One address, asked over HTTP and sockets."""

    def __init__(self, url, store=None, service=None):
        self.url, self.store, self.service = url, store, service

    def ask(self, method, path, body=None):
        status, got = self.status(path, method, body)
        assert status == 200, got
        return json.loads(got)

    def status(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(asked, timeout=10) as got:  # noqa: S310
                return got.status, got.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def kept(self, count):
        """Wait until the store has accepted so many: the host does not."""
        until(lambda: self.store.sums().emitted >= count)

    @contextmanager
    def connected(self, user, thread):
        with connect(f"{self.url.replace('http', 'ws')}/ws?user={user}&thread={thread}") as socket:
            socket.recv(timeout=5)
            yield socket

    def run(self, user, thread):
        started = self.ask("POST", "/runs", {"user": user, "thread": thread, "message": QUESTION})
        while (run := self.ask("GET", f"/runs/{started['run_id']}"))["status"] == "running":
            time.sleep(0.01)
        return run


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def drain(socket, idle=0.4, enough=lambda _: False):
    """Give what arrives until nothing does for so long, or it is enough."""
    got = []
    with suppress(TimeoutError, ConnectionClosed):
        while not enough(got):
            got.append(json.loads(socket.recv(timeout=idle)))
    return got


@contextmanager
def serving_missed(file, **given):
    store = SqliteStore(file, **given)
    service = Service("example", store)

    async def user(scope):
        pairs = [pair.split("=") for pair in scope["query_string"].decode().split("&") if pair]
        return dict(pairs).get("user")

    try:
        with serving(Web(create_app(), service, authenticate=user)) as url:
            yield Server(url, store, service)
    finally:
        store.close()


def lost(run, events):
    """Count what the run meant to tell and nobody got; an event that arrives twice is one."""
    unique = {event[MARK]["id"] if MARK in event else json.dumps(event, sort_keys=True): event for event in events}
    mine = [event for event in unique.values() if event.get("run_id") == run["run_id"]]
    return Counter(event["type"] for event in run["intended"]) - Counter(event["type"] for event in mine)


def late(events):
    return [event for event in events if MARK in event and event["type"] != "error"]


def codes(events):
    """Give the codes of the notices; one that several windows were told is one."""
    told = {event.get(MARK, event)["id"]: event["error"]["code"] for event in events if event["type"] == "error"}
    return list(told.values())
