"""One failure is one record: what a host does with its calls (loops, tasks, threads, retries), as a table.

Each row runs code inside a contracted call, `office.either`, whose answer is what the code gives; then inside work that
must not be lost, `plant.finish`.
"""

from __future__ import annotations

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from courier import channel, office, plant, relay
from courier.wire import Wire
from courier_run import drive, modes

import shim
from shim import delivered
from shim.errors import LoudFailure

DOWN = ConnectionError("line down")
LINE_DOWN = "ConnectionError: line down"

pytestmark = pytest.mark.usefixtures("courier")


class Slow(Wire):
    """Waits before it answers."""

    def __init__(self, seconds=0.05, **answers):
        super().__init__(**answers)
        self.seconds = seconds

    async def push(self, user, event):
        await asyncio.sleep(self.seconds)
        return await super().push(user, event)


class Way:
    """A channel that is no channel: it runs a row's code."""

    def __init__(self, code, *given):
        self.code, self.given = code, given

    async def send(self, run_id, event):
        return await self.code(*self.given)

    async def announce(self, user, event):
        return await self.code(*self.given)


def channels(**answers):
    """Give one channel for each user, over one wire."""
    wire = Wire(**answers)
    return [channel.Channel(user, wire) for user in answers]


# --- the code of the rows: `to` are channels


async def nested(to):
    return await relay.Relay("r1", to[0]).pass_on("ping")


async def nested_twice(to):
    return await office.Office(Way(nested, to)).in_time("r1", "ping")


async def loop(to):
    for each in to:
        await each.send("r1", "ping")
    return True


async def judged_loop(to):
    return all([await each.send("r1", "ping") for each in to])


async def gathered(to):
    return all(await asyncio.gather(*(each.send("r1", "ping") for each in to)))


async def gathered_raising(to):
    desks = [plant.Plant(each.user_id, each.wire) for each in to]
    found = await asyncio.gather(*(desk.publish("r1", "ping") for desk in desks), return_exceptions=True)
    return not any(isinstance(each, Exception) for each in found)


async def grouped(to):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.send("r1", "ping")) for each in to]
    return all(task.result() for task in tasks)


async def as_completed(to):
    return all([await each for each in asyncio.as_completed([one.send("r1", "ping") for one in to])])


async def in_time(to):
    return await asyncio.wait_for(to[0].send("r1", "ping"), 5)


async def timed_out(to):
    to[0].wire = Slow(5, ann=True)
    try:
        return await asyncio.wait_for(to[0].send("r1", "ping"), 0.01)
    except TimeoutError:
        return False


async def timed_out_then_sent(to):
    wire = to[0].wire
    await timed_out(to)
    to[0].wire = wire
    return await to[0].send("r1", "ping")


async def shielded(to):
    return await asyncio.shield(to[0].send("r1", "ping"))


async def worker(to):
    """A task that outlives the call."""
    to[0].wire = Slow(0.02, ann=False)
    task = asyncio.get_running_loop().create_task(to[0].send("r1", "ping"))
    await asyncio.sleep(0)
    KEPT.append(task)
    return True


async def queue_worker(to):
    """A worker that takes its orders from a queue, and is awaited."""
    orders = asyncio.Queue()

    async def work():
        while (each := await orders.get()) is not None:
            answers.append(await each.send("r1", "ping"))

    answers = []
    task = asyncio.get_running_loop().create_task(work())
    for each in (*to, None):
        orders.put_nowait(each)
    await task
    return all(answers)


async def thread(to):
    return await asyncio.to_thread(to[0].send_now, "r1", "ping")


async def threads(to):
    return all(await asyncio.gather(*(asyncio.to_thread(each.send_now, "r1", "ping") for each in to)))


async def executor(to):
    """A thread that is handed no context: it does not know that it works for this call."""
    try:
        return await asyncio.get_running_loop().run_in_executor(None, to[0].send_now, "r1", "ping")
    except Exception:  # noqa: BLE001  # silent on purpose
        return False


async def pool(to):
    def one(each):
        try:
            return each.send_now("r1", "ping")
        except Exception:  # noqa: BLE001  # silent on purpose
            return False

    with ThreadPoolExecutor(2) as found:
        return all(list(found.map(one, to)))


async def retried(to):
    for _ in range(3):
        if await to[0].send("r1", "ping"):
            return True
    return False


