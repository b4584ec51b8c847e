"""Random calls and random faults: the host beside its shim, equal in off and observe, loud and exact in enforce.

A sequence is run on two worlds made from one description: one of the host's own classes, one of the shimmed ones.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import shim
from shim import frames, guard, recorder
from shim.contracts import Work
from shim.recorder import Action

BOUNDED = settings(max_examples=100, deadline=None, database=None, print_blob=True)


@dataclass(frozen=True)
class Step:
    """What one call showed: to its caller, to a log reader, to the network."""

    value: object
    error: tuple
    lines: tuple
    calls: tuple


@contextmanager
def lines_of(name):
    got, handler, log = [], logging.Handler(), logging.getLogger(name)
    handler.emit = lambda line: got.append((line.levelname, line.getMessage()))
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield got
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = before


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    """Keep thousands of our own lines out of the report; they are written all the same."""
    log = logging.getLogger("failloud")
    handler = logging.NullHandler()
    log.addHandler(handler)
    log.propagate = False
    yield
    log.propagate = True
    log.removeHandler(handler)


async def _ended(answer):
    try:
        return await answer
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def run(loop, world, steps, seen):
    """Run the steps; gives for each what it showed, and its records.

    Each step meets a network in the same state, however few of the steps before were let through to it.
    """
    found = []
    for number, (target, method, args) in enumerate(steps):
        world.get("begin", int)(number)
        with lines_of(world["log"]) as lines, shim.recording() as records:
            value, error = None, ()
            try:
                value = getattr(world[target], method)(*args)
                if asyncio.iscoroutine(value):
                    value = loop.run_until_complete(_ended(value))
            except Exception as caught:  # noqa: BLE001  # what came out is what we compare
                value, error = None, (type(caught), str(caught), caught)
        found.append((Step(value, error[:2], tuple(lines), tuple(seen(world))), records, error[2] if error else None))
    assert frames.current.get() is None
    return found


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def own_since(before):
    return {key: number for key, number in guard.own_failures().items() if number != before.get(key, 0)}


# --- the courier host

from courier import beacon, channel, office, plant, relay, store  # noqa: E402  # beside what uses it
from courier.wire import Wire  # noqa: E402
from courier_host import CONTRACTS, HOST  # noqa: E402
from courier_run import modes  # noqa: E402


@pytest.fixture(scope="module")
def courier_installed():
    made = shim.install(HOST)
    yield made
    assert made.uninstall() == []


ANSWER = st.sampled_from([True, True, True, False, None, 0, 1, "sent", ConnectionError("down"), ValueError("odd")])
RUN = st.sampled_from(["r1", "r1", "r2", "", "lost"])
EVENT = st.sampled_from(["ping", "pong", "a very long event"])
JOB = st.sampled_from(["job", "other job"])
ARGUMENTS = {"run_id": RUN, "event": EVENT, "job": JOB, "user_id": st.sampled_from(["ann", "bob"]), "item": EVENT}
NAMES = {"channel": ("channel", "muted_channel"), "plant": ("plant", "deaf_plant")}
SETTING = st.fixed_dictionaries(
    {
        "ann": st.lists(ANSWER, min_size=1, max_size=6),
        "bob": st.lists(ANSWER, min_size=1, max_size=3),
        "muted": st.booleans(),
        "limit": st.integers(1, 3),
    }
)


@st.composite
def courier_steps(draw):
    rows = draw(st.lists(st.sampled_from(CONTRACTS), min_size=1, max_size=6))
    steps = []
    for row in rows:
        names = [name.strip() for name in row.signature.strip("()").split(",")[1:]]
        args = tuple(draw(ARGUMENTS[name]) for name in names if name in ARGUMENTS)
        steps.append((draw(st.sampled_from(NAMES.get(row.component, (row.component,)))), row.method, args))
    return steps


def courier_world(setting, *, bare):
    def make(cls, *args):
        return (cls.__failloud_host__ if bare else cls)(*args)

    wire = Wire(ann=list(setting["ann"]), bob=list(setting["bob"]))
    ann, bob = make(channel.Channel, "ann", wire), make(channel.Channel, "bob", wire)
    world = {
        "log": "courier", "wire": wire, "channel": ann, "muted_channel": make(channel.Channel, "ann", None),
        "beacon": make(beacon.Beacon, "r1", "ann", wire), "plant": make(plant.Plant, "ann", wire),
        "deaf_plant": make(plant.Plant, "ann", None), "store": make(store.Store, setting["limit"]),
        "office": make(office.Office, ann, bob), "relay": make(relay.Relay, "r1", ann, bob),
    }  # fmt: skip
    world["beacon"].muted = setting["muted"]
    world["begin"] = lambda number: wire.answers.update({who: turned(setting[who], number) for who in ("ann", "bob")})
    return world


def turned(answers, number):
    first = number % len(answers)
    return answers[first:] + answers[:first]


def courier_seen(world):
    return [*world["wire"].calls, *world["store"].items, *world["plant"].done, *world["deaf_plant"].done]


@pytest.mark.usefixtures("courier_installed")
@pytest.mark.parametrize("mode", ["off", "observe"])
@BOUNDED
@given(setting=SETTING, steps=courier_steps())
def test_courier_off_and_observe_are_the_bare_host(loop, mode, setting, steps):
    own = guard.own_failures()
    before = run(loop, courier_world(setting, bare=True), steps, courier_seen)
    with modes(mode):
        found = run(loop, courier_world(setting, bare=False), steps, courier_seen)
    assert [step for step, *_ in found] == [step for step, *_ in before]
    records = [made for _, each, _ in found for made in each]
    if mode == "off":
        assert records == []
    for (target, method, args), (step, each, _) in zip(steps, found, strict=True):
        check_sent(target, method, args, step, each)
    assert {made.action for made in records} <= {Action.OBSERVED, Action.RAISED}
    assert len({made.id for made in records}) == len(records)
    assert own_since(own) == {}


def check_sent(target, method, args, step, records):
    """What a channel's own methods must have recorded, told by the answer alone."""
    if mode_is_off() or target not in NAMES["channel"] or method == "boast":
        return
    good = bool(getattr(step.value, "success", step.value)) and not step.error
    assert len(records) == (0 if good else 1)


