"""Each measured limitation of Bowler 0.9: what it does by itself, and what `use-shims` and `--review` do instead.

The first half of each test pins Bowler's own behaviour: where a new version behaves better, that half fails and says
which guard can go.
"""

from __future__ import annotations

import io
import logging
import re
import sys

import pytest
from bowler import Query
from bowler.tool import BowlerTool
from migration_case import OLD_HOST, OLD_SOURCE, check_bytes, make_host_file, make_tree, rewrite, run_cli

from codemods import bowlerguard
from codemods.bowlerguard import run_query
from codemods.bowlerprompt import Asker
from codemods.fixers import use_shims
from codemods.outcome import Changed, Failed
from codemods.source import SourceError
from codemods.wanted import Wanted

BEFORE = "from plant.old import OldHub\nh = OldHub()\n"
AFTER = "from plant.hub import Hub\nh = Hub()\n"


@pytest.fixture(autouse=True)
def _host_with_legacy_names(monkeypatch):
    monkeypatch.setattr("migration_case.WANTED", Wanted.of(OLD_HOST))


@pytest.fixture
def folder(tmp_path):
    return make_tree(tmp_path, old=OLD_SOURCE)


def by_itself(path, **options):
    """Redirect as Bowler's manual says."""
    query = Query(str(path), **options).select_class("OldHub").rename("Hub")
    return query.select_module("plant.old").rename("plant.hub").execute(interactive=False, write=True, silent=True)


UNPARSED = {
    "match": "match h:\n    case 1: pass\n",
    "except*": "try: pass\nexcept* ValueError: pass\n",
    "parenthesised with": "with (open('a') as a, open('b') as b): pass\n",
    "decorator of PEP 614": "@[print][0]\ndef f(): pass\n",
    "positional only": "def f(a, /): pass\n",
    "star in an index, PEP 646": "x: tuple[*y]\n",
    "generics of PEP 695": "def f[T](x: T): pass\n",
    "type statement": "type X = int\n",
    "f-string of PEP 701": 'x = f"{\'a\' + f"{1}"}"\n',
    "exec in a lambda": "x = lambda: exec('1')\n",
}


@pytest.mark.parametrize("name", UNPARSED)
def test_a_file_it_cannot_parse_is_failed(folder, name):
    raw = (BEFORE + UNPARSED[name]).encode()
    make_tree(folder, site=raw)
    site = folder / "plant" / "site.py"
    query = by_itself(site)
    assert (query.retcode, query.exceptions, site.read_bytes()) == (0, [], raw), "Bowler: untouched, exit code 0"
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Failed)
    assert re.match(r"Bowler cannot parse this file: (line \d+, column \d+, at '|\w+Error: )", outcome.error)


@pytest.mark.parametrize("name", ["match", "positional only"])
def test_the_command_says_so_and_ends_with_2(folder, capsys, tmp_path, name):
    make_tree(folder, site=BEFORE + UNPARSED[name], fine=BEFORE)
    host = make_host_file(tmp_path, "OLD_HOST")
    ended = run_cli(capsys, "migrate", "use-shims", folder, "--host", host, "--write")
    assert ended.code == 2
    assert "failed: plant/site.py: Bowler cannot parse this file: line 3" in ended.out
    assert "Can't parse" not in ended.err
    assert (folder / "plant" / "fine.py").read_text(encoding="utf-8") == AFTER


def test_a_file_without_a_legacy_name_is_not_given_to_bowler(folder):
    make_tree(folder, site=UNPARSED["match"] + "# OldHub\n")
    assert type(rewrite(folder, ("use-shims",))).__name__ == "Unchanged"


PARSED = {
    "walrus": "if (n := 1): pass\n",
    "f-string with =": "x = f'{h=}'\n",
    "starred return": "def f(a): return *a, 1\n",
    "print as a function": "print(h, end='')\n",
    "async comprehension": "async def f(a): return [x async for x in a]\n",
    "union in an annotation": "x: OldHub | None = None\n",
    "form feed": "\x0c\nx = 1\n",
    "separators that `splitlines` cuts at": "x = 'a\x1cb\u2028c'\ny = OldHub\n",
    "backslash continuation": "x = 1 + \\\n    2\n",
    "tabs": "if h:\n\tx = OldHub()\n",
}


@pytest.mark.parametrize("name", PARSED)
def test_what_it_can_parse_is_redirected(folder, name):
    source = BEFORE + PARSED[name]
    check_bytes(
        folder,
        ("use-shims",),
        source.encode(),
        source.replace("plant.old", "plant.hub").replace("OldHub", "Hub").encode(),
    )


def test_no_final_newline(folder, caplog):
    site = folder / "plant" / "site.py"
    make_tree(folder, site=BEFORE.rstrip("\n"))
    with caplog.at_level(logging.CRITICAL):
        query = by_itself(site)
    assert (query.retcode, site.read_text(encoding="utf-8")) == (0, BEFORE.rstrip("\n")), "Bowler: patch lost, code 0"
    check_bytes(folder, ("use-shims",), BEFORE.rstrip("\n").encode(), AFTER.rstrip("\n").encode())


