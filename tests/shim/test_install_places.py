"""Every kind of place that captured a class or a function before the install names the shim after it, and back."""

from __future__ import annotations

import gc
import itertools
import logging
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import typing

import pytest

import shim
from shim.contracts import Contract, Host, HostClass, Shows
from shim.errors import LoudFailure
from shim.host import census, install
from shim.places import Kind

CORE = '''
    class Sender:
        """Sends; False where it cannot."""

        _instance = None
        made = 0

        def send(self, event):
            return False

        @classmethod
        def create(cls):
            return cls()

        def twice(self):
            return super().__hash__() and __class__

    class Only:
        _instance = None

        def __new__(cls):
            if cls._instance is None:
                cls._instance = super().__new__(cls)
            return cls._instance

        def send(self, event):
            return False

    def post(event, loud=False):
        """Posts; None where it cannot."""
        return None
'''

CAPTURES = """
    import collections
    import dataclasses
    import functools
    import threading
    from typing import Optional

    from hostcore import core
    from hostcore.core import Only, Sender, Sender as Renamed, post

    BY_NAME = {"one": Sender, "two": int}
    BY_TYPE = {int: 1, Sender: 2, str: 3}
    LISTED = [int, Sender, Sender]
    TUPLE = (Sender, Only, post)
    FROZEN = frozenset({Sender, int})
    SET = {Sender, int}
    DEQUE = collections.deque([Sender])
    NESTED = {"deep": [{"er": (Sender, [Sender])}]}
    PARTIAL = functools.partial(Sender)
    PARTIAL_WITH = functools.partial(isinstance, class_or_tuple=Sender)
    BOUND = Sender.create
    INSTANCE = Sender()
    POSTS = {"post": post}

    def by_default(cls=Sender, *, only=Sender):
        return cls, only

    def make_closure():
        cls = Sender
        def inner():
            return cls
        return inner

    CLOSURE = make_closure()

    def annotated(sender: Sender) -> Sender:
        return sender

    class Holder:
        kind = Sender
        poster = staticmethod(post)
        def __init__(self):
            self.kind = Sender
            self.table = {"a": Sender}

    HOLDER = Holder()

    class Slotted:
        __slots__ = ("kind",)

    SLOTTED = Slotted()
    SLOTTED.kind = Sender

    @dataclasses.dataclass
    class Data:
        kind: type = Sender
        sender: object = dataclasses.field(default_factory=Sender)

    class Special(Sender):
        def other(self):
            return 1

    SPECIAL = Special()
    MAYBE = Optional[Sender]
    LOCAL = threading.local()
    LOCAL.kind = Sender
"""

CLS, POST = "hostcore.core:Sender", "hostcore.core"


def row(**fields):
    common = {
        "component": "one", "target": CLS, "method": "send", "signature": "(self, event)", "is_async": False,
        "shows": Shows.FALSY, "error": LoudFailure, "reason": "not sent",
    }  # fmt: skip
    return Contract(**{**common, **fields})


HOST = Host(
    name="hostcore",
    package="hostcore",
    facade="hostcore.loud",
    components=("one", "two", "three"),
    classes=(HostClass(component="one", target=CLS), HostClass(component="two", target="hostcore.core:Only")),
    contracts=(
        row(),
        row(component="two", target="hostcore.core:Only"),
        row(component="three", target=POST, method="post", signature="(event, loud=False)"),
    ),
)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Write the host to a folder on the path; import nothing of it."""
    package = tmp_path / "hostcore"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text(textwrap.dedent(CORE))
    (package / "captures.py").write_text(textwrap.dedent(CAPTURES))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    for made in shim.host.installed():
        if made.host.package == "hostcore":
            made.uninstall()
    for name in [name for name in sys.modules if name.partition(".")[0] == "hostcore"]:
        del sys.modules[name]
    gc.collect()


@pytest.fixture
def captures(tree):
    """Import the host's capturing module."""
    import hostcore.captures

    return hostcore.captures


def field(found, name):
    return next(each for each in found.Data.__dataclass_fields__.values() if each.name == name)


