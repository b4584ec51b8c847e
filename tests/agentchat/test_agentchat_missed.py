"""Missed events on the example host, by a real server and real sockets: nothing a user waits for stays lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from agentchat.faults import FAULTS
from missed_case import COMPONENTS, Server, codes, drain, late, lost, serving_missed, until

import shim
from shim.counting import counting
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOBODY = {"run_id_missing", "run_id_registry"}
"Agents built ahead, with a placeholder for their user: nobody can tell whose their events are."

TOLD = {
    "bridge_without_manager": {"WS_BRIDGE_UNAVAILABLE"},
    "tool_engine_without_bridge": {"WS_BRIDGE_UNAVAILABLE"},
    "oversize_message": {"WS_MESSAGE_TOO_LARGE"},
    "buffer_full": {"WS_BUFFER_FULL"},
    "buffer_evicts": {"WS_EVENT_EVICTED"},
    "emitter_without_manager": {"WS_MANAGER_MISSING"},
    "send_raises": {"WS_SEND_FAILED"},
    "bridge_raises": {"WS_COMMUNICATION_FAILED"},
    "socket_dead": {"WS_SEND_FAILED"},
    "nobody_connected": {"WS_SEND_FAILED"},
    "factory_unconfigured": {"WS_BRIDGE_UNAVAILABLE", "WS_UNMAPPED_RUN"},
    "thread_registry_missing": {"WS_CONTEXT_INVALID", "WS_UNMAPPED_RUN"},
}


@pytest.fixture(scope="module")
def installed():
    made = shim.install("example")
    yield made
    made.uninstall()


@pytest.fixture(autouse=True)
def _installed(request, installed):
    request.config.kept_installations.append(installed)
    yield
    request.config.kept_installations.remove(installed)


@contextmanager
def modes(mode):
    with shim.override(**dict.fromkeys(COMPONENTS, mode)):
        yield


def one_run(server, name, user="ada"):
    """Run with a fault while the user is connected; then the fault is gone, and he connects again."""
    thread = f"thread_{name}"
    with ExitStack() as stack:
        first = stack.enter_context(server.connected(user, thread))
        server.ask("POST", f"/faults/{name}")
        run = server.run(user, thread)
        server.ask("DELETE", "/faults")
        second = stack.enter_context(server.connected(user, thread))
        return run, drain(first, 1.0) + drain(second)


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in NOBODY])
def test_in_enforce_every_event_arrives_and_the_user_is_told_why_it_is_late(tmp_path, name):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server:
        run, events = one_run(server, name)
        assert lost(run, events) == {}
        assert late(events)
        assert set(codes(events)) == TOLD[name]
        assert len(codes(events)) == len(TOLD[name]), "once for each run and reason"
        assert server.store.waiting() == []
        assert server.store.sums().remainder == 0
        assert "duplicate" not in server.service.counts()


def test_every_fault_is_in_the_table():
    assert set(FAULTS) == set(TOLD) | NOBODY


@pytest.mark.parametrize("name", sorted(NOBODY))
def test_events_whose_user_nobody_can_tell_are_kept_and_shown_to_nobody(tmp_path, name):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server:
        run, events = one_run(server, name)
        assert lost(run, events)
        assert late(events) == []
        assert [one.stream.user_id for one in server.store.waiting()] == ["registry"]


@pytest.mark.parametrize("mode", ["off", "observe"])
@pytest.mark.parametrize("name", ["bridge_without_manager", "buffer_evicts", "socket_dead"])
def test_off_and_observe_keep_nothing_and_deliver_nothing(tmp_path, mode, name):
    with modes(mode), serving_missed(tmp_path / "m.sqlite") as server:
        run, events = one_run(server, name)
        assert lost(run, events)
        assert (late(events), codes(events), server.store.streams()) == ([], [], [])


@pytest.mark.parametrize("name", ["bridge_without_manager", "buffer_full", "send_raises"])
def test_the_ledger_follows_an_event_from_rejected_to_kept_to_sent(tmp_path, name):
    with counting() as ledger, modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server:
        with server.connected("ada", "t"):
            server.ask("POST", f"/faults/{name}")
            server.service.pump.trouble.suspect = lambda *_: None
            server.run("ada", "t")
        server.ask("DELETE", "/faults")
        with server.connected("ada", "t") as socket:
            drain(socket, 1.0)
        sums = ledger.totals()
        assert (sums.remainder, sums.rejected, sums.pending) == (0, 0, 0)
        assert sums.sent_unconfirmed == sums.emitted > 0


def test_without_a_fault_nothing_is_kept_and_nobody_is_told_anything(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server, server.connected("ada", "t") as socket:
        run = server.run("ada", "t")
        events = drain(socket)
        assert (lost(run, events), late(events), codes(events)) == ({}, [], [])
        assert server.store.streams() == []


def test_the_notice_says_what_failed_and_what_happens_next_and_no_more(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server:
        run, events = one_run(server, "send_raises")
    [told] = [event for event in events if event["type"] == "error"]
    error = told["error"]
    assert told["run_id"] == error["run_id"] == run["run_id"]
    assert (error["code"], error["type"], error["status"]) == ("WS_SEND_FAILED", "urn:failloud:error:send-failed", 503)
    assert (error["title"], error["retryable"], error["action"]) == ("Some updates arrive late", False, "none")
    assert error["event_type"] in {"agent_started", "agent_thinking"}
    text = json.dumps(told)
    assert not [word for word in ("Traceback", "RuntimeError", "raise ", ".py", "ben") if word in text]


def test_a_result_too_large_to_send_goes_as_a_reference_that_its_owner_alone_can_fetch(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite", limits=Limits(inline_bytes=20_000)) as server:
        run, events = one_run(server, "oversize_message")
        large = [event for event in late(events) if "href" in event["failloud"]]
        assert large
        assert lost(run, events) == {}
        place = large[0]["failloud"]["href"]
        status, body = server.status(f"{place}?user=ada")
        assert (status, len(body) > 20_000) == (200, True)
        assert json.loads(body)["type"] == large[0]["type"]
        assert [server.status(path)[0] for path in (f"{place}?user=ben", place)] == [404, 401]
        assert server.status(f"{place}?user=ada", "POST")[0] == 405
        unknown = place.rpartition("/")[0] + "/nothing?user=ada"
        assert server.status(unknown) == server.status(f"{place}?user=ben"), "nobody learns which"
        [notice] = [event for event in events if event["type"] == "error"]
        assert (notice["error"]["action"], notice["error"]["status"]) == ("fetch", 413)


def test_past_the_hard_limit_the_user_is_told_that_it_is_not_kept(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite", limits=Limits(hard_bytes=20_000)) as server:
        run, events = one_run(server, "oversize_message")
        assert lost(run, events)
        assert set(codes(events)) == {"WS_MESSAGE_TOO_LARGE"}
        told = next(event for event in events if event["type"] == "error")
        assert told["error"]["title"] == "A result is too large to be shown"
        assert {one.reason for one in server.store.dead()} == {"too_large"}


def test_with_a_broken_store_the_user_is_told_directly_and_the_run_goes_on(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server, server.connected("ada", "t") as socket:
        server.store.close()
        server.ask("POST", "/faults/bridge_raises")
        run = server.run("ada", "t")
        events = drain(socket)
    assert run["status"] == "completed"
    told = [event for event in events if event["type"] == "error"]
    assert told
    assert {event["durable"] for event in told} == {False}


def test_after_a_rollback_what_is_kept_waits_and_after_the_next_promotion_it_arrives(tmp_path):
    with serving_missed(tmp_path / "m.sqlite") as server:
        with modes("enforce"):
            server.run("ada", "t")  # he is not connected
            server.kept(3)
        assert server.store.waiting()
        with modes("off"), server.connected("ada", "t") as socket:
            assert drain(socket, 0.5) == []
        with modes("enforce"), server.connected("ada", "t") as socket:
            assert late(drain(socket, 1.0))
        assert server.store.waiting() == []


def test_another_user_in_the_same_thread_gets_nothing_of_it(tmp_path):
    with modes("enforce"), serving_missed(tmp_path / "m.sqlite") as server:
        with server.connected("ada", "shared"):
            server.ask("POST", "/faults/socket_dead")
            server.run("ada", "shared")
            server.kept(3)
        with server.connected("ben", "shared") as socket:
            assert late(drain(socket, 1.0)) == []
        assert server.store.waiting()
        with server.connected("ada", "shared") as socket:
            assert late(drain(socket, 1.0))


@contextmanager
def process(folder, missed):
    """Serve in a process of its own, with every component in enforce by the environment."""
    flags = {f"FAILLOUD_{name.upper()}": "enforce" for name in COMPONENTS}
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES)} | flags
    command = [sys.executable, "-m", "demo.serve", "--platform", str(EXAMPLES), "--records", str(folder / "records")]
    with (
        (folder / "log").open("a", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, "--missed", str(missed)], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            line = server.stdout.readline()
            assert "listening on " in line, (folder / "log").read_text(encoding="utf-8")
            yield Server(line.split("listening on ")[1].strip()), server
        finally:
            server.kill()


def test_what_was_kept_outlasts_a_kill_of_the_server_and_arrives_at_the_next_one(tmp_path):
    missed = tmp_path / "m.sqlite"
    with process(tmp_path, missed) as (server, child):
        runs = [server.run("ada", f"t{n}") for n in range(3)]  # he is not connected
        kept = SqliteStore(missed)
        until(lambda: kept.sums().emitted == 9)  # two events and a notice each
        kept.close()
        child.kill()
        child.wait(10)
    with process(tmp_path, missed) as (server, _):
        for number, run in enumerate(runs):
            with server.connected("ada", f"t{number}") as socket:
                events = drain(socket, 1.5, lambda got, run=run: lost(run, got) == {} and codes(got))
                assert lost(run, events) == {}
                seqs = [event["failloud"]["seq"] for event in events if "failloud" in event]
                assert seqs == sorted(seqs)
