"""Install and uninstall: what can be seen of a class stays the same, and a host that differs is left untouched."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import inspect
import logging
import pickle
import sys
import types

import courier
import pytest
from courier import channel, importers, office, plant, store
from courier.wire import Wire
from courier_host import CLASSES, CONTRACTS, HOST

import shim
from shim.contracts import Contract, Hook, Host, HostClass, Shows
from shim.decisions import FlagError
from shim.errors import WebSocketSendFailureError
from shim.host import AlreadyInstalledError, HostMismatchError, install, installed

HOME = {declared.target: importlib.import_module(declared.target.partition(":")[0]) for declared in CLASSES}
CONTRACTED = [pytest.param(row.target, row.method, id=row.key) for row in CONTRACTS]
HOOKED = [
    pytest.param(declared.target, hook.method, id=f"{declared.component}.{hook.method}")
    for declared in CLASSES
    for hook in declared.hooks
]


def now(target):
    """Give the class that the host's module names at this moment."""
    return getattr(HOME[target], target.partition(":")[2])


def method_face(target, name):
    """Tell what `inspect` and a reader see of a method."""
    found = getattr(now(target), name)
    return (
        inspect.signature(found), inspect.iscoroutinefunction(found), found.__doc__, found.__name__,
        found.__qualname__, found.__module__, found.__annotations__, inspect.getsource(found),
    )  # fmt: skip


def class_face(target):
    """Tell what `inspect` and a reader see of a class."""
    found = now(target)
    return (
        found.__name__, found.__qualname__, found.__module__, found.__doc__, inspect.getsource(found),
        inspect.signature(found), repr(found), type(found),
        [name for name in dir(found) if not name.startswith(("__", "failloud_"))],
    )  # fmt: skip


@pytest.fixture(scope="module")
def faces():
    """Look at everything bare, then installed: one install for the whole table."""

    def look():
        methods = {each.values: method_face(*each.values) for each in CONTRACTED + HOOKED}
        return methods, {declared.target: class_face(declared.target) for declared in CLASSES}

    bare = look()
    made = install(HOST)
    try:
        return bare, look()
    finally:
        made.uninstall()


@pytest.mark.parametrize(("target", "name"), CONTRACTED + HOOKED)
def test_a_method_looks_the_same(faces, target, name):
    (bare, _), (found, _) = faces
    assert found[target, name] == bare[target, name]


@pytest.mark.parametrize("declared", CLASSES, ids=lambda declared: declared.target)
def test_a_class_looks_the_same(faces, declared):
    bare, found = (classes[declared.target] for _, classes in faces)
    # a watched attribute is a descriptor of the shim class: the one name more that dir() shows
    watched = {watch.attribute for row in CONTRACTS if row.target == declared.target for watch in row.watches}
    assert [name for name in found[-1] if name not in watched] == bare[-1]
    assert found[:-1] == bare[:-1]


def test_instances_pickle_and_show_the_same_state_in_both_directions():
    bare = store.Store(3)
    bare.items.append(("ann", "old"))
    before = pickle.dumps(bare)
    made = install(HOST)
    try:
        inside = pickle.loads(before)  # noqa: S301  # our own bytes
        assert type(inside) is store.Store
        assert vars(inside) == {"limit": 3, "longest": 10, "items": [("ann", "old")]}
        during = pickle.dumps(inside)
    finally:
        made.uninstall()
    assert during == before
    assert vars(pickle.loads(during)) == vars(bare)  # noqa: S301  # our own bytes


def test_isinstance_and_vars_hold_for_classes_taken_before_and_after():
    before = channel.Channel
    old = channel.Channel("ann", None)
    made = install(HOST)
    try:
        new = channel.Channel("bob", wire := Wire())
        assert channel.Channel is not before
        assert issubclass(channel.Channel, before)
        for each in (old, new):
            assert isinstance(each, before)
            assert isinstance(each, channel.Channel)
        assert vars(old) == {"user_id": "ann", "wire": None}
        assert vars(new) == {"user_id": "bob", "wire": wire}
        assert new.wire is wire
    finally:
        made.uninstall()
    assert type(new) is before