PLACES = {
    "module attribute": lambda m: m.Sender,
    "under another name": lambda m: m.Renamed,
    "in its own module": lambda m: m.core.Sender,
    "value of a dict": lambda m: m.BY_NAME["one"],
    "key of a dict": lambda m: list(m.BY_TYPE)[1],
    "item of a list": lambda m: m.LISTED[1],
    "second item of a list": lambda m: m.LISTED[2],
    "tuple": lambda m: m.TUPLE[0],
    "frozen set": lambda m: next(each for each in m.FROZEN if each is not int),
    "set": lambda m: next(each for each in m.SET if each is not int),
    "deque": lambda m: m.DEQUE[0],
    "tuple in a dict in a list in a dict": lambda m: m.NESTED["deep"][0]["er"][0],
    "list in a tuple": lambda m: m.NESTED["deep"][0]["er"][1][0],
    "partial": lambda m: m.PARTIAL.func,
    "argument of a partial": lambda m: m.PARTIAL_WITH.keywords["class_or_tuple"],
    "bound class method": lambda m: m.BOUND.__self__,
    "default argument": lambda m: m.by_default()[0],
    "keyword default": lambda m: m.by_default()[1],
    "closure": lambda m: m.CLOSURE(),
    "annotation": lambda m: m.annotated.__annotations__["sender"],
    "class attribute": lambda m: m.Holder.kind,
    "attribute of an object": lambda m: m.HOLDER.kind,
    "dict of an object": lambda m: m.HOLDER.table["a"],
    "slot of an object": lambda m: m.SLOTTED.kind,
    "dataclass default": lambda m: m.Data().kind,
    "dataclass field": lambda m: field(m, "kind").default,
    "dataclass factory": lambda m: field(m, "sender").default_factory,
    "made by a dataclass factory": lambda m: type(m.Data().sender),
    "instance": lambda m: type(m.INSTANCE),
    "base class": lambda m: m.Special.__bases__[0],
    "thread local": lambda m: m.LOCAL.kind,
}


def look(module):
    return {name: read(module) for name, read in PLACES.items()}


def test_every_place_names_the_shim_and_then_the_very_class_again(captures):
    bare = captures.core.Sender
    before = {name: dict(vars(found)) for name, found in sys.modules.items() if name.startswith("hostcore")}
    orders = list(captures.BY_TYPE), list(captures.LISTED)
    assert {name for name, found in look(captures).items() if found is not bare} == set()
    made = install(HOST)
    shown = captures.core.Sender
    assert shown is not bare
    assert {name for name, found in look(captures).items() if found is not shown} == set()
    assert [place for place in made.census() if place.kind is not Kind.LOCAL] == []
    assert captures.BY_TYPE[type(captures.INSTANCE)] == 2
    assert made.uninstall() == []
    assert {name for name, found in look(captures).items() if found is not bare} == set()
    assert (list(captures.BY_TYPE), list(captures.LISTED)) == orders
    for name, names in before.items():
        assert {key: value for key, value in vars(sys.modules[name]).items() if value is not names.get(key)} == {}


def test_functions_are_rebound_in_the_same_places(captures):
    bare = captures.core.post
    made = install(HOST)
    places = [captures.core.post, captures.TUPLE[2], captures.POSTS["post"], captures.Holder.poster]
    assert all(each is captures.post for each in places)
    assert captures.post is not bare
    with shim.override(three="enforce"), pytest.raises(LoudFailure, match=r"three\.post"):
        captures.Holder().poster("x")
    made.uninstall()
    assert captures.TUPLE[2] is captures.POSTS["post"] is captures.Holder.poster is bare


def test_the_records_say_kind_and_place(captures):
    made = install(HOST)
    told = {(place.kind, place.where) for place in made.rebound}
    assert {
        (Kind.MODULE, "hostcore.captures.Renamed"),
        (Kind.MODULE, "hostcore.captures.TUPLE"),
        (Kind.VALUE, "hostcore.captures.BY_NAME['one']"),
        (Kind.KEY, "hostcore.captures.BY_TYPE"),
        (Kind.ITEM, "hostcore.captures.LISTED[1]"),
        (Kind.MEMBER, "hostcore.captures.SET"),
        (Kind.DEFAULT, "hostcore.captures.by_default"),
        (Kind.VALUE, "hostcore.captures.by_default.__kwdefaults__['only']"),
        (Kind.CLOSURE, "hostcore.captures.make_closure.<locals>.inner<cls>"),
        (Kind.CLASS, "hostcore.captures.Holder.kind"),
        (Kind.VALUE, "hostcore.captures.HOLDER.table['a']"),
        (Kind.ATTRIBUTE, "hostcore.captures.SLOTTED.kind"),
        (Kind.PARTIAL, "hostcore.captures.PARTIAL"),
        (Kind.BASE, "hostcore.captures.Special"),
    } <= told
    assert all(place.held.startswith("hostcore.core:") for place in made.rebound)


def test_a_subclass_made_before_is_loud_and_super_still_works(captures):
    made = install(HOST)
    with shim.override(one="observe"), shim.recording() as records:
        assert captures.SPECIAL.send("x") is False
    assert len(records) == 1
    assert captures.INSTANCE.twice()
    made.uninstall()
    with shim.recording() as records:
        assert captures.SPECIAL.send("x") is False
    assert records == []


def test_a_subclass_made_after_that_overrides_is_in_the_census(captures):
    made = install(HOST)
    sub = type("Later", (captures.Sender,), {"send": lambda self, event: None})
    assert [place.where for place in made.census() if place.kind is Kind.OVERRIDE] == [f"{__name__}.Later.send"]
    made.uninstall()
    assert captures.core.Sender in sub.__bases__


