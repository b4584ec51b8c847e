"""A cancellation, an exit or a closed coroutine at every await: the same end as the bare host's, and nothing left."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
from courier_faults import FAULTS, GOOD
from courier_host import CONTRACTS, HOST
from courier_run import host_lines, modes

import shim
from shim import frames

ON_A_LOOP = ("together", "in_time", "shielded", "in_thread", "later", "much_later")
"Methods of the office whose calls make tasks, which only a loop can run."

CASES = [
    pytest.param(row, make, args, id=f"{row.key}-{name}".replace(" ", "-"))
    for row in CONTRACTS
    if row.is_async and row.method not in ON_A_LOOP
    for name, make, args in [("good", *GOOD[row.key]), *((f.name, f.make, f.args) for f in FAULTS.get(row.key, ()))]
]

ENDS = (asyncio.CancelledError("stop"), KeyboardInterrupt("stop"), SystemExit(3))


@pytest.fixture(scope="module")
def bare():
    """Keep the host's own classes at hand, with the shims installed around them."""
    made = shim.install(HOST)
    yield {shimmed: shimmed.__failloud_host__ for shimmed in made.classes.values()}
    assert made.uninstall() == []


def stripped(instance, bare):
    """Make an instance, and what it holds, one of the host's own classes."""
    if type(instance) in bare:
        instance.__class__ = bare[type(instance)]
        for value in vars(instance).values():
            for each in value if isinstance(value, list) else [value]:
                stripped(each, bare)
    return instance


def stopped_at(make, method, args, number, end):
    """Drive a call to its await `number` and throw `end` there; gives what came of it, and how many awaits it took."""
    context, steps = contextvars.copy_context(), 0
    with host_lines() as lines:
        instance, wire = make()
        coroutine = getattr(instance, method)(*args)
        try:
            for _ in range(number):
                context.run(coroutine.send, None)
                steps += 1
            if end is None:
                context.run(coroutine.close)
                found = "closed"
            else:
                context.run(coroutine.throw, end)
                found = "went on"
        except StopIteration as ended:
            found = ended.value
        except BaseException as error:  # noqa: BLE001  # what came out is what we compare
            found = error
        coroutine.close()
    assert context.get(frames.current) is None, "the call's frame is left in the context"
    return found, lines, [] if wire is None else wire.calls, steps, vars(instance).get("done")


@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
@pytest.mark.parametrize(("row", "make", "args"), CASES)
def test_an_end_at_every_await_is_the_bare_host_s(bare, row, make, args, mode):
    def bare_make():
        instance, wire = make()
        return stripped(instance, bare), wire

    for number in range(20):
        for end in (*ENDS, None):
            before = stopped_at(bare_make, row.method, args, number, end)
            with modes(mode), shim.recording() as records:
                found = stopped_at(make, row.method, args, number, end)
            assert found[3] == before[3], "another number of awaits"
            if before[3] < number:
                continue  # it had ended by itself
            assert same(found, before, end)
            assert not any(made.raised for made in records)
            assert len(records) <= 1 or mode != "off"
        if before[3] < number:
            break
    else:
        pytest.fail("it never ends")
    assert number > (2 if row.key == "channel.send" and args[0] == "r1" and make()[1] is not None else 0)


def same(found, before, end):
    if end is not None and before[0] is end:
        return found[0] is end and found[1:] == before[1:]
    return type(found[0]) is type(before[0]) and str(found[0]) == str(before[0]) and found[1:] == before[1:]


@pytest.mark.parametrize("mode", ["off", "observe", "enforce"])
@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("key", [f"office.{method}" for method in ON_A_LOOP if method != "in_thread"])
def test_a_task_cancelled_after_every_turn_of_the_loop_ends_as_the_bare_host_s(bare, key, answer, mode):
    make, args = GOOD[key]
    method = HOST.contract(key).method

    async def cancelled_after(turns, *, plain):
        instance, wire = make()
        wire.answers = {"ann": [answer]}
        task = asyncio.ensure_future(getattr(stripped(instance, bare) if plain else instance, method)(*args))
        for _ in range(turns):
            await asyncio.sleep(0)
        was_done = task.done() or not task.cancel()
        (found,) = await asyncio.gather(task, return_exceptions=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        return was_done, found, wire.calls

    for turns in range(12):
        with host_lines() as plain_lines:
            before = asyncio.run(cancelled_after(turns, plain=True))
        with modes(mode), shim.recording() as records, host_lines() as lines:
            found = asyncio.run(cancelled_after(turns, plain=False))
        assert (found[0], found[2], lines) == (before[0], before[2], plain_lines)
        if mode == "enforce" and isinstance(found[1], shim.LoudFailure):
            assert found[1] is records[0].error
            assert before[1] is False
        else:
            assert (type(found[1]), str(found[1])) == (type(before[1]), str(before[1]))
        assert len(records) <= (0 if answer or mode == "off" else 2)
