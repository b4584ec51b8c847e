"""The bridge: every way it loses an event, or hides that it did, in all modes. Needs FAILLOUD_HOST_TREE."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hostkit import (
    CALLS,
    RUN,
    THREAD,
    USER,
    Answers,
    Fault,
    Manager,
    call,
    everything,
    in_enforce,
    in_quiet_modes,
    make,
    rows,
    swapped,
)

import shim
from shim.errors import (
    WebSocketBridgeUnavailableError,
    WebSocketContextValidationError,
    WebSocketSendFailureError,
)
from shim.hosts.netra import BRIDGE, HOST, USER_EMITTER

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

NOTIFIES = [row for row in rows(BRIDGE) if row.method.startswith(("notify_", "emit_"))]
VALIDATES = ("notify_agent_started", "emit_agent_event")
"The two that look at the run id themselves; the other eight leave it to the resolver."
STANDARD_RUN = "thread_9f3c_run_1700000000000_a1b2c3d4"
"As the host's own generator words a run of thread `9f3c`."
WORDY_RUN = "user_9_thread_42_alice_bob_carol_dave"
"A run of thread `thread_42`; the host reads `thread_42_alice_bob_carol_dave` out of it."
Build = Callable[[], Callable[[], Awaitable[Any]]]


def bridge(manager: Any = None, registry: Any = None, orchestrator: Any = None) -> Any:
    made = make(BRIDGE)
    made._websocket_manager, made._thread_registry, made._orchestrator = manager, registry, orchestrator
    return made


def on(row: Any, manager: Any, registry: Any = None, orchestrator: Any = None, **given: Any) -> Build:
    """Call `row` on a fresh bridge; stubs are made anew for each call by the functions given."""
    return lambda: call(bridge(_new(manager), _new(registry), _new(orchestrator)), row, **given)


def _new(part: Any) -> Any:
    return part() if callable(part) else part


def sends(answer: Any, thread_id: str | None = THREAD) -> Callable[[], Manager]:
    return lambda: Manager(answer, thread_id)


class Untestable(str):
    """A run id whose comparison raises: what the host's validator swallows."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if other == "registry":
            msg = "compared"
            raise ArithmeticError(msg)
        return str.__eq__(self, other)


BAD_ARGUMENTS = {
    "notify_tool_executing": ({"parameters": [1]}, AttributeError),
    "notify_tool_completed": ({"result": 7}, AttributeError),
    "notify_agent_completed": ({"result": [1]}, AttributeError),
    "notify_agent_error": ({"error": 5}, AttributeError),
    "notify_agent_death": ({"death_cause": ["timeout"]}, TypeError),
    "notify_progress_update": ({"progress": [1]}, AttributeError),
    "notify_custom": ({"data": [1]}, AttributeError),
    "emit_agent_event": ({"data": 7}, TypeError),
}


def _notify_faults() -> Iterator[Fault]:
    context, send = WebSocketContextValidationError, WebSocketSendFailureError
    for row in NOTIFIES:
        key = row.key
        yield Fault(contract=key, name="no manager", build=on(row, None), error=WebSocketBridgeUnavailableError)
        for answer in (False, None):
            build = on(row, sends(answer))
            yield Fault(
                contract=key,
                name=f"manager answers {answer}",
                build=build,
                error=send,
                record={"thread_id": THREAD, "user_id": USER},
            )
        gone = OSError("socket is gone")
        yield Fault(
            contract=key,
            name="manager raises",
            build=on(row, sends(gone)),
            error=send,
            cause=OSError,
            record={"thread_id": THREAD},
        )
        for bad in (None, "", "   ", 7, "registry"):
            cause = None if row.method in VALIDATES else ValueError
            build = on(row, sends(True), run_id=bad)
            yield Fault(contract=key, name=f"run_id {bad!r}", build=build, error=context, cause=cause)
        build = on(row, sends(True), run_id="nobody_knows")
        yield Fault(
            contract=key,
            name="thread unknown",
            build=build,
            error=context,
            cause=ValueError,
            record={"run_id": "nobody_knows", "thread_id": "unknown"},
        )
        yield from _lookup_faults(row)
        yield from _routing_faults(row)
        if row.method in BAD_ARGUMENTS:
            given, cause = BAD_ARGUMENTS[row.method]
            yield Fault(
                contract=key,
                name="argument of a wrong type",
                build=on(row, sends(True), **given),
                error=send,
                cause=cause,
            )
        if row.method in VALIDATES:
            build = on(row, sends(True), run_id=Untestable("run_x"))
            yield Fault(contract=key, name="validator raises", build=build, error=context, cause=ArithmeticError)