def test_names_are_rebound_and_instances_moved_and_all_of_it_is_put_back():
    modules = {name: found for name, found in sys.modules.items() if name.partition(".")[0] == "courier"}
    before = {name: dict(vars(found)) for name, found in modules.items()}
    bodies = {declared.target: dict(vars(now(declared.target))) for declared in CLASSES}
    state = dict(vars(importers.LIVE))
    made = install(HOST)
    try:
        assert {"courier.channel.Channel", "courier.importers.Channel", "courier.importers.Bureau"} <= {
            place.where for place in made.rebound
        }
        assert importers.Channel is channel.Channel is type(importers.LIVE)
        assert importers.Bureau is office.Office
        assert made.moved >= 1
        assert made.active
        assert installed() == (made,)
    finally:
        left = made.uninstall()
    assert left == []
    assert not made.active
    assert installed() == ()
    for name, found in modules.items():
        assert {key: value for key, value in vars(found).items() if value is not before[name].get(key)} == {}
        assert list(vars(found)) == list(before[name])
    assert {declared.target: dict(vars(now(declared.target))) for declared in CLASSES} == bodies
    assert type(importers.LIVE) is channel.Channel
    assert vars(importers.LIVE) == state


def test_no_shim_class_survives_an_uninstall():
    before = set(map(id, channel.Channel.__subclasses__()))  # a failed test's traceback may hold one
    install(HOST).uninstall()
    gc.collect()
    assert [cls for cls in channel.Channel.__subclasses__() if id(cls) not in before] == []


def test_install_again_after_uninstall():
    install(HOST).uninstall()
    made = install(HOST)
    with shim.override(channel="observe"), shim.recording() as records:
        assert channel.Channel("ann", None).send_now("r1", "ping") is None
    assert made.uninstall() == []
    assert len(records) == 1


def test_a_name_bound_to_something_else_since_is_reported_and_left_alone():
    made = install(HOST)
    host_class = importers.Channel.__failloud_host__
    stranger = type("Stranger", (), {})
    importers.Channel = stranger
    try:
        left = made.uninstall()
        assert left == ["courier.importers.Channel: bound to something else since"]
        assert importers.Channel is stranger
    finally:
        importers.Channel = host_class


def test_a_call_under_way_at_uninstall_ends_as_it_began(courier):
    held = channel.Channel("ann", Wire(ann=False)).send_now
    with shim.recording() as records:
        assert courier.uninstall() == []
        assert held("r1", "ping") is False
    assert records == []


# --- what cannot be covered is listed


def test_a_subclass_made_before_the_install_is_based_on_the_shim_and_its_override_is_listed(caplog):
    class Special(channel.Channel):
        def send_now(self, run_id, event, *, urgent=False):
            return False

    bare = channel.Channel
    made = install(HOST)
    try:
        assert Special.__mro__[1:3] == (channel.Channel, bare)
        with shim.override(channel="observe"), shim.recording() as records:
            assert Special("ann", Wire(ann=False)).deliver_now("r1", "ping").success is False
        lines = [str(place) for place in made.uncovered if "Special" in place.where]
    finally:
        assert made.uninstall() == []
    assert Special.__bases__ == (bare,)
    assert [f"{record.component}.{record.method}" for record in records] == ["channel.deliver_now"]
    assert len(lines) == 1
    assert "Special.send_now (overridden method) of courier.channel:Channel" in lines[0]
    assert [record.levelno for record in caplog.records if "Special" in record.getMessage()] == [logging.WARNING]
    del Special
    gc.collect()


SLOTTED = '''
class Slotted:
    """Holds nothing."""
    __slots__ = ("kept",)

    def __init__(self, kept):
        self.kept = kept

    def send(self, event):
        return self.kept
'''


def make_host(name, source, *, classes=(), **fields):
    """Make a host of one module from source text, with a `send(self, event)` contract unless told otherwise."""
    package = types.ModuleType(name)
    exec(compile(source, f"<{name}>", "exec"), vars(package))  # noqa: S102  # our own text
    for value in vars(package).values():
        if isinstance(value, type):
            value.__module__ = name
    row = Contract(
        component="one", target=f"{name}:{classes[0]}", method="send", signature="(self, event)", is_async=False,
        shows=Shows.FALSY, error=WebSocketSendFailureError, reason="not sent",
    )  # fmt: skip
    declared = tuple(HostClass(component="one", target=f"{name}:{each}") for each in classes)
    given = {"contracts": (row,), "classes": declared, **fields}
    return package, Host(name=name, package=name, facade=f"{name}.loud", components=("one",), **given)


