"""Baselines: only new findings fail; lines may move; what is gone is told; nothing is lost on renewal."""

from __future__ import annotations

import json

import pytest
from audit_case import CALLS, PASSES, add_rule, audit, write

SELECT = ("--select", "FL801,FL802")
ONE = "def f():\n    lose(1, 'a')\n"


@pytest.fixture
def folder(rule_folder, tmp_path):
    add_rule(rule_folder, "lost_call", "FL801", CALLS, words='(b"lose",)')
    add_rule(rule_folder, "passed_over", "FL802", PASSES)
    return write(tmp_path / "t", a=ONE, b=ONE)


@pytest.fixture
def baseline(folder, capsys, tmp_path):
    path = tmp_path / "baseline.json"
    assert audit(capsys, folder, *SELECT, "--write-baseline", path).code == 0
    return path


def test_known_findings_do_not_fail(folder, baseline, capsys):
    ended = audit(capsys, folder, *SELECT, "--baseline", baseline)
    assert ended.code == 0
    assert "baseline: 0 new, 2 known, 0 gone, 0 not looked at" in ended.out
    assert "lose(1" not in ended.out, "known findings are counted, not listed"
    assert "findings: 2" in ended.out


MOVED = {
    "lines above": "import os\n\n\n" + ONE,
    "another indentation": "def f():\n  lose(1, 'a')\n",
    "formatted": 'def f():\n    lose(\n        1,\n        "a",\n    )\n',
    "a comment beside": "def f():\n    lose(1, 'a')  # here\n",
    "crlf": ONE.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", MOVED.values(), ids=MOVED)
def test_a_finding_that_moved_is_known(folder, baseline, capsys, text):
    write(folder, a=text)
    assert audit(capsys, folder, *SELECT, "--baseline", baseline).code == 0


NEW = {
    "a second one in the same function": ONE + "    lose(1, 'a')\n",
    "other arguments": ONE.replace("1", "2"),
    "another function": ONE.replace("def f", "def g"),
    "another rule": ONE + "    try: x()\n    except E: pass\n",
}


@pytest.mark.parametrize("text", NEW.values(), ids=NEW)
def test_a_new_finding_fails(folder, baseline, capsys, text):
    write(folder, a=text)
    ended = audit(capsys, folder, *SELECT, "--baseline", baseline, "--json")
    assert ended.code == 1
    assert sum(one["new"] for one in ended.json["findings"]) == 1


def test_equal_handlers_in_one_function_are_counted(folder, baseline, capsys):
    handler = "    try: x()\n    except E: pass\n"
    write(folder, a=ONE + handler * 3)
    audit(capsys, folder, *SELECT, "--write-baseline", baseline)
    write(folder, a=ONE + handler * 4)
    ended = audit(capsys, folder, *SELECT, "--baseline", baseline)
    assert (ended.code, "baseline: 1 new, 5 known" in ended.out) == (1, True)


def test_what_is_gone_is_told_with_the_way_to_renew(folder, baseline, capsys):
    write(folder, a="x = 1\n")
    (folder / "b.py").unlink()
    ended = audit(capsys, folder, *SELECT, "--baseline", baseline)
    assert ended.code == 0
    assert "baseline: 0 new, 0 known, 2 gone" in ended.out
    assert "gone: t/a.py: FL801 in f: lose(1, 'a')" in ended.out
    assert "--write-baseline" in ended.out
    renewed = audit(capsys, folder, *SELECT, "--write-baseline", baseline)
    assert "0 findings written: 0 new, 0 known, 0 not looked at; 2 taken out" in renewed.err
    assert json.loads(baseline.read_text())["findings"] == []


PARTIAL = {
    "one module": ("--module", "a.py", *SELECT),
    "one rule": ("--select", "FL802"),
}


@pytest.mark.parametrize("words", PARTIAL.values(), ids=PARTIAL)
def test_a_partial_run_takes_nothing_out(folder, baseline, capsys, words):
    before = baseline.read_bytes()
    ended = audit(capsys, folder, *words, "--baseline", baseline, "--json")
    assert ended.json["baseline"]["gone"] == []
    assert len(ended.json["baseline"]["not_looked_at"]) == (1 if "a.py" in words else 2)
    assert audit(capsys, folder, *words, "--write-baseline", baseline).code == 0
    assert baseline.read_bytes() == before


def test_a_file_that_fails_keeps_its_entries(folder, baseline, capsys):
    before = baseline.read_bytes()
    write(folder, a="def lose(:\n")
    ended = audit(capsys, folder, *SELECT, "--write-baseline", baseline)
    assert ended.code == 2
    assert "1 not looked at; 0 taken out" in ended.err
    assert baseline.read_bytes() == before


def test_a_folder_and_one_of_its_files_share_a_baseline(folder, baseline, capsys):
    assert audit(capsys, folder / "a.py", *SELECT, "--baseline", baseline).code == 0


def test_paths_start_from_the_baseline_s_folder_whatever_the_working_folder(folder, baseline, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert audit(capsys, ".", *SELECT, "--baseline", "../baseline.json").code == 0


def test_the_file_is_sorted_one_line_an_entry_and_says_what_it_is(folder, baseline):
    text = baseline.read_text(encoding="utf-8")
    document = json.loads(text)
    assert list(document) == ["failloud", "schema", "about", "renew", "findings"]
    assert "--write-baseline" in document["renew"]
    rows = [line for line in text.splitlines() if '"fingerprint"' in line]
    assert rows == sorted(rows)
    assert [one["path"] for one in document["findings"]] == ["t/a.py", "t/b.py"]
    assert text.endswith("}\n")


def test_merged_lines_of_two_branches_are_read_whatever_their_order(folder, baseline, capsys):
    document = json.loads(baseline.read_text())
    rows = [*reversed(document["findings"]), document["findings"][0]]
    baseline.write_text(json.dumps(document | {"findings": rows}))
    assert audit(capsys, folder, *SELECT, "--baseline", baseline).code == 0


BAD = {
    "not JSON": ("{", "no JSON"),
    "another document": ('{"findings": []}', "it is no audit baseline"),
    "a list": ("[]", "it is no audit baseline"),
    "another schema": ('{"failloud": "audit baseline", "schema": 2, "findings": []}', "schema 2 is not 1"),
    "no findings": ('{"failloud": "audit baseline", "schema": 1}', '"findings" is no list'),
    "half an entry": (
        '{"failloud": "audit baseline", "schema": 1, "findings": [{"code": "FL801"}]}',
        "finding 1 does not have exactly path, code, function, text, fingerprint",
    ),
    "merge conflict": ("{\n<<<<<<< HEAD\n", "merge conflict marks"),
    "not text": (b"\xff\xfe", "cannot be read"),
}


@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_malformed_baseline_is_refused(folder, tmp_path, capsys, text, said, option):
    path = tmp_path / "bad.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    ended = audit(capsys, folder, *SELECT, option, path)
    assert ended.code == 64
    assert said in ended.err
    assert "next: " in ended.err
    assert path.read_bytes() == before


def test_a_missing_baseline_is_refused_with_the_way_to_make_it(folder, tmp_path, capsys):
    ended = audit(capsys, folder, *SELECT, "--baseline", tmp_path / "none.json")
    assert ended.code == 64
    assert "no such file; next: make it with --write-baseline" in ended.err


def test_two_baselines_are_refused(folder, baseline, tmp_path, capsys):
    ended = audit(capsys, folder, "--baseline", baseline, "--write-baseline", tmp_path / "other.json")
    assert ended.code == 64


def test_a_baseline_that_cannot_be_written_is_told(folder, tmp_path, capsys):
    ended = audit(capsys, folder, *SELECT, "--write-baseline", tmp_path / "none" / "b.json")
    assert ended.code == 2
    assert "cannot be written" in ended.err
