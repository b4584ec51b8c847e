"""The parts that must not fail with the rest: counts, allowances, sinks, locks. Clocks are passed in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shim import tracebacks
from shim.guard import brief, own_failures
from shim.sinks import PARKED_S, SLOW_S, STRIKES, Sinks
from shim.tally import Tally
from shim.tracebacks import KINDS, Limit, rendered

ROOT = Path(__file__).parents[2]


def own(operation):
    return own_failures().get(f"recorder.{operation}", 0)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


# --- counts


def test_threads_lose_no_count():
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.add(n % 3) for n in range(3000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    read = [sum(tally.counts().values()) for _ in range(20)]
    for thread in threads:
        thread.join()
    assert tally.counts() == {0: 8000, 1: 8000, 2: 8000}
    assert read == sorted(read)


def test_a_count_in_the_middle_of_counting_is_kept():
    """A key whose hash counts: what a finalizer or a signal handler does, at the worst moment."""
    tally = Tally()

    class Nested:
        def __hash__(self):
            tally.add("nested")
            return 1

        def __eq__(self, other):
            return self is other

    key = Nested()
    for _ in range(5):
        tally.add(key)
    found = tally.counts()
    assert found[key] == 5
    assert tally.counts()["nested"] >= 5


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer here")
def test_a_signal_handler_that_counts_neither_waits_nor_loses():
    tally, signals = Tally(), []

    def handler(number, frame):
        signals.append(number)
        tally.add("one")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        ends, plain = time.monotonic() + 0.3, 0
        while time.monotonic() < ends:
            tally.add("one")
            plain += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert signals
    assert tally.counts() == {"one": plain + len(signals)}


# --- allowances for tracebacks


def test_a_bucket_of_tracebacks():
    limit, kind = Limit(burst=2, refill_s=10), ("alpha", "send_failed")
    taken = [limit.take(kind, now) for now in (0, 0, 0, 1, 10, 10, 20, 1000, 1000, 1000)]
    assert taken == [
        (True, 0), (True, 0), (False, 1), (False, 2),
        (True, 2), (False, 1), (True, 1),
        (True, 0), (True, 0), (False, 1),
    ]  # fmt: skip
    assert limit.take(("alpha", "partial_send"), 1000) == (True, 0)


def test_kinds_without_end_share_one_allowance():
    limit = Limit(burst=1, refill_s=10)
    answers = [limit.take((f"run {number}", ""), 0.0) for number in range(KINDS + 10)]
    assert answers[:KINDS] == [(True, 0)] * KINDS
    assert answers[KINDS:] == [(True, 0), *((False, left) for left in range(1, 10))]
    assert len(limit._buckets) == KINDS + 1


class UnreadableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


def nested(depth):
    if depth:
        nested(depth - 1)
    raise ValueError("deep")


def test_rendered_tracebacks():
    try:
        nested(100)
    except ValueError as error:
        text = rendered(error)
    assert "Previous line repeated 26 more times" in text, "the innermost thirty frames"
    assert text.endswith("ValueError: deep")
    assert "UnreadableError" in rendered(UnreadableError())
    assert len(rendered(ValueError("x" * 100_000))) < tracebacks.LONGEST + 100
    rendered(ValueError("\ud800")).encode()


# --- what a host's method answered


class Unreadable:
    __repr__ = UnreadableError.__str__


@pytest.mark.parametrize(
    ("answer", "text"),
    [(None, "None"), (False, "False"), ({"success": False}, "{'success': False}"), ("x" * 1000, None)],
)
def test_brief(answer, text):
    assert brief(answer) == text or len(brief(answer)) <= 300


def test_brief_survives_what_cannot_be_read():
    assert brief([Unreadable()]).startswith("[<Unreadable instance at")


# --- sinks


def test_a_slow_sink_is_parked_after_three_and_comes_back(caplog):
    clock, got, slow = Clock(), [], True

    def sink(item):
        got.append(item)
        clock.now += SLOW_S + 0.01 if slow else 0

    sinks = Sinks(clock)
    sinks.add(sink)
    before = {name: own(name) for name in ("sink_parked", "sink_missed", "sink_back")}
    for item in range(STRIKES + 4):
        sinks.hand(item)
    assert got == [0, 1, 2]
    assert own("sink_parked") == before["sink_parked"] + 1
    assert own("sink_missed") == before["sink_missed"] + 4
    clock.now += PARKED_S
    sinks.hand("still slow")
    sinks.hand("missed")
    assert got[3:] == ["still slow"]
    assert own("sink_parked") == before["sink_parked"] + 2
    clock.now += PARKED_S
    slow = False
    sinks.hand("quick again")
    sinks.hand("and on")
    assert got[4:] == ["quick again", "and on"]
    assert own("sink_back") == before["sink_back"] + 1
    assert "it missed 5 record(s)" in caplog.messages[-1]
    assert any("left out for 60 s; next: let it put the record into a queue" in line for line in caplog.messages)


def test_a_sink_that_is_slow_now_and_then_stays():
    clock, got = Clock(), []

    def sink(item):
        got.append(item)
        clock.now += SLOW_S * 2 if item % 3 else 0

    sinks = Sinks(clock)
    sinks.add(sink)
    for item in range(12):
        sinks.hand(item)
    assert got == list(range(12))


def test_a_sink_that_never_comes_back_holds_up_one_thread_and_no_other():
    clock, got, inside, end = Clock(), [], threading.Event(), threading.Event()

    def hangs(item):
        inside.set()
        assert end.wait(20)

    sinks = Sinks(clock)
    sinks.add(hangs)
    sinks.add(got.append)
    before = own("sink_missed")
    stuck = threading.Thread(target=sinks.hand, args=("first",))
    stuck.start()
    try:
        assert inside.wait(20)
        clock.now += SLOW_S + 0.01
        for item in range(5):
            sinks.hand(item)
        assert got == [0, 1, 2, 3, 4], "the other sinks go on"
        assert own("sink_missed") == before + 5
    finally:
        end.set()
        stuck.join()
    assert got[-1] == "first"


def test_a_sink_is_not_handed_what_it_made_itself():
    sinks, first, second = Sinks(), [], []

    def nesting(item):
        first.append(item)
        sinks.hand(f"made by {item}")

    sinks.add(nesting)
    sinks.add(second.append)
    before = own("sink_reentered")
    sinks.hand("one")
    assert first == ["one"]
    assert second == ["made by one", "one"]
    assert own("sink_reentered") == before + 1


def test_a_sink_that_raises_is_counted_and_stays_exits_pass():
    sinks, got = Sinks(), []

    def broken(item):
        raise item

    sinks.add(broken)
    sinks.add(got.append)
    before = own("sink")
    sinks.hand(OSError("down"))
    assert len(got) == 1
    assert own("sink") == before + 1
    with pytest.raises(KeyboardInterrupt):
        sinks.hand(KeyboardInterrupt())
    sinks.hand(OSError("still there"))
    assert own("sink") == before + 2


# --- locks


def test_every_lock_of_the_shim_is_free_again_in_a_forked_child():
    """`fresh_lock` is; the tally's own lock must not be taken twice, and is made anew."""
    made = {
        path.name: text.count("threading.Lock()") + text.count("threading.RLock()")
        for path in sorted((ROOT / "shim").rglob("*.py"))
        if "Lock()" in (text := path.read_text(encoding="utf-8"))
    }
    assert made == {"locks.py": 1, "tally.py": 2}


