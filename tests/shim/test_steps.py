"""What a mixin does around a contracted method: when it is called, with what, and that it costs the host nothing."""

from __future__ import annotations

import asyncio

import pytest

import shim
from shim import guard
from shim.contracts import Contract, Shows
from shim.frames import OUTSIDE, STEP, Frame, Note
from shim.wrap import wrap_method

ROW = Contract(
    component="store", target="desk:Desk", method="push", signature="(self, item, times=1)", is_async=True,
    shows=Shows.FALSY, error=shim.LoudFailure, reason="not pushed",
)  # fmt: skip


class Host:
    def __init__(self, answer):
        self.answer, self.seen = answer, []

    async def push(self, item, times=1):
        self.seen.append(("host", item, times))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Desk(Host):
    def failloud_before_push(self, call, item, times):
        self.seen.append(("before", item, times, call[OUTSIDE]))
        return "kept"

    def failloud_after_push(self, call, answer, item, times):
        self.seen.append(("after", call[STEP], answer, item, times))
        if not answer:
            Frame(call).note(Note(key="own", error=shim.LoudFailure, reason="the step knows why"))

    def failloud_broken_push(self, call):
        self.seen.append(("broken", call[STEP]))


class Clumsy(Desk):
    def failloud_before_push(self, *_):
        raise LookupError("before")  # a step with a bug

    failloud_after_push = failloud_broken_push = failloud_before_push


def push(kind, answer, mode="observe"):
    class Shimmed(kind):
        pass

    Shimmed.push = wrap_method(Host.push, ROW, {}, kind)
    made = Shimmed(answer)
    with shim.override(store=mode), shim.recording() as records:
        try:
            told = asyncio.run(made.push("letter"))
        except BaseException as error:  # noqa: BLE001  # given back, to be compared
            told = error
    return told, made.seen, [record.reason for record in records]


HOST = ("host", "letter", 1)
BEFORE = ("before", "letter", 1, None)


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_steps_run_before_and_after_the_host_with_its_arguments_in_full(mode):
    assert push(Desk, True, mode) == (True, [BEFORE, HOST, ("after", "kept", True, "letter", 1)], [])


@pytest.mark.usefixtures("courier")
def test_in_mode_off_no_step_runs():
    assert push(Desk, False, "off") == (False, [HOST], [])


@pytest.mark.usefixtures("courier")
def test_what_a_step_notes_is_the_one_record_of_the_call():
    told, _, reasons = push(Desk, False)
    assert (told, reasons) == (False, ["the step knows why"])


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize("ended", [OSError("gone"), asyncio.CancelledError()], ids=repr)
def test_a_call_that_is_broken_off_runs_the_step_for_that_alone(ended):
    told, seen, reasons = push(Desk, ended)
    assert isinstance(told, type(ended))
    assert seen == [BEFORE, HOST, ("broken", "kept")]
    assert len(reasons) == isinstance(ended, OSError)


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize(("answer", "records"), [(True, 0), (False, 1), (OSError("gone"), 1)], ids=repr)
def test_a_step_that_raises_is_our_own_failure_and_costs_neither_answer_nor_record(answer, records):
    before = guard.own_failures().get("wrap.step", 0)
    told, seen, reasons = push(Clumsy, answer)
    assert told is answer
    assert (seen, len(reasons)) == ([HOST], records)
    assert guard.own_failures()["wrap.step"] == before + 2


@pytest.mark.usefixtures("courier")
def test_a_class_without_steps_keeps_none():
    assert push(Host, True) == (True, [HOST], [])