async def retried_in_tasks(to):
    for _ in range(3):
        if await asyncio.get_running_loop().create_task(to[0].send("r1", "ping")):
            return True
    return False


async def retried_in_threads(to):
    for _ in range(3):
        if await asyncio.to_thread(to[0].send_now, "r1", "ping"):
            return True
    return False


async def raced(to):
    """The first that arrives counts, the others are cancelled."""
    to[1].wire = Slow(5, bob=True)
    tasks = [asyncio.get_running_loop().create_task(each.send("r1", "ping")) for each in to]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    return any(task.result() for task in done)


async def two_verbs(to):
    for run in ("r1", "r2"):
        delivered(await Way(no).send(run, "ping"), "channel.send", run_id=run)
    return True


async def no():
    return False


async def in_handler(to):
    """The host handles an exception of its own, and tells while it does."""
    try:
        _ = to["nobody"]
    except TypeError:
        return await to[0].send("r1", "ping")


KEPT = []
"""Tasks that outlive their call."""


@dataclass(frozen=True)
class Row:
    """`records` by recipient, or run; `raises`: enforce ends in an exception; the host's answer is `answer`."""

    code: object
    answers: dict
    records: int
    answer: bool
    cause: str = ""
    raises: bool = True
    recorded: tuple = field(default=("office",))
    "Components that record."
    asked: int | None = None
    "Times the wire was asked, where not once for each recipient."


GOOD, BAD = {"ann": True, "bob": True}, {"ann": False, "bob": True}
BOTH = {"ann": False, "bob": DOWN}
LATER = {"ann": [False, DOWN, True]}
ROWS = (
    *(
        Row(code, GOOD, 0, True, raises=False)
        for code in (loop, judged_loop, gathered, gathered_raising, grouped, as_completed, threads, queue_worker, pool)
    ),
    Row(nested, {"ann": DOWN}, 1, False, LINE_DOWN),
    Row(nested_twice, {"ann": DOWN}, 1, False, LINE_DOWN),
    Row(loop, BAD, 1, True),
    Row(loop, BOTH, 2, True, LINE_DOWN),
    Row(judged_loop, BOTH, 2, False, LINE_DOWN),
    Row(gathered, BAD, 1, False),
    Row(gathered, BOTH, 2, False, LINE_DOWN),
    Row(gathered_raising, BOTH, 2, False, LINE_DOWN),
    Row(grouped, BOTH, 2, False, LINE_DOWN),
    Row(as_completed, BOTH, 2, False, LINE_DOWN),
    Row(queue_worker, BOTH, 2, False, LINE_DOWN),
    Row(in_time, {"ann": DOWN}, 1, False, LINE_DOWN),
    Row(timed_out, {"ann": True}, 1, False, asked=0),
    Row(timed_out_then_sent, {"ann": True}, 0, True, raises=False),
    Row(shielded, {"ann": DOWN}, 1, False, LINE_DOWN),
    Row(worker, {"ann": True}, 1, True, raises=False, asked=0),
    Row(thread, {"ann": DOWN}, 1, False, LINE_DOWN),
    Row(threads, BOTH, 2, False, LINE_DOWN),
    Row(executor, {"ann": DOWN}, 1, False, LINE_DOWN, recorded=("channel",)),
    Row(pool, BAD, 1, False, recorded=("channel",)),
    Row(pool, BOTH, 2, False, LINE_DOWN, recorded=("channel",)),
    Row(retried, LATER, 0, True, raises=False, asked=3),
    Row(retried_in_tasks, LATER, 0, True, raises=False, asked=3),
    Row(retried_in_threads, LATER, 0, True, raises=False, asked=3),
    Row(retried, {"ann": DOWN}, 1, False, LINE_DOWN, asked=3),
    Row(retried_in_tasks, {"ann": DOWN}, 1, False, LINE_DOWN, asked=3),
    Row(retried_in_threads, {"ann": DOWN}, 1, False, LINE_DOWN, asked=3),
    Row(raced, GOOD, 0, True, raises=False, asked=1),
    Row(two_verbs, {"ann": True}, 2, True, asked=0),
    Row(in_handler, {"ann": DOWN}, 1, False, LINE_DOWN),
)


def _name(row):
    return f"{row.code.__name__}-{'-'.join(f'{user}-{answer}' for user, answer in row.answers.items())}"