def test_crlf(folder):
    raw = (BEFORE + "x = 1\n").replace("\n", "\r\n").encode()
    make_tree(folder, site=raw)
    site = folder / "plant" / "site.py"
    by_itself(site)
    assert b"\r" not in site.read_bytes(), "Bowler: every line end becomes a line feed"
    check_bytes(folder, ("use-shims",), raw, (AFTER + "x = 1\n").replace("\n", "\r\n").encode())


def test_mixed_line_ends(folder):
    raw = BEFORE.encode() + b"x = 1\r\ny = OldHub\n"
    check_bytes(folder, ("use-shims",), raw, AFTER.encode() + b"x = 1\r\ny = Hub\n")


def test_latin_1(folder):
    raw = f"# coding: latin-1\nx = 'é'\n{BEFORE}".encode("latin-1")
    make_tree(folder, site=raw)
    with pytest.raises(UnicodeDecodeError):
        by_itself(folder / "plant" / "site.py")  # Bowler: out of the loop, the other files are not done
    check_bytes(folder, ("use-shims",), raw, f"# coding: latin-1\nx = 'é'\n{AFTER}".encode("latin-1"))


ENCODED = {
    "byte order mark": (b"\xef\xbb\xbf", "utf-8"),
    "utf-8 cookie": (b"# -*- coding: utf-8 -*-\n", "utf-8"),
    "cp1251": (b"# coding: cp1251\n", "cp1251"),
    "shift_jis": (b"# vim: set fileencoding=shift_jis :\n", "shift_jis"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_encodings(folder, name):
    head, encoding = ENCODED[name]
    tail = "x = 'я', OldHub\n".encode(encoding)
    check_bytes(
        folder, ("use-shims",), head + BEFORE.encode() + tail, head + AFTER.encode() + tail.replace(b"OldHub", b"Hub")
    )


def test_bytes_that_do_not_decode(folder):
    raw = BEFORE.encode() + b"# \xff\n"
    make_tree(folder, site=raw)
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Failed)
    assert "cannot be decoded" in outcome.error


def breaks(*_arguments):
    raise RuntimeError("broken transform")


def test_a_transform_that_raises(folder, caplog, monkeypatch):
    site = folder / "plant" / "site.py"
    make_tree(folder, site=BEFORE)
    with caplog.at_level(logging.CRITICAL):
        query = Query(str(site)).select_var("OldHub").modify(breaks).execute(interactive=False, write=True, silent=True)
    assert query.retcode == 1
    with pytest.raises(SourceError, match="Bowler failed: RuntimeError: broken transform"):
        run_query(Query([]).select_var("OldHub").modify(breaks), BEFORE, "site.py")
    monkeypatch.setattr(use_shims, "_set_module", lambda module: breaks)
    outcome = rewrite(folder, ("use-shims",))
    assert outcome == Failed(path="plant/site.py", error="Bowler failed: RuntimeError: broken transform")


def test_a_transform_that_makes_nonsense():
    def spoil(node, _capture, _name):
        node.value = "("

    with pytest.raises(SourceError, match="Bowler failed: BadTransform"):
        run_query(Query([]).select_var("OldHub").modify(spoil), BEFORE, "site.py")


def test_a_transform_that_does_more_than_it_should(folder, monkeypatch):
    make_tree(folder, site=BEFORE)
    monkeypatch.setattr(bowlerguard, "run_query", lambda query, text, name: AFTER.replace("h =", "g ="))
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Failed)
    assert "does not mean what was intended" in outcome.error


@pytest.mark.parametrize("lost", [AFTER.replace("Hub()", "OldHub()"), BEFORE])
def test_a_transform_that_does_less_than_it_should(folder, monkeypatch, lost):
    make_tree(folder, site=BEFORE)
    monkeypatch.setattr(bowlerguard, "run_query", lambda query, text, name: lost)
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Failed)
    assert ("mean what was intended" if lost != BEFORE else "Bowler changed nothing") in outcome.error


def test_what_fissix_logs_is_counted(caplog):
    def complain(_node, _capture, _name):
        logging.getLogger("RefactoringTool").error("Can't parse %s", "half of it")

    with pytest.raises(SourceError, match="Bowler gave up: Can't parse half of it"):
        run_query(Query([]).select_var("OldHub").modify(complain), BEFORE, "site.py")
    assert caplog.records == [], "reported with the file, not on the terminal"


def test_the_loggers_are_given_back():
    loggers = [logging.getLogger(name) for name in bowlerguard._LOGGERS]
    before = [(each.handlers[:], each.propagate, each.level) for each in loggers]
    with pytest.raises(SourceError):
        run_query(Query([]), "match x:\n  case 1: pass\n", "site.py")
    assert [(each.handlers, each.propagate, each.level) for each in loggers] == before


