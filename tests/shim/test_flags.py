"""Which mode a component has and who said so: the precedence table, bad files, the clock, fork."""

from __future__ import annotations

import itertools
import os
import time

import pytest

from shim import flags as process_flags
from shim import guard
from shim.decisions import Decision, FlagError, Reason, environment_modes, mode_of
from shim.flags import REFRESH_S, Flags
from shim.snapshot import KILL, SNAPSHOT, Mode, Snapshot, kill, lift, write

COMPONENTS = ("alpha", "beta")


class Clock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def flags(clock):
    made = Flags(clock)
    made.declare(COMPONENTS)
    return made


def save(directory, version=1, **modes):
    write(directory, Snapshot(version=version, modes={name: Mode(mode) for name, mode in modes.items()}))


def failures(operation):
    return guard.own_failures().get(operation, 0)


# --- precedence: each source alone, then each above each of those that stand below it


def by_file(flags, directory, monkeypatch):
    save(directory, alpha="observe")


def by_environment(flags, directory, monkeypatch):
    monkeypatch.setenv("FAILLOUD_ALPHA", "enforce")


def by_kill_of_one(flags, directory, monkeypatch):
    kill(directory, "alpha")


def by_kill(flags, directory, monkeypatch):
    kill(directory)


def by_override(flags, directory, monkeypatch):
    return flags.override(alpha="observe")


SOURCES = [
    (by_override, "observe", Reason.OVERRIDE, "shim.override"),
    (by_kill, "off", Reason.KILL, "KILL;"),
    (by_kill_of_one, "off", Reason.KILL, "KILL.alpha;"),
    (by_environment, "enforce", Reason.ENV, "FAILLOUD_ALPHA"),
    (by_file, "observe", Reason.FILE, "flags.json version 1"),
]


def apply(sources, flags, state, monkeypatch, clock):
    """Apply the sources, an override last, and give the answer."""
    pending = [found for source in sources if (found := source(flags, state, monkeypatch)) is not None]
    clock.now += REFRESH_S
    if pending:
        with pending[0]:
            return flags.mode("alpha"), flags.mode("beta")
    return flags.mode("alpha"), flags.mode("beta")


@pytest.mark.parametrize(("source", "mode", "reason", "detail"), SOURCES, ids=[row[0].__name__ for row in SOURCES])
def test_each_source_alone(flags, state, monkeypatch, clock, source, mode, reason, detail):
    found, other = apply([source], flags, state, monkeypatch, clock)
    assert (found.mode, found.reason) == (mode, reason)
    assert found.detail.startswith(detail)
    assert other.reason == (Reason.KILL if source is by_kill else Reason.DEFAULT)


@pytest.mark.parametrize(
    ("higher", "lower"), list(itertools.combinations(SOURCES, 2)), ids=lambda row: row[0].__name__.removeprefix("by_")
)
def test_of_each_pair_the_higher_decides(flags, state, monkeypatch, clock, higher, lower):
    found, _ = apply([lower[0], higher[0]], flags, state, monkeypatch, clock)
    assert (found.mode, found.reason) == higher[1:3]
    assert found.detail.startswith(higher[3])


def test_nothing_says_anything(flags):
    assert flags.mode("alpha") == Decision(mode=Mode.OFF, reason=Reason.DEFAULT, detail="nothing says otherwise")
    assert set(flags.table()) == set(COMPONENTS)


def test_the_detail_of_a_file_names_version_and_stage(flags, state):
    write(state, Snapshot(version=7, modes={"alpha": Mode.OBSERVE}, stage="staging-1"))
    assert flags.table()["alpha"].detail == "flags.json version 7, staging-1"


def test_a_component_that_the_file_does_not_name_is_off_by_default(flags, state):
    save(state, alpha="enforce")
    assert flags.table()["beta"].reason is Reason.DEFAULT


# --- typos are refused with the valid choices


def test_an_unknown_component_is_refused_with_the_valid_ones(flags):
    with pytest.raises(FlagError) as caught:
        flags.mode("alhpa")
    assert str(caught.value) == "unknown component 'alhpa': valid are alpha, beta; did you mean 'alpha'?"


