"""Suppressions: where they stand, which rules they speak of, what is left without a reason or without a use."""

from __future__ import annotations

import pytest
from audit_case import CALLS, PASSES, add_rule, audit, write

OK = "# failloud: ok it is counted elsewhere"
LOST, PASSED = "FL801", "FL802"
SILENCED = {
    "on the line": f"lose()  {OK}\n",
    "on the first line of a statement": f"lose(  {OK}\n    1,\n)\n",
    "on the last line of a statement": f"lose(\n    1,\n)  {OK}\n",
    "on the last line of the statement around": f"x = [\n    lose(),\n    2,\n]  {OK}\n",
    "on the finding's own line": f"x = [\n    lose(),  {OK}\n    2,\n]\n",
    "above": f"{OK}\nlose()\n",
    "above, in a block of comments": f"{OK},\n# see the ledger\nlose()\n",
    "above a statement that holds it": f"{OK}\nx = [\n    lose(),\n]\n",
    "above, indented": f"def f():\n    {OK}\n    lose()\n",
    "above a decorated function": f"{OK}\n@lose()\ndef f(): pass\n",
    "a condition, on its header": f"if lose():  {OK}\n    x = 1\n",
    "a condition, on the last line of its header": f"if (\n    lose()\n):  {OK}\n    # more\n\n    x = 1\n",
    "behind another comment": f"lose()  # noqa: X  {OK}\n",
    "before another comment": f"lose()  {OK}  # noqa: X\n",
    "by code": "lose()  # failloud: ok FL801 it is counted\n",
    "by code, with a colon": "lose()  # failloud: ok FL801: it is counted\n",
    "by several codes": f"try: lose()  # failloud: ok FL801, FL802 counted\nexcept E: pass  {OK}\n",
    "in lower case": "lose()  # failloud: ok fl801 it is counted\n",
    "without blanks": "lose()  #failloud:ok it is counted\n",
    "crlf": f"x = 1\r\nlose()  {OK}\r\n",
    "an except clause": f"try:\n    x()\nexcept E:  {OK}\n    pass\n",
    "above an except clause": f"try:\n    x()\n{OK}\nexcept E:\n    pass\n",
}
FOUND = {
    "another code": "lose()  # failloud: ok FL802 it is counted\n",
    "a blank line between": f"{OK}\n\nlose()\n",
    "in a string": f"x = '{OK}'; lose()\n",
    "in a docstring above": f'def f():\n    """Doc\n    {OK}\n    """\n    lose()\n',
    "on the line before, behind code": f"x = 1  {OK}\nlose()\n",
    "on a body line, for the header": f"if lose():\n    x = 1  {OK}\n",
    "above the header, for the body": f"{OK}\nif x:\n    lose()\n",
    "below": f"lose()\n{OK}\n",
    "no reason": "lose()  # failloud: ok\n",
    "no reason but a code": "lose()  # failloud: ok FL801\n",
    "a reason without a word": "lose()  # failloud: ok --- !\n",
    "another word": "lose()  # failloud: okay it is counted\n",
}


@pytest.fixture
def folder(rule_folder, tmp_path):
    add_rule(rule_folder, "lost_call", LOST, CALLS, words='(b"lose",)')
    add_rule(rule_folder, "passed_over", PASSED, PASSES)
    return tmp_path / "t"


def run(capsys, folder, text, *words):
    write(folder, a=text)
    return audit(capsys, folder, "--select", f"{LOST},{PASSED},FL900", "--json", *words)


@pytest.mark.parametrize("text", SILENCED.values(), ids=SILENCED)
def test_silenced(folder, capsys, text):
    ended = run(capsys, folder, text)
    found = ended.json
    assert (ended.code, found["findings"]) == (0, [])
    assert len(found["suppressed"]) in (1, 2)
    assert {one["reason"].partition(" ")[0] for one in found["suppressed"]} <= {"it", "counted"}
    assert [one for one in found["unused_suppressions"] if "FL802" not in one["message"]] == []


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_not_silenced(folder, capsys, text):
    found = run(capsys, folder, text)
    assert found.code == 1
    assert [one["code"] for one in found.json["findings"] if one["code"] != "FL900"] == [LOST]
    assert found.json["suppressed"] == []


@pytest.mark.parametrize("comment", ["# failloud: ok", "# failloud: ok FL801", "# failloud: ok FL801, -"])
def test_a_suppression_without_reason_is_a_finding(folder, capsys, comment):
    found = run(capsys, folder, f"class A:\n    def f(self):\n        lose()  {comment}\n").json["findings"]
    assert [(one["code"], one["line"], one["function"]) for one in found] == [
        (LOST, 3, "A.f"),
        ("FL900", 3, "A.f"),
    ]
    assert found[1]["col"] == len("        lose()  ")


def test_a_suppression_without_reason_is_found_where_no_rule_has_a_word(folder, capsys):
    found = run(capsys, folder, "x = 1  # failloud: ok\n")
    assert [one["code"] for one in found.json["findings"]] == ["FL900"]


def test_a_suppression_without_reason_cannot_be_suppressed(folder, capsys):
    text = f"{OK}\nx = 1  # failloud: ok\n"
    assert [one["code"] for one in run(capsys, folder, text).json["findings"]] == ["FL900"]


UNUSED = {
    "nothing there": ("x = 1  # failloud: ok FL801 why\n", ["suppression of FL801 suppresses nothing"]),
    "one of two codes": ("lose()  # failloud: ok FL801 FL802 why\n", ["suppression of FL802 suppresses nothing"]),
    "a code nobody has": ("lose()  # failloud: ok FL899 why\n", ["suppression of FL899 suppresses nothing"]),
    "another word": ("x = 1  # failloud: ignore this\n", ["comment not understood"]),
    "a rule that did not run": ("x = 1  # failloud: ok FL001 why\n", []),
    "any rule, where not all ran": ("x = 1  # failloud: ok why\n", []),
}


@pytest.mark.parametrize(("text", "said"), UNUSED.values(), ids=UNUSED)
def test_unused_is_a_notice(folder, capsys, text, said):
    found = run(capsys, folder, text).json["unused_suppressions"]
    assert [one["message"].partition(";")[0] for one in found] == said


def test_any_rule_where_all_ran_is_a_notice(folder, capsys, monkeypatch):
    from codemods import rules

    monkeypatch.setattr(rules, "__path__", rules.__path__[1:])
    found = run(capsys, folder, f"x = 1  {OK}\n").json
    assert [(one["path"], one["line"]) for one in found["unused_suppressions"]] == [("a.py", 1)]


def test_suppressions_are_counted_and_printed_with_their_reasons(folder, capsys):
    write(folder, a="lose()  # failloud: ok counted\n" * 2, b="lose()  # failloud: ok best effort\n")
    ended = audit(capsys, folder, "--select", LOST)
    assert ended.code == 0
    assert "  FL801  lost-call         1  best effort\n  FL801  lost-call         2  counted\n" in ended.out
    assert "findings: 0, 3 suppressed" in ended.out
