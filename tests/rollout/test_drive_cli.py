"""`failloud drive` on the example host: silent in off, recorded in observe, nothing silent in enforce."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollout.drive import cli
from shim.snapshot import Mode
from shim.traffic import Mix, Regime, Story

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "shim.cli", "drive"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "FAILLOUD_HOST_TREE"}


def drive(*args, seconds=120):
    command = [*COMMAND, *args]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def told():
    """Every regime in every mode, few runs; the seed lives every story of the mixes at least once."""
    done = drive("--runs", "16", "--seed", "7", "--json")
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cells(told):
    return {(cell["regime"], cell["mode"]): cell for cell in told["cells"]}


def test_every_regime_is_driven_in_every_mode(told, cells):
    assert list(cells) == [(regime, mode) for regime in Regime for mode in Mode]
    assert all(cell["complete"] and cell["runs"] >= 16 and cell["clusters"] >= 4 for cell in cells.values())
    assert (told["schema"], told["seed"], told["interrupted"], told["exit"]) == (1, 7, False, 0)


@pytest.mark.parametrize("regime", Regime)
def test_off_tells_of_nothing_observe_of_everything(cells, regime):
    off, observe = (cells[regime, mode]["events"] for mode in (Mode.OFF, Mode.OBSERVE))
    assert off["told"] == 0
    assert off["silent"] > 0
    assert {**off, "told": off["silent"], "silent": 0} == observe


@pytest.mark.parametrize("regime", Regime)
def test_enforce_leaves_nothing_silent(cells, regime):
    enforce = cells[regime, Mode.ENFORCE]
    assert enforce["events"]["silent"] == 0
    assert enforce["events"]["told"] > 0
    assert enforce["silent_runs"]["value"] == enforce["silent_runs"]["low"] == 0.0


def test_a_dead_link_swallows_in_every_mode_and_is_counted_apart(cells):
    swallowed = {mode: cells[Regime.AFTER_NETWORK_TROUBLE, mode]["events"]["swallowed"] for mode in Mode}
    assert len(set(swallowed.values())) == 1
    assert swallowed[Mode.OFF] > 0


def test_every_event_asked_for_has_one_fate(cells):
    for cell in cells.values():
        events = cell["events"]
        assert events["asked"] == sum(events[name] for name in ("received", "told", "swallowed", "silent"))


def test_the_shim_s_own_ledger_agrees_with_the_clients(cells):
    for (_regime, mode), cell in cells.items():
        ledger, events = cell["ledger"], cell["events"]
        if mode == Mode.OFF:
            assert ledger is None
            continue
        assert (ledger["remainder"], ledger["pending"], ledger["acked"], ledger["expired"]) == (0, 0, 0, 0)
        assert ledger["emitted"] == events["asked"]
        assert ledger["rejected"] == events["told"]
        assert ledger["sent_unconfirmed"] == events["received"] + events["swallowed"]
        assert cell["own_failures"] == {}


def test_no_runs_are_no_clusters_and_inconclusive():
    done = drive("--runs", "0", "--regime", "normal", "--mode", "off")
    assert done.returncode == 3
    assert "inconclusive: no clusters" in done.stdout


def test_an_interrupt_prints_what_was_done_and_takes_the_server_down():
    command = [*COMMAND, "--runs", "100000", "--regime", "normal", "--mode", "off"]
    ours, theirs = os.openpty()  # a terminal: progress is shown
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = _read_until(ours, r"normal, off: [1-9]\d* of 12500 blocks")
        [server] = _children(process.pid)
        process.send_signal(signal.SIGINT)
        shown += _read_until(ours, "interrupted: this is what was done so far")
        out, _err = process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 130
    assert "Traceback" not in shown
    [row] = [line.split() for line in out.splitlines() if line.startswith("normal  ")]
    assert 0 < int(row[2]) < 100_000
    assert not Path(f"/proc/{server}").exists()


def _read_until(terminal, text):
    found = ""
    while not re.search(text, found):
        found += os.read(terminal, 4096).decode()  # ends with an OSError where the process ends first
    return found


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()


# Refusals, and what an adapter of one's own may come to; no host is started


ADAPTER = """
from shim.ledger import Sums
from shim.traffic import Asked, Ended, Event, Got, Mix, Regime, Seen, Story, TargetError