def test_an_instance_with_slots_is_moved_and_keeps_working(monkeypatch):
    package, host = make_host("slotted", SLOTTED, classes=("Slotted",))
    monkeypatch.setitem(sys.modules, "slotted", package)
    old = package.Slotted(kept="old")
    made = install(host)
    try:
        assert type(old) is package.Slotted
        assert made.uncovered == []
        with shim.override(one="observe"), shim.recording() as records:
            assert package.Slotted(kept="").send("ping") == ""
        assert old.send("ping") == "old"
    finally:
        assert made.uninstall() == []
    assert len(records) == 1


# --- refusals leave the host as it was


def changed(key, **fields):
    """Give the courier host with one contract row changed."""
    rows = tuple(dataclasses.replace(row, **fields) if row.key == key else row for row in CONTRACTS)
    return dataclasses.replace(HOST, contracts=rows)


def untouched():
    return {declared.target: now(declared.target) for declared in CLASSES}, installed(), type(importers.LIVE)


DIFFERENCES = [
    (
        changed("channel.send", signature="(self, run_id, event)"),
        [
            (
                "courier.channel:Channel.send: signature is (self, run_id, event, extra=None), "
                "declared (self, run_id, event)"
            ),
        ],
    ),
    (changed("channel.send", method="sand"), ["courier.channel:Channel.sand: no such method"]),
    (changed("channel.send", is_async=False), ["courier.channel:Channel.send: async, declared otherwise"]),
    (changed("channel.send_now", is_async=True), ["courier.channel:Channel.send_now: not async, declared otherwise"]),
    (dataclasses.replace(HOST, versions=">=3"), ["version 2.1.0 is not in the supported range >=3"]),
    (
        dataclasses.replace(HOST, version_attribute="courier:NUMBER"),
        ["courier:NUMBER: cannot be read (module 'courier' has no attribute 'NUMBER')"],
    ),
    (
        dataclasses.replace(
            HOST,
            classes=tuple(
                dataclasses.replace(
                    declared,
                    hooks=(Hook(method="_gone", shows=Shows.FALSY, error=WebSocketSendFailureError, reason="x"),),
                )
                if declared.component == "beacon"
                else declared
                for declared in CLASSES
            ),
        ),
        ["courier.beacon:Beacon._gone: no such method"],
    ),
]


@pytest.mark.parametrize(("host", "lines"), DIFFERENCES, ids=[lines[0][:60] for _, lines in DIFFERENCES])
def test_a_difference_is_refused(host, lines):
    before = untouched()
    with pytest.raises(HostMismatchError) as caught:
        install(host)
    assert list(caught.value.differences) == lines
    assert lines[0] in str(caught.value)
    assert "nothing was installed" in str(caught.value)
    assert untouched() == before


def test_every_difference_is_listed_at_once():
    host = changed("channel.send", signature="(self)", is_async=False)
    rows = tuple(dataclasses.replace(row, method="gone") if row.key == "plant.start" else row for row in host.contracts)
    with pytest.raises(HostMismatchError) as caught:
        install(dataclasses.replace(host, contracts=rows, versions="<2"))
    assert len(caught.value.differences) == 4
    assert all(line in str(caught.value) for line in caught.value.differences)


MISSING = """
class Slotted:
    async def plain(self): ...
    send = property(lambda self: 1)
    @staticmethod
    def still(event): ...
NOT_A_CLASS = 1
"""


