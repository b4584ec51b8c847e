"""A watched collaborator is the object itself inside a call; its class's methods tell, and are put back at the end."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import queue
import weakref
from unittest import mock

import pytest
from courier import channel, office, plant, relay
from courier.wire import Wire
from courier_run import drive, modes

import shim
from shim import guard
from shim.tellers import forget, taught

DOWN = ConnectionError("line down")


class Kept(Wire):
    """Looks, from inside a call, at what its holder holds."""

    def look(self, holder):
        self.holder = holder
        return self

    def push_now(self, user, event):
        held = self.holder.wire
        self.seen = (held is self, type(held) is type(self), weakref.ref(held)() is self, vars(held) is vars(self))
        return super().push_now(user, event)


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_inside_a_call_it_is_the_object_itself(courier, mode):
    wire = Kept()
    made = channel.Channel("ann", wire)
    wire.look(made)
    with modes(mode):
        made.send_now("r1", "ping")
        made.send_now("r1", "ping")
    assert wire.seen == (True, True, True, True)


def test_an_object_handed_on_inside_a_call_tells_nothing_once_the_call_is_over(courier):
    class Shares(Wire):
        def push_now(self, user, event):
            others.append(made.wire)
            return True

    others = []
    made = channel.Channel("ann", Shares(ann=False))
    with modes("observe"), shim.recording() as records:
        made.send_now("r1", "ping")
        assert drive(others[0].push, "ann", "ping") is False
    assert records == []


def told_by(made):
    with modes("observe"), shim.recording() as records:
        assert made.send_now("r1", "ping") in (False, None)
    return [found.reason for found in records]


def _class_replaced(monkeypatch):
    class Own(Wire):
        pass

    made = channel.Channel("ann", Own(ann=False))
    told_by(made)  # taught by now
    monkeypatch.setattr(Own, "push_now", lambda self, user, event: False)
    return made


def _set_on_instance(monkeypatch):
    made = channel.Channel("ann", Wire(ann=False))
    told_by(made)
    made.wire.push_now = lambda user, event: False
    return made


def _inherited(monkeypatch):
    class Base(Wire):
        pass

    class Heir(Base):
        def push_now(self, user, event):
            return super().push_now(user, event)

    told_by(channel.Channel("ann", Base(ann=False)))
    return channel.Channel("ann", Heir(ann=False))


def _mock(monkeypatch):
    return channel.Channel("ann", mock.MagicMock(**{"push_now.return_value": False}))


def _slots(monkeypatch):
    class Slotted:
        __slots__ = ()

        def push_now(self, user, event):
            return False

    return channel.Channel("ann", Slotted())


def _made_up(monkeypatch):
    class Anything:
        def __getattr__(self, name):
            return lambda user, event: False

    return channel.Channel("ann", Anything())


@pytest.mark.parametrize("make", [_class_replaced, _set_on_instance, _inherited, _mock, _slots, _made_up])
def test_whatever_stands_in_its_place_is_heard(courier, monkeypatch, make):
    made = make(monkeypatch)
    for _ in range(2):
        assert told_by(made) == ["the wire refused (wire.push_now answered False)"]


def test_a_replaced_method_is_heard_although_a_proxy_hears_another_instance(courier):
    told_by(_mock(None))  # from here on the attribute is a descriptor
    assert told_by(channel.Channel("ann", Wire(ann=False))) == ["the wire refused (wire.push_now answered False)"]


@pytest.mark.parametrize(("kind", "methods"), [(queue.SimpleQueue, ("put",)), (mock.Mock, ("push",)), (dict, ("pop",))])
def test_what_cannot_be_taught_is_left_as_it_is(kind, methods):
    before = dict(vars(kind))
    assert taught(kind, methods) is None
    assert dict(vars(kind)) == before


def test_off_teaches_nobody_and_uninstall_puts_back_what_was_taught(courier):
    courier.uninstall()  # what tests before have taught goes
    made_anew = shim.install(courier.host)

    class Own(Wire):
        async def push(self, user, event):
            return False

    before = dict(vars(Own)), dict(vars(Wire))
    made = office.Office(channel.Channel("ann", Own()))
    with modes("off"):
        drive(made.in_time, "r1", "ping")
    assert (dict(vars(Own)), dict(vars(Wire))) == before
    with modes("observe"), shim.recording() as records:
        drive(made.in_time, "r1", "ping")
    assert len(records) == 1
    assert dict(vars(Own)) != before[0]
    made_anew.uninstall()
    assert (dict(vars(Own)), dict(vars(Wire))) == before


def test_what_was_set_over_a_taught_method_is_left_alone():
    class Own(Wire):
        pass

    taught(Own, ("push_now",))
    over = Own.push_now = lambda self, user, event: "over"
    forget()
    assert vars(Own)["push_now"] is over


def test_a_taught_method_says_what_it_said_to_inspect(courier):
    class Own(Wire):
        async def push(self, user, event, *more, urgent=False, **rest):
            """Push."""
            return (user, event, more, urgent, rest)

    bare = Own.push
    with modes("observe"):
        made = office.Office(channel.Channel("ann", Own()))
        assert drive(made.in_time, "r1", "ping") == ("ann", "ping", (), False, {})
    assert Own.push is not bare
    assert inspect.iscoroutinefunction(Own.push)
    assert inspect.signature(Own.push) == inspect.signature(bare)
    assert (Own.push.__doc__, Own.push.__qualname__) == (bare.__doc__, bare.__qualname__)
    assert drive(Own().push, "ann", "ping", 1, 2) == ("ann", "ping", (1, 2), False, {})
    with pytest.raises(TypeError, match=r"Own\.push\(\) missing 1 required positional argument: 'event'"):
        Own().push("ann")


@pytest.mark.parametrize("mode", ["off", "observe"])
def test_a_failing_task_nobody_awaits_is_still_reported_by_asyncio(courier, mode, caplog):
    class Tasked(Wire):
        def announce_now(self, user, event):
            return asyncio.get_running_loop().create_task(self.fail())

        async def fail(self):
            raise DOWN

    async def main():
        plant.Plant("ann", Tasked()).finish_now("job", "r1")
        await asyncio.sleep(0.01)
        gc.collect()

    with caplog.at_level(logging.ERROR, "asyncio"), modes(mode), shim.recording() as records:
        asyncio.run(main())
    assert sum("never retrieved" in found.message for found in caplog.records) == 1
    assert len(records) == (mode == "observe")


def test_our_own_failure_in_preparing_is_counted_and_costs_nothing(courier, monkeypatch):
    class Odd(channel.Channel):
        wire = property(lambda self: 1 / 0, lambda self, value: None)

        def send_now(self, run_id, event, *, urgent=False):
            return super().send_now(run_id, event, urgent=urgent)

    before = guard.own_failures().get("watch.prepare", 0)
    with modes("observe"), shim.recording(), pytest.raises(ZeroDivisionError):
        Odd("ann", None).send_now("r1", "ping")
    assert guard.own_failures()["watch.prepare"] > before


def test_two_collaborators_with_one_method_are_told_apart(courier):
    wire = Wire(ann=[False, False])
    made = relay.Relay("r1", channel.Channel("ann", wire), channel.Channel("ann", wire))
    with shim.override(relay="observe", channel="off"), shim.recording() as records:
        assert drive(made.or_spare, "ping") is False
    assert [found.reason for found in records] == ["the channel refused (channel.send answered False)"]
