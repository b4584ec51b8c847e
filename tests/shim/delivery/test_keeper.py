"""From a failure to what is kept: whose it is, what the client gets of it, what its user is told."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from store_case import conserved

from shim import codes, recipients, undelivered
from shim.codes import Code
from shim.contracts import Delivery
from shim.delivery.events import Priority, Stream
from shim.delivery.keeper import Keeper
from shim.delivery.notices import notice, notice_id, words
from shim.delivery.pump import Pump
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits
from shim.delivery.unaddressed import HELD, HOLD_S
from shim.delivery.wording import body_of, plain
from shim.errors import UNKNOWN, WebSocketSendFailureError
from shim.event import Event
from shim.guard import own_failures
from shim.hosts import load_host
from shim.recipients import Recipient
from shim.recorder import Action, record
from shim.snapshot import Mode
from shim.undelivered import Undelivered

EXAMPLE = load_host("example")


def failure(event_type="agent_thinking", *, user="ada", thread="t1", run="run_1", code=Code.SEND_FAILED):
    error = WebSocketSendFailureError(
        "the manager answered False", component="bridge", method="notify_agent_thinking", event_type=event_type,
        run_id=run, thread_id=thread, user_id=user, code=code, cause="RuntimeError: secret of ben, line 12",
    )  # fmt: skip
    return record(error, mode=Mode.ENFORCE, action=Action.ESCALATED, cause_known=True)


def missed(record=None, *, message=None, arguments=None, contract="bridge.notify_agent_thinking", tried=False):
    event = Event(type="agent_thinking", contract=contract, arguments=arguments or {})
    made = failure() if record is None else record
    return Undelivered(record=made, events=(event,), message=message, tried=tried, began=time.monotonic())


class NoLinks:
    def links(self):
        return []

    async def send(self, link, message):
        raise LookupError(link)


@pytest.fixture
def kept(tmp_path):
    """Give a keeper and its store."""
    made = keeper_of(SqliteStore(tmp_path / "m.sqlite"))
    yield made
    conserved(made.store)
    made.store.close()


def keeper_of(store):
    pump = Pump(store, NoLinks(), holder="me", allowed=lambda _: True, href=str)
    keeper = Keeper(EXAMPLE, store, pump=pump, lost=lambda _: None, href="/failloud/events/{}".format)
    keeper.store, keeper.pump = store, pump
    return keeper


def flushed(keeper):
    """Wait until the writer has done all that was asked for, and what that asked for in turn."""
    for _ in range(3):
        keeper.store.mark_sent(Stream("nobody", ""), []).result(10)


def test_an_event_is_kept_for_its_user_and_he_is_told(kept):
    kept.keep(missed(message={"type": "agent_thinking", "payload": {"reasoning": "so"}, "timestamp": "t"}))
    flushed(kept)
    first, told = kept.store.pending(Stream("ada", "t1"))
    assert json.loads(first.event.body) == {
        "type": "agent_thinking", "payload": {"reasoning": "so"}, "timestamp": "t", "run_id": "run_1",
        "thread_id": "t1",
    }  # fmt: skip
    assert (first.event.component, first.event.code, first.event.priority) == ("bridge", "send_failed", Priority.NORMAL)
    assert (told.event.type, told.event.priority) == ("error", Priority.CRITICAL)
    assert kept.counts.counts() == {"kept": 1}


def test_an_event_that_ends_a_run_outlives_others(kept):
    kept.keep(missed(failure("agent_completed"), message={"type": "agent_completed"}))
    flushed(kept)
    assert kept.store.pending(Stream("ada", "t1"))[0].event.priority is Priority.TERMINAL


def test_the_same_message_again_is_one_event_and_two_that_only_look_alike_are_two(kept):
    timed = {"type": "agent_thinking", "timestamp": "2026-11-25T12:00:00Z"}
    for message in (timed, dict(timed), {"type": "notice"}, {"type": "notice"}):
        kept.keep(missed(message=message))
    flushed(kept)
    assert len([one for one in kept.store.pending(Stream("ada", "t1")) if one.event.type != "error"]) == 3
    assert kept.counts.counts() == {"kept": 3, "duplicate": 1}


def test_a_user_is_told_once_for_each_run_and_reason(kept):
    for run in ("run_1", "run_2"):
        for code in (Code.SEND_FAILED, Code.SEND_FAILED, Code.BUFFER_FULL):
            kept.keep(missed(failure(run=run, code=code), message={"type": "x"}))
    flushed(kept)
    told = [one.event.event_id for one in kept.store.pending(Stream("ada", "t1")) if one.event.type == "error"]
    assert told == [f"error:{run}:{code}" for run in ("run_1", "run_2") for code in ("send_failed", "buffer_full")]


def test_what_is_no_event_for_a_user_is_not_kept_but_he_is_told(kept):
    kept.keep(missed(failure("agent_created"), contract="factory.create_agent_instance"))
    flushed(kept)
    assert [one.event.type for one in kept.store.pending(Stream("ada", "t1"))] == ["error"]
    assert kept.counts.counts() == {"not_an_event": 1}


def test_an_event_whose_user_becomes_known_in_time_is_kept_before_what_follows(kept):
    kept.keep(missed(failure(user=UNKNOWN), message={"type": "agent_thinking", "n": 1}))
    flushed(kept)
    assert kept.store.waiting() == []
    recipients.learn("run_1", "t1", "ada")
    kept.keep(missed(failure(user=UNKNOWN), message={"type": "agent_thinking", "n": 2}))
    flushed(kept)
    found = [json.loads(one.event.body) for one in kept.store.pending(Stream("ada", "t1")) if one.event.type != "error"]
    assert [each["n"] for each in found] == [1, 2]


def test_an_event_whose_user_nobody_finds_ends_in_the_overflow_table(kept):
    kept.keep(missed(failure(user=UNKNOWN), message={"type": "agent_thinking"}))
    kept.release(time.monotonic() + HOLD_S - 1)
    assert kept.counts.counts() == {}
    kept.release(time.monotonic() + HOLD_S)
    flushed(kept)
    assert [(one.reason, one.stream.user_id) for one in kept.store.dead()] == [("no_recipient", "")]
    assert kept.counts.counts() == {"no_recipient": 1}


def test_what_nobody_is_found_for_is_bounded_and_a_stop_loses_none(kept):
    for number in range(HELD + 50):
        kept.keep(missed(failure(user=UNKNOWN, run=f"r{number}"), message={"type": "agent_thinking"}))
    kept.release(time.monotonic(), last=True)
    flushed(kept)
    assert kept.store.sums().rejected == HELD + 50


def test_a_store_that_refuses_is_told_to_the_user_as_not_kept(tmp_path):
    keeper = keeper_of(SqliteStore(tmp_path / "m.sqlite", Limits(hard_bytes=600)))
    keeper.keep(missed(failure(code=Code.MESSAGE_TOO_LARGE), message={"type": "x", "text": "y" * 700}))
    flushed(keeper)
    [told] = keeper.store.pending(Stream("ada", "t1"))
    assert json.loads(told.event.body)["error"]["title"] == "A result is too large to be shown"
    assert keeper.counts.counts() == {"refused": 1}
    keeper.store.close()


def test_a_store_that_is_broken_is_reported_and_the_user_is_told_without_it(tmp_path):
    keeper, before = keeper_of(SqliteStore(tmp_path / "m.sqlite")), own_failures().get("delivery.store", 0)
    keeper.store.close()
    keeper.keep(missed(message={"type": "x"}))
    [(stream, message)] = keeper.pump._direct
    assert (stream, message["durable"], message["type"]) == (Stream("ada", "t1"), False, "error")
    assert own_failures()["delivery.store"] == before + 1


def test_a_keeper_that_fails_hides_nothing_and_is_never_left_out():
    got, before = [], own_failures().get("delivery.keep", 0)

    def slow(one):
        time.sleep(0.3)
        got.append(one)

    def broken(_):
        raise KeyError("ours")

    keepers = (broken, slow)
    for each in keepers:
        undelivered.add_keeper(each)
    try:
        for _ in range(4):  # a sink would be parked after three
            undelivered.hand_on(failure(), (), began=0.0)
    finally:
        for each in keepers:
            undelivered.remove_keeper(each)
    assert len(got) == 4
    assert own_failures()["delivery.keep"] == before + 4
    with pytest.raises(ValueError, match="not in list"):
        undelivered.remove_keeper(slow)


# --- what the client gets

DECLARED = Delivery(outlet="a:B", shown=frozenset({"agent_name", "tool_name"}))


class Model:
    def __init__(self, error=None):
        self.error = error

    def model_dump(self, mode):
        if self.error:
            raise self.error
        return {"type": "x", "mode": mode}


def circle():
    made = {"type": "x", "good": 1}
    made["self"] = made
    return made


BODIES = {
    "a mapping as it is": ({"type": "agent_thinking", "a": [1]}, {"a": [1]}),
    "a type that the host rewrote": ({"type": "user_message"}, {}),
    "a model": (Model(), {"mode": "json"}),
    "a value that is no JSON": ({"at": Stream("a", "b")}, {"at": "Stream(user_id='a', thread_id='b')"}),
    "a circle": (circle(), {"good": 1, "failloud": {"incomplete": True}}),
    "a key that is no text": ({("a", 1): 1, "b": 2}, {"b": 2, "failloud": {"incomplete": True}}),
}


@pytest.mark.parametrize("case", BODIES)
def test_the_body_is_what_the_host_worded_and_json_whatever_it_put_there(case):
    message, want = BODIES[case]
    body = json.loads(body_of(missed(message=message), Recipient("ada", "t1"), DECLARED))
    assert (body.pop("type"), body.pop("run_id"), body.pop("thread_id")) == ("agent_thinking", "run_1", "t1")
    assert body == want


def test_an_event_that_was_never_worded_has_what_may_be_shown_and_says_that_it_is_incomplete():
    given = {"agent_name": "triage", "tool_name": "search", "parameters": {"api_key": "s3cret"}, "step_number": None}
    body = json.loads(body_of(missed(arguments=given), Recipient("ada", "t1"), DECLARED))
    assert (body["agent_name"], body["payload"], body["failloud"]) == (
        "triage", {"tool_name": "search"}, {"incomplete": True},
    )  # fmt: skip
    assert "s3cret" not in json.dumps(body)


def test_a_model_that_cannot_be_dumped_is_reported():
    before = own_failures().get("delivery.wording", 0)
    assert plain(Model(RuntimeError("broken"))) is None
    assert plain(object()) is None
    assert own_failures()["delivery.wording"] == before + 1


def test_a_host_that_changes_its_message_afterwards_changes_nothing_that_is_kept(kept):
    message = {"type": "agent_thinking", "payload": {"reasoning": "so"}}
    kept.keep(missed(message=message))
    message["payload"]["reasoning"] = "other"
    flushed(kept)
    assert b'"so"' in kept.store.pending(Stream("ada", "t1"))[0].event.body


# --- notices


@pytest.mark.parametrize("code", sorted(codes.known()))
def test_every_reason_has_words_whether_the_event_is_kept_or_not(code):
    for given in ({"kept": True}, {"kept": False}, {"kept": True, "fetch": True}):
        said = words(code, **given)
        assert said.title
        assert said.detail.endswith(".")
        assert 400 <= said.status < 600
        assert (said.action == "retry") == said.retryable
    assert "follow" not in words(code, kept=False).detail, "what is not kept does not follow"


def test_a_notice_has_no_cause_no_text_of_an_exception_and_nobody_elses_name():
    made = failure(code=Code.BRIDGE_UNAVAILABLE)
    text = json.dumps(notice(made, "t1", kept=True))
    assert not [word for word in ("secret", "RuntimeError", "ben", "line 12", "manager answered") if word in text]
    assert made.id in text, "what support looks for in the log"


def test_the_shape_of_a_notice():
    made = failure(code=Code.MESSAGE_TOO_LARGE)
    told = notice(made, "t1", kept=True, href="/failloud/events/7")
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "type": "error", "id": "error:run_1:message_too_large", "run_id": "run_1", "thread_id": "t1",
        "error": {
            "type": "urn:failloud:error:message-too-large", "code": "WS_MESSAGE_TOO_LARGE",
            "title": "A result is too large to show live", "status": 413,
            "detail": "It is kept as a whole and can be fetched.", "retryable": False, "action": "fetch",
            "event_type": "agent_thinking", "correlation_id": made.id, "run_id": "run_1", "href": "/failloud/events/7",
        },
    }  # fmt: skip


def test_failures_without_a_run_are_told_one_by_one():
    made = [failure(run=UNKNOWN) for _ in range(2)]
    assert len({notice_id(each) for each in made}) == 2
    assert "run_id" not in notice(made[0], UNKNOWN, kept=True)
    assert "thread_id" not in notice(replace(made[0]), "", kept=True)


# --- whose it is

KNOWN = [("run_1", "t1", "ada"), ("run_2", "t2", "ben"), (None, "t3", "cleo")]
ASKED = {
    "the record knows": (("run_9", "t9", "dan"), Recipient("dan", "t9")),
    "the run's context": (("run_1", UNKNOWN, UNKNOWN), Recipient("ada", "t1")),
    "the context before what a record took from elsewhere": (("run_1", "t2", "ben"), Recipient("ada", "t1")),
    "the thread alone": ((UNKNOWN, "t3", UNKNOWN), Recipient("cleo", "t3")),
    "nobody": (("run_7", "t7", UNKNOWN), Recipient(UNKNOWN, "t7")),
    "nothing at all": ((UNKNOWN, UNKNOWN, UNKNOWN), Recipient()),
}


@pytest.mark.parametrize("case", ASKED)
def test_who_is_to_get_it(case):
    for known in KNOWN:
        recipients.learn(*known)
    asked, want = ASKED[case]
    assert recipients.recipient(*asked) == want


def test_a_thread_that_two_users_share_is_nobodys_and_stays_so():
    for user in ("ada", "ben", "ada"):
        recipients.learn(None, "t1", user)
    assert recipients.recipient("run_9", "t1", UNKNOWN) == Recipient(UNKNOWN, "t1")


def test_a_run_whose_thread_alone_is_known_keeps_it_until_its_context_is_made():
    recipients.learn("run_1", "t1", None)
    assert recipients.recipient("run_1", UNKNOWN, UNKNOWN) == Recipient(UNKNOWN, "t1")
    recipients.learn("run_1", "t1", "ada")
    recipients.learn("run_1", "t1", None)
    assert recipients.recipient("run_1", UNKNOWN, UNKNOWN) == Recipient("ada", "t1")


def test_what_is_remembered_is_bounded():
    for number in range(recipients.KEPT + 10):
        recipients.learn(f"run_{number}", f"t{number}", "ada")
    assert recipients.recipient("run_0", UNKNOWN, UNKNOWN) == Recipient()
    assert recipients.recipient(f"run_{recipients.KEPT}", UNKNOWN, UNKNOWN).user_id == "ada"
