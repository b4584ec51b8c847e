"""A wrapper has the parameters of what it wraps: calls, mistakes, log lines and tracebacks are the host's."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
import warnings

import pytest
from courier import channel
from courier_run import modes

import shim
from shim.contracts import Hook, Shows
from shim.errors import LoudFailure
from shim.hooks import wrap_hook
from shim.shape import MARK, shaped

HOOK = Hook(method="told", shows=Shows.FALSY, error=LoudFailure, reason="not told")


def plain(self, one, two=2):
    return (self, one, two)


def positional(self, one, /, two, three=3):
    return (self, one, two, three)


def keywords(self, one, *, two, three=3):
    return (self, one, two, three)


def everything(self, one, /, two=2, *more, three, four=4, **rest):
    return (self, one, two, more, three, four, rest)


def stars(*given, **named):
    return (given, named)


def awkward(self, answer, call, host, args, kwargs, token=None):
    return (self, answer, call, host, args, kwargs, token)


CALLS = (((0,), {}), ((0, 1), {}), ((0, 1, 2), {}), ((0, 1, 2, 3), {}), ((0, 1), {"two": 5}), ((0,), {"one": 1}),
         ((), {}),
         ((0, 1), {"two": 5, "three": 6}), ((0, 1, 2, 3, 4), {"three": 7, "five": 8}), ((0, 1, 2, 3, 4, 5), {}),
         ((0, 1), {"self": 9}))  # fmt: skip


def outcome(function, args, kwargs):
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("host", [plain, positional, keywords, everything, awkward])
@pytest.mark.parametrize(("args", "kwargs"), CALLS, ids=repr)
def test_a_call_gives_what_the_host_gives_mistakes_included(host, args, kwargs):
    made = wrap_hook(host, HOOK, "channel")
    assert outcome(made, args, kwargs) == outcome(host, args, kwargs)


@pytest.mark.parametrize("host", [plain, positional, keywords, everything, awkward])
def test_inspect_sees_the_host(host):
    made = wrap_hook(host, HOOK, "channel")
    assert inspect.signature(made) == inspect.signature(made, follow_wrapped=False) == inspect.signature(host)
    assert (made.__qualname__, made.__module__, made.__doc__) == (host.__qualname__, host.__module__, host.__doc__)
    assert made.__code__.co_qualname == host.__code__.co_qualname


def test_what_names_no_instance_is_wrapped_as_it_is():
    assert wrap_hook(functools.partial(plain, two=5), HOOK, "channel")(0, 1) == (0, 1, 5)
    assert wrap_hook(stars, HOOK, "channel")(0, 1, two=2) == ((0, 1), {"two": 2})


def test_a_host_line_that_names_its_caller_names_it_still(caplog):
    def speak(self):
        logging.getLogger("courier").warning("who calls?", stacklevel=2)
        warnings.warn("who calls?", stacklevel=2)

    made = shaped(speak, "return $call\n", {}, "test")
    with caplog.at_level("WARNING", "courier"), pytest.warns(UserWarning, match="who calls") as warned:
        made(None)
    here = inspect.currentframe().f_lineno - 1
    assert [(found.filename, found.lineno) for found in caplog.records] == [("test_shape.py", here)]
    assert [(found.filename, found.lineno) for found in warned] == [(__file__, here)]
    assert made.__globals__[MARK]


def test_a_traceback_shows_the_wrapper_s_own_lines(courier):
    with modes("enforce"), pytest.raises(LoudFailure) as caught, shim.recording():
        channel.Channel("ann", None).send_now("r1", "ping")
    lines = traceback.format_exception(caught.value)
    assert any("<failloud wrapper of channel.send_now" in line and "_fl_guard.close" in line for line in lines)