def _lookup_faults(row: Any) -> Iterator[Fault]:
    """What the resolver swallows on its way to another source comes out where no source helps."""
    raising = {
        "thread registry": {"registry": lambda: Answers(get_thread=ConnectionError("redis"))},
        "orchestrator": {"orchestrator": lambda: Answers(get_thread_id_for_run=ConnectionError("redis"))},
    }
    for name, parts in raising.items():
        build = on(row, sends(True), run_id="nobody_knows", **parts)
        yield Fault(
            contract=row.key,
            name=f"{name} raises",
            build=build,
            error=WebSocketContextValidationError,
            cause=ConnectionError,
        )
    for name, change in (("connections cannot be read", None), ("format test raises", "_is_valid_thread_format")):
        yield Fault(
            contract=row.key, name=name, build=_reading(row, change), error=WebSocketContextValidationError,
            cause=LookupError,
        )  # fmt: skip


def _reading(row: Any, change: str | None) -> Build:
    def build() -> Callable[[], Awaitable[Any]]:
        made = bridge(Unreadable() if change is None else Manager(True))
        if change is not None:
            setattr(made, change, _raise(LookupError("no pattern")))
        return call(made, row, run_id="thread_9f3c")

    return build


def _raise(error: Exception) -> Callable[..., Any]:
    def raising(*args: Any, **kwargs: Any) -> Any:
        raise error

    return raising


class Unreadable(Manager):
    """A manager whose connections cannot be looked at."""

    def __init__(self) -> None:
        self.answer, self.calls = True, 0

    @property
    def connections(self) -> Any:
        msg = "connections are being replaced"
        raise LookupError(msg)


class Plain:
    """A manager that has no connections to look at."""

    async def send_to_thread(self, thread_id: str, message: Any) -> bool:
        CALLS["send_to_thread"] += 1
        return True


def _routing_faults(row: Any) -> Iterator[Fault]:
    """The manager says sent, and nobody is in the thread that was guessed."""
    error = WebSocketContextValidationError
    for name, run_id, manager, thread_id in (
        ("guessed from words", WORDY_RUN, sends(True), "thread_42_alice_bob_carol_dave"),
        ("guessed from a standard run id", STANDARD_RUN, sends(True), STANDARD_RUN),
        ("guessed without connections to look at", "thread_9f3c", Plain, "thread_9f3c"),
        ("nobody connected", RUN, sends(True, None), THREAD),
    ):
        yield Fault(
            contract=row.key, name=name, build=on(row, manager, run_id=run_id), error=error,
            reason="was guessed from the run id", record={"thread_id": thread_id},
        )  # fmt: skip


def _mapping_faults() -> Iterator[Fault]:
    error, refused = WebSocketContextValidationError, ConnectionError("redis")
    row = HOST.contract("bridge.register_run_thread_mapping")
    record = {"run_id": RUN, "event_type": "run_mapping"}
    yield Fault(contract=row.key, name="no thread registry", build=on(row, None), error=error, record=record)
    for answer in (False, None):
        registry = _registry(register=answer)
        yield Fault(contract=row.key, name=f"registry answers {answer}", build=on(row, None, registry), error=error)
    registry = _registry(register=refused)
    yield Fault(
        contract=row.key, name="registry raises", build=on(row, None, registry), error=error, cause=ConnectionError
    )
    row = HOST.contract("bridge.unregister_run_mapping")
    yield Fault(contract=row.key, name="no thread registry", build=on(row, None), error=error, escalates=True)
    registry = _registry(unregister_run=refused)
    yield Fault(
        contract=row.key,
        name="registry raises",
        build=on(row, None, registry),
        error=error,
        cause=ConnectionError,
        escalates=True,
    )


def _registry(**answers: Any) -> Callable[[], Answers]:
    return lambda: Answers(**answers)


