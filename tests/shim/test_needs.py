"""What is said to be missing before a call; and that the test before each call finds the same."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shim import guard
from shim.contracts import Needs
from shim.errors import LoudFailure
from shim.identity import finder
from shim.needs import lacks, missing


class Moody:
    @property
    def wire(self):
        msg = "not now"
        raise LookupError(msg)


class Mute:
    pass


def call(self, run_id, job=None):
    """Stand for the host's method."""


def need(**fields):
    return Needs(error=LoudFailure, reason="it is not there", **fields)


WIRE, PUSHES = need(attribute="wire"), need(attribute="wire", methods=("push",))
CLOSED, GIVEN = need(attribute="wire", unset=True), need(argument="job.run_id|run_id")
PUSHING = SimpleNamespace(push=print)
ROWS = [
    (WIRE, None, ("r1",), "it is not there"),
    (WIRE, 0, ("r1",), ""),
    (PUSHES, None, ("r1",), "it is not there"),
    (PUSHES, Mute(), ("r1",), "the wire is a Mute, which has no method push"),
    (PUSHES, PUSHING, ("r1",), ""),
    (CLOSED, True, ("r1",), "it is not there"),
    (CLOSED, False, ("r1",), ""),
    (GIVEN, None, ("r1",), ""),
    (GIVEN, None, ("", None), "it is not there"),
    (GIVEN, None, (None, {"run_id": "r2"}), ""),
    (GIVEN, None, (None, {"run_id": ""}), "it is not there"),
    (GIVEN, None, (0,), ""),
]


@pytest.mark.parametrize(("asked", "held", "args", "said"), ROWS)
def test_what_is_missing(asked, held, args, said):
    instance, given = SimpleNamespace(wire=held), finder(asked.argument, call)
    assert missing(asked, given, instance, args, {}) == said
    source = lacks([asked]).replace("$self", "one").replace("$args", "args").replace("$kwargs", "{}")
    assert eval(source, {"one": instance, "args": args, "_fl_given_0": given}) == bool(said)  # noqa: S307  # ours


def test_an_attribute_that_raises_is_the_host_s_to_meet():
    before = sum(guard.own_failures().values())
    assert missing(WIRE, finder("", call), Moody(), ("r1",), {}) == ""
    assert sum(guard.own_failures().values()) == before + 1
