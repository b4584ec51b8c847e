"""The fault table: for each contract, what can go wrong, and what the shim must make of it."""

from __future__ import annotations

from dataclasses import dataclass

from courier import beacon, channel, office, plant, relay, store
from courier.wire import Wire

OK = True
RAISED, ESCALATED, REFUSED, HOST_RAISES = "raised", "escalated", "refused", "host raises"


@dataclass(frozen=True)
class Fault:
    """One row. `ends` says how enforce ends; `error`, `reason` and `cause` are what the record must carry.

    `user` None: the outer call does not know it; test_frames.py asks for it.
    """

    name: str
    make: object
    args: tuple
    ends: str
    error: str
    reason: str
    cause: str = ""
    user: str | None = "ann"
    run: str = "r1"
    event: str = "ping"
    origin: str = ""


def _channel(answer=OK, *, wire=True):
    def make():
        found = Wire(ann=answer) if wire else None
        return channel.Channel("ann", found), found

    return make


def _beacon(answer=OK, *, wire=True, muted=False):
    def make():
        found = Wire(ann=answer) if wire else None
        made = beacon.Beacon("r1", "ann", found)
        made.muted = muted
        return made, found

    return make


def _plant(answer=OK, *, desk=True):
    def make():
        found = Wire(ann=answer) if desk else None
        return plant.Plant("ann", found), found

    return make


def _store(*items, limit=2):
    def make():
        made = store.Store(limit)
        made.items += items
        return made, None

    return make


def _office(*users, **answers):
    def make():
        found = Wire(**answers)
        return office.Office(*(channel.Channel(user, found) for user in users)), found

    return make


def _relay(*answers):
    def make():
        found = Wire(ann=list(answers))
        made = channel.Channel("ann", found)
        return relay.Relay("r1", made, channel.Channel("ann", found)), found

    return make


DOWN = ConnectionError("line down")
_NOBODY = "unknown"
_SEND, _COMM = "WebSocketSendFailureError", "AgentCommunicationFailureError"
_CONTEXT, _BRIDGE = "WebSocketContextValidationError", "WebSocketBridgeUnavailableError"


def _of_channel(*, hook):
    yield Fault("no wire", _channel(wire=False), ("r1", "ping"), RAISED, _BRIDGE, "the channel has no wire")
    yield Fault("refused", _channel(False), ("r1", "ping"), RAISED, _SEND, "the wire refused")
    yield Fault("none", _channel(None), ("r1", "ping"), RAISED, _SEND, "answered None")
    yield Fault("down", _channel(DOWN), ("r1", "ping"), RAISED, _COMM, "wire.push", "ConnectionError: line down")
    if hook:
        yield Fault("blank run", _channel(), ("", "ping"), RAISED, _CONTEXT, "run_id is blank", run=_NOBODY)


def _of_beacon():
    yield Fault("no wire", _beacon(wire=False), ("ping",), RAISED, "WebSocketManagerNotInitializedError", "no wire")
    yield Fault("refused", _beacon(False), ("ping",), RAISED, _SEND, "the wire refused")
    yield Fault("down", _beacon(DOWN), ("ping",), RAISED, _COMM, "wire.push", "ConnectionError: line down")


def _of_start():
    yield Fault("no desk", _plant(desk=False), ("job", "r1"), REFUSED, _BRIDGE, "no desk", event="job_started")
    for given in (None, ""):
        yield Fault(
            f"run {given!r}", _plant(), ("job", given), REFUSED, _CONTEXT, "belongs to no run", run=_NOBODY,
            event="job_started",
        )  # fmt: skip
    yield Fault("refused", _plant(False), ("job", "r1"), ESCALATED, _SEND, "the desk refused", event="job_started")


def _of_finish(*, raises):
    yield Fault("refused", _plant(False), ("job", "r1"), ESCALATED, _SEND, "the desk refused", event="job_finished")
    ends = HOST_RAISES if raises else ESCALATED
    yield Fault(
        "down", _plant(DOWN), ("job", "r1"), ends, _COMM, "desk.announce", "ConnectionError: line down",
        event="job_finished",
    )  # fmt: skip


def _of_publish():
    yield Fault("nobody", _plant(False), ("r1", "ping"), HOST_RAISES, _SEND, "the desk refused")
    yield Fault("down", _plant(DOWN), ("r1", "ping"), HOST_RAISES, _COMM, "desk.announce", "ConnectionError: line down")


def _of_office(*users, ends=RAISED, origin="channel.send"):
    yield Fault(
        "refused",
        _office(*users, ann=False),
        ("r1", "ping"),
        ends,
        _SEND,
        "the wire refused",
        user=None,
        origin=origin,
    )
    yield Fault(
        "down", _office(*users, ann=DOWN), ("r1", "ping"), ends, _COMM, "wire.push", "ConnectionError: line down",
        user=None, origin=origin,
    )  # fmt: skip