class Getters:
    """What the bridge's module gets its parts with: all work, but for those given."""

    def __init__(self, **parts: Any) -> None:
        self.parts = {
            "get_websocket_manager": Manager(True),
            "get_agent_execution_registry": Answers(get_metrics={}, set_websocket_manager=None, shutdown=None),
            "get_thread_run_registry": Answers(get_thread=None, shutdown=None),
        } | parts

    @contextmanager
    def installed(self, **getters: Any) -> Iterator[None]:
        module = importlib.import_module(BRIDGE.partition(":")[0])
        with swapped(module, **({name: self.getter(name) for name in self.parts} | getters)):
            yield

    def getter(self, name: str) -> Callable[..., Any]:
        def get() -> Any:
            CALLS[name] += 1
            if isinstance(part := self.parts[name], Exception):
                raise part
            return part

        async def getting() -> Any:
            return get()

        return get if name == "get_websocket_manager" else getting


def integrating(method: str, registry: Any = None, **parts: Any) -> Build:
    """Integrate or recover a fresh bridge with parts that fail."""

    def build() -> Callable[[], Awaitable[Any]]:
        made = make(BRIDGE)
        made.config.recovery_base_delay_s = 0.0
        given = {"supervisor": object(), "registry": registry} if registry else {}

        async def integrate() -> Any:
            with Getters(**parts).installed():
                return await getattr(made, method)(**given)

        return integrate

    return build


_BROKEN = OSError("no memory")
_METRICS = {"get_metrics": {}, "set_websocket_manager": None, "setup_agent_websocket_integration": None}
INTEGRATIONS: dict[str, tuple[dict[str, Any], type[Exception] | None, str]] = {
    "getter of the manager raises": ({"get_websocket_manager": _BROKEN}, OSError, "no memory"),
    "getter of the manager gives None": ({"get_websocket_manager": None}, RuntimeError, "is None"),
    "manager lacks methods": ({"get_websocket_manager": object()}, RuntimeError, "missing required methods"),
    "execution registry raises": ({"get_agent_execution_registry": _BROKEN}, RuntimeError, "no memory"),
    "execution registry is None": ({"get_agent_execution_registry": None}, RuntimeError, "is None"),
    "thread registry raises": ({"get_thread_run_registry": _BROKEN}, RuntimeError, "no memory"),
    "thread registry is None": ({"get_thread_run_registry": None}, RuntimeError, "is None"),
    "set-up raises": (
        {"get_agent_execution_registry": Answers(**_METRICS | {"set_websocket_manager": _BROKEN})},
        RuntimeError,
        "no memory",
    ),
    "metrics are no mapping": (
        {"get_agent_execution_registry": Answers(**_METRICS | {"get_metrics": []})},
        None,
        "metrics are no mapping",
    ),
    "metrics raise": ({"get_agent_execution_registry": Answers(**_METRICS | {"get_metrics": _BROKEN})}, OSError, ""),
    "agent registry without manager": (
        {"registry": SimpleNamespace(websocket_manager=None), "get_agent_execution_registry": Answers(**_METRICS)},
        None,
        "the agent registry has no WebSocket manager",
    ),
}


def _integration_faults() -> Iterator[Fault]:
    for name, (parts, cause, reason) in INTEGRATIONS.items():
        build = integrating("ensure_integration", **parts)
        yield Fault(
            contract="bridge.ensure_integration", name=name, build=build, error=WebSocketBridgeUnavailableError,
            cause=cause, reason=reason,
        )  # fmt: skip
    for name in ("getter of the manager raises", "metrics are no mapping"):
        parts, cause, reason = INTEGRATIONS[name]
        build = integrating("recover_integration", **parts)
        yield Fault(
            contract="bridge.recover_integration", name=name, build=build, error=WebSocketBridgeUnavailableError,
            cause=cause, reason=reason, escalates=True,
        )  # fmt: skip


FAULTS = [*_notify_faults(), *_mapping_faults(), *_integration_faults()]
EACH = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.mark.asyncio
@EACH
async def test_off_and_observe_are_the_bare_host(installed: shim.Installation, fault: Fault) -> None:
    await in_quiet_modes(fault)


@pytest.mark.asyncio
@EACH
async def test_enforce_is_loud_once_with_the_cause(installed: shim.Installation, fault: Fault) -> None:
    await in_enforce(fault)


