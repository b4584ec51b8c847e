"""The audit's formats: what SARIF requires, GitHub's escapes, the JSON document, the text plain and on a terminal."""

from __future__ import annotations

import json
import re
import sys

import pytest
from audit_case import CALLS, RAISES, add_rule, audit, write

from codemods.blocks import Heading, Line, Table, plain
from codemods.github import _command

LOST = "lose()\n"


@pytest.fixture
def folder(rule_folder, tmp_path, monkeypatch):
    add_rule(rule_folder, "lost_call", "FL801", CALLS, words='(b"lose",)')
    add_rule(rule_folder, "raises", "FL803", RAISES, words='(b"lose",)', cause="NETWORK")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "the tree"


@pytest.fixture
def mixed(folder):
    """One of each: a finding, a suppressed one, a rule that fails, a file that does not parse, an unused comment."""
    more = "x = 1  # failloud: ok FL801 why\n"
    return write(folder, a="é = lose()\nlose(\n    1)  # failloud: ok counted\n", b=more, boom=LOST, c="def lose(:\n")


SELECT = ("--select", "FL801,FL803,FL900")
REQUIRED = {
    "log": {"version", "runs"},
    "run": {"tool"},
    "driver": {"name"},
    "rule": {"id"},
    "invocation": {"executionSuccessful"},
    "result": {"message"},
    "notification": {"message"},
    "suppression": {"kind"},
}
"Of the official schema: the properties that an object of each kind must have."


def sarif_of(capsys, folder, *words):
    return audit(capsys, folder, *SELECT, "--format", "sarif", *words).json


def test_sarif_has_what_the_schema_requires(mixed, capsys):
    log = sarif_of(capsys, mixed)
    (run,) = log["runs"]
    driver, (invocation,) = run["tool"]["driver"], run["invocations"]
    notifications = invocation["toolExecutionNotifications"]
    given = {
        "log": [log],
        "run": [run],
        "driver": [driver],
        "rule": driver["rules"],
        "invocation": [invocation],
        "result": run["results"],
        "notification": notifications,
        "suppression": [each for one in run["results"] for each in one.get("suppressions", [])],
    }
    for kind, objects in given.items():
        assert objects, f"no {kind} to look at"
        assert [one for one in objects if not REQUIRED[kind] <= set(one)] == []
    assert log["version"] == "2.1.0"
    assert all(one["message"]["text"] for one in [*run["results"], *notifications])
    assert {one["level"] for one in [*run["results"], *notifications]} <= {"none", "note", "warning", "error"}
    assert run["columnKind"] == "unicodeCodePoints"


def test_sarif_rules_have_help_and_results_point_at_them(mixed, capsys):
    run = sarif_of(capsys, mixed)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == ["FL801", "FL803", "FL900"]
    assert rules[0]["help"]["text"] == "lost-call: a rule of the tests."
    assert all(one["shortDescription"]["text"] and one["name"] for one in rules)
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])


