"""A raised failure that dies unseen is reported once, with the place; one that was seen never is."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import importlib.util
import inspect
import io
import logging
import pickle
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest
from courier import channel, office, plant
from courier.wire import Wire
from courier_run import drive, modes
from programs.flow_programs import CHAINS
from programs.swallow_programs import PROGRAMS

import shim
from codemods.facade import facade_text
from shim import flags, guard, recorder, swallowed
from shim.calls import delivered, missing
from shim.errors import LoudFailure, WebSocketSendFailureError
from shim.recorder import Action
from shim.snapshot import Mode
from shim.swallowed import Fate

ROOT = Path(__file__).parents[2]
NAMED = {program.name: program for program in (*PROGRAMS, *CHAINS)}


@pytest.fixture(autouse=True, scope="module")
def _quick_collections():
    """Leave what is there already out of each collection: these tests collect hundreds of times."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _settled():
    """Bury what the tests before have left in circles: a collection may come at any moment, and would count it here."""
    swallowed.settle()


def fates():
    """Give the number of failures per fate."""
    found = dict.fromkeys(Fate, 0)
    for (_, _, fate), number in swallowed.counts().items():
        found[fate] += number
    return found


def since(before):
    """Give what was added to each fate, the zeros left out."""
    return {fate: number - before[fate] for fate, number in fates().items() if number != before[fate]}


def failing(*answers):
    return channel.Channel("ann", Wire(ann=list(answers) or False))


def swallow(made=None):
    """Swallow one failure."""
    try:
        (made or failing()).send_now("r1", "ping")
    except LoudFailure:
        return


@pytest.fixture
def facade(monkeypatch):
    """Give the courier host the façade that migrated code imports."""
    module = types.ModuleType("courier.loud")
    exec(facade_text(), vars(module))  # noqa: S102  # the very text that migrate writes
    monkeypatch.setitem(sys.modules, "courier.loud", module)


