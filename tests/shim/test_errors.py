"""The exceptions are the documentation: every class constructed, rendered, pickled."""

from __future__ import annotations

import builtins
import copy
import inspect
import pickle

import pytest

from shim import errors
from shim.codes import Code, UnknownCodeError, declare, known
from shim.errors import (
    AgentCommunicationFailureError,
    LoudFailure,
    WebSocketBridgeUnavailableError,
    WebSocketBufferOverflowError,
    WebSocketConnectionLostError,
    WebSocketContextValidationError,
    WebSocketEventDroppedError,
    WebSocketManagerNotInitializedError,
    WebSocketSendFailureError,
)
from shim.guard import own_failures

WHERE = {"component": "bridge", "method": "notify_x", "run_id": "r1", "user_id": "u1"}
AT = "bridge.notify_x for user u1, run r1"

TABLE = [
    (LoudFailure(), "delivery failure: unknown.unknown for user unknown, run unknown"),
    (LoudFailure("gone", **WHERE), f"delivery failure: {AT}: gone"),
    (LoudFailure("gone", cause="OSError: x", **WHERE), f"delivery failure: {AT}: gone (cause: OSError: x)"),
    (LoudFailure("OSError: x", cause="OSError: x", **WHERE), f"delivery failure: {AT}: OSError: x"),
    (LoudFailure("gone", hint="do y", **WHERE), f"delivery failure: {AT}: gone; next: do y"),
    (
        WebSocketBridgeUnavailableError("the bridge is None", operation="tool_executing(search)", **WHERE),
        f"bridge unavailable: {AT}: the bridge is None",
    ),
    (WebSocketContextValidationError(**WHERE), f"context validation failed: {AT}: Missing execution context"),
    (
        WebSocketContextValidationError("run_id is blank", validation_error="run_id=''", **WHERE),
        f"context validation failed: {AT}: run_id is blank",
    ),
    (
        WebSocketSendFailureError("WebSocket bridge returned failure", event_type="agent_started", **WHERE),
        f"send failure: {AT}: WebSocket bridge returned failure",
    ),
    (
        AgentCommunicationFailureError(
            "notify raised",
            from_agent="A",
            to_agent="B",
            failure_reason="KeyError: 'k'",
            cause="KeyError: 'k'",
            **WHERE,
        ),
        f"communication failure: {AT}: notify raised (cause: KeyError: 'k')",
    ),
    (
        WebSocketBufferOverflowError("Message too large: 9 bytes, limit 8", buffer_size=8, message_size=9, **WHERE),
        f"buffer overflow: {AT}: Message too large: 9 bytes, limit 8",
    ),
    (
        WebSocketConnectionLostError("closed", last_event="agent_started", **WHERE),
        f"connection lost: {AT}: closed",
    ),
    (WebSocketEventDroppedError("evicted", drop_reason="full", **WHERE), f"event dropped: {AT}: evicted"),
    (WebSocketManagerNotInitializedError("no manager", **WHERE), f"manager not initialized: {AT}: no manager"),
]

CONTEXT = {
    LoudFailure: {},
    AgentCommunicationFailureError: {"from_agent": "A", "to_agent": "B", "failure_reason": "why"},
    WebSocketBridgeUnavailableError: {"operation": "tool_completed(search)"},
    WebSocketBufferOverflowError: {"buffer_size": 8, "message_size": 9},
    WebSocketConnectionLostError: {"last_event": "agent_started"},
    WebSocketContextValidationError: {"run_id": "r1", "validation_error": "run_id is blank"},
    WebSocketEventDroppedError: {"event_type": "agent_started", "drop_reason": "full"},
    WebSocketManagerNotInitializedError: {"component": "bridge"},
    WebSocketSendFailureError: {"event_type": "agent_started", "failure_reason": "refused"},
}
"The keys of `context`, as the host's maintainers published them, with values to be found there."

CLASSES = [found for found in vars(errors).values() if inspect.isclass(found) and issubclass(found, LoudFailure)]
FIELDS = (
    "reason", "component", "method", "event_type", "run_id", "thread_id", "user_id", "cause", "hint", "context", "code",
    "attempt", "connection_id",
)  # fmt: skip

CODES = {
    LoudFailure: "delivery_failed",
    AgentCommunicationFailureError: "communication_failed",
    WebSocketBridgeUnavailableError: "bridge_unavailable",
    WebSocketBufferOverflowError: "buffer_overflow",
    WebSocketConnectionLostError: "connection_lost",
    WebSocketContextValidationError: "context_invalid",
    WebSocketEventDroppedError: "event_dropped",
    WebSocketManagerNotInitializedError: "manager_missing",
    WebSocketSendFailureError: "send_failed",
}


def make(cls):
    """Make one with every field given."""
    common = {
        "component": "bridge", "method": "notify_x", "event_type": "agent_started", "run_id": "r1", "thread_id": "t1",
        "user_id": "u1", "cause": "OSError: x", "hint": "do y", "code": "partial_send", "attempt": 3,
        "connection_id": "c1",
    }  # fmt: skip
    return cls("the reason", **{**common, **CONTEXT[cls]})


@pytest.mark.parametrize(("error", "text"), TABLE, ids=lambda value: type(value).__name__)
def test_text(error, text):
    assert str(error) == text
    assert "\n" not in text


def test_every_class_is_in_the_tables():
    assert {type(error) for error, _ in TABLE} == set(CLASSES) == set(CONTEXT) == set(CODES)
    assert {found.__name__ for found in CLASSES} == set(errors.__all__) - {"Common"}, "façades hand on all of them"