def test_sarif_places_count_characters_from_one(mixed, capsys):
    first, *_ = sarif_of(capsys, mixed)["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "the%20tree/a.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {
        "startLine": 1, "startColumn": 5, "endLine": 1, "endColumn": 11, "snippet": {"text": "é = lose()"},
    }  # fmt: skip


def test_sarif_tells_suppressed_from_open(mixed, capsys):
    results = sarif_of(capsys, mixed)["runs"][0]["results"]
    assert [one.get("suppressions") for one in results] == [
        None,
        None,
        [{"kind": "inSource", "justification": "counted"}],
    ]
    assert all("failloud/v1" in one["partialFingerprints"] for one in results[:2])


def test_sarif_names_what_failed(mixed, capsys):
    (invocation,) = sarif_of(capsys, mixed)["runs"][0]["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    said = [
        (
            one["level"],
            one["message"]["text"].partition(":")[0],
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        )
        for one in invocation["toolExecutionNotifications"]
    ]
    assert said == [
        ("error", "rule raises failed", "the%20tree/boom.py"),
        ("error", "does not parse, line 1", "the%20tree/c.py"),
        ("warning", "suppression of FL801 suppresses nothing; remove it", "the%20tree/b.py"),
    ]
    assert invocation["toolExecutionNotifications"][0]["associatedRule"] == {"id": "FL803", "index": 1}


def test_sarif_with_a_baseline_says_new_or_unchanged(folder, capsys, tmp_path):
    write(folder, a=LOST)
    audit(capsys, folder, *SELECT, "--write-baseline", tmp_path / "b.json")
    write(folder, z=LOST)
    results = sarif_of(capsys, folder, "--baseline", tmp_path / "b.json")["runs"][0]["results"]
    assert [one["baselineState"] for one in results] == ["unchanged", "new"]


def test_github_annotations(mixed, capsys):
    ended = audit(capsys, mixed, *SELECT, "--format", "github")
    assert ended.code == 2
    lines = ended.out.splitlines()
    broken = lines.pop(3)
    assert broken.startswith("::error file=the tree/c.py,title=not audited::does not parse, line 1")
    assert lines == [
        "::error file=the tree/a.py,line=1,endLine=1,col=5,endColumn=11,title=FL801 lost-call::lost",
        "::error file=the tree/boom.py,line=1,endLine=1,col=1,endColumn=7,title=FL801 lost-call::lost",
        "::error file=the tree/boom.py,title=FL803::rule raises failed: LookupError: no such thing",
        "::warning file=the tree/b.py,line=1::suppression of FL801 suppresses nothing; remove it",
        "failloud audit: 2 new findings, 0 known, 1 suppressed, 2 failures",
    ]


def test_github_takes_no_column_of_a_finding_that_spans_lines(folder, capsys):
    write(folder, a="lose(\n    1)\n")
    out = audit(capsys, folder, *SELECT, "--format", "github").out
    assert out.startswith("::error file=the tree/a.py,line=1,endLine=2,title=FL801 lost-call::lost\n")


ESCAPES = [
    ("a%b", {"file": "a%b"}, "::error file=a%25b::a%25b"),
    ("a\r\nb", {"file": "a\r\nb"}, "::error file=a%0D%0Ab::a%0D%0Ab"),
    ("a:b,c", {"file": "a:b,c"}, "::error file=a%3Ab%2Cc::a:b,c"),
    ("%0A", {"title": "%2C"}, "::error title=%252C::%250A"),
]


@pytest.mark.parametrize(("message", "properties", "line"), ESCAPES)
def test_github_escapes(message, properties, line):
    assert _command("error", message, properties) == line


def test_json_document(mixed, capsys):
    ended = audit(capsys, mixed, *SELECT, "--json")
    found = ended.json
    assert list(found) == [
        "schema", "files", "notes", "rules", "contracts_missing", "findings", "suppressed", "unused_suppressions",
        "baseline", "totals",
    ]  # fmt: skip
    assert found["schema"] == 1
    assert (found["files"]["found"], found["files"]["audited"], found["files"]["with_words"]) == (4, 2, 4)
    assert [(one["path"], one["code"]) for one in found["files"]["failed"]] == [("boom.py", "FL803"), ("c.py", "")]
    assert list(found["findings"][0]) == [
        "code", "path", "line", "col", "end_line", "end_col", "function", "message", "evidence", "contract", "fix",
        "text", "cause", "fingerprint", "new",
    ]  # fmt: skip
    assert [(one["line"], one["reason"]) for one in found["suppressed"]] == [(2, "counted")]
    assert found["baseline"] is None
    assert found["totals"]["by_rule"] == {"FL801": 2, "FL803": 0, "FL900": 0}
    assert found["totals"]["suppressed"] == {"FL801": {"counted": 1}}


def test_causes_stand_in_the_audit_s_order_beside_its_shares(mixed, capsys):
    ended = audit(capsys, mixed, *SELECT)
    table = ended.out[ended.out.index("by root cause") : ended.out.index("by rule")]
    assert re.findall(r"  (\S.*?)  +(\d+)  (\S+ %|0 %)  +(\d+ %)\n", table) == [
        ("missing null check", "0", "0 %", "35 %"),
        ("return value ignored", "0", "0 %", "25 %"),
        ("exception swallowed", "2", "100 %", "20 %"),
        ("buffer or queue overflow", "0", "0 %", "15 %"),
        ("network or connection", "0", "0 %", "5 %"),
    ]


def test_text_lists_findings_under_their_file_with_the_source_line(mixed, capsys):
    out = audit(capsys, mixed, *SELECT).out
    assert out.startswith("a.py\n  1:5  FL801 lost-call  lost  [shape]\n        é = lose()\n\nboom.py\n")
    assert "failed: boom.py: FL803 rule raises failed: LookupError: no such thing" in out
    assert "failed: c.py: does not parse, line 1" in out
    assert "notice: b.py:1: suppression of FL801 suppresses nothing" in out
    assert "files: 4 found, 2 audited, 2 failed" in out
    assert "\x1b" not in out


def test_text_shows_no_control_characters_of_the_source(folder, capsys):
    write(folder, a="lose()  # \x1b[31m \u202e red\n" + "lose('" + "x" * 300 + "')\n")
    out = audit(capsys, folder, *SELECT).out
    assert r"lose()  # \x1b[31m \u202e red" in out
    assert max(map(len, out.splitlines())) < 200


class Terminal:
    """Standard output that says it is a terminal."""

    encoding = "utf-8"

    def __init__(self, stream):
        self.stream = stream

    def isatty(self):
        return True

    def __getattr__(self, name):
        return getattr(self.stream, name)


@pytest.mark.parametrize(("variable", "coloured"), [(None, True), ("NO_COLOR", False)])
def test_rich_on_a_terminal_without_colour_where_none_is_wanted(mixed, capsys, monkeypatch, variable, coloured):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    write(mixed, d="lose()  # [bold]not markup[/bold]\n")
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    out = audit(capsys, mixed, *SELECT).out
    assert "[bold]not markup[/bold]" in out
    assert "┃" in out
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", out)) is coloured


def test_a_terminal_without_rich_gets_plain_text(mixed, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    out = audit(capsys, mixed, *SELECT).out
    assert "by root cause\n  cause " in out
    assert "\x1b" not in out


def test_plain_blocks():
    blocks = [
        Heading(text="H"),
        Line(text="l", indent=2),
        Table(title="T", columns=("a", "bb"), rows=(("xyz", 1), ("x", 100))),
    ]
    assert list(plain(blocks)) == ["H", "  l", "T", "  a     bb", "  xyz    1", "  x    100", ""]


@pytest.mark.parametrize("shape", ["text", "json", "sarif", "github"])
def test_output_goes_to_a_file_as_it_would_to_the_terminal(mixed, capsys, tmp_path, shape):
    shown = audit(capsys, mixed, *SELECT, "--format", shape)
    ended = audit(capsys, mixed, *SELECT, "--format", shape, "--output", tmp_path / "report")
    assert (ended.code, ended.out) == (shown.code, "")
    assert (tmp_path / "report").read_text(encoding="utf-8") == shown.out
    assert "2 findings, 2 failures" in ended.err


def test_formats_agree_on_what_is_found(mixed, capsys):
    document = audit(capsys, mixed, *SELECT, "--json").json
    open_results = [one for one in sarif_of(capsys, mixed)["runs"][0]["results"] if "suppressions" not in one]
    fingerprints = [one["partialFingerprints"]["failloud/v1"] for one in open_results]
    assert len(set(fingerprints)) == len(fingerprints) == len(document["findings"]) == 2
    assert json.dumps(document, sort_keys=True) == json.dumps(
        audit(capsys, mixed, *SELECT, "--format", "json").json, sort_keys=True
    )
