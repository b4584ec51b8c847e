"""`failloud migrate`: dry run, write, façade, undo, git, exit codes; nothing half-written."""

from __future__ import annotations

import ast
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from migration_case import HOST, make_host_file, make_tree, run_cli

from codemods import registry, write
from shim import errors

SITE = (
    "from plant.hub import Hub\nasync def f(h: Hub):\n    try:\n"
    "        await h.ping(1)\n    except Exception:\n        pass\n"
)
BOTH = ("check-results", "reraise-loud")


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and ".failloud" not in p.parts}


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "t", site=SITE)


@pytest.fixture
def host(tmp_path):
    return make_host_file(tmp_path)


def test_dry_run_shows_a_diff_and_writes_nothing(tree, host, capsys):
    before = snapshot(tree)
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host)
    assert ended.code == 1
    assert '+        delivered(await h.ping(1), "hub.ping")' in ended.out
    assert "+    except LoudFailure:" in ended.out
    assert "+++ b/plant/loud.py" in ended.out
    assert "files: 5 in, 1 to change, 4 unchanged, 0 skipped, 0 failed" in ended.out
    assert "\x1b[" not in ended.out
    assert snapshot(tree) == before
    assert not (tree / ".failloud").exists()


def test_the_diff_is_a_patch(tree, host, capsys, tmp_path):
    patch = tmp_path / "out.patch"
    patch.write_text(
        run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--json").json["diff"] + "\n", encoding="utf-8"
    )
    done = subprocess.run(["git", "apply", "--stat", str(patch)], cwd=tree, capture_output=True, text=True, check=False)
    assert (done.returncode, "2 files changed" in done.stdout) == (0, True), done


def test_write_then_nothing_is_left(tree, host, capsys):
    assert run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write").code == 0
    after = snapshot(tree)
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert ended.code == 0
    assert "0 to change" in ended.out
    assert snapshot(tree) == after


