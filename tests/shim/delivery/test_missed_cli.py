"""`failloud missed`: exit codes, texts, dry runs; a store that cannot be used is told, and left as it is."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from store_case import ADA, BEN, conserved, event, ids, put

from shim.cli import COMMANDS
from shim.console import Refused
from shim.delivery.cli import missed
from shim.delivery.events import Stream
from shim.delivery.sqlite import SqliteStore


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "m.sqlite"
    store = SqliteStore(place)
    put(store, "a", "b", "c", created=1.0)
    store.mark_sent(ADA, [1]).result(10)
    put(store, "d", stream=Stream("ada", "t2"), created=2.0)
    put(store, "e", stream=BEN)
    store.ack(BEN, 1).result(10)
    store.bury(event("f", Stream("", "")), "no_recipient").result(10)
    store.close()
    return place


def run(*words):
    ended = CliRunner().invoke(missed, [str(word) for word in words], standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return ended


def test_it_is_a_command_of_failloud():
    assert COMMANDS["missed"] == "shim.delivery.cli:missed"


def test_list_shows_who_waits_the_longest_first_and_the_sums(file):
    lines = run("list", "--store", file).output.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["ada", "t1"], ["ada", "t2"], ["ben", "t1"]]
    assert "2 waiting for" in lines[0]
    assert "1 sent, 0 acked" in lines[0]
    assert "nothing waiting" in lines[2]
    assert lines[3] == "overflow: nobody  agent_thinking  no_recipient, 12 bytes"
    assert lines[4].startswith(
        "emitted 6, acked 1, sent_unconfirmed 1, pending 3, expired 0, rejected 1, remainder 0; "
    )


def test_list_as_json_for_one_user(file):
    found = json.loads(run("list", "--store", file, "--user", "ada", "--json").output)
    assert [(row["user_id"], row["thread_id"], row["sums"]["pending"]) for row in found["streams"]] == [
        ("ada", "t1", 2), ("ada", "t2", 1),
    ]  # fmt: skip
    assert (found["schema"], found["sums"]["remainder"], found["overflow"]) == (1, 0, [])


def test_show_gives_a_users_events_and_nobody_elses(file):
    text = run("show", "--store", file, "--user", "ada").output
    assert [line.split()[:2] for line in text.splitlines() if not line.startswith(" ")] == [
        ["t1", "1"], ["t1", "2"], ["t1", "3"], ["t2", "1"],
    ]  # fmt: skip
    rows = json.loads(run("show", "--store", file, "--user", "ada", "--thread", "t1", "--after", "1", "--json").output)
    assert [row["event_id"] for row in rows["events"]] == ["b", "c"]
    assert rows["events"][0]["body"] == {"type": "x"}
    assert run("show", "--store", file, "--user", "nobody").output == "nothing is kept\n"


@pytest.mark.parametrize(
    ("words", "after"), [(["replay"], ["a", "b", "c"]), (["replay", "--after", "1"], ["b", "c"]), (["purge"], [])]
)
def test_replay_and_purge_say_first_and_do_with_write(file, words, after):
    said = run(*words, "--store", file, "--user", "ada", "--thread", "t1").output
    assert "nothing was changed; next: the same with --write" in said
    store = SqliteStore(file)
    assert ids(store.pending(ADA)) == ["b", "c"]
    store.close()
    run(*words, "--store", file, "--user", "ada", "--thread", "t1", "--write")
    store = SqliteStore(file)
    assert ids(store.pending(ADA)) == after
    assert ids(store.pending(Stream("ada", "t2"))) == ["d"], "the other thread is as it was"
    conserved(store)
    store.close()


def test_a_thread_that_is_not_there_names_those_that_are(file):
    with pytest.raises(Refused, match=r"in thread 'x'; his threads: t1, t2") as refused:
        run("purge", "--store", file, "--user", "ada", "--thread", "x", "--write")
    assert refused.value.exit_code == 64


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(Refused, match="there is no store at") as refused:
        run("list", "--store", tmp_path / "none.sqlite")
    assert refused.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_told_and_left(tmp_path):
    place = tmp_path / "m.sqlite"
    place.write_text("notes", encoding="utf-8")
    with pytest.raises(Refused, match="is no store") as refused:
        run("list", "--store", place)
    assert refused.value.exit_code == 6
    assert place.read_text(encoding="utf-8") == "notes"


def test_where_nothing_says_where_the_store_is_the_variables_are_named(monkeypatch):
    monkeypatch.delenv("FAILLOUD_STORE", raising=False)
    monkeypatch.delenv("FAILLOUD_STATE_DIR", raising=False)
    with pytest.raises(Refused, match="set FAILLOUD_STORE to a file, or FAILLOUD_STATE_DIR"):
        run("list")


@pytest.mark.parametrize("variable", ["FAILLOUD_STORE", "FAILLOUD_STATE_DIR"])
def test_the_environment_says_where_the_store_is(file, monkeypatch, variable):
    monkeypatch.delenv("FAILLOUD_STORE", raising=False)
    target = file if variable == "FAILLOUD_STORE" else file.parent
    if variable == "FAILLOUD_STATE_DIR":
        file.rename(file.parent / "missed.sqlite")
    monkeypatch.setenv(variable, str(target))
    assert "emitted 6" in run("list").output
