"""What host code handles itself is heard where it logs it, and nowhere else."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

import shim
from shim.components.hearing import Listening, listening, with_globals
from shim.contracts import Contract, Shows, Work
from shim.frames import Call, Frame
from shim.snapshot import Mode

logger = logging.getLogger("hearing.host")
GREETING = "hello"
ROW = Contract(
    component="desk", target="desk:Desk", method="close", signature="(self)", is_async=False, shows=Shows.NEVER,
    error=shim.LoudFailure, reason="the desk was not closed", work=Work.PRECEDES,
)  # fmt: skip


class Desk:
    """Host code: it swallows what its steps raise, and says so at some level."""

    def close(self, *steps, level="warning"):
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001  # host code is silent like that
                getattr(logger, level)("a step failed: %s", error)
        logger.warning("closed")
        return GREETING

    def wrap(self, error):
        try:
            raise error  # noqa: TRY301  # the host's handler is the subject
        except Exception:  # noqa: BLE001  # as above
            raise RuntimeError("a text of its own")  # noqa: B904  # as above


def a_frame(instance):
    call: Call = [SimpleNamespace(row=ROW, late=None), instance, (), {}, None, Mode.OBSERVE, None, True, None, 0.0]
    return Frame(call)


def raising(error):
    def step():
        raise error

    return step


def heard(*steps, level="warning"):
    desk = Desk()
    frame = a_frame(desk)
    with listening(frame, "the desk was not closed") as hearing:
        assert hearing.through(desk.close)(*steps, level=level) == "hello"
    return frame.notes


def test_a_copy_sees_the_name_that_was_replaced_and_the_original_does_not():
    desk = Desk()
    assert with_globals(Desk.close, GREETING="bye")(desk) == "bye"
    assert desk.close() == "hello"


def test_each_handled_exception_is_one_note_with_its_place():
    one, two = OSError("gone"), KeyError("lost")
    notes = heard(raising(one), raising(two))
    assert [note.cause for note in notes] == [one, two]
    assert notes[0].reason == "the desk was not closed: raising.<locals>.step raised OSError: gone"


def test_one_exception_told_twice_is_one_note():
    one = OSError("gone")
    assert [note.cause for note in heard(raising(one), raising(one))] == [one]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_what_the_host_mentions_in_passing_is_not_heard(level):
    assert heard(raising(OSError("gone")), level=level) == ()


def test_what_the_caller_handles_is_not_heard():
    try:
        raise KeyError("the caller's own")  # noqa: TRY301  # as a caller in an except body has it
    except KeyError:
        assert heard() == ()


def test_the_log_line_keeps_its_place(caplog):
    heard(raising(OSError("gone")))
    assert [record.funcName for record in caplog.records] == ["close", "close"]


def test_the_exception_behind_the_host_s_own_is_the_cause():
    desk, inner = Desk(), OSError("gone")
    frame = a_frame(desk)
    with pytest.raises(RuntimeError, match="its own"), listening(frame, "") as hearing:
        hearing.through(desk.wrap)(inner)
    [note] = frame.notes
    assert note.cause is inner
    assert note.reason == "the host raised RuntimeError: a text of its own"


def test_a_chain_that_goes_round_ends():
    one, two = OSError("one"), OSError("two")
    one.__cause__, two.__cause__ = two, one
    assert Listening(a_frame(None)).innermost(one) in (one, two)


def test_what_is_no_plain_function_runs_as_it_is():
    assert Listening(a_frame(None)).through(len) is len


def test_our_look_that_fails_is_our_own_failure_and_keeps_what_it_found():
    frame = a_frame(None)
    hearing = Listening(frame)
    before = shim.guard.own_failures().get("hearing.look", 0)

    def look():
        yield from ()
        raise AttributeError("not now")

    hearing.look(look())
    assert frame.notes == ()
    assert shim.guard.own_failures()["hearing.look"] == before + 1
