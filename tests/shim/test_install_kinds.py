"""What can be contracted: functions, static and class methods, classes that refuse subclasses, in all three modes."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import textwrap
import types

import pytest

import shim
from shim.contracts import Collaborator, Contract, Hook, Host, HostClass, Shows
from shim.errors import UNKNOWN, LoudFailure
from shim.host import HostMismatchError, install
from shim.places import Kind


class LostError(LoudFailure):
    """Raised in these tests: a host's own class with its own key."""

    phrase = "parcel lost"
    context_keys = ("parcel",)

    def __init__(self, reason="", *, parcel=UNKNOWN, **common):
        super().__init__(reason, context={"parcel": parcel}, **common)


SOURCE = '''
    import dataclasses, enum
    from abc import ABC, abstractmethod

    calls = []

    def post(parcel, *, fast=False):
        """Post a parcel."""
        calls.append(parcel)
        return None

    def post_any(*parcels, **more):
        return False

    async def post_later(parcel):
        calls.append(parcel)
        return False

    def blow(parcel):
        raise ValueError(parcel)

    class Plain:
        name = "plain"
        def send(self, parcel):
            """Send."""
            return False
        @staticmethod
        def weigh(parcel):
            return 0
        @staticmethod
        async def weigh_later(parcel):
            return 0
        @classmethod
        def find(cls, parcel):
            calls.append(cls.__name__)
            return None

    class Final:
        def __init_subclass__(cls, **kwargs):
            raise TypeError("final")
        def send(self, parcel):
            return False

    REGISTERED = []
    class Registers:
        def __init_subclass__(cls, **kwargs):
            REGISTERED.append(cls)
        def send(self, parcel):
            return False

    class Meta(type):
        def __new__(meta, name, bases, namespace):
            if bases:
                raise RuntimeError("sealed")
            return super().__new__(meta, name, bases, namespace)

    class Sealed(metaclass=Meta):
        def send(self, parcel):
            return self._push(parcel)
        def _push(self, parcel):
            return False
        @staticmethod
        def weigh(parcel):
            return 0

    class Way(enum.Enum):
        SEA = 1
        AIR = 2
        def send(self, parcel):
            return False

    class Slots:
        __slots__ = ("parcel",)
        def send(self, parcel):
            return False

    class Abstract(ABC):
        @abstractmethod
        def size(self): ...
        def send(self, parcel):
            return False

    class Concrete(Abstract):
        def size(self):
            return 1

    @dataclasses.dataclass(frozen=True)
    class Frozen:
        parcel: str = "p"
        def send(self, parcel):
            return False

    class Mapped(dict):
        def send(self, parcel):
            return False

    class Error(Exception):
        def send(self, parcel):
            return False
'''


@pytest.fixture
def depot(monkeypatch):
    """Make the host's module."""
    module = types.ModuleType("depot")
    monkeypatch.setitem(sys.modules, "depot", module)
    exec(compile(textwrap.dedent(SOURCE), "<depot>", "exec"), vars(module))  # noqa: S102  # our own text
    return module


def declare(target, method, signature, *, is_async=False, shows=Shows.FALSY, **cls):
    where = f"depot:{target}" if target else "depot"
    identity = {"run_id": "parcel", "parcel": "parcel"}
    row = Contract(
        component="one", target=where, method=method, signature=signature, is_async=is_async, shows=shows,
        error=LostError, reason="not there", identity={} if target else identity, watches=cls.pop("watches", ()),
    )  # fmt: skip
    classes = (HostClass(component="one", target=where, identity=identity, **cls),) if target else ()
    return Host(
        name="depot", package="depot", facade="depot.loud", components=("one",), classes=classes, contracts=(row,)
    )


def run(found):
    return asyncio.run(found) if inspect.iscoroutine(found) else found


CASES = [
    ("", "post", "(parcel, *, fast=False)", lambda m: m.post),
    ("", "post_any", "(*parcels, **more)", lambda m: m.post_any),
    ("", "post_later", "(parcel)", lambda m: m.post_later),
    ("Plain", "send", "(self, parcel)", lambda m: m.Plain().send),
    ("Plain", "weigh", "(parcel)", lambda m: m.Plain.weigh),
    ("Plain", "weigh", "(parcel)", lambda m: m.Plain().weigh),
    ("Plain", "weigh_later", "(parcel)", lambda m: m.Plain.weigh_later),
    ("Plain", "find", "(cls, parcel)", lambda m: m.Plain.find),
    ("Plain", "find", "(cls, parcel)", lambda m: m.Plain().find),
    ("Final", "send", "(self, parcel)", lambda m: m.Final().send),
    ("Registers", "send", "(self, parcel)", lambda m: m.Registers().send),
    ("Sealed", "send", "(self, parcel)", lambda m: m.Sealed().send),
    ("Sealed", "weigh", "(parcel)", lambda m: m.Sealed.weigh),
    ("Way", "send", "(self, parcel)", lambda m: m.Way.SEA.send),
    ("Slots", "send", "(self, parcel)", lambda m: m.Slots().send),
    ("Abstract", "send", "(self, parcel)", lambda m: m.Concrete().send),
    ("Concrete", "send", "(self, parcel)", lambda m: m.Concrete().send),
    ("Frozen", "send", "(self, parcel)", lambda m: m.Frozen().send),
    ("Mapped", "send", "(self, parcel)", lambda m: m.Mapped().send),
    ("Error", "send", "(self, parcel)", lambda m: m.Error().send),
]


