"""The example host on a real server with real sockets: healthy runs tell everything, each fault loses events unseen."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from agentchat.app import create_app
from agentchat.faults import FAULTS
from agentchat.serving import serving
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "tides and bridges, and 12 * 7"
TYPES = [
    "agent_started",
    "agent_thinking",
    "agent_thinking",
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
    "citations",
    "agent_thinking",
    "agent_completed",
]
# What each fault takes from one run of QUESTION, as it was designed: every other event still arrives.
LOST = {
    "bridge_without_manager": 16,
    "tool_engine_without_bridge": 6,
    "oversize_message": 3,
    "buffer_full": 19,
    "buffer_evicts": 19,
    "emitter_without_manager": 3,
    "send_raises": 19,
    "bridge_raises": 7,
    "run_id_missing": 4,
    "run_id_registry": 4,
    "socket_dead": 19,
    "nobody_connected": 19,
    "factory_unconfigured": 16,
    "thread_registry_missing": 16,
}


@pytest.fixture(scope="module")
def address():
    with serving(create_app()) as url:
        yield url


@pytest.fixture
def http(address):
    with httpx.Client(base_url=address) as client:
        yield client
        client.delete("/faults").raise_for_status()


@dataclass
class Client:
    """One user at one thread; takes what the socket brings."""

    socket: object
    seen: list = field(default_factory=list)

    def events(self, run_id, quiet=0.2):
        while True:
            try:
                self.seen.append(json.loads(self.socket.recv(timeout=quiet)))
            except TimeoutError:
                return [event for event in self.seen if event.get("run_id") == run_id]


@contextmanager
def client(address, user="ada", thread="alpha"):
    url = address.replace("http", "ws", 1) + f"/ws?user={user}&thread={thread}"
    with connect(url) as socket:
        assert json.loads(socket.recv(timeout=5))["type"] == "connected"
        yield Client(socket)


def start(http, user="ada", thread="alpha", message=QUESTION):
    answer = http.post("/runs", json={"user": user, "thread": thread, "message": message})
    assert answer.status_code == 200
    return answer.json()["run_id"]


def finished(http, run_id):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = http.get(f"/runs/{run_id}")
        assert answer.status_code == 200
        if answer.json()["status"] != "running":
            return answer.json()
        time.sleep(0.01)
    pytest.fail(f"run {run_id} did not end")


def pairs(events):
    return [(event["type"], event["agent_name"]) for event in events]


def test_a_healthy_run_tells_everything_in_order(address, http):
    with client(address) as ada:
        run = finished(http, start(http))
        seen = ada.events(run["run_id"])
    assert (run["status"], run["error"]) == ("completed", None)
    assert run["answer"].endswith("12 * 7 = 84.")
    assert [event["type"] for event in run["intended"]] == TYPES
    assert pairs(seen) == pairs(run["intended"])


def test_users_and_threads_at_once_get_their_own_events_and_no_others(address, http):
    who = [(user, thread) for user in ("ada", "ben", "cleo") for thread in (f"{user}-1", f"{user}-2")]
    with (
        client(address, *who[0]) as a,
        client(address, *who[1]) as b,
        client(address, *who[2]) as c,
        client(address, *who[3]) as d,
        client(address, *who[4]) as e,
        client(address, *who[5]) as f,
    ):
        ids = [start(http, *pair) for pair in who]
        runs = [finished(http, run_id) for run_id in ids]
        for one, run in zip((a, b, c, d, e, f), runs, strict=True):
            assert pairs(one.events(run["run_id"])) == pairs(run["intended"])
            assert {event["run_id"] for event in one.seen} == {run["run_id"]}


def test_two_windows_on_one_thread_see_the_same(address, http):
    with client(address) as one, client(address) as two:
        run = finished(http, start(http))
        assert pairs(one.events(run["run_id"])) == pairs(two.events(run["run_id"])) == pairs(run["intended"])


def test_who_reconnects_finds_what_was_said_meanwhile(address, http):
    with client(address, "dora", "gamma"), client(address, "dora", "delta"):
        pass
    time.sleep(0.1)
    run = finished(http, start(http, "dora", "gamma"))
    other = finished(http, start(http, "dora", "delta", "bread"))
    with client(address, "dora", "delta") as back:
        assert pairs(back.events(other["run_id"])) == pairs(other["intended"])
    with client(address, "dora", "gamma") as back:
        assert pairs(back.events(run["run_id"])) == pairs(run["intended"])


def test_a_failing_agent_is_told_to_the_user(address, http):
    with client(address) as ada:
        run = finished(http, start(http, message="astrology"))
        seen = ada.events(run["run_id"])
    assert ("agent_error", "research") in pairs(seen)
    assert pairs(seen) == pairs(run["intended"])


def test_a_failing_tool_is_told_to_the_user(address, http):
    with client(address) as ada:
        run = finished(http, start(http, message="bread and 1 / 0"))
        seen = ada.events(run["run_id"])
    assert pairs(seen) == pairs(run["intended"])
    assert [e["payload"]["result"]["error_type"] for e in seen if e["type"] == "tool_completed"][
        -1
    ] == "ZeroDivisionError"


def test_a_notice_reaches_every_user(address, http):
    with client(address, "ada", "alpha") as ada, client(address, "ben", "beta") as ben:
        http.post("/notices", content="maintenance at noon").raise_for_status()
        for one in (ada, ben):
            one.events("")
            assert [event["payload"] for event in one.seen] == [{"text": "maintenance at noon"}]


def test_the_switchboard_covers_the_audit():
    assert sorted({fault.category for fault in FAULTS.values()}) == [1, 2, 3, 4, 5, 6, 7]
    assert set(FAULTS) == set(LOST)
    for fault in FAULTS.values():
        assert fault.text.startswith(f"Audit {fault.category}, ")


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_loses_events_and_nobody_says_so(address, http, name):
    with client(address) as ada:
        assert http.post(f"/faults/{name}").json() == {"active": [name]}
        run = finished(http, start(http))
        seen = ada.events(run["run_id"])
        assert (run["status"], run["error"]) == ("completed", None)
        assert [event["type"] for event in run["intended"]] == TYPES
        assert len(run["intended"]) - len(seen) == LOST[name]
        assert not [event for event in ada.seen if "error" in event["type"] or "fail" in event["type"]]

        assert http.delete("/faults").json() == {"active": []}
        again = finished(http, start(http))
        assert pairs(ada.events(again["run_id"])) == pairs(again["intended"])


def test_eviction_keeps_only_the_newest_for_the_reconnect(address, http):
    with client(address) as ada:
        http.post("/faults/buffer_evicts").raise_for_status()
        run = finished(http, start(http))
        http.delete("/faults").raise_for_status()
        finished(http, start(http, message="bread"))
        assert pairs(ada.events(run["run_id"])) == pairs(run["intended"])[-3:]


def test_faults_are_listed_and_an_unknown_one_is_refused(http):
    http.post("/faults/buffer_full").raise_for_status()
    rows = http.get("/faults").json()
    assert [row["name"] for row in rows if row["active"]] == ["buffer_full"]
    refused = http.post("/faults/gremlin")
    assert refused.status_code == 404
    assert "'gremlin'" in refused.json()["error"]
    assert "socket_dead" in refused.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"user": "ada"}', b"\xff"])
def test_a_malformed_run_is_refused(http, body):
    assert http.post("/runs", content=body).status_code == 400


def test_an_unknown_run_is_refused(http):
    assert http.get("/runs/none").status_code == 404


def test_a_socket_without_a_thread_is_closed(address):
    url = address.replace("http", "ws", 1) + "/ws?user=ada"
    with connect(url) as socket, pytest.raises(ConnectionClosedError, match="user and thread are required") as closed:
        socket.recv(timeout=5)
    assert closed.value.rcvd.code == 1008


def test_the_page_and_what_it_loads_come_from_here(http):
    page = http.get("/")
    assert page.status_code == 200
    for path in ("/static/page.js", "/static/style.css"):
        assert path in page.text
        text = http.get(path)
        assert text.status_code == 200
        assert "http:/" + "/" not in text.text
        assert "https:/" + "/" not in text.text


def test_the_command_takes_a_free_port_and_says_which():
    command = [sys.executable, "-m", "agentchat", "--port", "0", "--pace", "0", "--log-level", "ERROR"]
    with subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().removeprefix("listening on ").strip()
            with httpx.Client(base_url=address) as http, client(address) as ada:
                run = finished(http, start(http))
                assert pairs(ada.events(run["run_id"])) == pairs(run["intended"])
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=10)
