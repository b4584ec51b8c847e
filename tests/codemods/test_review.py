"""`migrate --review`: each answer of Bowler's prompt, what is written for it, and what ends a review early."""

from __future__ import annotations

import ast
import io
import itertools
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from migration_case import OLD_SOURCE, make_host_file, make_tree, run_cli

from codemods import review as review_module
from codemods import runner

ROOT = Path(__file__).parent.parent.parent
BOTH = ("check-results", "reraise-loud")
ONE = "async def {0}(h: Hub):\n    try:\n        await h.ping({1})\n    except Exception:\n        pass\n"
SITE = "from plant.hub import Hub\n\n\n" + "\n\n\n\n\n\n\n".join(ONE.format(name, at) for at, name in enumerate("fg"))
"Four hunks: two results, then two handlers."
CALLS = "from plant.hub import Hub\n\n\nasync def f(h: Hub):\n" + "".join(f"    await h.ping({n})\n" for n in range(3))
"Three hunks, in lines that stand together."


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and ".failloud" not in p.parts}


@pytest.fixture
def host(tmp_path):
    return make_host_file(tmp_path)


@pytest.fixture
def reviewed(capsys, monkeypatch, host):
    def run(tree, answers, *words, codemods=("check-results",)):
        monkeypatch.setattr(sys, "stdin", answers if not isinstance(answers, str) else io.StringIO(answers))
        return run_cli(capsys, "migrate", *codemods, tree, "--host", host, "--review", *words)

    return run


