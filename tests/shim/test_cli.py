"""The root command and `failloud flags`: exit codes, texts, and files left alone on refusal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shim.cli import COMMANDS, EXTRA_OF
from shim.snapshot import KILL, SNAPSHOT, Mode, Snapshot, kill, read, write

ROOT = Path(__file__).parents[2]
STUBS = str(Path(__file__).parent / "stubs")
HOST = ("--host", "courier_host")
BLOCKED = "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(','))); from shim.cli import main; main()"


@pytest.fixture
def failloud(monkeypatch):
    """Run the command as a process of its own; `without` names modules that cannot be imported."""
    for name in ("FAILLOUD_STATE_DIR", "FAILLOUD_HOST_TREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{STUBS}")

    def run(*args, without="nothing_at_all"):
        command = [sys.executable, "-c", BLOCKED, without, *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    return run


def shows(found, code, *parts):
    """Check exit code and text; never a traceback."""
    text = found.stdout + found.stderr
    assert "Traceback" not in text, text
    assert found.returncode == code, text
    for part in parts:
        assert part in text
    return text


# --- the root


@pytest.mark.parametrize("args", [("--help",), ("-h",)])
def test_help_lists_every_command(failloud, args):
    text = shows(failloud(*args), 0, "Usage:")
    listed = [
        line.split()[0]
        for line in text.partition("Commands:")[2].splitlines()
        if line.startswith("  ") and line[2] != " "
    ]
    assert sorted(listed) == sorted(COMMANDS)
    assert "not available here" not in text


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (("flgas",), "No such command 'flgas'"),
        (("--no-such-option",), "No such option"),
        (("flags", "shwo", *HOST), "No such command 'shwo'"),
        (("flags", "show"), "Missing option '--host'"),
        (("flags", "set", *HOST), "Missing argument"),
        (("rollback", "--no-such-option"), "No such option"),
        (("rollout", "no-such"), "No such command"),
        (("drive", "--regime", "calm"), "'calm' is not one of"),
        (("drive", "--host", "nowhere"), "host 'nowhere': no module of that name"),
        (("drive", "--tenants", "5"), "at most --tenants 4"),
        (("migrate", "--no-such-option"), "No such option"),
    ],
)
def test_usage_errors_are_64(failloud, args, part):
    shows(failloud(*args), 64, part)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(failloud, name):
    shows(failloud(name, "--help"), 0, "Usage:")


EXTRAS = {"codemods": "libcst,bowler,fissix,rich", "rollout": "yaml,pydantic", "server": "starlette,uvicorn,websockets"}


@pytest.mark.parametrize(
    ("args", "extra"),
    [
        (("rollout", "--help"), "rollout"),
        (("demo", "--help"), "server"),
    ],
)
def test_a_missing_extra_ends_with_the_pip_command(failloud, args, extra):
    shows(failloud(*args, without=EXTRAS[extra]), 64, f"'{args[0]}' needs ", f"pip install 'failloud[{extra}]'")


@pytest.mark.parametrize("args", [("calls",), ("migrate", "check-results")], ids=" ".join)
def test_a_source_that_needs_the_missing_parser_is_named(failloud, tmp_path, args):
    for part in ("__init__.py", "channel.py"):
        text = Path(STUBS, "courier", part).read_text(encoding="utf-8")
        path = tmp_path / "courier" / part
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "courier" / "newer.py").write_text("def send(:\n")
    found = failloud(*args, tmp_path, *HOST, without=EXTRAS["codemods"])
    if found.returncode == 64:
        shows(found, 64, "pip install 'failloud[codemods]'")
    else:
        shows(found, 2, "newer.py")


def test_every_extra_of_the_table_is_declared():
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(EXTRA_OF.values()) <= set(declared)
    for module, extra in EXTRA_OF.items():
        names = {"yaml": "pyyaml", "fissix": "bowler"}.get(module, module)
        assert any(line.startswith(names) for line in declared[extra]), f"{module} is not what {extra} installs"


def test_help_without_any_extra_still_lists_every_command(failloud):
    text = shows(failloud("--help", without=",".join(EXTRAS.values())), 0, "pip install 'failloud[rollout]'")
    assert all(f"  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", ["rollback", "flags"])
def test_what_an_on_call_engineer_needs_runs_without_any_extra(failloud, name):
    shows(failloud(name, "--help", without=",".join(EXTRAS.values())), 0, "Usage:")


# --- flags show


def rows(found):
    """Give `component -> (mode, reason)` of the JSON document."""
    data = json.loads(found.stdout)
    assert data["schema"] == 1
    return {name: (row["mode"], row["reason"]) for name, row in data["components"].items()}


def test_show_without_anything_is_off_by_default(failloud):
    text = shows(failloud("flags", "show", *HOST), 0)
    lines = [line.split() for line in text.splitlines()]
    assert [line[:3] for line in lines[:2]] == [["channel", "off", "default:"], ["beacon", "off", "default:"]]
    assert len(lines) == 6


def test_show_tells_who_decided(failloud, tmp_path, monkeypatch):
    write(tmp_path, Snapshot(version=4, modes={"channel": Mode.ENFORCE, "beacon": Mode.OBSERVE, "store": Mode.ENFORCE}))
    kill(tmp_path, "store")
    monkeypatch.setenv("FAILLOUD_BEACON", "enforce")
    found = failloud("flags", "show", *HOST, "--state-dir", tmp_path, "--json")
    shows(found, 0, "flags.json version 4", "KILL.store", "FAILLOUD_BEACON")
    assert rows(found) == {
        "channel": ("enforce", "file"), "beacon": ("enforce", "env"), "store": ("off", "kill"),
        "plant": ("off", "default"), "office": ("off", "default"), "relay": ("off", "default"),
    }  # fmt: skip
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(tmp_path))
    assert rows(failloud("flags", "show", *HOST, "--json")) == rows(found), "the variable stands for the option"


@pytest.mark.parametrize(
    ("text", "part"),
    [(None, "no such file"), ("{", "not whole JSON"), ('{"schema": 9}', "schema 9 is not known here"),
     ('{"schema": 1, "version": 1, "modes": {"channel": "loud"}}', "modes are off, observe, enforce"),
     ('{"schema": 1, "version": 1, "modes": {"chanel": "off"}}', "chanel")],
)  # fmt: skip
def test_show_of_a_bad_file_is_6(failloud, tmp_path, text, part):
    if text is not None:
        (tmp_path / SNAPSHOT).write_text(text)
    found = failloud("flags", "show", *HOST, "--state-dir", tmp_path)
    shows(found, 6, part, "next:", "channel")
    as_json = failloud("flags", "show", *HOST, "--state-dir", tmp_path, "--json")
    assert as_json.returncode == 6
    assert part in json.loads(as_json.stdout)["problem"]


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [("FAILLOUD_CHANEL", "off", ("unknown variable 'FAILLOUD_CHANEL'", "did you mean 'FAILLOUD_CHANNEL'")),
     ("FAILLOUD_CHANNEL", "loud", ("unknown mode 'loud'", "off, observe, enforce"))],
)  # fmt: skip
def test_show_with_a_typo_in_the_environment_is_64(failloud, monkeypatch, name, value, parts):
    monkeypatch.setenv(name, value)
    shows(failloud("flags", "show", *HOST), 64, *parts, "next:")


MALFORMED = "from courier_host import *\nfrom dataclasses import replace\nreplace(HOST, package='')\n"


@pytest.mark.parametrize("command", [("show",), ("set", "channel=off")])
@pytest.mark.parametrize(
    ("spec", "text", "part"),
    [
        ("nettra", None, "did you mean 'netra'?"),
        ("HERE/gone.py", None, "no such file"),
        ("HERE/bad.py", "HOST = (\n", "does not parse"),
        ("HERE/bad.py", "x = 1\n", "defines no HOST"),
        ("HERE/bad.py", "import no_such_thing_at_all\n", "no_such_thing_at_all"),
        ("HERE/bad.py", MALFORMED, "malformed host declaration"),
    ],
)  # fmt: skip
def test_a_bad_host_is_64(failloud, tmp_path, command, spec, text, part):
    if text is not None:
        (tmp_path / "bad.py").write_text(text)
    given = spec.replace("HERE", str(tmp_path))
    shows(failloud("flags", *command, "--host", given, "--state-dir", tmp_path), 64, part)
    assert not (tmp_path / SNAPSHOT).exists()


# --- flags set


def test_set_writes_what_was_asked_and_keeps_the_rest(failloud, tmp_path):
    state = tmp_path / "new"
    shows(
        failloud("flags", "set", "channel=observe", *HOST, "--state-dir", state), 0, "version 1", "channel", "observe"
    )
    shows(failloud("flags", "set", "beacon=enforce", "plant=off", *HOST, "--state-dir", state), 0, "version 2")
    found = read(state)
    assert found.version == 2
    assert found.modes == {"channel": "observe", "beacon": "enforce", "plant": "off"}


def test_set_says_that_a_kill_still_holds(failloud, tmp_path):
    kill(tmp_path)
    text = shows(failloud("flags", "set", "channel=enforce", *HOST, "--state-dir", tmp_path), 0)
    assert "KILL still holds; only 'failloud rollout resume' lifts it" in text
    assert (tmp_path / KILL).exists()


GOOD = '{"schema": 1, "version": 3, "modes": {"channel": "observe"}}'


@pytest.mark.parametrize(
    ("pairs", "before", "code", "part"),
    [
        (("chanel=observe",), GOOD, 64, "unknown component 'chanel': valid are channel, beacon"),
        (("channel=loud",), GOOD, 64, "unknown mode 'loud': valid are off, observe, enforce"),
        (("channel",), GOOD, 64, "'channel'"),
        (("channel=",), GOOD, 64, "unknown mode ''"),
        (("channel=enforce", "beacon=loud"), GOOD, 64, "unknown mode 'loud'"),
        (("channel=enforce", "channel=off"), GOOD, 64, "channel"),
        (("channel=off",), "{", 6, "not whole JSON"),
        (("channel=off",), '{"schema": 2}', 6, "schema 2 is not known here"),
    ],
)
def test_set_refuses_and_leaves_the_file_alone(failloud, tmp_path, pairs, before, code, part):
    path = tmp_path / SNAPSHOT
    path.write_text(before)
    shows(failloud("flags", "set", *pairs, *HOST, "--state-dir", tmp_path), code, part)
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == [SNAPSHOT]


def test_set_without_a_directory_says_so(failloud):
    shows(failloud("flags", "set", "channel=off", *HOST), 64, "no state directory; next: give --state-dir DIR")


def test_set_where_nothing_can_be_written_is_6(failloud, tmp_path):
    (tmp_path / "file").write_text("")
    shows(failloud("flags", "set", "channel=off", *HOST, "--state-dir", tmp_path / "file"), 6, str(tmp_path / "file"))