@pytest.fixture
def start(facade, tmp_path, monkeypatch):
    """Give a function that runs one program as the start-up of a process would, and lets it go again."""
    monkeypatch.setattr(threading, "excepthook", lambda about: None)

    def run(program):
        quiet = logging.StreamHandler(io.StringIO())  # pytest's own handlers would keep each exception
        monkeypatch.setattr(logging.root, "handlers", [quiet])
        path = tmp_path / f"{program.name}.py"
        path.write_text(program.source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(program.name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        entry = module.main
        try:
            with shim.boundary("start-up"):
                drive_plainly(entry, failing(*program.answers))
        except Exception:  # noqa: BLE001, S110  # the process would end here, with a traceback
            pass
        return path, module

    return run


def drive_plainly(entry, made):
    """Run an entry point; nothing here holds an exception."""
    if inspect.iscoroutinefunction(entry):
        asyncio.run(entry(made))
    else:
        entry(made)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # a `return` in `finally` is what one program is about
@pytest.mark.parametrize("name", NAMED)
def test_what_becomes_of_the_failure(courier, start, name):
    program, before = NAMED[name], fates()
    with swallowed.watching() as found, modes("enforce"), shim.recording() as records:
        path, module = start(program)
        if program.escalated:
            assert [each.action for each in records].count(Action.ESCALATED) == program.escalated
        records.clear()  # they hold the exceptions, which are to die
        swallowed.settle()
        assert len(swallowed.held()) == program.held
        expected = {Fate.SWALLOWED: program.swallowed, Fate.SEEN: program.seen, Fate.HANDLED: program.handled}
        assert since(before) == {fate: number for fate, number in expected.items() if number}
    module.kept.clear()
    places = [each.place for each in found]
    here = [int(place.removeprefix(f"{path}:").partition(" ")[0]) for place in places if place.startswith(str(path))]
    assert len(places) == program.swallowed
    assert sorted(set(here)) == program.stops
    assert len(here) == (program.swallowed if program.stops else 0)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("mode", ["off", "observe"])
def test_what_is_not_raised_cannot_be_swallowed(courier, start, mode):
    before = fates()
    with swallowed.watching() as found, modes(mode):
        for program in PROGRAMS:
            start(program)
    assert found == []
    assert since(before) == {}


# --- the report


def test_the_report_names_the_failure_and_the_place(courier, caplog):
    with shim.recording() as records, modes("enforce"), pytest.raises(WebSocketSendFailureError):
        failing().send_now("r1", "ping")
    caplog.clear()
    with swallowed.watching() as found, modes("enforce"):
        made = []
        recorder.add_sink(made.append)
        try:
            swallow()
        finally:
            recorder.remove_sink(made.append)
    (one,) = found
    begins = swallow.__code__.co_firstlineno
    assert one.failure is made[0]
    assert one.failure.id != records[0].id
    assert (one.place, one.reached) == (f"{__file__}:{begins + 4} in swallow", f"{__file__}:{begins + 3} in swallow")
    assert one.at >= one.failure.at
    (line,) = [each for each in caplog.messages if "failloud.failure_swallowed" in each]
    for part in (one.place, one.failure.id, "channel.send_now", "r1", "ann"):
        assert part in line


def test_a_swallow_is_no_second_failure(courier):
    with modes("enforce"):
        before = sum(recorder.counts().values())
        swallow()
        swallowed.settle()
        assert sum(recorder.counts().values()) == before + 1


# --- when it dies


def of_delivered():
    delivered(False, "channel.send_now", run_id="r-verb")


def of_missing():
    missing("channel", "send")


def of_sync():
    failing().send_now("r1", "ping")


def of_async():
    try:
        failing().send("r1", "ping").send(None)
    except StopIteration:
        pytest.fail("it did not wait")


def of_refusal():
    plant.Plant("ann", None).start_now("job", "r1")


RAISES = [of_delivered, of_missing, of_sync, of_refusal]


@pytest.mark.parametrize("raising", RAISES, ids=lambda each: each.__name__)
def test_a_swallowed_failure_dies_at_once_without_the_collector(courier, raising):
    """Nothing of ours may hold it in a circle: a local variable in a frame that raises would."""
    before = fates()
    gc.disable()
    try:
        with modes("enforce"):
            try:
                raising()
            except LoudFailure:
                pass
            else:
                pytest.fail("nothing was raised")
        assert since(before) == {Fate.SWALLOWED: 1}
    finally:
        gc.enable()


def test_an_async_call_dies_at_once_as_well(courier):
    async def main():
        with contextlib.suppress(LoudFailure):
            await failing().send("r1", "ping")
        return since(before)

    before = fates()
    gc.disable()
    try:
        with modes("enforce"):
            assert asyncio.run(main()) == {Fate.SWALLOWED: 1}
    finally:
        gc.enable()


def test_a_failure_that_outlives_a_rollback_is_not_reported(courier):
    kept, before = [], fates()
    with modes("enforce"):
        try:
            failing().send_now("r1", "ping")
        except LoudFailure as error:
            kept.append(error)
    assert flags.current("channel") is Mode.OFF
    kept.clear()
    swallowed.settle()
    assert since(before) == {}


def test_a_failure_that_died_before_the_rollback_is_reported_after_it(courier):
    before = fates()
    with modes("enforce"):
        swallow()
    assert since(before) == {Fate.SWALLOWED: 1}


def test_an_escalated_failure_was_never_raised(courier):
    before = fates()
    with modes("enforce"):
        drive(plant.Plant("ann", Wire(ann=False)).finish, "job", "r1")
        swallowed.settle()
    assert since(before) == {}


def test_the_host_s_own_exception_is_not_ours_to_follow(courier):
    before = fates()
    with modes("enforce"):
        with pytest.raises(ConnectionError):
            plant.Plant("ann", Wire(ann=False)).publish_now("r1", "ping")
        swallowed.settle()
    assert since(before) == {}


def test_a_retry_inside_a_contracted_call_raises_nothing(courier):
    before = fates()
    with modes("enforce"):
        assert drive(office.Office(failing(False, False, True)).insist, "r1", "ping") is True
        swallowed.settle()
    assert since(before) == {}


def test_a_loud_cause_goes_on_in_the_failure_that_it_caused(courier):
    """A collaborator of the host's raises loudly by itself: one failure is told of, not two."""
    inner = WebSocketSendFailureError("migrated", component="channel")
    with swallowed.watching() as found, modes("enforce"):
        inner.recorded = recorder.record(inner, mode=Mode.ENFORCE, action=Action.RAISED, cause_known=True)
        swallow(channel.Channel("ann", Wire(ann=inner)))
        del inner
    assert [each.failure.method for each in found] == ["send_now"]


# --- copies


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_failure_that_goes_on_as_a_copy_is_left_to_whoever_gets_it(courier, travel):
    before = fates()
    with modes("enforce"):
        try:
            failing().send_now("r1", "ping")
        except LoudFailure as error:
            travel(error)
        swallowed.settle()
    assert since(before) == {}


# --- garbage collection at a bad moment


def test_a_death_inside_the_recorder_s_lock_or_a_log_handler_is_safe(courier):
    class Nasty(logging.Handler):
        def emit(self, record):
            with recorder._tally._lock, guard._tally._lock, swallowed._lock, flags._process._lock:
                kept.clear()

    kept, nasty, before = [], Nasty(), fates()
    log = logging.getLogger("failloud")
    log.addHandler(nasty)
    try:
        with modes("enforce"):
            for _ in range(3):
                try:
                    failing().send_now("r1", "ping")
                except LoudFailure as error:
                    kept.append(error)
            kept.clear()
        assert since(before) == {Fate.SWALLOWED: 3}
    finally:
        log.removeHandler(nasty)


def test_a_report_that_cannot_be_logged_is_counted_all_the_same(courier, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("log is full")

    before, own = fates(), guard.own_failures().get("swallowed.report", 0)
    with modes("enforce"):
        swallow()
        monkeypatch.setattr(swallowed, "write", broken)
        assert since(before) == {Fate.SWALLOWED: 1}
    assert guard.own_failures()["swallowed.report"] == own + 1


def test_watching_blocks_nest_and_end(courier):
    with modes("enforce"):
        with swallowed.watching() as outer:
            swallow()
            with swallowed.watching() as inner:
                swallow()
        with swallowed.watching() as later:
            pass
    assert (len(outer), len(inner), len(later)) == (2, 1, 0)


def test_threads_swallow_and_count_at_once(courier):
    def work():
        for _ in range(50):
            swallow()
            swallowed.counts()

    before = fates()
    with modes("enforce"):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        swallowed.settle()
    assert since(before) == {Fate.SWALLOWED: 400}


# --- the end of the process

ENDS = """
import sys
sys.path.insert(0, "tests/shim/stubs")
import shim
from courier.channel import Channel
from courier.wire import Wire
from courier_host import HOST
from courier_run import modes
shim.install(HOST)
enforced = modes("enforce")
enforced.__enter__()

def fail():
    Channel("ann", Wire(ann=False)).send_now("r1", "ping")

def quiet():
    try:
        fail()
    except Exception as error:
        circle = error

{end}
"""


@pytest.mark.parametrize(
    ("end", "code", "reports"),
    [
        ("quiet()", 0, 1),
        ("quiet()\nquiet()", 0, 2),
        ("fail()", 1, 0),
        ("try:\n    fail()\nexcept Exception as error:\n    sys.exit(3)", 3, 1),
        (
            "with shim.boundary('main'):\n    try:\n        fail()\n    except Exception:\n        sys.exit(3)",
            3,
            0,
        ),
        ("import threading\nthreading.Thread(target=fail).start()", 0, 0),
        ("import os\nif os.fork():\n    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\nquiet()", 0, 1),
        ("pass", 0, 0),
    ],
)
def test_at_exit_what_has_died_is_reported(end, code, reports):
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(end=end)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("failloud.failure_swallowed")) == (code, reports), done.stderr
    assert "Exception ignored" not in done.stderr