def marks(path):
    """Tell which of the three calls of CALLS are wrapped."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "".join("x" if "delivered(await" in line else "." for line in lines if "h.ping" in line)


ANSWERS = {
    "yes, no, yes": ("y\nn\ny\n", "x.x", 0, {"declined in review": 1}),
    "enter is no": ("\n\ny\n", "..x", 0, {"declined in review": 2}),
    "all of the rest": ("n\na\n", ".xx", 0, {"declined in review": 1}),
    "none of the rest": ("y\nd\n", "x..", 0, {"declined in review": 2}),
    "quit": ("y\nq\n", "x..", 1, {"not reviewed": 2}),
    "quit after a no": ("n\ny\nq\n", ".x.", 1, {"declined in review": 1, "not reviewed": 1}),
    "quit at once": ("q\n", "...", 1, {"not reviewed": 3}),
    "all declined": ("n\nn\nn\n", "...", 0, {"declined in review": 3}),
    "help and nonsense ask again": ("?\nwhat\nY\nn\nn\n", "x..", 0, {"declined in review": 2}),
}


@pytest.mark.parametrize(("answers", "wrapped", "code", "left"), ANSWERS.values(), ids=ANSWERS)
def test_answers(tmp_path, reviewed, answers, wrapped, code, left):
    tree = make_tree(tmp_path / "t", site=CALLS)
    before = snapshot(tree)
    ended = reviewed(tree, answers)
    site = tree / "plant" / "site.py"
    assert (ended.code, marks(site), ended.err) == (code, wrapped, "")
    for reason, count in left.items():
        assert f"left: {count} x check-results: {reason}\n" in ended.out
    text = site.read_text(encoding="utf-8")
    assert ("import delivered" in text) == ("x" in wrapped)
    assert (tree / "plant" / "loud.py").exists() == ("x" in wrapped)
    if "x" not in wrapped:
        assert snapshot(tree) == before
        assert not (tree / ".failloud").exists()


def test_each_hunk_says_its_file_codemod_number_and_imports(tmp_path, reviewed):
    tree = make_tree(tmp_path / "t", site=CALLS, second=SITE)
    ended = reviewed(tree, "n\n" * 7, codemods=BOTH)
    assert "7 hunks in 2 files" in ended.out
    assert "+++ plant/second.py" in ended.out
    assert "@@ hunk 1 of 7, check-results, imports delivered\n" in ended.out
    assert "@@ hunk 3 of 7, reraise-loud, imports LoudFailure\n" in ended.out
    assert "@@ hunk 7 of 7, check-results, imports delivered\n" in ended.out
    assert "+    delivered(await h.ping(2)" in ended.out
    assert "Apply this hunk [y,N,q,a,d,?]?" in ended.out
    assert "\x1b[" not in ended.out


@pytest.mark.parametrize("answers", ["".join(each) for each in itertools.product("yn", repeat=4)])
def test_any_choice_is_whole_and_the_rest_can_follow(tmp_path, reviewed, answers):
    whole = make_tree(tmp_path / "all", site=SITE)
    reviewed(whole, "a\n", codemods=BOTH)
    tree = make_tree(tmp_path / "t", site=SITE)
    assert reviewed(tree, "\n".join(answers) + "\n", codemods=BOTH).code == 0
    site = tree / "plant" / "site.py"
    text = site.read_text(encoding="utf-8")
    module = ast.parse(text)
    imported = {n.name for node in module.body if isinstance(node, ast.ImportFrom) for n in node.names} - {"Hub"}
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)} & {"delivered", "LoudFailure"}
    assert imported == used, "an import for what was accepted and for nothing else"
    assert [text.count("delivered(await"), text.count("except LoudFailure:")] == [
        answers[:2].count("y"),
        answers[2:].count("y"),
    ]
    reviewed(tree, "a\n", codemods=BOTH)
    assert site.read_bytes() == (whole / "plant" / "site.py").read_bytes()


def test_a_declined_hunk_is_asked_again_by_the_next_review(tmp_path, reviewed):
    tree = make_tree(tmp_path / "t", site=CALLS)
    reviewed(tree, "y\nn\ny\n")
    ended = reviewed(tree, "y\n")
    assert "1 hunks in 1 files" in ended.out
    assert marks(tree / "plant" / "site.py") == "xxx"
    assert "hunks in" not in reviewed(tree, "").out


def test_quit_keeps_what_was_accepted_and_undo_takes_it_back(tmp_path, reviewed, capsys):
    tree = make_tree(tmp_path / "t", first=CALLS, second=CALLS, third=CALLS)
    before = snapshot(tree)
    ended = reviewed(tree, "y\nn\nn\nn\ny\nq\n")
    names = [marks(tree / "plant" / f"{name}.py") for name in ("first", "second", "third")]
    assert (ended.code, names) == (1, ["x..", ".x.", "..."])
    assert "left: 3 x check-results: declined in review" in ended.out
    assert "left: 4 x check-results: not reviewed" in ended.out
    runs = [line.split(";")[0].removeprefix("run ") for line in ended.out.splitlines() if line.startswith("run ")]
    for run in runs:
        assert run_cli(capsys, "migrate", "undo", run, tree).code == 0
    assert snapshot(tree) == before


ENDS = {
    "no answer at all": ("", "...", "hunk 1 of 3"),
    "after one": ("y\n", "x..", "hunk 2 of 3"),
    "within a line": ("y\nn\ny", "x.x", None),
    "after a no": ("n\n", "...", "hunk 2 of 3"),
}


@pytest.mark.parametrize(("answers", "wrapped", "where"), ENDS.values(), ids=ENDS)
def test_the_end_of_the_answers_loses_nothing_that_was_accepted(tmp_path, reviewed, answers, wrapped, where):
    tree = make_tree(tmp_path / "t", site=CALLS)
    ended = reviewed(tree, answers)
    assert marks(tree / "plant" / "site.py") == wrapped
    if where is None:
        assert ended.code == 0
    else:
        assert ended.code == 64
        assert f"the answers ended at {where}" in ended.err
        assert "run it at a terminal, or give an answer" in ended.err


def test_a_closed_input_is_no_answer(tmp_path, reviewed, monkeypatch, capsys, host):
    tree = make_tree(tmp_path / "t", site=CALLS)
    monkeypatch.setattr(sys, "stdin", None)
    ended = run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--review")
    assert (ended.code, marks(tree / "plant" / "site.py")) == (64, "...")


class Meddling(io.StringIO):
    """Answers yes and no by turns, and does something else at the first question."""

    def __init__(self, deed):
        super().__init__("y\nn\nn\n")
        self.deed = deed

    def readline(self, *arguments):
        deed, self.deed = self.deed, None
        if deed is not None:
            deed()
        return super().readline(*arguments)


def test_a_file_changed_during_the_review_is_not_written(tmp_path, reviewed):
    tree = make_tree(tmp_path / "t", site=CALLS)
    site = tree / "plant" / "site.py"
    later = CALLS + "# later\n"
    ended = reviewed(tree, Meddling(lambda: site.write_text(later, encoding="utf-8")))
    assert ended.code == 2
    assert "failed: plant/site.py: changed by somebody else during the review" in ended.out
    assert site.read_text(encoding="utf-8") == later


def test_an_interrupt_writes_nothing(tmp_path, reviewed):
    def interrupt():
        raise KeyboardInterrupt

    tree = make_tree(tmp_path / "t", site=CALLS)
    before = snapshot(tree)
    ended = reviewed(tree, Meddling(interrupt))
    assert ended.code == 130
    assert "interrupted: nothing was written; next: end with q" in ended.err
    assert snapshot(tree) == before


def test_input_is_given_back(tmp_path, reviewed):
    answers = io.StringIO("y\nn\nn\nleft over\n")
    reviewed(make_tree(tmp_path / "t", site=CALLS), answers)
    assert sys.stdin is answers
    assert answers.read() == "left over\n"


def test_files_with_uncommitted_changes_are_not_asked_about(tmp_path, reviewed, monkeypatch):
    tree = make_tree(tmp_path / "t", site=CALLS, second=CALLS)
    dirty = tree / "plant" / "second.py"
    monkeypatch.setattr(runner, "uncommitted", lambda files, root: frozenset({dirty}) & frozenset(files))
    ended = reviewed(tree, "a\n")
    assert ended.code == 2
    assert "3 hunks in 1 files" in ended.out
    assert "skipped: plant/second.py: uncommitted changes" in ended.out
    assert marks(dirty) == "..."
    assert "3 hunks in 1 files" in reviewed(tree, "a\n", "--allow-dirty").out


def test_with_json_it_is_refused(tmp_path, reviewed):
    ended = reviewed(make_tree(tmp_path / "t", site=CALLS), "a\n", "--json")
    assert (ended.code, "leave out --json" in ended.err) == (64, True)


def test_without_bowler_it_says_what_to_install(tmp_path, reviewed, monkeypatch):
    monkeypatch.delitem(sys.modules, "codemods.bowlerprompt", raising=False)
    monkeypatch.setitem(sys.modules, "bowler.tool", None)
    ended = reviewed(make_tree(tmp_path / "t", site=CALLS), "a\n")
    assert (ended.code, "pip install 'failloud[codemods]'" in ended.err) == (64, True)


def test_module_limits_the_review(tmp_path, reviewed):
    tree = make_tree(tmp_path / "t", site=CALLS, second=CALLS)
    assert "3 hunks in 1 files" in reviewed(tree, "a\n", "--module", "plant.second").out
    assert (marks(tree / "plant" / "site.py"), marks(tree / "plant" / "second.py")) == ("...", "xxx")


def test_workers_compute_the_same_hunks_in_the_same_order(tmp_path, reviewed):
    modules = {f"m{n:02}": CALLS for n in range(12)}
    trees = [make_tree(tmp_path / str(jobs), **modules) for jobs in (1, 2)]
    answers = "y\nn\ny\n" * 12
    said = [reviewed(tree, answers, "--jobs", jobs).out for jobs, tree in enumerate(trees, 1)]
    shown = [[line for line in text.splitlines() if not line.startswith("run ")] for text in said]
    assert shown[0] == shown[1]
    assert "hunk 36 of 36" in said[0]
    files = [[path.read_bytes() for path in sorted((tree / "plant").glob("*.py"))] for tree in trees]
    assert files[0] == files[1]


ENCODED = {
    "line ends": CALLS.replace("\n", "\r\n").encode(),
    "no final newline": CALLS.rstrip("\n").encode(),
    "latin-1": b"# coding: latin-1\n# \xe9\n" + CALLS.encode(),
    "byte order mark": b"\xef\xbb\xbf" + CALLS.encode(),
    "form feeds": CALLS.replace("\n\n\n", "\n\x0c\n").encode(),
    "at signs in the text": CALLS.replace("ping(0)", 'ping("""\n@@ -1 +1 @@ hunk 3 of 3\n""")').encode(),
}


@pytest.mark.parametrize("name", ENCODED)
def test_untouched_bytes_stay(tmp_path, reviewed, name):
    raw = ENCODED[name]
    tree = make_tree(tmp_path / "t", site=raw)
    assert reviewed(tree, "n\ny\nn\n").code == 0
    now = (tree / "plant" / "site.py").read_bytes()
    ending = b"\r\n" if b"\r\n" in raw else b"\n"
    new = b'    delivered(await h.ping(1), "hub.ping")'
    line = b"from plant.loud import delivered" + ending
    assert now.replace(line, b"").replace(new, b"    await h.ping(1)") == raw
    assert now.count(line) == 1


LEGACY = "from plant.old import OldHub\n\n\nasync def f(h: OldHub):\n    await h.ping(1)\n"
DEPENDS = {
    "both": ("y\ny\n", "Hub", True, ""),
    "the redirect alone": ("y\nn\n", "Hub", False, "1 x check-results: declined in review"),
    "the call alone, which is contracted on the new class only": (
        "n\ny\n",
        "OldHub",
        False,
        "1 x check-results: needs a hunk that was declined",
    ),
}


@pytest.mark.parametrize(("answers", "name", "wrapped", "left"), DEPENDS.values(), ids=DEPENDS)
def test_a_hunk_that_needs_another(tmp_path, reviewed, answers, name, wrapped, left):
    make_host_file(tmp_path, "OLD_HOST")
    tree = make_tree(tmp_path / "t", site=LEGACY, old=OLD_SOURCE)
    ended = reviewed(tree, answers, "--module", "plant.site", codemods=("use-shims", "check-results"))
    text = (tree / "plant" / "site.py").read_text(encoding="utf-8")
    assert (ended.code, f"f(h: {name})" in text, "delivered(" in text) == (0, True, wrapped)
    assert left in ended.out
    ast.parse(text)


def test_a_codemod_that_cannot_repeat_its_place_says_so(tmp_path, reviewed, monkeypatch):
    class Forgetful(review_module.Chooser):
        def pick(self, codemod, source, proposal, names):
            kept = super().pick(codemod, source, proposal, names)
            self.used.clear()
            return kept

    monkeypatch.setattr(review_module, "Chooser", Forgetful)
    ended = reviewed(make_tree(tmp_path / "t", site=CALLS), "y\nn\nn\n")
    assert "left: 1 x check-results: needs a hunk that was declined" in ended.out


def command(tree, host):
    words = ["migrate", "check-results", str(tree), "--host", str(host), "--review"]
    return [sys.executable, "-m", "shim.cli", *words]


def environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def test_at_a_terminal(tmp_path, host):
    tree = make_tree(tmp_path / "t", site=CALLS)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(tree, host), stdin=theirs, stdout=theirs, stderr=theirs, env=environment(), close_fds=True
    )
    os.close(theirs)
    said = b""
    answers = iter([b"y\n", b"?\n", b"n\n", b"\x04"])  # the last is Ctrl-D
    try:
        while True:
            said += os.read(ours, 4096)
            if said.endswith(b"[y,N,q,a,d,?]? "):
                os.write(ours, next(answers))
                said += b"|"
    except OSError:
        pass  # Linux: the other side was closed
    finally:
        os.close(ours)
        code = process.wait(timeout=60)
    assert (code, marks(tree / "plant" / "site.py")) == (64, "x.."), said.decode()
    assert b"apply this hunk and all remaining hunks" in said
    assert b"\x1b[32m+    delivered(" in said, "colours at a terminal"


@pytest.mark.parametrize(
    ("answers", "code", "wrapped"), [(b"y\nn\ny\n", 0, "x.x"), (b"", 64, "..."), (b"y\n", 64, "x..")]
)
def test_through_a_pipe(tmp_path, host, answers, code, wrapped):
    tree = make_tree(tmp_path / "t", site=CALLS)
    done = subprocess.run(command(tree, host), input=answers, capture_output=True, env=environment(), check=False)
    assert (done.returncode, marks(tree / "plant" / "site.py")) == (code, wrapped), done.stderr.decode()
    assert b"Traceback" not in done.stderr