# --- a fork while somebody holds every lock

FORK = """
import os, sys, threading, time
sys.path.insert(0, "tests/shim/stubs")
import shim
from courier.channel import Channel
from courier.wire import Wire
from courier_host import HOST
from shim import flags, frames, guard, logs, markers, recorder, swallowed
shim.install(HOST)
locks = [
    flags._process._lock, frames._lock, guard._tally._lock, logs._limit._lock, markers._lock, recorder._tally._lock,
    recorder._sinks._lock, swallowed._lock,
]
inside, end = threading.Event(), threading.Event()

def hold():
    for lock in locks:
        lock.acquire()
    recorder._sinks._seats[0]._running[threading.get_ident()] = 0.0  # in the middle of a sink, for ever
    inside.set()
    end.wait()

got = []
recorder.add_sink(got.append)
kept = shim.override(channel="enforce")
kept.__enter__()
threading.Thread(target=hold, daemon=True).start()
inside.wait()
if child := os.fork():
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            os._exit(os.waitstatus_to_exitcode(status))
        time.sleep(0.01)
    os.kill(child, 9)
    os._exit(9)
flags.refresh()
guard.own_failure("test.fork", OSError("x"))
try:
    Channel("ann", Wire(ann=False)).send_now("r1", "ping")
except shim.LoudFailure as error:
    recorder.add_sink(print)
    ok = len(got) == 1 and sum(recorder.counts().values()) == 1 and swallowed.counts() is not None
    ok = ok and len(recorder._sinks._seats[0]._running) == 0
    os._exit(0 if ok else 3)
os._exit(4)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_while_every_lock_is_held_goes_on():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "failloud.failure_recorded" in done.stderr
