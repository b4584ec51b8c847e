"""The declaration of the courier host."""

from __future__ import annotations

from shim.contracts import Collaborator, Contract, Hook, Host, HostClass, Named, Needs, Shows, Work
from shim.errors import (
    AgentCommunicationFailureError,
    WebSocketBridgeUnavailableError,
    WebSocketBufferOverflowError,
    WebSocketContextValidationError,
    WebSocketManagerNotInitializedError,
    WebSocketSendFailureError,
)

CHANNEL = "courier.channel:Channel"
BEACON = "courier.beacon:Beacon"
PLANT = "courier.plant:Plant"
STORE = "courier.store:Store"
OFFICE = "courier.office:Office"
RELAY = "courier.relay:Relay"

_HAS_WIRE = Needs(
    attribute="wire", error=WebSocketBridgeUnavailableError, reason="the channel has no wire", hint="connect first"
)
_BEACON_HAS_WIRE = Needs(
    attribute="wire", error=WebSocketManagerNotInitializedError, reason="the beacon has no wire", hint="give it one"
)
_HAS_DESK = Needs(
    attribute="desk",
    methods=("announce", "announce_now"),
    error=WebSocketBridgeUnavailableError,
    reason="the plant has no desk",
    hint="configure() first",
)
_RUN_GIVEN = Needs(argument="run_id", error=WebSocketContextValidationError, reason="the job belongs to no run")
_START_NEEDS = (_HAS_DESK, _RUN_GIVEN)
_PUSHES = Collaborator(
    attribute="wire",
    methods=("push", "push_now"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="the wire refused",
    hint="look at the wire",
)
_ANNOUNCES = Collaborator(
    attribute="desk",
    methods=("announce", "announce_now"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="the desk refused",
)

_SENDS = Collaborator(
    attribute="channel",
    methods=("send", "send_now", "boast"),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="the channel refused",
)
_SPARE_SENDS = Collaborator(
    attribute="spare",
    methods=("send",),
    shows=Shows.FALSY,
    error=WebSocketSendFailureError,
    raised_error=AgentCommunicationFailureError,
    reason="the spare refused",
)


def _channel(method, signature, shows, *, is_async):
    return Contract(
        component="channel", target=CHANNEL, method=method, signature=signature, is_async=is_async, shows=shows,
        error=WebSocketSendFailureError, reason="the channel did not send", event_type="{event}", category=1,
        needs=(_HAS_WIRE,), watches=(_PUSHES,), hint="ask the channel",
    )  # fmt: skip


def _beacon(method, *, is_async):
    return Contract(
        component="beacon", target=BEACON, method=method, signature="(self, event)", is_async=is_async,
        shows=Shows.NEVER, error=WebSocketSendFailureError, reason="the beacon did not emit", event_type="{event}",
        category=3, needs=(_BEACON_HAS_WIRE,), watches=(_PUSHES,),
    )  # fmt: skip


def _plant(method, signature, shows, work, event, *, is_async, needs=()):
    return Contract(
        component="plant", target=PLANT, method=method, signature=signature, is_async=is_async, shows=shows,
        error=AgentCommunicationFailureError, reason="the plant cannot tell", work=work, event_type=event, category=7,
        needs=needs, watches=(_ANNOUNCES,),
    )  # fmt: skip


def _office(method, *, is_async=True):
    return Contract(
        component="office", target=OFFICE, method=method, signature="(self, run_id, event)", is_async=is_async,
        shows=Shows.FALSY, error=WebSocketSendFailureError, reason="the office did not send", event_type="{event}",
        category=4,
    )  # fmt: skip


def _relay(method):
    return Contract(
        component="relay", target=RELAY, method=method, signature="(self, event)", is_async=True, shows=Shows.FALSY,
        error=WebSocketSendFailureError, reason="the relay did not pass on", event_type="{event}", category=6,
        watches=(_SENDS, _SPARE_SENDS),
    )  # fmt: skip


CONTRACTS = (
    _channel("send", "(self, run_id, event, extra=None)", Shows.FALSY, is_async=True),
    _channel("send_now", "(self, run_id, event, *, urgent=False)", Shows.FALSY, is_async=False),
    _channel("boast", "(self, run_id, event)", Shows.FALSY, is_async=True),
    _channel("deliver", "(self, run_id, event)", Shows.UNSUCCESSFUL, is_async=True),
    _channel("deliver_now", "(self, run_id, event)", Shows.UNSUCCESSFUL, is_async=False),
    _beacon("emit", is_async=True),
    _beacon("emit_now", is_async=False),
    _plant(
        "start",
        "(self, job, run_id)",
        Shows.NEVER,
        Work.FOLLOWS,
        "job_started",
        is_async=True,
        needs=_START_NEEDS,
    ),
    _plant(
        "start_now",
        "(self, job, run_id)",
        Shows.NEVER,
        Work.FOLLOWS,
        "job_started",
        is_async=False,
        needs=_START_NEEDS,
    ),
    _plant("finish", "(self, job, run_id)", Shows.NEVER, Work.PRECEDES, "job_finished", is_async=True),
    _plant("finish_now", "(self, job, run_id)", Shows.FALSY, Work.PRECEDES, "job_finished", is_async=False),
    _plant("publish", "(self, run_id, event)", Shows.RAISES, Work.NONE, "{event}", is_async=True),
    _plant("publish_now", "(self, run_id, event)", Shows.RAISES, Work.NONE, "{event}", is_async=False),
    Contract(
        component="store",
        target=STORE,
        method="put",
        signature="(self, user_id, item)",
        is_async=True,
        shows=Shows.FALSY,
        error=WebSocketBufferOverflowError,
        reason="the store refused the item",
        event_type="{item}",
        category=2,
    ),
    _office("broadcast"),
    _office("broadcast_now", is_async=False),
    _office("insist"),
    _office("either"),
    _office("together"),
    _office("in_time"),
    _office("shielded"),
    _office("in_thread"),
    _office("later"),
    _office("much_later"),
    _relay("pass_on"),
    _relay("claim"),
    _relay("or_spare"),
    _relay("or_by_hand"),
)

CLASSES = (
    HostClass(
        component="channel",
        target=CHANNEL,
        identity={"run_id": "run_id", "user_id": "self.user_id"},
        hooks=(
            Hook(method="_valid", shows=Shows.FALSY, error=WebSocketContextValidationError, reason="run_id is blank"),
            Hook(
                method="_route",
                shows=Shows.RAISES,
                error=WebSocketContextValidationError,
                reason="the run has no route",
            ),
        ),
    ),
    HostClass(
        component="beacon",
        target=BEACON,
        identity={"run_id": "self.run_id", "user_id": "self.user_id"},
        hooks=(
            Hook(method="_ready", shows=Shows.FALSY, error=WebSocketSendFailureError, reason="the beacon is muted"),
        ),
    ),
    HostClass(
        component="plant",
        target=PLANT,
        identity={"run_id": "run_id", "user_id": "self.user_id", "subject": "job"},
    ),
    HostClass(
        component="store",
        target=STORE,
        identity={"user_id": "user_id"},
        mixin="courier_mixin:StoreMixin",
    ),
    HostClass(component="office", target=OFFICE, identity={"run_id": "run_id"}),
    HostClass(component="relay", target=RELAY, identity={"run_id": "self.run_id", "user_id": "self.channel.user_id"}),
)

HOST = Host(
    name="courier",
    package="courier",
    facade="courier.loud",
    components=("channel", "beacon", "plant", "store", "office", "relay"),
    classes=CLASSES,
    contracts=CONTRACTS,
    naming=(Named(pattern="channel", target=CHANNEL),),
    versions=">=2,<3",
    version_attribute="courier:VERSION",
)