def test_dot_files(folder, capsys, tmp_path):
    hidden = folder / "plant" / ".hidden.py"
    hidden.write_text(BEFORE, encoding="utf-8")
    by_itself(folder / "plant")
    assert hidden.read_text(encoding="utf-8") == BEFORE, "Bowler: passed over without a word"
    make_tree(folder, old=OLD_SOURCE)
    (folder / "plant" / ".folder").mkdir()
    host = make_host_file(tmp_path, "OLD_HOST")
    ended = run_cli(capsys, "migrate", "use-shims", folder, "--host", host, "--write")
    assert hidden.read_text(encoding="utf-8") == AFTER
    assert "not entered: plant/.folder" in ended.out


def test_annotations_in_quotes_and_attribute_access(folder):
    make_tree(folder, site='from plant import old\nfrom plant.old import OldHub\nx: "OldHub" = old.OldHub()\n')
    site = folder / "plant" / "site.py"
    by_itself(site)
    assert '"OldHub" = old.OldHub()' in site.read_text(encoding="utf-8"), "Bowler: both left without a word"
    make_tree(folder, site='from plant import old\nfrom plant.old import OldHub\nx: "OldHub" = old.OldHub()\n')
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Changed)
    assert outcome.after == b'from plant import old\nfrom plant.hub import Hub\nx: "Hub" = old.OldHub()\n'
    assert [(site.line, site.reason) for site in outcome.sites] == [
        (3, "reached through its module: import the class by name first")
    ]


def test_names_are_told_apart(folder):
    source = "from plant.other import OldHub\nOldHub()\n"
    make_tree(folder, site=source)
    by_itself(folder / "plant" / "site.py")
    assert "Hub()" in (folder / "plant" / "site.py").read_text(encoding="utf-8").split("\n")[1]
    make_tree(folder, site=source)
    assert type(rewrite(folder, ("use-shims",))).__name__ == "Unchanged", "another class of the same name"


def test_an_import_of_two_names(folder):
    make_tree(folder, site="from plant.old import OldHub, other\nOldHub(other)\n")
    site = folder / "plant" / "site.py"
    by_itself(site)
    assert "from plant.hub import Hub, other" in site.read_text(encoding="utf-8"), "Bowler: an import that fails"


def test_the_filename_matcher_is_not_asked():
    query = Query([], filename_matcher=breaks).select_var("OldHub").rename("Hub")
    with pytest.raises(RuntimeError):
        Query("tests", filename_matcher=breaks).execute(interactive=False, silent=True)
    assert run_query(query, BEFORE, "site.py") == BEFORE.replace("OldHub", "Hub")


def test_it_works_in_one_process_and_we_do_not(folder, capsys, tmp_path):
    assert BowlerTool([], in_process=False).in_process is True, "Bowler: one process, whatever is asked for"
    make_tree(folder, **{f"m{n:02}": BEFORE for n in range(20)})
    host = make_host_file(tmp_path, "OLD_HOST")
    said = [
        run_cli(capsys, "migrate", "use-shims", folder, "--host", host, "--json", "--jobs", jobs).json
        for jobs in (1, 2)
    ]
    assert said[0] == said[1]
    assert said[0]["files"]["changed"] == 20


def test_every_file_that_goes_in_is_reported(folder, capsys, tmp_path):
    make_tree(folder, site=BEFORE, bad=BEFORE + UNPARSED["match"], worse=b"OldHub(\n", quiet="x = 1\n")
    host = make_host_file(tmp_path, "OLD_HOST")
    document = run_cli(capsys, "migrate", "use-shims", folder, "--host", host, "--json").json
    assert len(document["outcomes"]) == document["files"]["found"] == len(list(folder.rglob("*.py")))
    assert {row["path"] for row in document["outcomes"] if row["outcome"] == "failed"} == {
        "plant/bad.py",
        "plant/worse.py",
    }


def test_it_never_writes(folder, monkeypatch):
    for name in ("apply_hunks", "process_hunks", "refactor_file", "write_file", "refactor"):
        monkeypatch.setattr(BowlerTool, name, breaks)
    make_tree(folder, site=BEFORE)
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Changed)
    assert (folder / "plant" / "site.py").read_text(encoding="utf-8") == BEFORE


HUNKS = [("codemod", ("@@ -1 +1 @@", "-a", "+b")), ("codemod", ("@@ -9 +9 @@", "-c", "+d"))]


def test_the_end_of_input_at_the_prompt(monkeypatch, tmp_path, capsys):
    rows = [["--- a", "+++ a", *lines] for _, lines in HUNKS]
    taken = []
    tool = BowlerTool([], interactive=True)
    tool.apply_hunks = lambda accepted, filename: taken.append(accepted)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(EOFError):
        tool.process_hunks("a", rows)
    assert taken == [], "Bowler: the accepted hunk is lost"
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    answers = Asker(2).ask("a", HUNKS)
    assert (answers.accepted, answers.seen, answers.stopped, answers.ended) == (frozenset({0}), 1, True, True)
    assert "hunk 2 of 2, codemod" in capsys.readouterr().out
