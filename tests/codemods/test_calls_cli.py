"""`failloud calls`: the document, the table, exit codes, and every file accounted for."""

from __future__ import annotations

import os
import re

import pytest
from migration_case import make_host_file, make_tree, run_cli, scan_of

from codemods.pool import Pool
from shim.console import Refused

SITE = (
    "from plant.hub import Hub\nasync def f(h: Hub):\n    try:\n"
    "        await h.ping(1)\n    except Exception:\n        pass\n"
)
BROKEN = b"def ping(:\n"
FIELDS = [
    "path",
    "line",
    "col",
    "function",
    "receiver",
    "method",
    "kind",
    "verdict",
    "resolved_class",
    "contracts",
    "evidence",
    "awaited",
    "result_use",
    "handler",
    "handler_line",
    "swallows",
    "in_except_body",
    "hazards",
    "migration",
    "why",
]


def test_json_document(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", site=SITE)
    ended = run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path), "--json")
    document = ended.json
    assert list(document) == ["schema", "files", "contracts_missing", "totals", "calls"]
    assert document["schema"] == 1
    assert document["files"]["found"] == document["files"]["scanned"] == 5
    assert document["files"]["unreadable"] == []
    assert [(row["contract"], row["reason"]) for row in document["contracts_missing"]] == [
        ("hub.vanished", "the class defines no such method")
    ]
    (row,) = document["calls"]
    assert list(row) == FIELDS
    assert row == row | {
        "path": "plant/site.py", "line": 4, "col": 14, "function": "f", "receiver": "h", "method": "ping",
        "verdict": "target", "resolved_class": "plant.hub:Hub", "evidence": "annotation", "awaited": True,
        "result_use": "ignored", "handler": "broad_pass", "handler_line": 5, "swallows": True, "in_except_body": False,
        "hazards": [], "migration": "insert_reraise_before_broad",
    }  # fmt: skip
    assert ended.code == 1


def test_text_names_files_rows_and_totals(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", site=SITE)
    ended = run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path))
    assert re.search(
        r"^plant/site.py\n  4:14  h\.ping  target  annotation  ignored  broad_pass:5  insert_reraise",
        ended.out,
        re.MULTILINE,
    )
    assert "files: 5 found, 5 scanned, 0 unreadable" in ended.out
    assert "swallowed in the same function: 1" in ended.out
    assert "contract missing: hub.vanished" in ended.out
    assert "\x1b[" not in ended.out


def test_totals_tell_typed_evidence_and_naming_rules_apart(tmp_path, capsys):
    source = (
        "from plant.hub import Hub\nasync def f(h: Hub, the_hub, x):\n    await h.ping(1)\n"
        "    ok = await Hub().ping(1)\n    await the_hub.ping(1)\n    await x.ping(1)\n    return h.push\n"
    )
    tree = make_tree(tmp_path / "t", site=source)
    host = make_host_file(tmp_path)
    assert run_cli(capsys, "calls", tree, "--host", host, "--json").json["totals"] == {
        "calls": 5,
        "verdict": {"target": 4, "unknown": 1},
        "kind": {"call": 4, "callback_reference": 1},
        "targets": {
            "count": 4,
            "typed": {"count": 3, "evidence": {"annotation": 2, "constructor": 1}},
            "naming_rule": {"count": 1},
            "kind": {"call": 3, "callback_reference": 1},
            "result_use": {"ignored": 2, "assigned_unused": 1, "passed_on": 1},
            "migration": {"let_propagate": 4},
            "swallowed": 0,
        },
    }
    said = run_cli(capsys, "calls", tree, "--host", host).out
    assert "  of 4 targets, by typed evidence: 3 (annotation 2, constructor 1)\n" in said
    assert "  of 4 targets, by naming rule only: 1\n" in said


def test_totals_of_nothing_are_zeros(tmp_path, capsys):
    tree = make_tree(tmp_path / "t")
    totals = run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path), "--json").json["totals"]
    assert (totals["calls"], totals["verdict"], totals["targets"]["count"]) == (0, {}, 0)


