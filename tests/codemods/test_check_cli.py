"""`failloud check`: options, formats, files, suppressions, baseline, exit codes, the pre-commit hook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from check_case import MIGRATED, check, drift, edit, make
from migration_case import run_cli

from codemods import driftbook
from codemods.rulebook import entries

ROOT = Path(__file__).parents[2]
BAD = "def f():\n    raise ValueError(a=1)\n"
SILENT = "from mill.bell import Bell\n\n\nasync def f(b: Bell):\n    await b.ring(1)\n"


@pytest.fixture
def drifted(tmp_path):
    folder = make(tmp_path, one=BAD, two=BAD, three=SILENT)
    edit(folder, "stone", "SPEED = 30", "SPEED = 31")
    return folder


def test_several_paths_are_checked_and_the_declaration_with_the_whole_tree(drifted, capsys):
    rows = drift(capsys, drifted, path=(drifted / "mill" / "one.py", drifted / "mill" / "bell.py"))
    assert [(code, path) for code, path, _ in rows] == [("FL105", "one.py"), ("FL102", "stone.py")]
    found = check(capsys, drifted, "--json", path=(drifted / "mill" / "one.py", drifted / "mill" / "bell.py")).json
    assert found["files"]["found"] == 3, "the two given, and the one of which the declaration speaks"


def test_one_file_finds_the_package_above_it_and_names_what_lies_outside(drifted, capsys):
    rows = drift(capsys, drifted, path=drifted / "mill" / "one.py")
    assert [(code, path) for code, path, _ in rows] == [("FL105", "one.py"), ("FL102", "stone.py")]


def test_a_folder_and_a_file_in_it_count_once(drifted, capsys):
    found = check(capsys, drifted, "--json", path=(drifted / "mill", drifted / "mill" / "one.py")).json
    assert found["files"]["found"] == 7


def test_module_limits_the_files(drifted, capsys):
    assert [path for _, path, _ in drift(capsys, drifted, "--module", "mill.one")] == ["one.py", "stone.py"]


def test_workers_find_the_same(drifted, capsys):
    for number in range(8):
        (drifted / "mill" / f"more{number}.py").write_text(BAD)
    words = ("check", drifted / "mill", "--host", drifted / "the_mill.py", "--json", "--jobs")
    alone, several = (run_cli(capsys, *words, jobs).json for jobs in (1, 2))
    assert alone == several
    assert len(alone["findings"]) == 12


def test_contracted_calls_are_known_by_the_audit_s_baseline_and_drift_is_not(drifted, capsys):
    baseline = drifted / "baseline.json"
    words = ("--host", drifted / "the_mill.py", "--jobs", 1)
    run_cli(capsys, "audit", drifted / "mill", *words, "--write-baseline", baseline)
    new = [one for one in check(capsys, drifted, "--json", "--baseline", baseline).json["findings"] if one["new"]]
    assert "FL001" in {code for code, _, _ in drift(capsys, drifted)}
    assert {one["code"] for one in new} == {"FL102", "FL105"}


def test_suppressed_by_code_with_a_reason_and_counted(drifted, capsys):
    (drifted / "mill" / "one.py").write_text(BAD.rstrip() + "  # failloud: ok FL105 a test of the handler\n")
    (drifted / "mill" / "two.py").write_text(BAD.rstrip() + "  # failloud: ok says nothing\n")
    found = check(capsys, drifted, "--json").json
    assert [(one["path"], one["reason"]) for one in found["suppressed"]] == [("one.py", "a test of the handler")]
    assert "two.py" in {one["path"] for one in found["findings"]}


def test_a_suppression_of_drift_that_suppresses_nothing_is_told_by_check_and_not_by_audit(tmp_path, capsys):
    folder = make(tmp_path, one="def f():\n    raise ValueError(1)  # failloud: ok FL105 it is fine\n")
    assert "suppression of FL105 suppresses nothing" in check(capsys, folder).out
    ended = run_cli(capsys, "audit", folder / "mill", "--host", folder / "the_mill.py", "--jobs", 1)
    assert "suppresses nothing" not in ended.out


def test_the_state_file_is_found_above_path(tmp_path, capsys, monkeypatch):
    folder = make(tmp_path, miller=MIGRATED)
    monkeypatch.chdir(folder)
    assert "note: no state file" in check(capsys, folder).out
    check(capsys, folder, "--write-state")
    assert (folder / "failloud.loud.json").is_file()
    ended = check(capsys, folder)
    assert f"state: {folder / 'failloud.loud.json'}: 6 marks in 4 functions" in ended.out
    assert "note:" not in ended.out


REFUSED = {
    "no path": ((), "PATH is missing"),
    "two formats": (("PATH", "--json", "--format", "sarif"), "two formats"),
    "a state file that is not there": (
        ("PATH", "--state", "nowhere.json"),
        "no such file; next: make it with --write-state",
    ),
    "a baseline that is not there": (("PATH", "--baseline", "nowhere.json"), "no such file"),
    "an unknown module": (("PATH", "--module", "mill.ston"), "close: mill.stone"),
    "another host's tree": (("PATH", "--host", "example"), "package agentchat is not in"),
    "an unknown report": (("--explain", "FL999"), "valid reports: FL101 contract-missing"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_usage_errors_say_what_to_do(tmp_path, capsys, words, said):
    folder = make(tmp_path)
    given = [folder / "mill" if word == "PATH" else word for word in words]
    host = () if "--host" in words else ("--host", folder / "the_mill.py")
    ended = run_cli(capsys, "check", *given, *host)
    assert ended.code == 64
    assert said in ended.err


def test_explain(capsys):
    ended = run_cli(capsys, "check", "--explain", "silent-again")
    assert ended.code == 0
    assert ended.out.startswith("FL107 silent-again: what the state file records as loud is loud no more.")


def test_formats(drifted, capsys, tmp_path):
    log = json.loads(check(capsys, drifted, "--format", "sarif").out)["runs"][0]
    codes = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in log["tool"]["driver"]["rules"]}
    assert (codes["FL102"], codes["FL111"]) == ("error", "note")
    assert {one["ruleId"] for one in log["results"]} == {"FL001", "FL102", "FL105"}
    lines = check(capsys, drifted, "--format", "github").out.splitlines()
    assert any(
        re.match(r"::error file=.*one\.py,line=2,.*title=FL105 exception-arguments::ValueError", one) for one in lines
    )
    assert lines[-1] == "failloud check: 4 new findings, 0 known, 0 suppressed, 0 failures"
    ended = check(capsys, drifted, "--format", "json", "--output", tmp_path / "report.json")
    assert (ended.code, ended.out) == (1, "")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["contracts"] == {"declared": 4, "compared": 4, "untold": []}
    assert found["state"] is None


def test_codes_are_check_s_own_and_documented():
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (FL1\d\d) \| ([\w-]+):", page, re.MULTILINE)
    assert rows == [(one.code, one.name) for one in driftbook.REPORTS]
    assert not {one.code for one in entries()} & driftbook.CODES


def test_the_pre_commit_hook_runs_this_command():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] == "failloud-check"
    assert hook["entry"].split() == ["failloud", "check"]
    assert (hook["language"], hook["types"]) == ("python", ["python"])
    assert hook["additional_dependencies"] == [".[codemods]"]
    assert hook["require_serial"], "one run, one report; the state is compared once"


def test_the_hook_s_command_takes_the_files_of_a_commit(drifted, capsys):
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
    words = hook["entry"].split()[1:]
    files = (drifted / "mill" / "one.py", drifted / "mill" / "two.py")
    ended = run_cli(capsys, *words, "--host", drifted / "the_mill.py", *files)
    assert ended.code == 1
    assert ended.out.count("FL105 exception-arguments") == 2