def test_every_contract_of_the_bridge_has_a_fault() -> None:
    assert {row.key for row in rows(BRIDGE)} == {fault.contract for fault in FAULTS}


class Mapping:
    """What a thread registry keeps of a run."""

    def __init__(self, thread_id: str, **metadata: Any) -> None:
        self.thread_id, self.metadata = thread_id, metadata


class Registry:
    """A stub of the thread registry with its table; `register` stores, or raises what it was given."""

    def __init__(self, refuses: Exception | None = None, **mappings: Mapping) -> None:
        self._run_to_thread = dict(mappings)
        self.refuses = refuses

    async def get_thread(self, run_id: str) -> str | None:
        found = self._run_to_thread.get(run_id)
        return found.thread_id if found else None

    async def register(self, run_id: str, thread_id: str, metadata: Any = None) -> bool:
        CALLS["register"] += 1
        if self.refuses is not None:
            raise self.refuses
        self._run_to_thread[run_id] = Mapping(thread_id, **(metadata or {}))
        return True

    async def unregister_run(self, run_id: str) -> bool:
        return self._run_to_thread.pop(run_id, None) is not None


RUNS = (
    None,
    "",
    "   ",
    7,
    "registry",
    "x",
    "nobody_knows",
    RUN,
    STANDARD_RUN,
    WORDY_RUN,
    "thread_",
    "thread__",
    "a_thread_b",
)


@pytest.mark.asyncio
@pytest.mark.parametrize("run_id", RUNS, ids=repr)
async def test_the_resolver_never_answers_nothing(installed: shim.Installation, run_id: Any) -> None:
    for registry in (None, Registry(), Answers(get_thread=None), Answers(get_thread=""), Answers(get_thread=7)):
        with everything("off"):
            try:
                found = await bridge(Manager(True), registry)._resolve_thread_id_from_run_id(run_id)
            except ValueError:
                continue
        assert isinstance(found, str)
        assert found


@pytest.mark.asyncio
@pytest.mark.parametrize("run_id", ["test_system_null", RUN, "x" * 40])
async def test_a_suspicious_run_id_costs_no_event(installed: shim.Installation, run_id: str) -> None:
    made = bridge(Manager(True), Registry(**{run_id: Mapping(THREAD)}))
    assert made._is_suspicious_run_id(run_id), "the host holds every run id suspicious"
    with everything("enforce"), shim.recording() as records:
        assert await made.notify_agent_started(run_id, "triage") is True
    assert records == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["observe", "enforce"])
async def test_a_look_up_that_raises_is_no_failure_where_another_source_knows_the_thread(
    installed: shim.Installation, mode: str
) -> None:
    registry = Answers(get_thread=ConnectionError("redis"), register=True)
    made = bridge(Manager(True), registry, Answers(get_thread_id_for_run=THREAD))
    with everything(mode), shim.recording() as records:
        for row in NOTIFIES:
            assert await call(made, row)() is True
    assert records == []


@pytest.mark.parametrize("run_id", RUNS, ids=repr)
def test_reading_a_thread_out_of_a_run_id_never_raises(installed: shim.Installation, run_id: Any) -> None:
    made = bridge()
    for broken in ("_is_valid_thread_format", "_is_suspicious_thread_id"):
        setattr(made, broken, _raise(LookupError("no pattern")))
        assert made._extract_thread_from_standardized_run_id(run_id) is None or isinstance(run_id, str)


@pytest.mark.asyncio
async def test_a_mapping_that_cannot_be_stored_costs_no_event(installed: shim.Installation) -> None:
    refusing = Registry(refuses=OSError("full"))
    known = bridge(Manager(True), refusing, Answers(get_thread_id_for_run=THREAD))
    guessed = bridge(Manager(True), refusing)
    with everything("enforce"), shim.recording() as records:
        for made in (known, guessed):
            CALLS.clear()
            assert await made.notify_agent_started(RUN, "triage") is True
            assert (CALLS["register"], CALLS["send_to_thread"]) == (1, 1)
    assert records == []