def _of_relay(origin="channel.send"):
    yield Fault("refused", _relay(False), ("ping",), RAISED, _SEND, "the wire refused", origin=origin)


FAULTS = {
    "channel.send": (
        *_of_channel(hook=True),
        Fault("no route", _channel(), ("lost", "ping"), RAISED, _CONTEXT, "no route", "LookupError", run="lost"),
    ),
    "channel.send_now": tuple(_of_channel(hook=True)),
    "channel.deliver": tuple(_of_channel(hook=False)),
    "channel.deliver_now": tuple(_of_channel(hook=False)),
    "beacon.emit": (
        *_of_beacon(),
        Fault("muted", _beacon(muted=True), ("ping",), RAISED, _SEND, "the beacon is muted"),
    ),
    "beacon.emit_now": tuple(_of_beacon()),
    "plant.start": tuple(_of_start()),
    "plant.start_now": tuple(_of_start()),
    "plant.finish": tuple(_of_finish(raises=False)),
    "plant.finish_now": tuple(_of_finish(raises=True)),
    "plant.publish": tuple(_of_publish()),
    "plant.publish_now": tuple(_of_publish()),
    "store.put": (
        Fault(
            "too long", _store(), ("ann", "x" * 11), RAISED, "WebSocketBufferOverflowError", "item too long",
            run=_NOBODY, event="x" * 11,
        ),
        Fault(
            "evicted", _store(("bob", "old"), limit=1), ("ann", "new"), ESCALATED, "WebSocketEventDroppedError",
            "old was evicted", run=_NOBODY, user="bob", event="old",
        ),
    ),
    "office.broadcast": tuple(_of_office("bob", "ann")),
    "office.broadcast_now": tuple(_of_office("bob", "ann", origin="channel.send_now")),
    "office.insist": tuple(_of_office("ann")),
    "office.either": tuple(_of_office("ann", "ann")),
    "office.together": tuple(_of_office("bob", "ann")),
    "office.in_time": tuple(_of_office("ann")),
    "office.shielded": tuple(_of_office("ann")),
    "office.in_thread": tuple(_of_office("ann", origin="channel.send_now")),
    "office.later": tuple(_of_office("ann", ends=ESCALATED)),
    # the task begins when the call is over: it answers for itself, as a call of its own
    "office.much_later": (),
    "channel.boast": (
        Fault("refused", _channel(False), ("r1", "ping"), RAISED, _SEND, "the wire refused"),
        Fault("down", _channel(DOWN), ("r1", "ping"), HOST_RAISES, _COMM, "wire.push", "ConnectionError: line down"),
    ),
    "relay.pass_on": (
        *_of_relay(),
        Fault(
            "down", _relay(DOWN), ("ping",), RAISED, _COMM, "wire.push", "ConnectionError: line down",
            origin="channel.send",
        ),
    ),
    "relay.claim": tuple(_of_relay("channel.boast")),
    "relay.or_spare": tuple(_of_relay()),
    "relay.or_by_hand": tuple(_of_relay()),
}  # fmt: skip

_SENT, _WORKED = ("r1", "ping"), ("job", "r1")
GOOD = {
    **dict.fromkeys(
        ("channel.send", "channel.send_now", "channel.deliver", "channel.deliver_now"), (_channel(), _SENT)
    ),
    **dict.fromkeys(("beacon.emit", "beacon.emit_now"), (_beacon(), ("ping",))),
    **dict.fromkeys(("plant.start", "plant.start_now", "plant.finish", "plant.finish_now"), (_plant(), _WORKED)),
    **dict.fromkeys(("plant.publish", "plant.publish_now"), (_plant(), _SENT)),
    "store.put": (_store(), ("ann", "new")),
    **dict.fromkeys(("office.broadcast", "office.broadcast_now", "office.together"), (_office("bob", "ann"), _SENT)),
    **dict.fromkeys(
        ("office.insist", "office.in_time", "office.shielded", "office.in_thread", "office.later"),
        (_office("ann"), _SENT),
    ),
    "office.either": (_office("ann", "ann"), _SENT),
    "office.much_later": (_office("ann"), _SENT),
    "channel.boast": (_channel(), _SENT),
    **dict.fromkeys(("relay.pass_on", "relay.claim", "relay.or_spare", "relay.or_by_hand"), (_relay(True), ("ping",))),
}
"A call of each contract in which nothing fails."

OWN_CALL = {
    "office.much_later": "the task begins after the call; test_frames.py has it as a call of channel.send",
}
"Contracts that no fault can reach, and why."
