"""`failloud audit`: any tree, with a host and without; hostile trees; rules that raise; exit codes; usage errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from audit_case import CALLS, PASSES, RAISES, add_rule, audit, write
from migration_case import make_host_file, make_tree, run_cli

LOST = "lose()\n"
HANDLER = "try:\n    x()\nexcept E:\n    pass\n"
SITE = "from plant.hub import Hub\nasync def f(h: Hub):\n    await h.ping(1)\n"


@pytest.fixture
def folder(rule_folder, tmp_path):
    add_rule(rule_folder, "lost_call", "FL801", CALLS, words='(b"lose",)')
    add_rule(rule_folder, "passed_over", "FL802", PASSES)
    return tmp_path / "t"


SELECT = ("--select", "FL801,FL802,FL900")


def test_exit_codes(folder, capsys):
    assert audit(capsys, write(folder, a="x = 1\n"), *SELECT).code == 0
    assert audit(capsys, write(folder, a=LOST), *SELECT).code == 1
    ended = audit(capsys, write(folder, b="def lose(:\n"), *SELECT)
    assert ended.code == 2, "2 wins over 1"
    assert "FL801" in ended.out, "the rest is done"


def test_any_tree_without_a_host_says_which_rules_did_not_run(folder, capsys):
    ended = audit(capsys, write(folder, a=HANDLER), "--select", "FL001,FL802")
    assert ended.code == 1
    notes = [line for line in ended.out.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: contract rules not run: no host file (FL001 ignored-result); next: --host MODULE_OR_FILE",
    ]
    assert "  FL001" not in ended.out, "a rule that did not run has no count of 0"


def test_the_plain_command_works_on_any_tree(tmp_path, capsys):
    ended = audit(capsys, write(tmp_path / "t", a="x = 1\n"))
    assert ended.code == 0
    assert "note: contract rules not run: no host file" in ended.out


def test_with_a_host_contract_rules_run_beside_the_others(folder, capsys, tmp_path):
    tree = make_tree(folder, site=SITE, other_site=HANDLER)
    ended = audit(capsys, tree, "--host", make_host_file(tmp_path), "--select", "FL001,FL802", "--json")
    assert [(one["path"], one["code"]) for one in ended.json["findings"]] == [
        ("plant/other_site.py", "FL802"),
        ("plant/site.py", "FL001"),
    ]
    assert ended.json["notes"] == []
    assert [row["contract"] for row in ended.json["contracts_missing"]] == ["hub.vanished"]


def test_the_host_of_the_configuration_counts(folder, capsys, tmp_path):
    make_tree(folder, site=SITE)
    make_host_file(tmp_path)
    (tmp_path / "failloud.toml").write_text("host = 'the_host.py'\n", encoding="utf-8")
    assert audit(capsys, folder, "--select", "FL001").code == 1


def test_only_contract_rules_without_a_host_are_refused(folder, capsys):
    ended = audit(capsys, write(folder, a=LOST), "--select", "FL001")
    assert ended.code == 64
    assert "FL001 ignored-result: needs contracts" in ended.err


def test_a_tree_without_the_host_s_package_says_so(folder, capsys, tmp_path):
    ended = audit(capsys, write(folder, a=LOST), *SELECT, "--host", make_host_file(tmp_path))
    assert ended.code == 1
    assert "note: package plant was not found" in ended.out


CHOSEN = {
    "by code": (("--select", "FL801"), ["FL801"]),
    "by name": (("--select", "passed-over"), ["FL802"]),
    "several": (("--select", "FL801,FL802"), ["FL801", "FL802"]),
    "twice": (("--select", "FL801", "--select", "fl802"), ["FL801", "FL802"]),
    "all but": (("--select", "FL801,FL802", "--ignore", "lost-call"), ["FL802"]),
}


@pytest.mark.parametrize(("words", "codes"), CHOSEN.values(), ids=CHOSEN)
def test_select_and_ignore(folder, capsys, words, codes):
    ended = audit(capsys, write(folder, a=LOST + HANDLER), *words, "--json")
    assert [one["code"] for one in ended.json["findings"]] == codes
    assert [one["code"] for one in ended.json["rules"]] == codes


def test_all_rules_run_where_none_is_selected(folder, capsys):
    found = audit(capsys, write(folder, a=LOST + HANDLER), "--json").json
    codes = [one["code"] for one in found["rules"]]
    assert {"FL801", "FL802", "FL900"} <= set(codes)
    assert codes == sorted(codes)


REFUSED = {
    "unknown rule": (("--select", "lost-cal"), "did you mean 'lost-call'"),
    "unknown rule ignored": (("--ignore", "FL777"), "valid rules: FL001 ignored-result"),
    "no rule left": (("--select", "FL801", "--ignore", "FL801"), "leave no rule"),
    "unknown format": (("--format", "xml"), "xml"),
    "two formats": (("--json", "--format", "sarif"), "two formats"),
    "unknown host": (("--host", "no_such_host"), "no_such_host"),
    "unknown module": (("--module", "nowhere"), "nowhere"),
    "unknown rule explained": (("--explain", "FL777"), "FL777"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_usage_errors(folder, capsys, words, said):
    ended = audit(capsys, write(folder, a=LOST), *words)
    assert ended.code == 64
    assert said in ended.err
    assert ended.out == ""


def test_no_path_and_no_file_are_usage_errors(folder, capsys):
    assert run_cli(capsys, "audit").code == 64
    assert run_cli(capsys, "audit", folder).code == 64
    ended = audit(capsys, write(folder))
    assert (ended.code, "no Python file below" in ended.err) == (64, True)


def test_a_module_and_a_single_file(folder, capsys):
    write(folder, a=LOST, b=LOST)
    assert audit(capsys, folder, *SELECT, "--module", "b", "--json").json["files"]["found"] == 1
    found = audit(capsys, folder / "a.py", *SELECT, "--json").json
    assert [one["path"] for one in found["findings"]] == ["a.py"]


def test_names_start_above_the_packages_that_hold_path(folder, capsys):
    inner = write(write(write(folder, __init__=""), __init__="") / "inner", __init__="", a=LOST)
    assert audit(capsys, inner, *SELECT, "--module", "t.inner.a").code == 1


@pytest.fixture
def hostile(folder):
    """Files that break tools, each with a finding where it can be read."""
    write(folder, good=LOST, crlf=b"x = 1\r\nlose()\r\n", cr=b"x = 1\rlose()\r", bom=b"\xef\xbb\xbflose()\n")
    write(folder, latin="# coding: latin-1\né = 1; lose()\n".encode("latin-1"), empty=b"", no_newline=b"lose()")
    write(folder, tabs="if 1:\n\tlose()\n", page="x = 1\n\x0c\nlose()\n", wide="s = '😀'; lose()\n")
    write(folder, broken="def lose(:\n", undecodable=b"lose('\xff')\n", null=b"lose()\0\n", deep="lose" + "(" * 999)
    write(folder, cookie=b"# coding: klingon\nlose()\n")
    (folder / "link.py").symlink_to("good.py")
    (folder / "dangling.py").symlink_to("nowhere.py")
    (folder / "linked").symlink_to(folder, target_is_directory=True)
    (folder / ".venv").mkdir()
    os.mkfifo(folder / "pipe.py")
    os.close(os.open(os.fsencode(folder) + b"/odd\xff.py", os.O_CREAT))
    write(folder / "folder.py")
    write(folder / "space in name", **{"a,b:c%d": LOST})
    return folder


READ = ["bom", "cr", "crlf", "good", "latin", "link", "no_newline", "page", "space in name/a,b:c%d", "tabs", "wide"]
UNREAD = {
    "broken.py": "does not parse",
    "cookie.py": "cannot be decoded",
    "dangling.py": "cannot be read: No such file or directory",
    "deep.py": "does not parse",
    "null.py": "does not parse",
    "pipe.py": "cannot be read: not a regular file",
    "undecodable.py": "cannot be decoded",
}


def test_a_hostile_tree_is_reported_file_by_file(hostile, capsys):
    ended = audit(capsys, hostile, *SELECT, "--json")
    assert ended.code == 2
    found = ended.json
    assert sorted(one["path"] for one in found["findings"]) == [f"{name}.py" for name in READ]
    failed = {one["path"]: one["error"] for one in found["files"]["failed"]}
    assert failed.keys() == UNREAD.keys()
    assert [path for path, said in UNREAD.items() if said not in failed[path]] == []
    assert found["files"]["found"] == len(READ) + len(UNREAD) + 2, "empty.py and odd.py have no finding"
    assert found["files"]["audited"] == len(READ) + 2
    assert found["files"]["skipped_directories"] == [".venv", "linked"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_reported(folder, capsys):
    write(folder, a=LOST)
    (folder / "a.py").chmod(0)
    ended = audit(capsys, folder, *SELECT)
    assert ended.code == 2
    assert "failed: a.py: cannot be read: Permission denied" in ended.out


def test_a_file_that_cannot_be_read_is_reported_with_the_system_s_reason(folder, capsys, monkeypatch):
    write(folder, a=LOST, b=LOST)
    opened = os.open

    def denied(path, *args, **kwargs):
        if os.path.basename(path) == "a.py":  # noqa: PTH119  # `os.open` takes text and paths
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", denied)
    ended = audit(capsys, folder, *SELECT)
    assert ended.code == 2
    assert "failed: a.py: cannot be read: Permission denied" in ended.out
    assert "1:0  FL801" in ended.out


@pytest.mark.parametrize("shape", ["text", "json", "sarif", "github"])
def test_one_and_two_workers_say_the_same(hostile, rule_folder, capsys, shape):
    add_rule(rule_folder, "raises", "FL803", RAISES, words='(b"lose",)')
    write(hostile, **{f"m{n}": LOST if n % 3 else HANDLER for n in range(40)}, boom=LOST)
    words = ("audit", hostile, "--select", "FL801,FL802,FL803,FL900", "--format", shape)
    one, two = (run_cli(capsys, *words, "--jobs", jobs) for jobs in (1, 2))
    assert (one.code, one.out, one.err) == (two.code, two.out, two.err)
    assert one.code == 2


def test_a_rule_that_raises_stops_neither_files_nor_rules(folder, rule_folder, capsys):
    add_rule(rule_folder, "raises", "FL803", RAISES, words='(b"lose",)')
    write(folder, boom=LOST, fine=LOST)
    ended = audit(capsys, folder, "--select", "FL801,FL803", "--json")
    assert ended.code == 2
    assert ended.json["files"]["failed"] == [
        {"path": "boom.py", "code": "FL803", "error": "rule raises failed: LookupError: no such thing"}
    ]
    assert [one["path"] for one in ended.json["findings"]] == ["boom.py", "fine.py"]


def test_an_analysis_that_raises_is_a_failed_file(folder, capsys, monkeypatch):
    from codemods.callsites import Analyser

    monkeypatch.setattr(Analyser, "analyse", lambda *_: {}["surprise"])
    ended = audit(capsys, write(folder, a=LOST, b="x = 1\n"), *SELECT, "--json")
    assert ended.code == 2
    assert ended.json["files"]["failed"] == [
        {"path": "a.py", "code": "", "error": "not analysed: KeyError: 'surprise'"}
    ]


def test_a_rule_sees_only_files_that_hold_its_words(folder, rule_folder, capsys, monkeypatch):
    add_rule(rule_folder, "raises", "FL803", RAISES, words='(b"lose", b"never")')
    write(folder, boom_without="except_ = 1\n", boom_with="x = 'never'\n")
    ended = audit(capsys, folder, "--select", "FL802,FL803", "--json")
    assert [one["path"] for one in ended.json["files"]["failed"]] == ["boom_with.py"]
    assert ended.json["files"]["with_words"] == 2


def test_the_audit_writes_nothing_into_the_tree(folder, capsys):
    write(folder, a=LOST)
    audit(capsys, folder, *SELECT)
    assert [path.name for path in folder.iterdir()] == ["a.py"]


def test_a_terminal_of_another_encoding_is_no_error(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x = 'é→'  # failloud: ok\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "shim.cli", "audit", str(path), "--select", "FL900"],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert b"x = '\xe9\\u2192'" in ended.stdout


def test_list_rules_and_explain(folder, capsys):
    out = run_cli(capsys, "audit", "--list-rules").out
    assert "FL001  ignored-result" in out
    assert "FL900  suppression-without-reason" in out
    rows = run_cli(capsys, "audit", "--list-rules", "--json").json["rules"]
    assert {"code": "FL802", "name": "passed-over"}.items() <= next(r for r in rows if r["code"] == "FL802").items()
    explained = run_cli(capsys, "audit", "--explain", "ignored-result").out
    assert explained.startswith("FL001 ignored-result: the result of a contracted call is dropped\nroot cause: return")
    assert "migrate check-results" in explained
    assert "help" in json.loads(run_cli(capsys, "audit", "--explain", "FL900", "--json").out)