@pytest.mark.asyncio
async def test_a_guess_that_was_stored_is_still_a_guess(installed: shim.Installation) -> None:
    """The host stores what it guessed, and from then on its registry knows the wrong thread."""
    made = bridge(Manager(True), Registry())
    with everything("observe"), shim.recording() as records:
        for _ in range(3):
            assert await made.notify_agent_started(WORDY_RUN, "triage") is True
    assert [one.code for one in records] == ["event_misrouted"] * 3
    assert {one.thread_id for one in records} == {"thread_42_alice_bob_carol_dave"}


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["observe", "enforce"])
async def test_a_run_resolved_to_another_thread_than_its_emitter_s_is_misrouted(
    installed: shim.Installation, mode: str
) -> None:
    """Somebody is in the thread that was guessed: it is another one than the emitter was made for."""
    wrong = "thread_42_alice_bob_carol_dave"
    emitter = make(USER_EMITTER, USER, "thread_42", WORDY_RUN, bridge(Manager(True, wrong)))
    with everything(mode), shim.recording() as records:
        if mode == "observe":
            assert await emitter.notify_agent_started("triage") is True
        else:
            with pytest.raises(WebSocketContextValidationError):
                await emitter.notify_agent_started("triage")
    [found] = records
    assert (found.component, found.origin) == ("factory", "bridge.notify_agent_started")
    assert (found.code, found.user_id, found.run_id) == ("event_misrouted", USER, WORDY_RUN)
    assert "its caller belongs to thread thread_42" in found.reason


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["observe", "enforce"])
async def test_one_failure_below_an_emitter_is_one_record_with_the_innermost_cause(
    installed: shim.Installation, mode: str
) -> None:
    broken = Manager(OSError("socket is gone"))
    emitter = make(USER_EMITTER, USER, THREAD, RUN, bridge(broken))
    with everything(mode), shim.recording() as records:
        if mode == "observe":
            assert await emitter.notify_agent_completed("triage") is False
        else:
            with pytest.raises(WebSocketSendFailureError) as caught:
                await emitter.notify_agent_completed("triage")
            assert isinstance(caught.value.__cause__, OSError)
    [found] = records
    assert (found.component, found.origin) == ("factory", "bridge.notify_agent_completed")
    assert (found.cause, found.thread_id) == ("OSError: socket is gone", THREAD)
    assert broken.calls == 1


@pytest.mark.asyncio
async def test_thread_and_user_come_from_the_host_s_own_tables(installed: shim.Installation) -> None:
    registry = Registry(run_1=Mapping("thread_9", user_id="user_9"))
    with everything("observe"), shim.recording() as records:
        await bridge(None, registry).notify_agent_started("run_1", "triage")
        await bridge(Manager(False), registry).notify_agent_thinking("run_1", "triage", "because")
        await bridge(Manager(False)).notify_agent_started(RUN, "triage")
    assert [(one.thread_id, one.user_id) for one in records] == [("thread_9", "user_9")] * 2 + [(THREAD, USER)]


@pytest.mark.asyncio
async def test_broken_metrics_hide_no_failure(installed: shim.Installation) -> None:
    made = bridge(Manager(True))
    with everything("observe"), shim.recording() as records:
        assert await made.notify_agent_started(RUN, "triage") is True
        assert "failure_sources" not in made._resolution_metrics, "a failure counted now is a KeyError"
        assert await made.notify_agent_started("nobody_knows", "triage") is False
        made._resolution_metrics = {}
        assert await made.notify_agent_started(RUN, "triage") is True
    [found] = records
    assert (found.run_id, found.code) == ("nobody_knows", "unmapped_run")


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_taking_away_a_mapping_that_is_not_there_is_no_failure(installed: shim.Installation, mode: str) -> None:
    made = bridge(None, Registry())
    with everything(mode), shim.recording() as records:
        assert await made.register_run_thread_mapping(RUN, THREAD) is True
        assert [await made.unregister_run_mapping(RUN) for _ in range(2)] == [True, False]
    assert records == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_a_recovery_that_succeeds_in_the_end_is_no_failure(installed: shim.Installation, mode: str) -> None:
    made = make(BRIDGE)
    made.config.recovery_base_delay_s = 0.0
    parts = Getters(get_thread_run_registry=OSError("not yet"))

    async def heal() -> Any:
        if CALLS["get_thread_run_registry"] >= 2:
            parts.parts["get_thread_run_registry"] = Answers(get_thread=None, shutdown=None)
        return await get()

    CALLS.clear()
    get = parts.getter("get_thread_run_registry")
    with everything(mode), shim.recording() as records, parts.installed(get_thread_run_registry=heal):
        result = await made.recover_integration()
        assert result.success
        assert CALLS["get_thread_run_registry"] == 3
        await made.shutdown()
    assert records == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_health_costs_no_event(installed: shim.Installation, mode: str) -> None:
    """A bridge whose checks all fail says so, and sends what its manager can still send."""
    made = bridge(Manager(True), None, Answers(get_metrics=OSError("gone")))
    with everything(mode), shim.recording() as records:
        status = await made.health_check()
        assert not status.registry_healthy
        made._check_registry_health = _raise(OSError("gone"))
        status = await made.health_check()
        assert "gone" in status.error_message
        assert not (await made.get_health_status())["healthy"]
        assert await made.notify_agent_started(RUN, "triage") is True
    assert records == []