@pytest.mark.parametrize(
    ("target", "method", "line"),
    [
        ("lacking:Gone", "send", "lacking:Gone: cannot be imported (module 'lacking' has no attribute 'Gone')"),
        ("lackung:Slotted", "send", "lackung:Slotted: cannot be imported (No module named 'lackung')"),
        ("lacking:NOT_A_CLASS", "send", "lacking:NOT_A_CLASS: not a class"),
        ("lacking:Slotted", "send", "lacking:Slotted.send: a property; only methods can be contracted"),
        ("lacking:Slotted", "still", "lacking:Slotted.still: signature is (event), declared (self, event)"),
    ],
)
def test_what_is_not_there_is_refused(monkeypatch, target, method, line):
    package, host = make_host("lacking", MISSING, classes=("Slotted",))
    monkeypatch.setitem(sys.modules, "lacking", package)
    row = dataclasses.replace(host.contracts[0], target=target, method=method)
    with pytest.raises(HostMismatchError) as caught:
        install(dataclasses.replace(host, contracts=(row,), classes=(HostClass(component="one", target=target),)))
    assert list(caught.value.differences) == [line]


def test_installed_twice_is_once(courier):
    before = untouched()
    assert install(HOST) is courier
    assert install("courier_host") is courier
    assert untouched() == before


def test_another_declaration_of_an_installed_host_is_refused(courier):
    before = untouched()
    with pytest.raises(AlreadyInstalledError, match=r"another declaration of host 'courier' is installed.*uninstall"):
        install(dataclasses.replace(HOST, naming=()))
    assert untouched() == before


def test_two_hosts_side_by_side(courier, monkeypatch):
    package, host = make_host(
        "slotted", SLOTTED.replace('("kept",)', "()").replace("__slots__ = ()", ""), classes=("Slotted",)
    )
    monkeypatch.setitem(sys.modules, "slotted", package)
    second = install(host)
    with shim.override(one="observe", channel="observe"), shim.recording() as records:
        package.Slotted("").send("ping")
        channel.Channel("ann", None).send_now("r1", "ping")
    assert second.uninstall() == []
    assert [found.component for found in records] == ["one", "channel"]
    with pytest.raises(FlagError, match="unknown component 'one'"):
        shim.mode("one")
    assert shim.mode("channel").mode == "off"


def test_a_component_of_two_hosts_is_refused(courier, monkeypatch):
    package, host = make_host("slotted", SLOTTED, classes=("Slotted",))
    monkeypatch.setitem(sys.modules, "slotted", package)
    row = dataclasses.replace(host.contracts[0], component="channel")
    declared = dataclasses.replace(host.classes[0], component="channel")
    clashing = dataclasses.replace(host, components=("channel",), contracts=(row,), classes=(declared,))
    bare = package.Slotted
    try:
        with pytest.raises((FlagError, HostMismatchError, AlreadyInstalledError), match="channel"):
            install(clashing)
        assert package.Slotted is bare
    finally:
        for made in installed():
            if made.host is clashing:
                made.uninstall()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("FAILLOUD_CHANEL", "observe", "unknown variable 'FAILLOUD_CHANEL'.*did you mean 'FAILLOUD_CHANNEL'"),
        ("FAILLOUD_CHANNEL", "loud", "unknown mode 'loud' in FAILLOUD_CHANNEL: valid are off, observe, enforce"),
    ],
)
def test_a_typo_in_the_environment_refuses_and_leaves_the_host_as_it_was(monkeypatch, name, value, text):
    before = untouched()
    monkeypatch.setenv(name, value)
    with pytest.raises(FlagError, match=text):
        install(HOST)
    assert untouched() == before
    monkeypatch.delenv(name)
    install(HOST).uninstall()


def test_uninstall_twice_says_so(courier):
    assert courier.uninstall() == []
    try:
        assert courier.uninstall() == []
    except ValueError:
        pytest.fail("the second uninstall() ends in a bare ValueError of list.remove")


def test_the_version_is_the_host_s_own():
    assert courier.VERSION == "2.1.0"
    assert isinstance(plant.Plant("ann", None), plant.Plant)


def test_a_watched_attribute_that_is_a_property_is_refused(monkeypatch):
    monkeypatch.setattr(channel.Channel, "wire", property(lambda self: None, lambda self, value: None), raising=False)
    with pytest.raises(HostMismatchError) as caught:
        install(HOST)
    line = "courier.channel:Channel.wire: a property of the class; only plain attributes can be watched"
    assert caught.value.differences == (line,)
