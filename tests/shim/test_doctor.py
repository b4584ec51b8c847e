"""`failloud doctor`: exit codes, and each kind of finding with what to do next. Every run is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shim.doctor import SECTIONS, examine

ROOT = Path(__file__).parents[2]
STUBS = str(Path(__file__).parent / "stubs")
HOST_FILE = """
from shim.contracts import *
from shim.errors import LoudFailure
HOST = Host(
    name="sick", package="sick", facade="sick.loud", components=("one",),
    classes=(HostClass(component="one", target="sick.core:Sender"),),
    contracts=(Contract(component="one", target="sick.core:Sender", method="send", signature="(self)", is_async=False,
        shows=Shows.FALSY, error=LoudFailure, reason="not sent"),),
)
"""
CORE = "class Sender:\n    def send(self):\n        return False\n"
HOLDS = "import functools\nfrom sick.core import Sender\nCACHED = functools.lru_cache(Sender)\n"


@pytest.fixture
def doctor(tmp_path, monkeypatch):
    """Write a host and run the command on it."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{STUBS}")
    monkeypatch.delenv("FAILLOUD_STATE_DIR", raising=False)
    (tmp_path / "sick").mkdir()
    for name, text in (("__init__", ""), ("core", CORE), ("holds", HOLDS)):
        (tmp_path / "sick" / f"{name}.py").write_text(text)
    (tmp_path / "sick_host.py").write_text(HOST_FILE)

    def run(*args, **files):
        for name, text in files.items():
            (tmp_path / "sick" / f"{name}.py").write_text(text)
        command = [sys.executable, "-m", "shim.cli", "doctor", *args]
        found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert "Traceback" not in found.stderr, found.stderr
        return found.returncode, found.stdout + found.stderr

    return run


SICK = ("--host", "sick_host.py")


@pytest.mark.parametrize(
    ("args", "files", "code", "text"),
    [
        (("--host", "courier_host"), {}, 0, "28 contracts, 6 targets, version 2.1.0"),
        (SICK, {}, 0, "host sick: importing sick into this process"),
        ((), {}, 0, "no --host"),
        ((*SICK, "--import", "sick.holds"), {}, 1, "! sick.holds.CACHED (inside an object that cannot be changed)"),
        (SICK, {"core": CORE.replace("self", "self, more")}, 1, "signature is (self, more), declared (self); next:"),
        (SICK, {"core": "1 / 0\n"}, 2, "ZeroDivisionError"),
        (SICK, {"core": "import no_such_thing\n"}, 2, "sick.core:Sender: ModuleNotFoundError"),
        ((*SICK, "--import", "sick.gone"), {}, 2, "sick.gone cannot be imported: ModuleNotFoundError"),
        (("--host", "sickk_host"), {}, 64, "no module of that name"),
        (("--path", "nowhere"), {}, 64, "nowhere"),
    ],
)
def test_exit_code_and_text(doctor, args, files, code, text):
    found, said = doctor(*args, **files)
    assert found == code, said
    assert text in said


def test_the_flag_file_and_a_variable(doctor, tmp_path, monkeypatch):
    state = tmp_path / "state"
    state.mkdir()
    (state / "flags.json").write_text("{")
    monkeypatch.setenv("FAILLOUD_STATE_DIR", str(state))
    code, said = doctor(*SICK)
    assert code == 1
    assert "! flag file" in said
    monkeypatch.delenv("FAILLOUD_STATE_DIR")
    monkeypatch.setenv("FAILLOUD_ON", "observe")
    code, said = doctor(*SICK)
    assert code == 1
    assert "FAILLOUD_ON" in said


def test_json_holds_every_section(doctor):
    code, said = doctor(*SICK, "--json", "--import", "sick.holds")
    found = json.loads(said)
    assert code == 1
    assert (found["schema"], found["host"]) == (1, "sick")
    assert [section["name"] for section in found["sections"]] == list(SECTIONS)
    assert ["sick.holds.CACHED" in section["findings"][0] for section in found["sections"] if section["findings"]] == [
        True
    ]


def test_a_section_whose_extra_is_absent_says_so(monkeypatch):
    monkeypatch.setattr("shim.doctor.SECTIONS", {"extra": "no_such_package_at_all.doctor:look"})
    assert [section.facts for section in examine(None)] == [
        ("not available here: no_such_package_at_all is not installed",)
    ]