@pytest.mark.asyncio
async def test_monitors_are_told_of_health_not_users_of_events(installed: shim.Installation) -> None:
    told: list[Any] = []
    observer = SimpleNamespace(on_component_health_change=_keep(told))
    made = bridge(Manager(True))
    made.register_monitor_observer(Answers(on_component_health_change=OSError("monitor is gone")))
    made.register_monitor_observer(observer)
    with everything("enforce"), shim.recording() as records:
        await made.health_check()
        for row in NOTIFIES:
            assert await call(made, row)() is True
    assert [name for name, _ in told] == ["agent_websocket_bridge"], "one report of health, and no event"
    assert set(told[0][1]) >= {"state", "healthy"}
    assert records == []


def _keep(into: list[Any]) -> Callable[..., Awaitable[None]]:
    async def keep(*args: Any) -> None:
        into.append(args)

    return keep


@pytest.mark.asyncio
async def test_an_event_after_the_shutdown_is_caught(installed: shim.Installation) -> None:
    broken = Answers(shutdown=OSError("no answer"))
    made = bridge(Manager(True), broken, broken)
    with everything("observe"), shim.recording() as records:
        await made.shutdown()
        assert records == []
        assert await made.notify_agent_completed(RUN, "triage") is False
        assert await made.register_run_thread_mapping(RUN, THREAD) is False
    assert [one.error_type for one in records] == ["WebSocketBridgeUnavailableError", "WebSocketContextValidationError"]


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_what_makes_emitters_raises_by_itself(installed: shim.Installation, mode: str) -> None:
    """Three methods that fail loudly in the host need no contract: nothing about them is silent."""
    made, context = bridge(Manager(True)), SimpleNamespace(user_id=USER, thread_id=THREAD, run_id=RUN)
    with everything(mode), shim.recording() as records:
        with pytest.raises(ValueError, match="required"):
            await made.create_user_emitter(None)
        with pytest.raises(ValueError, match="Failed to create user emitter"):
            await made.create_user_emitter(context)
        with pytest.raises(ValueError, match="Failed to create user emitter"):
            await type(made).create_user_emitter_from_ids(USER, THREAD, RUN)
        with pytest.raises(TypeError):
            async with made.create_scoped_emitter(context):
                pass
    assert records == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
async def test_without_a_fault_nothing_is_recorded(installed: shim.Installation, mode: str) -> None:
    """By the registry, by the execution registry, by a guess that somebody is there to confirm, by the user in it."""
    mapped = bridge(Manager(True, None), Registry(run_1=Mapping("thread_nobody_listed")))
    known = bridge(Manager(True), None, Answers(get_thread_id_for_run=THREAD))
    addressed = bridge(Manager(True))
    with everything(mode), shim.recording() as records:
        for row in NOTIFIES:
            assert await call(mapped, row, run_id="run_1")() is True
            assert await call(known, row, run_id="run_2")() is True
            assert await call(bridge(Manager(True)), row)() is True
        data = {"user_id": USER}
        assert await addressed.emit_agent_event("note", data, STANDARD_RUN) is True
        made = make(BRIDGE)
        with Getters().installed():
            assert (await made.ensure_integration()).success
            assert (await made.ensure_integration()).success
            await made.shutdown()
    assert records == []