def test_without_a_host_there_is_no_component():
    with pytest.raises(FlagError, match=r"valid are none \(no host is installed\)"):
        Flags().mode("alpha")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "FAILLOUD_ALPHE", "observe",
            ("unknown variable 'FAILLOUD_ALPHE': valid are FAILLOUD_ALPHA, FAILLOUD_BETA; "
             "did you mean 'FAILLOUD_ALPHA'?"),
        ),
        ("FAILLOUD_BETA", "Enforce", ("unknown mode 'Enforce' in FAILLOUD_BETA: valid are off, observe, enforce; "
         "did you mean 'enforce'?")),
        ("FAILLOUD_BETA", "", "unknown mode '' in FAILLOUD_BETA: valid are off, observe, enforce"),
    ],
)  # fmt: skip
def test_a_typo_in_the_environment_is_refused_at_declare(monkeypatch, name, value, text):
    monkeypatch.setenv(name, value)
    made = Flags()
    with pytest.raises(FlagError) as caught:
        made.declare(COMPONENTS)
    assert str(caught.value) == text
    with pytest.raises(FlagError, match="none"):
        made.mode("alpha")


def test_other_variables_of_failloud_are_no_components(monkeypatch, tmp_path):
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("FAILLOUD_HOST_TREE", str(tmp_path))
    assert environment_modes(COMPONENTS) == {}


@pytest.mark.parametrize("value", ["", "on", "OFF", " off"])
def test_mode_of_refuses(value):
    with pytest.raises(FlagError, match="valid are off, observe, enforce"):
        mode_of(value)


# --- files that are bad, missing, or foreign


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": 2, "version": 1, "modes": {}}', '{"schema": 1, "version": 2, "modes": {"alpha": "on"}}',
     '{"schema": 1, "version": 2, "modes": {"gamma": "off"}}', '{"schema": 1, "version": "2", "modes": {}}'],
)  # fmt: skip
def test_a_bad_file_keeps_the_last_good_and_is_reported_once(flags, state, clock, text):
    save(state, alpha="enforce")
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "enforce"
    before = failures("flags.snapshot")
    (state / SNAPSHOT).write_text(text)
    for _ in range(3):
        clock.now += REFRESH_S
        assert flags.mode("alpha").mode == "enforce"
        os.utime(state / SNAPSHOT)  # the same bad text again: no second report
    assert failures("flags.snapshot") == before + 1
    save(state, version=3, alpha="observe")
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "observe"


def test_a_bad_file_does_not_hold_up_a_kill(flags, state, clock):
    save(state, alpha="enforce")
    flags.refresh()
    (state / SNAPSHOT).write_text("{")
    kill(state)
    clock.now += REFRESH_S
    assert flags.mode("alpha").reason is Reason.KILL


def test_a_bad_variable_set_after_the_install_does_not_hold_up_a_kill(flags, state, clock, monkeypatch):
    save(state, alpha="enforce")
    flags.refresh()
    monkeypatch.setenv("FAILLOUD_TYPO", "enforce")
    kill(state)
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "off"


@pytest.mark.parametrize("there", [True, False], ids=["empty directory", "no directory"])
def test_a_missing_file_is_off_and_reported_once(tmp_path, monkeypatch, clock, there, caplog):
    directory = tmp_path / "state"
    if there:
        directory.mkdir()
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(directory))
    before = failures("flags.snapshot")
    made = Flags(clock)
    made.declare(COMPONENTS)
    for _ in range(3):
        clock.now += REFRESH_S
        assert made.mode("alpha").mode == "off"
    assert failures("flags.snapshot") == before + 1
    assert "no such file" in caplog.text
    assert str(directory) in caplog.text


def test_another_directory_s_modes_are_not_kept(flags, state, clock, monkeypatch, tmp_path):
    save(state, alpha="enforce")
    flags.refresh()
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(tmp_path / "elsewhere"))
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "off"


def test_without_a_state_directory_nothing_is_reported(monkeypatch, clock):
    monkeypatch.delenv("FAILLOUD_STATE_DIR", raising=False)
    before = guard.own_failures()
    made = Flags(clock)
    made.declare(COMPONENTS)
    assert made.mode("alpha").mode == "off"
    assert guard.own_failures() == before


