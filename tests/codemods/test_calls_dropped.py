"""`failloud calls --dropped NAME`: a look at a tree by the text alone, without a host file."""

from __future__ import annotations

import pytest
from migration_case import run_cli

from codemods.dropped import find_drops
from codemods.layout import plain_layout, walk

SITE = """
async def f(h):
    await h.ping(1)
    h.ping(2); x = h.ping(3)
    try:
        ping(4)
    except E:
        h.a.ping(5)
    if await h.ping(6): pass
    match h:
        case 1:
            (await h.push(7))
    class C:
        h.ping(h.ping(8))
    return h.ping
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "site.py").write_text(SITE, encoding="utf-8")
    (tmp_path / "none.py").write_text("x = 1\n", encoding="utf-8")
    return tmp_path


def test_statements_of_their_own_wherever_they_stand(tree, capsys):
    ended = run_cli(capsys, "calls", tree, "--dropped", "ping", "--dropped", "push", "--json")
    found = [(row["path"], row["line"], row["method"], row["awaited"]) for row in ended.json["dropped"]]
    assert found == [
        ("site.py", 3, "ping", True),
        ("site.py", 4, "ping", False),
        ("site.py", 6, "ping", False),
        ("site.py", 8, "ping", False),
        ("site.py", 12, "push", True),
        ("site.py", 14, "ping", False),
    ]
    assert ended.json["files"] == {
        "found": 2, "scanned": 2, "with_names": 1, "unreadable": [], "partly_hidden": [], "skipped_directories": [],
    }  # fmt: skip
    assert ended.code == 1


def test_text_names_each_place_and_sums_up(tree, capsys):
    ended = run_cli(capsys, "calls", tree, "--dropped", "push", "--dropped", "gone")
    assert ended.out.splitlines() == [
        "site.py:12:13: await push",
        "files: 2 found, 2 scanned, 0 unreadable",
        "dropped: 1 in 1 files: push 1, gone 0",
    ]


def test_nothing_dropped(tree, capsys):
    assert run_cli(capsys, "calls", tree, "--dropped", "gone").code == 0


def test_a_file_that_does_not_parse_is_named(tree, capsys):
    (tree / "bad.py").write_text("h.ping(:\n", encoding="utf-8")
    ended = run_cli(capsys, "calls", tree, "--dropped", "ping", "--json")
    assert [row["path"] for row in ended.json["files"]["unreadable"]] == ["bad.py"]
    assert (ended.json["files"]["found"], ended.json["files"]["scanned"]) == (3, 2)
    assert ended.code == 2
    assert "not read: bad.py: does not parse" in run_cli(capsys, "calls", tree, "--dropped", "ping").out


@pytest.mark.parametrize(
    "text",
    [
        "h.ping ( 1 )",
        "h.ping \\\n (1)",
        "x = \\\n 2; h.ping(1)",
        "x = 'a'; h . ping(1)",
        "(h.ping)(1)",
        "((h\n .ping  # why\n)  #### # ## and\n(1))",
        "(await h.ping(1))",
        "x = f(a,\n  b); await\\\n  h.ping(1)",
        "f(x, y).ping(1)",
        "f(x,\ny).ping(1)",
        "h['a, b'].ping(1)",
        "'of', ping\nping(1)",
        "if x: ping(1)",
        "x = 1\rawait  ping(1)",
        "x = lambda: 0\n\fping(1)",
        "x = 1 if '' else '''\nnot ''';h.ping(1)",
        "u(" + "x, " * 200 + "y).ping(1)",
    ],
)
def test_no_way_to_write_it_is_missed_by_the_look_before_parsing(tmp_path, text):
    path = tmp_path / "m.py"
    path.write_bytes(b"async def f(h):\n " + text.replace("\n", "\n ").replace("\r", "\r ").encode())
    (found,) = find_drops(plain_layout(tmp_path), ("ping",), walk(tmp_path), (path,), 1).files
    assert (len(found.drops), found.error) == (1, "")


@pytest.mark.parametrize(
    "text",
    ["x = await h.ping(", "return ping(", "f(x, h.a.ping(", "def ping(:", "if not await ping(", "ping = [", "'ping' ("],
)
def test_a_file_in_which_no_such_call_can_be_is_not_parsed(tmp_path, text):
    path = tmp_path / "m.py"
    path.write_text(f"{text}\n", encoding="utf-8")
    drops = find_drops(plain_layout(tmp_path), ("ping",), walk(tmp_path), (path,), 1)
    assert [(one.mentions, one.error) for one in drops.files] == [(True, "")]


def test_a_row_of_comment_signs_ends_the_look(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(f"# ping {'# ' * 4000}\n", encoding="utf-8")
    assert find_drops(plain_layout(tmp_path), ("ping",), walk(tmp_path), (path,), 1).exit_code == 0


def test_one_module_only(tree, capsys):
    ended = run_cli(capsys, "calls", tree, "--dropped", "ping", "--module", "none", "--json")
    assert ended.json["files"]["found"] == 1
    refused = run_cli(capsys, "calls", tree, "--dropped", "ping", "--module", "sit")
    assert (refused.code, "close: site" in refused.err) == (64, True)


def test_workers_find_the_same(tree, capsys):
    for number in range(20):
        (tree / f"more{number}.py").write_text(SITE, encoding="utf-8")
    alone, shared = (run_cli(capsys, "calls", tree, "--dropped", "ping", "--jobs", jobs).out for jobs in (1, 2))
    assert alone == shared
    assert "dropped: 105 in 21 files" in alone


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--dropped", "h.ping"], "bare name of a method"), (["--dropped", "ping", "--host", "x"], "leave out --host")],
)
def test_usage(tree, capsys, words, said):
    ended = run_cli(capsys, "calls", tree, *words)
    assert ended.code == 64
    assert said in ended.err