@pytest.mark.parametrize(("target", "method", "signature", "get"), CASES, ids=[f"{c[0]}.{c[1]}" for c in CASES])
def test_off_is_the_host_observe_records_enforce_raises(depot, caplog, target, method, signature, get):
    caplog.set_level(logging.CRITICAL, "failloud")
    bare = get(depot)
    face = inspect.signature(bare), bare.__doc__, bare.__name__, bare.__qualname__, inspect.iscoroutinefunction(bare)
    expected = run(bare("p1"))
    made = install(declare(target, method, signature, is_async=method.endswith("later")))
    call = get(depot)
    assert (inspect.signature(call), call.__doc__, call.__name__, call.__qualname__) == face[:4]
    assert inspect.iscoroutinefunction(call) is face[4]
    with shim.recording() as records:
        assert run(call("p1")) == expected
        assert records == []
        with shim.override(one="observe"):
            assert run(call("p2")) == expected
        assert len(records) == 1
        with shim.override(one="enforce"), pytest.raises(LostError, match=f"parcel lost: one.{method}") as caught:
            run(call("p3"))
    assert len(records) == 2
    if method != "post_any":
        assert (caught.value.run_id, caught.value.context) == ("p3", {"parcel": "p3"})
    assert made.uninstall() == []
    assert get(depot) == bare or get(depot).__func__ is bare.__func__


def test_what_the_host_raises_passes_and_is_recorded_once(depot):
    made = install(declare("", "blow", "(parcel)", shows=Shows.RAISES))
    with shim.override(one="enforce"), shim.recording() as records, pytest.raises(ValueError, match="p1"):
        depot.blow("p1")
    assert len(records) == 1
    made.uninstall()


def test_building_the_shim_is_no_news_for_the_host(depot):
    made = install(declare("Registers", "send", "(self, parcel)"))
    assert depot.REGISTERED == []
    sub = type("Sub", (depot.Registers,), {})
    assert [sub] == depot.REGISTERED
    made.uninstall()
    assert "__init_subclass__" in vars(depot.Registers)


HOOK = Hook(method="_push", shows=Shows.FALSY, error=LostError, reason="the push failed")
PUSHES = Collaborator(
    attribute="wire", methods=("push",), shows=Shows.FALSY, error=LostError, raised_error=LostError, reason="no"
)


def test_a_sealed_class_is_wrapped_in_place_with_a_warning_and_put_back(depot, caplog):
    before = dict(vars(depot.Sealed))
    old = depot.Sealed()
    made = install(declare("Sealed", "send", "(self, parcel)", hooks=(HOOK,), watches=(PUSHES,)))
    assert "depot:Sealed cannot be subclassed (RuntimeError: sealed): its methods are wrapped on the" in caplog.text
    assert "lost: what wire does where its class takes no wrapper (failures that only show there" in caplog.text
    assert [(place.kind, place.where) for place in made.rebound] == [
        (Kind.METHOD, "depot.Sealed.send"),
        (Kind.METHOD, "depot.Sealed._push"),
    ]
    with shim.override(one="observe"), shim.recording() as records:
        assert old.send("p1") is False
    assert [record.reason for record in records] == ["the push failed"]
    depot.Sealed._push = later = lambda self, parcel: True
    assert made.uninstall() == ["depot:Sealed._push: replaced since"]
    assert depot.Sealed._push is later
    assert vars(depot.Sealed)["send"] is before["send"]


def test_a_class_of_c_that_is_final_gets_a_stand_in(depot, caplog):
    depot.Cut = memoryview
    row = declare("Cut", "cast", "(self, format, /)", shows=Shows.RAISES)
    with pytest.raises(HostMismatchError, match="its signature cannot be read"):
        install(row)
    made = install(declare("Cut", "tolist", "(self, /)"))
    assert "can be neither subclassed nor changed" in caplog.text
    assert [place.where for place in made.rebound if place.where.startswith("depot.")] == ["depot.Cut"]
    empty, full = depot.Cut(b""), depot.Cut(b"ab")
    assert isinstance(full, depot.Cut)
    assert isinstance(memoryview(b""), depot.Cut)
    assert (len(full), full[0], full.nbytes) == (2, 97, 2)
    with shim.override(one="enforce"):
        assert full.tolist() == [97, 98]
        with pytest.raises(LostError):
            empty.tolist()
    assert made.uninstall() == []
    assert depot.Cut is memoryview


def test_a_mixture_of_watch_and_slots_is_refused(depot):
    with pytest.raises(HostMismatchError, match="only plain attributes can be watched"):
        install(declare("Slots", "send", "(self, parcel)", watches=(Collaborator(**{
            **{name: getattr(PUSHES, name) for name in PUSHES.__dataclass_fields__}, "attribute": "parcel"
        }),)))  # fmt: skip