class Target:
    mixes = {Regime.NORMAL: Mix(stories={Story.STEADY: 1}, runs=1)}
    most_tenants = 9

    def __init__(self):
        self.runs = 0

    async def start(self, mode):
        START

    async def connect(self, user):
        pass

    async def run(self, user, length, *, ready=True):
        self.runs += 1
        events = (Event("done"),)
        return Asked(run_id=str(self.runs), thread_id="", user_id=user, events=events, last=frozenset(events))

    async def look(self):
        return Seen(received=(), swallowed=(), told=())

    async def close(self):
        return Ended(sums=None, own_failures={"wrap.judge": 2})
"""


@pytest.fixture
def adapter(tmp_path):
    def write(start="pass"):
        path = tmp_path / "mine.py"
        path.write_text(ADAPTER.replace("START", start), encoding="utf-8")
        return str(path)

    return write


def run(*args):
    return CliRunner().invoke(cli.drive, args)


def test_an_event_that_no_record_names_ends_with_1_but_not_in_off(adapter):
    args = ("--target", adapter(), "--regime", "normal", "--runs", "3", "--tenants", "1")
    assert run(*args, "--mode", "off").exit_code == 0
    found = run(*args, "--mode", "observe")
    assert found.exit_code == 1
    assert "the shim failed by itself: normal, observe: wrap.judge 2 times" in found.output


def test_a_host_that_does_not_come_up_ends_with_6(adapter):
    start = 'raise TargetError("no power", "plug it in")'
    found = run("--target", adapter(start), "--regime", "normal", "--mode", "off")
    assert (found.exit_code, "no power; next: plug it in" in found.output) == (6, True)


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (("--regime", "all"), "no mix for high-load, after-network-trouble"),
        (("--regime", "normal", "--tenants", "10"), "at most --tenants 9"),
    ],
)
def test_what_an_adapter_cannot_do_is_a_usage_error(adapter, args, part):
    found = run("--target", adapter(), *args)
    assert (found.exit_code, part in found.output) == (64, True), found.output


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("no_such_module", "needs no_such_module; next: run this in a source checkout"),
        ("./no/such.py", "FileNotFoundError: no Python file at no/such.py"),
        ("json", "defines no Target"),
        ("json:loads.x", "defines no loads.x"),
    ],
)
def test_a_target_that_is_none_is_a_usage_error(target, part):
    found = run("--target", target)
    assert (found.exit_code, part in found.output) == (64, True), found.output


def test_a_host_without_an_adapter_is_a_usage_error(tmp_path):
    path = tmp_path / "mute.py"
    path.write_text(
        "from shim.contracts import Host, HostClass\n"
        "HOST = Host(name='mute', package='mute', facade='mute.loud', components=('one',), contracts=(),\n"
        "            classes=(HostClass(component='one', target='mute.one:One'),))\n",
        encoding="utf-8",
    )
    found = run("--host", str(path))
    assert (found.exit_code, "names no adapter for load" in found.output) == (64, True), found.output


def test_the_real_host_absent_is_said():
    done = drive("--host", "netra", "--mode", "off", "--regime", "normal", "--runs", "1")
    assert done.returncode == 6
    assert "the real host cannot be imported" in done.stderr
    assert "set FAILLOUD_HOST_TREE to its tree" in done.stderr


def test_progress_is_for_a_terminal(monkeypatch, capsys):
    cli._progress(Regime.NORMAL, Mode.OFF, 1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    cli._progress(Regime.NORMAL, Mode.OFF, 1, 2)
    assert "normal, off: 1 of 2 blocks" in capsys.readouterr().err


def test_every_mix_is_of_this_host_s_stories():
    from demo.traffic import MIXES

    assert set(MIXES) == set(Regime)
    assert all(isinstance(mix, Mix) and set(mix.stories) <= set(Story) for mix in MIXES.values())