def test_a_file_with_an_older_time_is_seen(flags, state, clock):
    save(state, version=2, alpha="enforce")
    flags.refresh()
    save(state, version=1, alpha="observe")
    os.utime(state / SNAPSHOT, (1, 1))
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "observe"


# --- the clock


def test_the_directory_is_looked_at_once_a_second_at_most(flags, state, clock):
    flags.refresh()
    kill(state)
    save(state, alpha="enforce")
    clock.now += REFRESH_S * 0.999
    assert flags.mode("alpha").reason is Reason.DEFAULT
    assert flags.current("alpha") is Mode.OFF
    clock.now += REFRESH_S * 0.001
    assert flags.mode("alpha").reason is Reason.KILL
    lift(state)
    assert flags.mode("alpha").reason is Reason.KILL
    clock.now += REFRESH_S
    assert flags.current("alpha") is Mode.ENFORCE


def test_current_never_raises(flags):
    assert flags.current("gone") is Mode.OFF


# --- override


def test_overrides_nest_and_end(flags):
    with flags.override(alpha="observe"):
        with flags.override(alpha="enforce", beta="observe"):
            assert [flags.mode(name).mode for name in COMPONENTS] == ["enforce", "observe"]
        assert [flags.mode(name).mode for name in COMPONENTS] == ["observe", "off"]
        with flags.override(alpha="off"):
            assert flags.mode("alpha").reason is Reason.OVERRIDE
    assert flags.mode("alpha").reason is Reason.DEFAULT


def test_an_override_ends_with_its_block_when_the_block_raises(flags):
    with pytest.raises(KeyError), flags.override(alpha="observe"):
        raise KeyError
    assert flags.mode("alpha").reason is Reason.DEFAULT


@pytest.mark.parametrize(
    ("given", "text"),
    [({"gamma": "off"}, "unknown component 'gamma'"), ({"alpha": "loud"}, "unknown mode 'loud'"),
     ({"alpha": "observe", "gamma": "off"}, "unknown component 'gamma'")],
)  # fmt: skip
def test_an_override_of_something_unknown_is_refused(flags, given, text):
    with pytest.raises(FlagError, match=text), flags.override(**given):
        pytest.fail("the block ran")
    assert flags.mode("alpha").reason is Reason.DEFAULT


# --- processes


def test_the_module_s_functions_are_one_process_s_flags(courier):
    with process_flags.override(channel="observe"):
        assert process_flags.mode("channel").mode == process_flags.current("channel") == "observe"
        assert process_flags.table()["channel"].reason is Reason.OVERRIDE
    with pytest.raises(FlagError, match="channel, beacon, plant"):
        process_flags.mode("chanel")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_follows_a_kill(state):
    save(state, alpha="enforce")
    made = Flags()
    made.declare(COMPONENTS)
    assert made.mode("alpha").mode == "enforce"
    child = os.fork()
    if child == 0:  # 0: first loud, then quiet; anything else is a failure
        code = 1
        try:
            loud, until = made.mode("alpha").mode == "enforce", time.monotonic() + 10
            (state / "ready").touch()
            while time.monotonic() < until and made.mode("alpha").reason is not Reason.KILL:
                time.sleep(0.01)
            code = 0 if loud and made.mode("alpha").reason is Reason.KILL else 2
        finally:
            os._exit(code)
    until = time.monotonic() + 10
    while not (state / "ready").exists() and time.monotonic() < until:
        time.sleep(0.01)
    killed_at = time.monotonic()
    assert kill(state).name == KILL
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert time.monotonic() - killed_at < 5 * REFRESH_S


@pytest.mark.parametrize("broken", ["loop", "deep"])
def test_a_file_that_cannot_even_be_looked_at_holds_up_nothing(flags, state, clock, monkeypatch, broken):
    path = state / SNAPSHOT
    path.unlink(missing_ok=True)
    if broken == "loop":
        path.symlink_to(path)
    else:
        path.write_text("[" * 200_000)
    monkeypatch.setenv("FAILLOUD_ALPHA", "observe")
    clock.now += REFRESH_S
    assert flags.mode("alpha").mode == "observe"
    with flags.override(beta="enforce"):
        assert flags.mode("beta").mode == "enforce"
    kill(state)
    clock.now += REFRESH_S
    assert flags.mode("alpha").reason is Reason.KILL