@pytest.mark.parametrize("cls", CLASSES)
def test_context_holds_the_published_keys(cls):
    error = make(cls)
    assert error.context == CONTEXT[cls]
    assert set(cls.context_keys) == set(CONTEXT[cls])
    assert set(cls().context) == set(CONTEXT[cls]), "the keys are there without values too"


@pytest.mark.parametrize("cls", CLASSES)
def test_to_dict_begins_with_the_published_keys(cls):
    found = make(cls).to_dict()
    assert list(found)[:5] == ["error_type", "message", "user_id", "thread_id", "context"]
    assert found["error_type"] == cls.__name__
    assert found["message"] == str(make(cls))
    assert (found["user_id"], found["thread_id"]) == ("u1", "t1")
    assert {name: found[name] for name in FIELDS} == {name: getattr(make(cls), name) for name in FIELDS}
    assert cls().to_dict()["user_id"] == "unknown"


@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])  # noqa: S301  # our own bytes
@pytest.mark.parametrize("error", [*(make(cls) for cls in CLASSES), *(cls() for cls in CLASSES)], ids=repr)
def test_pickle_and_copy_round_trip(error, again):
    found = again(error)
    assert type(found) is type(error)
    assert found.to_dict() == error.to_dict()
    assert str(found) == str(error)
    assert found.args == error.args


def test_a_context_of_the_root_s_own_survives_pickle():
    error = LoudFailure("x", context={"a": 1}, user_id="u1")
    assert pickle.loads(pickle.dumps(error)).context == {"a": 1}  # noqa: S301  # our own bytes


def test_changing_what_to_dict_gave_changes_nothing():
    error = make(WebSocketSendFailureError)
    error.to_dict()["context"].clear()
    assert error.context == CONTEXT[WebSocketSendFailureError]


@pytest.mark.parametrize("cls", CLASSES)
def test_no_class_is_named_like_a_builtin(cls):
    assert not hasattr(builtins, cls.__name__)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_root_is_a_plain_exception(cls):
    assert [base for base in cls.__mro__ if base.__module__ == "builtins"] == [Exception, BaseException, object]
    assert LoudFailure in cls.__mro__
    assert cls.__doc__.startswith("Raised when ")


@pytest.mark.parametrize("cls", CLASSES)
def test_an_unknown_keyword_is_refused(cls):
    with pytest.raises(TypeError):
        cls("x", usr_id="u1")


@pytest.mark.parametrize("cls", CLASSES)
def test_build_takes_its_own_details_and_drops_foreign_ones(cls):
    everything = {name: value for values in CONTEXT.values() for name, value in values.items()}
    error = cls.build("why", {**everything, "foreign": 1, "user_id": "not this one"}, user_id="u1", event_type="e")
    assert type(error) is cls
    assert set(error.context) == set(CONTEXT[cls])
    assert (error.reason, error.user_id, error.event_type) == ("why", "u1", "e")
    own = [key for key in cls.context_keys if key not in errors.Common.__annotations__]
    assert {key: error.context[key] for key in own} == {key: everything[key] for key in own}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_has_its_code(cls):
    assert cls().code == CODES[cls]
    assert type(cls().code) is str, "plain data: an enum member in a log line reads otherwise"
    assert (cls().attempt, cls().connection_id) == (0, "unknown")
    assert "default_code" in vars(cls), "its own, not inherited"


@pytest.mark.parametrize("code", ["sned_failed", "", "SEND_FAILED", None, 7])
def test_an_unknown_code_is_refused_with_the_nearest(code):
    with pytest.raises(UnknownCodeError, match="unknown reason code"):
        WebSocketSendFailureError("x", code=code)


def test_the_nearest_code_is_named():
    with pytest.raises(UnknownCodeError, match="did you mean 'send_failed'"):
        LoudFailure("x", code="sned_failed")


def test_a_host_s_own_class_declares_its_code():
    class JobLostError(LoudFailure):
        default_code = "job_lost"

    class JobLostTwiceError(JobLostError):
        pass

    assert JobLostError("x").code == JobLostTwiceError("x").code == LoudFailure("x", code="job_lost").code == "job_lost"
    assert "job_lost" in known()
    assert known() > {str(code) for code in Code}


@pytest.mark.parametrize("code", ["JobLost", "job lost", "_job", "job__lost", "", 7, None])
def test_a_declared_code_that_is_not_snake_case_is_refused(code):
    with pytest.raises(UnknownCodeError):
        type("Odd", (LoudFailure,), {"default_code": code})
    assert code not in known()


def test_codes_are_snake_case_and_named_as_they_read():
    for code in Code:
        assert declare(code, "here") == code == code.name.lower()


@pytest.mark.parametrize(
    ("given", "field", "value", "operation"),
    [
        ({"code": "partial_send"}, "code", "partial_send", ""),
        ({"code": "sned_failed"}, "code", "send_failed", "errors.code"),
        ({"code": []}, "code", "send_failed", "errors.code"),
        ({"attempt": "2"}, "attempt", 2, ""),
        ({"attempt": "unknown"}, "attempt", 0, ""),
        ({"attempt": "second"}, "attempt", 0, "errors.attempt"),
        ({"attempt": None}, "attempt", 0, "errors.attempt"),
        ({"connection_id": "c1"}, "connection_id", "c1", ""),
    ],
)
def test_build_reports_what_cannot_be_and_tells_the_failure_all_the_same(given, field, value, operation):
    before = own_failures()
    error = WebSocketSendFailureError.build("why", {}, **given)
    assert (getattr(error, field), error.reason) == (value, "why")
    assert own_failures() == ({**before, operation: before.get(operation, 0) + 1} if operation else before)