def test_exit_codes(tmp_path, capsys):
    host = make_host_file(tmp_path)
    clean = make_tree(tmp_path / "clean", site="x = 1\n")
    assert run_cli(capsys, "calls", clean, "--host", host).code == 0
    found = make_tree(tmp_path / "found", site=SITE)
    assert run_cli(capsys, "calls", found, "--host", host).code == 1
    bad = make_tree(tmp_path / "bad", site=SITE, broken=BROKEN)
    ended = run_cli(capsys, "calls", bad, "--host", host)
    assert ended.code == 2
    assert "unreadable: plant/broken.py: does not parse, line 1" in ended.out
    assert "h.ping" in ended.out, "the rest is done"


def test_a_phantom_is_a_finding(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", site="from plant.hub import Hub\nasync def f(h: Hub): await h.vanished()\n")
    assert run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path)).code == 1


def test_files_in_are_files_reported_with_workers_too(tmp_path):
    modules = {f"m{n}": SITE if n % 2 else BROKEN for n in range(30)}
    folder = make_tree(tmp_path, **modules)
    one, many = scan_of(folder, jobs=1), scan_of(folder, jobs=3)
    assert one == many
    assert len(one.files) == len(list(folder.rglob("*.py")))
    assert len(one.unreadable) == 15
    assert len(one.rows) == 15


def test_folders_that_are_not_entered_are_named(tmp_path):
    make_tree(tmp_path)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert scan_of(tmp_path).skipped_directories == (".hidden", "env")


@pytest.mark.parametrize("name", ["plant.site", "plant/site.py", "plant"])
def test_module_by_name_or_path(tmp_path, capsys, name):
    tree = make_tree(tmp_path / "t", site=SITE)
    ended = run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path), "--module", name, "--json")
    assert ended.json["files"]["found"] == (5 if name == "plant" else 1)
    assert len(ended.json["calls"]) == 1


def test_one_file_as_path(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", site=SITE)
    ended = run_cli(capsys, "calls", tree / "plant" / "site.py", "--host", make_host_file(tmp_path), "--json")
    assert [(row["path"], row["verdict"]) for row in ended.json["calls"]] == [("site.py", "target")]


def test_unknown_module_is_refused_with_close_names(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", site=SITE)
    ended = run_cli(capsys, "calls", tree, "--host", make_host_file(tmp_path), "--module", "plant.sight")
    assert ended.code == 64
    assert "plant.site" in ended.err


BAD_HOSTS = [("no_such_host", "no_such_host"), ("missing.py", "no such file")]


@pytest.mark.parametrize(("host", "said"), BAD_HOSTS)
def test_unknown_host_is_refused(tmp_path, capsys, host, said):
    ended = run_cli(capsys, "calls", make_tree(tmp_path), "--host", host)
    assert ended.code == 64
    assert said in ended.err


def test_no_host_at_all_says_where_to_write_it(tmp_path, capsys):
    ended = run_cli(capsys, "calls", make_tree(tmp_path))
    assert ended.code == 64
    assert "--host" in ended.err
    assert "[tool.failloud]" in ended.err


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyproject.toml", "[tool.failloud]\nhost = 'the_host.py'\n"), ("failloud.toml", "host = 'the_host.py'\n")],
)
def test_host_from_the_nearest_file_above(tmp_path, capsys, name, text):
    tree = make_tree(tmp_path / "deep" / "t", site=SITE)
    make_host_file(tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "deep" / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert len(run_cli(capsys, "calls", tree, "--json").json["calls"]) == 1


def test_a_broken_configuration_is_named(tmp_path, capsys):
    tree = make_tree(tmp_path / "t")
    (tmp_path / "failloud.toml").write_text("host = [", encoding="utf-8")
    ended = run_cli(capsys, "calls", tree)
    assert ended.code == 64
    assert "failloud.toml" in ended.err


def test_a_tree_without_the_package_says_so(tmp_path, capsys):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.py").write_text("async def f(h): await h.ping(1)\n", encoding="utf-8")
    ended = run_cli(capsys, "calls", tmp_path / "t", "--host", make_host_file(tmp_path))
    assert ended.code == 0
    assert "package plant was not found" in ended.err
    assert "contract missing: hub.ping" in ended.out


def die(_ready, path):
    os._exit(3) if path.name == "m7" else None


def test_a_worker_that_dies_is_told(tmp_path):
    with pytest.raises(Refused, match="a worker process died"):
        list(Pool(dict, die, ()).run([tmp_path / f"m{n}" for n in range(20)], 2, "read"))
