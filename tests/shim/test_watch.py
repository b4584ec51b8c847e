"""A watched collaborator is the collaborator: whatever the host's code does with it gives what it gave before."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import operator
import sys
import types
from collections.abc import Callable, Iterable, Sized

import pytest

import shim
from shim.contracts import Collaborator, Contract, Host, HostClass, Shows
from shim.errors import AgentCommunicationFailureError, WebSocketSendFailureError
from shim.host import install

OK = True


class Holder:
    """The host class: `use` runs any code on its collaborator inside a contracted call."""

    fallback = "class attribute"

    def __init__(self, held):
        self.held = held

    def use(self, code):
        code(self)
        return True

    async def use_async(self, code):
        await code(self)
        return True


class Plain:
    """A collaborator without any protocol."""

    def __init__(self):
        self.name = "plain"

    def tell(self, who, answer=OK):
        return answer

    async def tell_async(self, who, answer=OK):
        await asyncio.sleep(0)
        return answer

    def tell_task(self, who, answer=OK):
        return asyncio.get_running_loop().create_task(self.tell_async(who, answer))

    def fail(self, who):
        raise OSError("down")

    async def fail_async(self, who):
        raise OSError("down")


class Rich(dict):
    """A collaborator with many protocols."""

    __hash__ = object.__hash__

    def __call__(self, value):
        return [value]

    def __enter__(self):
        return "entered"

    def __exit__(self, *args):
        return True

    async def __aenter__(self):
        return "entered"

    async def __aexit__(self, *args):
        return True

    async def __aiter__(self):
        yield 1

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "awaited"

    def __int__(self):
        return 7

    __index__ = __int__

    def __lt__(self, other):
        return True

    def __add__(self, other):
        return other


def _watch(methods=("tell", "tell_async", "tell_task", "fail", "fail_async"), attribute="held", shows=Shows.FALSY):
    return Collaborator(
        attribute=attribute, methods=methods, shows=shows, error=WebSocketSendFailureError,
        raised_error=AgentCommunicationFailureError, reason="not told",
    )  # fmt: skip


def _row(method, *, is_async, shows=Shows.FALSY):
    return Contract(
        component="holder", target="holding:Holder", method=method, signature="(self, code)", is_async=is_async,
        shows=Shows.FALSY, error=WebSocketSendFailureError, reason="not used",
        watches=(_watch(shows=shows), _watch(attribute="fallback")),
    )  # fmt: skip


@pytest.fixture(params=[Shows.FALSY])
def holding(monkeypatch, request):
    """Install a host that has one class, in observe."""
    module = types.ModuleType("holding")
    module.Holder = type(
        "Holder", (), {name: v for name, v in vars(Holder).items() if name not in ("__dict__", "__weakref__")}
    )
    module.Holder.__module__ = "holding"
    monkeypatch.setitem(sys.modules, "holding", module)
    bare = module.Holder
    host = Host(
        name="holding", package="holding", facade="holding.loud", components=("holder",),
        classes=(HostClass(component="holder", target="holding:Holder"),),
        contracts=(
            _row("use", is_async=False, shows=request.param), _row("use_async", is_async=True, shows=request.param),
        ),
    )  # fmt: skip
    made = install(host)
    module.bare = bare
    with shim.override(holder="observe"):
        yield module
    assert made.uninstall() == []


def both(holding, held, code):
    """Run the code on a bare holder and inside a contracted call of a shimmed one; give what each says."""
    return seen(holding.bare(held), code), seen(holding.Holder(held), code)


def seen(holder, code):
    found = []

    def run(self):
        try:
            found.append(code(self))
        except Exception as error:  # noqa: BLE001  # what came out is what we compare
            # Python names the type of the object in the text of a TypeError: the kind of error is what must hold
            found.append((type(error), "" if isinstance(error, TypeError) else str(error)))

    holder.use(run)
    return found


SAME = {
    "isinstance": lambda self: isinstance(self.held, type(HELD)),
    "is not None": lambda self: self.held is not None,
    "bool": lambda self: bool(self.held),
    "eq": lambda self: (self.held == HELD, HELD == self.held, self.held != HELD),  # noqa: SIM300  # both sides matter
    "eq itself": lambda self: self.held == self.held,  # two proxies of one object
    "hash": lambda self: hash(self.held),
    "as a key": lambda self: {HELD: 1}.get(self.held),
    "in a set": lambda self: self.held in {HELD, 1},
    "len": lambda self: len(self.held),
    "iter": lambda self: list(self.held),
    "contains": lambda self: "a" in self.held,
    "getitem": lambda self: self.held["a"],
    "setitem": lambda self: operator.setitem(self.held, "b", 2),
    "delitem": lambda self: operator.delitem(self.held, "b"),
    "call": lambda self: self.held(1),
    "callable": lambda self: callable(self.held),
    "with": lambda self: contextlib.ExitStack().enter_context(self.held),
    "int": lambda self: int(self.held),
    "index": lambda self: operator.index(self.held),
    "less than": lambda self: self.held < 1,
    "add": lambda self: self.held + 1,
    "str": lambda self: str(self.held),
    "repr": lambda self: repr(self.held),
    "format": lambda self: f"{self.held}",
    "dir": lambda self: dir(self.held),
    "vars": lambda self: vars(self.held),
    "hasattr": lambda self: [hasattr(self.held, n) for n in ("tell", "gone", "__len__", "__call__", "__iter__")],
    "getattr": lambda self: getattr(self.held, "gone", "default"),
    "missing": lambda self: self.held.gone,
    "setattr": lambda self: setattr(self.held, "name", "new") or HELD.name,
    "delattr": lambda self: setattr(self.held, "extra", 1) or delattr(self.held, "extra") or hasattr(HELD, "extra"),
    "abc": lambda self: [isinstance(self.held, kind) for kind in (Iterable, Sized, Callable)],
    "method name": lambda self: (self.held.tell.__name__, self.held.tell.__doc__),
    "method signature": lambda self: str(inspect.signature(self.held.tell)),
    "iscoroutinefunction": lambda self: [
        inspect.iscoroutinefunction(getattr(self.held, n)) for n in ("tell", "tell_async")
    ],
    "partial": lambda self: functools.partial(self.held.tell, "ann")(),
    "unset": lambda self: self.other,
}  # fmt: skip
"What a host does with a collaborator inside a call; HELD is the object itself."

HELD = None


@pytest.mark.parametrize("kind", [Plain, Rich])
@pytest.mark.parametrize("name", SAME)
def test_inside_a_call_the_collaborator_does_what_it_did(holding, monkeypatch, kind, name):
    held = kind({"a": 1}) if kind is Rich else kind()
    if kind is Rich:
        held.tell, held.tell_async = Plain().tell, Plain().tell_async
    monkeypatch.setitem(globals(), "HELD", held)
    bare, shimmed = both(holding, held, SAME[name])
    assert shimmed == bare


@pytest.mark.parametrize("name", ["aenter", "aiter", "await"])
@pytest.mark.asyncio
async def test_async_protocols(holding, name):
    async def run(self):
        if name == "aenter":
            async with self.held as entered:
                found.append(entered)
        elif name == "aiter":
            found.extend([each async for each in self.held])
        else:
            found.append(await self.held)

    found = []
    await holding.bare(Rich()).use_async(run)
    await holding.Holder(Rich()).use_async(run)
    assert found[0] == found[1]


# --- outside a call, and what is stored


def test_outside_a_call_it_is_the_object_itself(holding):
    held = Plain()
    made = holding.Holder(held)
    assert made.held is held
    assert made.held.tell.__self__ is held
    made.use(lambda self: None)
    assert made.held is held
    assert vars(made) == {"held": held}


def test_in_a_call_of_another_instance_it_is_the_object_itself(holding):
    held = Plain()
    other = holding.Holder(held)
    found = []
    holding.Holder(Plain()).use(lambda self: found.append(other.held is held))
    assert found == [True]


def test_a_proxy_put_back_is_stored_as_the_object(holding):
    held = Plain()
    made = holding.Holder(held)
    made.use(lambda self: setattr(self, "held", self.held))
    assert vars(made)["held"] is held
    other = holding.Holder(None)
    made.use(lambda self: setattr(other, "held", self.held))
    assert vars(other)["held"] is held


def test_a_proxy_kept_elsewhere_is_quiet_once_the_component_is_off(holding):
    kept = []
    holding.Holder(Plain()).use(lambda self: kept.append(self.held))
    with shim.override(holder="off"), shim.recording() as records:
        assert kept[0].tell("ann", answer=False) is False
    assert records == []


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize(
    "code",
    [lambda self: self.held, lambda self: delattr(self, "held"), lambda self: self.other],
    ids=["get", "delete", "never declared"],
)
def test_an_attribute_that_is_not_set_reads_as_on_the_bare_class(holding, code, inside):
    texts = []
    for cls in (holding.bare, holding.Holder):
        made = cls(None)
        del made.held
        if inside:
            texts.append(seen(made, code))
        else:
            with pytest.raises(AttributeError) as caught:
                code(made)
            texts.append([(caught.type, str(caught.value), caught.value.name, caught.value.obj is made)])
    assert texts[0] == texts[1]


def test_a_class_attribute_is_found_as_on_the_bare_class(holding):
    made = holding.Holder(None)
    assert holding.Holder.fallback == made.fallback == "class attribute"
    made.fallback = "own"
    assert made.fallback == "own"
    del made.fallback
    assert made.fallback == "class attribute"
    with pytest.raises(AttributeError) as shimmed:
        _ = holding.Holder.held
    with pytest.raises(AttributeError) as bare:
        _ = holding.bare.held
    assert str(shimmed.value) == str(bare.value)


# --- what it sees


@pytest.mark.parametrize("answer", [False, None, 0, ""])
@pytest.mark.parametrize("method", ["tell", "tell_async", "tell_task"])
@pytest.mark.asyncio
async def test_a_false_answer_is_noted(holding, method, answer):
    async def run(self):
        found = getattr(self.held, method)("ann", answer)
        assert (await found if inspect.isawaitable(found) else found) == answer

    with shim.recording() as records:
        assert await holding.Holder(Plain()).use_async(run) is True
    assert [record.reason for record in records] == [f"not told (held.{method} answered {answer!r})"]


@pytest.mark.parametrize("method", ["fail", "fail_async"])
@pytest.mark.asyncio
async def test_an_exception_is_noted_with_its_cause_and_goes_on(holding, method):
    async def run(self):
        with pytest.raises(OSError, match="down"):
            await tell(self.held)

    async def tell(held):
        answer = getattr(held, method)("ann")
        await answer

    with shim.recording() as records:
        assert await holding.Holder(Plain()).use_async(run) is True
    assert [(record.error_type, record.cause) for record in records] == [
        ("AgentCommunicationFailureError", "OSError: down")
    ]


@pytest.mark.asyncio
async def test_a_task_that_a_collaborator_gives_is_still_a_task(holding):
    async def run(self):
        task = self.held.tell_task("ann")
        task.add_done_callback(ended.append)
        assert isinstance(task, asyncio.Task)
        await task
        await asyncio.sleep(0)

    ended = []
    await holding.Holder(Plain()).use_async(run)
    assert len(ended) == 1


def test_methods_that_are_not_watched_tell_nothing(holding):
    class Other(Plain):
        def other(self):
            return False

    with shim.recording() as records:
        holding.Holder(Other()).use(lambda self: self.held.other())
    assert records == []


@pytest.mark.parametrize("holding", [Shows.UNSUCCESSFUL], indirect=True)
@pytest.mark.parametrize(
    ("answer", "fails"),
    [(types.SimpleNamespace(success=True), False), (types.SimpleNamespace(success=False), True)],
)
def test_an_answer_with_success(holding, answer, fails):
    with shim.recording() as records:
        holding.Holder(Plain()).use(lambda self: self.held.tell("ann", answer))
    assert len(records) == fails