def mode_is_off():
    return str(shim.mode("channel").mode) == "off"


@pytest.mark.usefixtures("courier_installed")
@BOUNDED
@given(setting=SETTING, steps=courier_steps())
def test_courier_enforce_raises_or_escalates_what_observe_records(loop, setting, steps):
    own, counted = guard.own_failures(), sum(recorder.counts().values())
    before = run(loop, courier_world(setting, bare=True), steps, courier_seen)
    with modes("observe"):
        observed = run(loop, courier_world(setting, bare=False), steps, courier_seen)
    between = sum(recorder.counts().values())
    with modes("enforce"):
        found = run(loop, courier_world(setting, bare=False), steps, courier_seen)
    for step, bare, seen, now in zip(steps, before, observed, found, strict=True):
        note(f"{step}: {[made.reason for made in now[1]]}")
        check_enforced(HOST.contract(f"{step[0].split('_')[-1]}.{step[1]}"), bare, seen, now)
    assert between - counted == sum(len(each) for _, each, _ in observed)
    assert sum(recorder.counts().values()) - between == sum(len(each) for _, each, _ in found)
    assert own_since(own) == {}


def check_enforced(row, bare, observed, found):
    """Compare one call in the three worlds: bare, observed, enforced."""
    step, records, error = found
    whats = [(made.component, made.method, made.error_type, made.reason, made.run_id, made.user_id) for made in records]
    assert whats == [
        (made.component, made.method, made.error_type, made.reason, made.run_id, made.user_id) for made in observed[1]
    ], "enforce records what observe records, once"
    if isinstance(error, shim.LoudFailure):
        assert any(made.error is error and made.raised for made in records)
        refused = row.work is Work.FOLLOWS and step.lines == ()
        assert refused or (row.work is Work.NONE and bare[2] is None), "raised before the work, or where there is none"
    else:
        assert (step.value, step.error, step.lines) == (bare[0].value, bare[0].error, bare[0].lines)
        if bare[2] is None and row.method != "much_later":  # its task makes a call of its own, and raises there
            assert {made.action for made in records} <= {Action.ESCALATED}


