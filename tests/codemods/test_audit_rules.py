"""The rule book: every rule module has the shape of a rule, no code is given twice, the table in the docs is theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from audit_case import CALLS, add_rule, audit, write

from codemods.auditreport import rule_table
from codemods.finding import Cause
from codemods.rulebook import RuleModuleError, UnknownRuleError, chosen, entries, entry_of

DOCS = Path(__file__).parent.parent.parent / "docs" / "audit.md"


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_a_rule_says_what_it_finds(entry):
    assert re.fullmatch(r"FL\d{3}", entry.code)
    assert entry.summary
    assert not entry.summary.endswith(".")
    assert "\n" not in entry.summary
    assert entry.help.startswith(f"{entry.name}: "), "the docstring begins with the rule's name"
    assert entry.cause is None or isinstance(entry.cause, Cause)
    assert all(isinstance(word, bytes) and word for word in entry.words)


def test_rules_are_found_by_code_in_any_case_and_by_name():
    assert entry_of("fl001") == entry_of("FL001") == entry_of("ignored-result")
    with pytest.raises(UnknownRuleError, match=r"did you mean 'ignored-result'.*FL001 ignored-result, "):
        entry_of("ignored_result")


def test_all_are_chosen_where_none_is_named():
    assert chosen((), ()) == entries()
    assert chosen(("FL001",), ()) == (entry_of("FL001"),)
    assert entry_of("FL001") not in chosen((), ("ignored-result",))


BAD = {
    "another rule's code": ("FL001", CALLS, "code FL001 is already that of ignored-result"),
    "a code of the audit's own": ("FL901", CALLS, "FL9xx are the audit's own"),
    "no code": ("X1", CALLS, "code 'X1' is not FL000 to FL899"),
}


@pytest.mark.parametrize(("code", "body", "said"), BAD.values(), ids=BAD)
def test_a_bad_rule_module_is_refused(rule_folder, code, body, said):
    add_rule(rule_folder, "second", code, body)
    with pytest.raises(RuleModuleError, match=f"rule second: .*{said}"):
        entries()


def test_a_module_that_is_no_rule_is_refused(rule_folder):
    (rule_folder / "nothing.py").write_text("CODE = 'FL805'\n", encoding="utf-8")
    with pytest.raises(RuleModuleError, match="rule nothing: it defines no SUMMARY, CAUSE, WORDS, check"):
        entries()


def test_a_module_that_cannot_be_imported_ends_the_audit_with_2(rule_folder, tmp_path, capsys):
    (rule_folder / "broken.py").write_text("import no_such_module\n", encoding="utf-8")
    ended = audit(capsys, write(tmp_path / "t", a="x = 1\n"))
    assert ended.code == 2
    assert "rule broken: cannot be imported: ModuleNotFoundError: No module named 'no_such_module'" in ended.err


def test_the_table_in_the_docs_is_that_of_the_rules():
    written = DOCS.read_text(encoding="utf-8").partition("<!-- rules -->\n")[2].partition("<!-- end -->")[0]
    assert written == rule_table(), "put the output of codemods.auditreport.rule_table() between the marks"