def test_the_facade_exports_what_it_promises(tree, host, capsys):
    run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write")
    module = ast.parse((tree / "plant" / "loud.py").read_text(encoding="utf-8"))
    exported = next(ast.literal_eval(node.value) for node in module.body if isinstance(node, ast.Assign))
    wanted = {"boundary", "delivered", "escalate", "handled", "missing", "spawn"} | (set(errors.__all__) - {"Common"})
    assert exported == sorted(wanted)
    imported = {alias.name for node in module.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == wanted


def test_a_facade_that_is_there_is_never_overwritten(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "own", site=SITE, loud="from shim import delivered  # mine\n")
    ended = run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write", "--json")
    assert (tree / "plant" / "loud.py").read_text(encoding="utf-8") == "from shim import delivered  # mine\n"
    assert (ended.json["facade"], len(ended.json["written"])) == (None, 1)


def test_no_facade_where_nothing_changes(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "own", site="x = 1\n")
    assert run_cli(capsys, "migrate", "check-results", tree, "--host", host, "--write").code == 0
    assert not (tree / "plant" / "loud.py").exists()


def test_path_may_be_the_package(tree, host, capsys):
    assert run_cli(capsys, "migrate", "check-results", tree / "plant", "--host", host, "--write").code == 0
    assert (tree / "plant" / "loud.py").is_file()


def test_module_limits_the_files(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t", site=SITE, second=SITE)
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--module", "plant.second", "--json")
    assert [(row["path"], row["outcome"]) for row in ended.json["outcomes"]] == [("plant/second.py", "changed")]


def test_json_counts_every_file_and_every_site_left(tmp_path, host, capsys):
    left = (
        SITE.replace("try:", "for i in 'ab':\n      try:")
        .replace("    except", "      except")
        .replace("        await", "          await")
    )
    tree = make_tree(tmp_path / "t", site=SITE, left=left, broken=b"def ping(:\n")
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--json")
    document = ended.json
    files = document["files"]
    assert files["found"] == 7 == files["changed"] + files["unchanged"] + files["skipped"] + files["failed"]
    assert document["totals"]["edits"] == {"check-results": 1, "reraise-loud": 1}
    assert {row["codemod"]: row["reason"] for row in document["totals"]["left"]} == dict.fromkeys(
        BOTH, "in a loop that must go on"
    )
    assert [row["path"] for row in document["outcomes"] if row["outcome"] == "failed"] == ["plant/broken.py"]
    assert ended.code == 2


def test_a_broken_file_does_not_stop_the_rest(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t", site=SITE, broken=b"def ping(:\n")
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert ended.code == 2
    assert "failed: plant/broken.py: does not parse, line 1" in ended.out
    assert b"delivered(" in (tree / "plant" / "site.py").read_bytes()
    assert (tree / "plant" / "broken.py").read_bytes() == b"def ping(:\n"


def test_a_link_is_skipped_with_the_reason(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t")
    (tmp_path / "site.py").write_text(SITE, encoding="utf-8")
    (tree / "plant" / "site.py").symlink_to(tmp_path / "site.py")
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert "skipped: plant/site.py: symbolic link" in ended.out
    assert (tmp_path / "site.py").read_text(encoding="utf-8") == SITE


def test_permission_bits_stay(tree, host, capsys):
    (tree / "plant" / "site.py").chmod(0o750)
    run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert stat.S_IMODE((tree / "plant" / "site.py").stat().st_mode) == 0o750


USAGE = [
    (("check-result", "PATH"), "did you mean 'check-results'"),
    (("check-results", "no/such/path"), "does not exist"),
    (("check-results",), "PATH is missing"),
    (("check-results", "reraise-loud"), "PATH is missing"),
    (("PATH",), "name a codemod"),
    (("undo",), "undo takes"),
    ((), "Missing argument"),
]


@pytest.mark.parametrize(("words", "said"), USAGE, ids=[case[1] for case in USAGE])
def test_usage(tree, host, capsys, words, said):
    ended = run_cli(capsys, "migrate", *(tree if word == "PATH" else word for word in words), "--host", host)
    assert ended.code == 64
    assert said in ended.err


def test_unknown_codemod_lists_the_valid_names(tree, host, capsys):
    ended = run_cli(capsys, "migrate", "nonsense", tree, "--host", host)
    assert all(name in ended.err for name in registry.names())


def test_a_tree_without_the_package_is_refused(tmp_path, host, capsys):
    (tmp_path / "empty").mkdir()
    ended = run_cli(capsys, "migrate", "check-results", tmp_path / "empty", "--host", host)
    assert ended.code == 64
    assert "package plant is not in" in ended.err


def test_list(capsys):
    assert [row["name"] for row in run_cli(capsys, "migrate", "list", "--json").json["codemods"]] == list(
        registry.names()
    )
    assert all(name in run_cli(capsys, "migrate", "list").out for name in BOTH)


def test_every_codemod_has_a_test_of_its_name():
    here = Path(__file__).parent
    assert all((here / f"test_{name.replace('-', '_')}.py").is_file() for name in registry.names())


def written(tree, host, capsys, *codemods):
    return run_cli(capsys, "migrate", *codemods, tree, "--host", host, "--write", "--json").json["written"]


def test_undo_gives_every_byte_back(tmp_path, host, capsys):
    tree = make_tree(
        tmp_path / "t",
        site=SITE.replace("\n", "\r\n").rstrip(),
        second="# coding: latin-1\n# é\n".encode("latin-1") + SITE.encode(),
    )
    before = snapshot(tree)
    facade, run = written(tree, host, capsys, *BOTH)
    assert snapshot(tree) != before
    assert run_cli(capsys, "migrate", "undo", run, tree).code == 0
    assert run_cli(capsys, "migrate", "undo", facade, tree).code == 0
    assert snapshot(tree) == before


def test_the_undo_lines_of_a_run_take_it_back_as_they_stand(tree, host, capsys):
    before = snapshot(tree)
    out = run_cli(capsys, "migrate", *BOTH, tree / "plant", "--host", host, "--write").out
    lines = [line.partition("failloud ")[2].split() for line in out.splitlines() if "take it back" in line]
    assert [line[-1] for line in lines] == [str(tree / "plant"), str(tree)], "the files first, the façade after"
    assert [run_cli(capsys, *line).code for line in lines] == [0, 0]
    assert snapshot(tree) == before


def test_undo_twice_says_that_it_was_done(tree, host, capsys):
    _, run = written(tree, host, capsys, *BOTH)
    run_cli(capsys, "migrate", "undo", run, tree)
    ended = run_cli(capsys, "migrate", "undo", run, tree, "--json")
    assert (ended.code, ended.json["restored"], ended.json["already"]) == (0, [], ["plant/site.py"])


def test_undo_refuses_where_a_file_went_on(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t", site=SITE, second=SITE)
    _, run = written(tree, host, capsys, *BOTH)
    path = tree / "plant" / "site.py"
    path.write_bytes(path.read_bytes() + b"# later\n")
    now = snapshot(tree)
    ended = run_cli(capsys, "migrate", "undo", run, tree)
    assert ended.code == 2
    assert "plant/site.py was changed after run" in ended.err
    assert snapshot(tree) == now, "whole or not at all"


def test_undo_refuses_to_take_a_facade_that_is_used(tree, host, capsys):
    facade, _ = written(tree, host, capsys, *BOTH)
    ended = run_cli(capsys, "migrate", "undo", facade, tree)
    assert ended.code == 2
    assert "plant.loud is imported by plant.site" in ended.err
    assert (tree / "plant" / "loud.py").is_file()


@pytest.mark.parametrize("damage", ["manifest.json", "reverse.patch"])
def test_undo_of_a_damaged_journal(tree, host, capsys, damage):
    _, run = written(tree, host, capsys, *BOTH)
    (tree / ".failloud" / "runs" / run / damage).write_bytes(b"{")
    now = snapshot(tree)
    assert run_cli(capsys, "migrate", "undo", run, tree).code == 2
    assert snapshot(tree) == now


def test_undo_of_an_unknown_run_names_the_known_ones(tree, host, capsys):
    facade, run = written(tree, host, capsys, *BOTH)
    ended = run_cli(capsys, "migrate", "undo", "20000101T000000Z", tree)
    assert ended.code == 2
    assert facade in ended.err
    assert run in ended.err


def test_the_journal_holds_hashes(tree, host, capsys):
    _, run = written(tree, host, capsys, *BOTH)
    manifest = json.loads((tree / ".failloud" / "runs" / run / "manifest.json").read_bytes())
    assert manifest["codemods"] == list(BOTH)
    (entry,) = manifest["files"]
    assert entry["path"] == "plant/site.py"
    assert len(entry["before"]) == len(entry["after"]) == 64
    assert (tree / ".failloud" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def git(folder, *words):
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        check=True,
        capture_output=True,
    )


def test_uncommitted_changes_are_not_written_over(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t", site=SITE, second=SITE)
    git(tree, "init")
    git(tree, "add", ".")
    git(tree, "commit", "-m", "start")
    path = tree / "plant" / "site.py"
    path.write_text(SITE + "# mine\n", encoding="utf-8")
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert ended.code == 2
    assert "skipped: plant/site.py: uncommitted changes" in ended.out
    assert path.read_text(encoding="utf-8") == SITE + "# mine\n"
    assert b"delivered(" in (tree / "plant" / "second.py").read_bytes()
    assert run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write", "--allow-dirty").code == 0
    assert b"delivered(" in path.read_bytes()


def test_a_file_changed_meanwhile_is_not_written(tree, host, capsys, monkeypatch):
    from codemods import runner

    def meddle(*arguments):
        (tree / "plant" / "site.py").write_text("# somebody else\n", encoding="utf-8")
        return frozenset()

    monkeypatch.setattr(runner, "uncommitted", meddle)
    ended = run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write")
    assert ended.code == 2
    assert "changed by somebody else" in ended.out
    assert (tree / "plant" / "site.py").read_text(encoding="utf-8") == "# somebody else\n"


def test_a_disk_that_refuses_leaves_the_old_file(tree, host, capsys, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    before = (tree / "plant" / "site.py").read_bytes()
    monkeypatch.setattr(write.os, "fsync", full)
    assert run_cli(capsys, "migrate", *BOTH, tree, "--host", host, "--write").code == 2
    assert (tree / "plant" / "site.py").read_bytes() == before
    assert not list((tree / "plant").glob("*.tmp"))


KILLED = """
import os, signal, sys
from pathlib import Path
from codemods import write
real = os.{call}
def stop(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
os.{call} = stop
if "{call}" == "replace":
    Path.replace = stop
write.write_atomic(Path(sys.argv[1]), b"new" * 100000)
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_kill_leaves_the_old_file(tmp_path, call):
    target = tmp_path / "a.py"
    target.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", KILLED.replace("{call}", call), str(target)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert target.read_bytes() == b"old"


def test_the_host_of_these_tests_is_whole():
    assert {row.method for row in HOST.contracts} >= {"ping", "push", "tell", "setup", "hush", "build"}