# --- the example host

from agentchat import bridge as chat_bridge  # noqa: E402
from agentchat import buffer as chat_buffer  # noqa: E402
from agentchat import emitter as chat_emitter  # noqa: E402
from agentchat import factory as chat_factory  # noqa: E402
from agentchat import tools as chat_tools  # noqa: E402
from agentchat.agents import ResearchAgent  # noqa: E402
from agentchat.events import RunLog, UserExecutionContext  # noqa: E402
from agentchat.manager import WebSocketManager  # noqa: E402

from shim.hosts.example import HOST as EXAMPLE  # noqa: E402

CONTEXT = UserExecutionContext("ada", "alpha", "run_1", "research")
PLACES = {
    "AgentWebSocketBridge": ("bridge", "lost_bridge"),
    "WebSocketMessageBuffer": ("buffer",),
    "IsolatedWebSocketEventEmitter": ("emitter", "deaf_emitter"),
    "UserWebSocketEmitter": ("user_emitter", "lost_user_emitter"),
    "AgentInstanceFactory": ("factory", "bare_factory"),
    "UnifiedToolExecutionEngine": ("tools", "mute_tools"),
}
SUMS = st.sampled_from(["1 + 1", "1 / 0", "x"])
WORD = st.sampled_from(["search", "calculator"])
CHAT_ARGUMENTS = {
    "run_id": st.sampled_from(["run_1", "run_1", "run_2", "", "registry", "thread_9"]),
    "thread_id": st.sampled_from(["alpha", "gone"]),
    "user_id": st.sampled_from(["ada", "ben"]),
    "agent_name": st.sampled_from(["research", "nobody"]),
    "reasoning": WORD, "error": WORD, "tool_name": WORD, "result": WORD, "status": WORD, "message": WORD,
    "notification_type": WORD, "data": st.just({}), "duration_ms": st.just(1.0),
    "context": st.sampled_from([CONTEXT, None]), "user_context": st.just(CONTEXT),
    "tool_input": SUMS.map(lambda text: chat_tools.ToolInput("calculator", {"expression": text})),
    "tool": st.just(chat_tools.CalculatorTool()),
    "kwargs": st.sampled_from([{"context": CONTEXT}, {}]),
}  # fmt: skip
CHAT_MESSAGE = st.sampled_from([{"type": "x", "run_id": "run_1"}, {"type": "y" * 500}, {"type": object}])
CHAT_SETTING = st.fixed_dictionaries(
    {"socket": st.lists(st.booleans(), max_size=6), "limit": st.integers(1, 3), "connected": st.booleans()}
)


class Socket:
    """A socket that is dead where the next plan says so, and alive once the plans have run out."""

    def __init__(self, plans):
        self.plans, self.sent = list(plans), []

    async def send_json(self, message):
        alive = self.plans.pop(0) if self.plans else True
        self.sent.append((alive, message.get("type"), message.get("run_id"), message.get("thread_id")))
        if not alive:
            raise ConnectionResetError("dead")