def run(row, make, call):
    """Run a row's code inside a contracted call; give answer, exception, records, channels."""
    to = channels(**{user: list(given) if isinstance(given, list) else given for user, given in row.answers.items()})
    wire = to[0].wire
    made, found, raised = make(Way(row.code, to)), None, None
    with shim.recording() as records:
        try:
            found = drive(call, made)
        except LoudFailure as error:
            raised = error
    KEPT.clear()
    asked = len(to) if row.asked is None else row.asked
    assert len(wire.calls) == asked, "a loop was cut short, or work ran twice"
    return found, raised, records


async def _either(made):
    return await made.either("r1", "ping")


def _office(way):
    return office.Office(way, Way(no))


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_observe_gives_the_answer_and_one_record_for_each_failure(row):
    with modes("observe"):
        found, raised, records = run(row, _office, _either)
    assert raised is None
    assert found is row.answer
    assert len(records) == row.records
    expect(row, records)
    assert {str(each.action) for each in records} <= {"observed", "raised"}


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_enforce_makes_the_same_records_and_raises_one_of_them(row):
    with modes("enforce"):
        _, raised, records = run(row, _office, _either)
    assert len(records) == row.records
    expect(row, records)
    if row.raises:
        assert raised is not None
        assert raised.recorded is not None
    else:
        assert raised is None
        assert {str(each.action) for each in records} <= {"escalated"}


def expect(row, records):
    assert {each.component for each in records} <= set(row.recorded)
    assert row.cause in {"", *(each.cause for each in records)}
    assert [each.cause for each in records].count(LINE_DOWN) <= 1
    assert all(each.run_id in {"r1", "r2"} for each in records)
    assert len({(each.user_id, each.run_id) for each in records}) == len(records), "two records of one failure"


async def _finish(made):
    return await made.finish("job", "r1")


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.code is not executor and row.code is not pool], ids=_name)
def test_work_that_is_done_is_given_back_once_whatever_was_lost(row, mode):
    """The result is returned once, the work counted once, and nothing is raised."""
    with modes(mode):
        made = []
        found, raised, records = run(row, lambda way: made.append(plant.Plant("eve", way)) or made[0], _finish)
    assert raised is None
    assert found == "result of job"
    assert made[0].done == ["job"]
    lost = row.records
    assert len(records) == lost
    assert {str(each.action) for each in records} <= {"observed" if mode == "observe" else "escalated"}


@pytest.mark.parametrize(("mode", "action"), [("observe", "observed"), ("enforce", "escalated")])
def test_a_call_made_while_an_exception_is_handled_escalates(mode, action):
    cleaned = []

    async def main():
        to = channels(ann=DOWN)
        try:
            _ = {}["the host's own"]
        except LookupError:
            assert await to[0].send("r1", "ping") is False
            cleaned.append(True)
            raise

    with modes(mode), shim.recording() as records, pytest.raises(LookupError, match="the host's own"):
        drive(main)
    assert cleaned == [True]
    assert [str(each.action) for each in records] == [action]


@pytest.mark.parametrize("begin", [asyncio.run, lambda coro: asyncio.run(asyncio.wait_for(coro, 5))])
def test_an_exception_that_is_handled_around_the_loop_is_not_the_call_s(begin):
    async def main():
        await channels(ann=DOWN)[0].send("r1", "ping")

    def fall_back():
        try:
            importlib.import_module("no_such_module")
        except ImportError:
            begin(main())

    with modes("enforce"), pytest.raises(LoudFailure):
        fall_back()


def test_work_is_not_refused_in_the_middle_of_handling_an_exception():
    made = plant.Plant("ann", None)
    with modes("enforce"), shim.recording() as records:
        try:
            _ = {}["nothing"]
        except LookupError:
            assert made.start_now("job", "r1") == "result of job"
    assert [str(each.action) for each in records] == ["escalated"]


def test_verbs_for_two_runs_are_two_failures_that_name_their_runs():
    with modes("observe"), shim.recording() as records:
        drive(office.Office(Way(two_verbs, []), Way(no)).either, "r1", "ping")
    assert [each.run_id for each in records] == ["r1", "r2"]


def test_a_result_without_a_run_takes_no_mark_of_several_runs():
    async def main():
        to = channels(ann=False)[0]
        await asyncio.gather(to.send("r1", "ping"), to.send("r2", "ping"))
        delivered(False, "channel.send")

    with modes("observe"), shim.recording() as records:
        asyncio.run(main())
    assert [each.run_id for each in records] == ["r1", "r2", "unknown"]