@pytest.mark.parametrize("early", [True, False])
def test_a_singleton_stays_the_one_object(captures, early):
    only = captures.Only() if early else None
    made = install(HOST)
    inside = captures.Only()
    assert inside is captures.core.Only() is captures.Only._instance
    assert only is None or inside is only
    assert type(inside) is captures.Only
    made.uninstall()
    assert captures.Only() is inside
    assert type(inside) is captures.Only
    assert vars(captures.Only)["_instance"] is inside


def test_what_was_frozen_is_found_and_frozen_again(captures):
    frozen = captures.Sender()
    gc.freeze()
    try:
        made = install(HOST)
        assert type(frozen) is captures.Sender
        assert captures.BY_NAME["one"] is captures.Sender
        assert gc.get_freeze_count() > 0
        assert gc.isenabled()
        made.uninstall()
        assert type(frozen) is captures.Sender
    finally:
        gc.unfreeze()


def test_pickles_go_through_both_ways(captures):
    before = pickle.dumps(captures.INSTANCE)
    made = install(HOST)
    assert type(pickle.loads(before)) is captures.Sender  # noqa: S301  # our own bytes
    during = pickle.dumps(captures.INSTANCE)
    made.uninstall()
    assert type(pickle.loads(during)) is captures.Sender  # noqa: S301  # our own bytes
    assert typing.get_args(captures.MAYBE)[0] is captures.Sender


def test_what_somebody_changed_since_is_respected(captures):
    made = install(HOST)
    captures.BY_NAME["one"] = bytes
    captures.LISTED.insert(0, float)
    captures.Holder.kind = dict
    captures.Renamed = set
    captures.Sender.send = lambda self, event: "patched"
    assert made.uninstall() == [
        "hostcore.core:Sender.send: replaced on the shim since",
        "hostcore.captures.Renamed: bound to something else since",
    ]
    assert captures.BY_NAME["one"] is bytes
    assert [float, int, captures.core.Sender, captures.core.Sender] == captures.LISTED
    assert captures.Holder.kind is dict
    assert captures.core.Sender().send("x") is False


def test_two_hosts_come_off_in_any_order(captures):
    bare = captures.Sender, captures.Only
    hosts = [
        Host(
            name=f"part_{component}", package="hostcore", facade="hostcore.loud", components=(component,),
            classes=(each,), contracts=tuple(row for row in HOST.contracts if row.target == each.target),
        )
        for component, each in zip(("one", "two"), HOST.classes, strict=True)
    ]  # fmt: skip
    for order in itertools.permutations((0, 1)):
        made = [install(host) for host in hosts]
        assert captures.TUPLE[:2] == (captures.Sender, captures.Only)
        for at in order:
            assert made[at].uninstall() == []
        assert captures.TUPLE[:2] == (captures.Sender, captures.Only) == bare


def test_a_running_function_that_holds_the_class_is_told(captures):
    go, held = threading.Event(), threading.Event()

    def running(cls):
        held.set()
        go.wait(10)
        return cls

    def waiting():
        kept = captures.Sender
        yield
        yield kept

    generator = waiting()
    next(generator)
    thread = threading.Thread(target=running, args=(captures.Sender,))
    thread.start()
    try:
        assert held.wait(10)
        made = install(HOST)
        told = [place for place in census() if place.kind is Kind.LOCAL]
        assert any("waiting" in place.where for place in told)
        assert all("start it after the install" in place.how for place in told)
    finally:
        go.set()
        thread.join()
    made.uninstall()


def test_threads_that_make_instances_meanwhile_lose_none(captures, caplog):
    caplog.set_level(logging.CRITICAL, "failloud")
    stop, kept = threading.Event(), []

    def work():
        while not stop.is_set():
            made = captures.Sender()
            kept.append(made)
            if made.send("x") is not False:
                kept.append("wrong")
            time.sleep(0.0005)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            made = install(HOST)
            shim_class = captures.Sender
            assert shim_class.__failloud_host__
            made.uninstall()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert "wrong" not in kept
    assert {type(each) for each in kept} == {captures.core.Sender}


HIDDEN = """
import functools, sys
sys.path.insert(0, sys.argv[1])
import hostcore.captures as captures
captures.CACHED = functools.lru_cache(captures.Sender)
from test_install_places import HOST
import shim
from shim.host import census
made = shim.install(HOST)
print([f"{place.kind}: {place.where}" for place in census()])
print(made.uninstall())
"""


def test_what_is_hidden_in_an_object_of_c_is_told(tree, tmp_path):
    here = __file__.rpartition("/")[0]
    found = subprocess.run(
        [sys.executable, "-c", HIDDEN, str(tmp_path)], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": f"{here}:{here}/../..", "PATH": ""},
    )  # fmt: skip
    assert "inside an object that cannot be changed: hostcore.captures.CACHED" in found.stdout, found.stderr