@st.composite
def chat_steps(draw):
    steps = []
    for row in draw(st.lists(st.sampled_from(EXAMPLE.contracts), min_size=1, max_size=6)):
        names = [name.strip() for name in row.signature.strip("()").split(",")[1:] if "=" not in name]
        strategies = {**CHAT_ARGUMENTS, **({"message": CHAT_MESSAGE} if row.component == "buffer" else {})}
        args = tuple(draw(strategies[name]) for name in names)
        steps.append((draw(st.sampled_from(PLACES[row.target.partition(":")[2]])), row.method, args))
    return steps


def chat_world(loop, setting, *, bare):
    def make(cls, *args):
        return (cls.__failloud_host__ if bare else cls)(*args)

    config = chat_buffer.BufferConfig(setting["limit"], setting["limit"] + 1, 400)
    queue, socket = make(chat_buffer.WebSocketMessageBuffer, config), Socket(setting["socket"])
    manager, lost = WebSocketManager(queue), make(chat_bridge.AgentWebSocketBridge)
    linked = make(chat_bridge.AgentWebSocketBridge)
    linked._websocket_manager, linked._thread_registry = manager, chat_bridge.ThreadRunRegistry()
    loop.run_until_complete(linked._thread_registry.register("run_1", "alpha"))
    if setting["connected"]:
        loop.run_until_complete(manager.connect_user("ada", socket, "alpha"))
    who = ("ada", "alpha", "run_1")
    world = {
        "log": "agentchat", "socket": socket, "bridge": linked, "lost_bridge": lost, "buffer": queue,
        "emitter": make(chat_emitter.IsolatedWebSocketEventEmitter, *who, manager),
        "deaf_emitter": make(chat_emitter.IsolatedWebSocketEventEmitter, *who, None),
        "user_emitter": make(chat_factory.UserWebSocketEmitter, *who, linked),
        "lost_user_emitter": make(chat_factory.UserWebSocketEmitter, *who, lost),
        "factory": make(chat_factory.AgentInstanceFactory), "bare_factory": make(chat_factory.AgentInstanceFactory),
        "tools": make(chat_tools.UnifiedToolExecutionEngine, linked),
        "mute_tools": make(chat_tools.UnifiedToolExecutionEngine, None),
    }  # fmt: skip
    registry = chat_factory.AgentRegistry(world["tools"], RunLog())
    world["factory"].configure({"research": ResearchAgent}, registry, linked, manager)
    return world


def chat_seen(world):
    counts = [(world[name].events_sent, world[name].events_failed) for name in PLACES["IsolatedWebSocketEventEmitter"]]
    waiting = [world["buffer"].waiting(user) for user in ("ada", "ben")]
    return [*world["socket"].sent, *counts, *waiting, world["buffer"]._total_bytes]


def told_apart(found):
    """Give what was seen; an agent made by the factory is nothing but its class."""
    return [
        (type(step.value) if isinstance(step.value, ResearchAgent) else step.value, step.error, step.lines, step.calls)
        for step, *_ in found
    ]


@pytest.fixture(scope="module")
def example_installed():
    made = shim.install(EXAMPLE)
    yield made
    assert made.uninstall() == []


@pytest.mark.usefixtures("example_installed")
@pytest.mark.parametrize("mode", ["off", "observe"])
@BOUNDED
@given(setting=CHAT_SETTING, steps=chat_steps())
def test_the_example_in_off_and_observe_is_the_bare_host(loop, mode, setting, steps):
    own = guard.own_failures()
    before = run(loop, chat_world(loop, setting, bare=True), steps, chat_seen)
    with shim.override(**dict.fromkeys(EXAMPLE.components, mode)):
        found = run(loop, chat_world(loop, setting, bare=False), steps, chat_seen)
    assert told_apart(found) == told_apart(before)
    records = [made for _, each, _ in found for made in each]
    if mode == "off":
        assert records == []
    for (target, method, _), (step, each, _) in zip(steps, found, strict=True):
        if mode == "observe" and target.endswith("bridge") and method.startswith("notify_"):
            assert len(each) >= (0 if step.value else 1), "a false answer is a failure"
    assert own_since(own) == {}
