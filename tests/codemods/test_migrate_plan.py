"""`migrate plan` and `migrate status`: what is proposed, in which order, what is done, open and left."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from migration_case import make_host_file, make_tree, run_cli

from codemods.order import Weight, ordered

IGNORED = "from plant.hub import Hub\nasync def f(h: Hub):\n    await h.ping(1)\n"
SWALLOWED = (
    "from plant.hub import Hub\nfrom plant.low import f\nasync def g(h: Hub):\n    try:\n        await h.ping(1)\n"
    "    except Exception:\n        pass\n"
)
BY_HAND = (
    "from plant.hub import Hub\nasync def h(h: Hub):\n    try:\n        1\n    except ValueError:\n"
    "        x, y = await h.ping(1), 2\n"
)


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "t", low=IGNORED, high=SWALLOWED, odd=BY_HAND, bad="def (:\n    ping\n")


@pytest.fixture
def host(tmp_path):
    return make_host_file(tmp_path)


LOSES = Weight(places=1, lost=1)
ORDERS = [
    ("callees first", {"a": {"b"}, "b": {"c"}, "c": set()}, {"a": 9, "b": 1, "c": 1}, "cba"),
    ("more places first", {"a": set(), "b": set()}, {"a": 1, "b": 2}, "ba"),
    ("lost events before places", {}, {"a": Weight(places=9), "b": Weight(places=1, lost=1)}, "ba"),
    ("plain before delicate", {}, {"a": Weight(places=9, lost=1, delicate=1), "b": Weight(places=1, lost=1)}, "ba"),
    ("callees before lost events", {"b": {"a"}}, {"a": 1, "b": Weight(places=1, lost=5)}, "ab"),
    ("then by name", {"b": set(), "a": set()}, {"b": 1, "a": 1}, "ab"),
    ("a circle ends", {"a": {"b"}, "b": {"a"}, "c": {"a", "b"}}, {"a": 1, "b": 1, "c": 9}, "abc"),
    ("a circle waits for what it imports", {"a": {"b"}, "b": {"a", "c"}, "c": set()}, {"a": 9, "b": 9, "c": 1}, "cab"),
    ("a circle that loses more comes before others", {"a": {"b"}, "b": {"a"}}, {"a": 1, "b": LOSES, "c": 1}, "bac"),
    ("imports of others do not count", {"a": {"z"}, "b": {"a", "y"}}, {"a": 1, "b": 1}, "ab"),
    ("itself does not count", {"a": {"a"}}, {"a": 1}, "a"),
    ("none", {}, {}, ""),
]


@pytest.mark.parametrize(("imports", "places", "expected"), [o[1:] for o in ORDERS], ids=[o[0] for o in ORDERS])
def test_order(imports, places, expected):
    weights = {name: Weight(places=one) if isinstance(one, int) else one for name, one in places.items()}
    steps = ordered({name: frozenset(others) for name, others in imports.items()}, weights)
    assert "".join(step.module for step in steps) == expected


def test_reasons_name_the_modules():
    imports = {"a": frozenset({"b"}), "b": frozenset({"a"}), "c": frozenset({"a"})}
    steps = ordered(imports, dict.fromkeys("abc", Weight(places=3, lost=2, delicate=1)))
    open_ones = "calls that lose their failure: 2, delicate ones: 1"
    assert [step.why for step in steps] == [
        f"in a circle of imports with b; {open_ones}",
        f"after a, which it imports; {open_ones}",
        f"after a, which it imports; {open_ones}",
    ]


def test_plan_names_codemods_order_and_commands(tree, host, capsys):
    ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert ended.code == 2  # one file does not parse
    assert "failed: plant/bad.py" in ended.out
    assert ended.out.index("1. plant.low") < ended.out.index("2. plant.high")
    assert "plant/odd.py: by hand: line 6, h.ping: the result goes into a larger expression" in ended.out
    commands = [line.split() for line in ended.out.splitlines() if line.startswith("  failloud migrate")]
    assert [command[command.index("--module") + 1] for command in commands] == ["plant.low", "plant.high"]
    assert not (tree / ".failloud").exists()


def test_running_the_commands_of_a_plan_leaves_nothing_to_plan(tree, host, capsys):
    (tree / "plant" / "bad.py").unlink()
    (tree / "plant" / "odd.py").unlink()
    for _ in range(2):
        ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
        commands = [line.split()[1:] for line in ended.out.splitlines() if line.startswith("  failloud migrate")]
        for command in commands:
            assert run_cli(capsys, *command).code == 0
    assert (ended.code, commands) == (0, [])


def test_plan_as_json(tree, host, capsys):
    found = run_cli(capsys, "migrate", "plan", tree, "--host", host, "--json").json
    assert found["schema"] == 1
    assert found["files"]["failed"][0]["path"] == "plant/bad.py"
    first, second = found["modules"]
    assert (first["module"], first["codemods"]) == ("plant.low", {"check-results": [3]})
    assert second["why"].startswith("after plant.low, which it imports; ")
    assert [(one["path"], one["line"]) for one in found["by_hand"]] == [("plant/odd.py", 6)]


def test_status_before_and_after(tree, host, capsys):
    (tree / "plant" / "bad.py").unlink()
    ended = run_cli(capsys, "migrate", "status", tree, "--host", host)
    assert ended.code == 1
    assert "plant.low: 1 calls; done: nothing; open: check-results 1" in ended.out
    assert "    left: 1 x catch-specific: " in ended.out
    assert ended.out.endswith(
        "left: catch-specific 1\nruns: 0, 0 of them not whole\n"
        "files: 7 in, 0 failed, 0 skipped; contracted calls: 3; modules with open places: 2\n"
    )
    run_cli(capsys, "migrate", "check-results", "reraise-loud", tree, "--host", host, "--write")
    found = run_cli(capsys, "migrate", "status", tree, "--host", host, "--json").json
    low = next(one for one in found["modules"] if one["module"] == "plant.low")
    assert (low["done"], low["open"]) == ({"check-results": 1}, {})
    assert found["totals"]["done"] == {"check-results": 2, "reraise-loud": 1}
    assert set(found["totals"]["open"]) == {"loud-returns"}
    assert run_cli(capsys, "migrate", "status", tree, "--host", host).code == 0


def test_what_is_proposed_apart_says_why_and_is_in_no_command(tree, host, capsys):
    ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert "apart: loud-returns: 4 places; the shims report these answers already" in ended.out
    assert not any("loud-returns" in line for line in ended.out.splitlines() if line.startswith("  failloud"))


@pytest.mark.parametrize("words", [("plan",), ("status",), ("plan", "nowhere"), ("status", ".", ".")])
def test_a_path_is_wanted(words, capsys):
    ended = run_cli(capsys, "migrate", *words)
    assert ended.code == 64
    assert f"migrate {words[0]} PATH" in ended.err


def test_several_modules_dotted_and_by_path(tree, host, capsys):
    ended = run_cli(
        capsys, "migrate", "plan", tree, "--host", host, "--module", "plant.low", "--module", "plant/odd.py", "--json"
    )
    assert ended.json["files"]["found"] == 2
    assert ended.code == 1
    near = run_cli(capsys, "migrate", "plan", tree, "--host", host, "--module", "plant.lov")
    assert (near.code, "plant.low" in near.err) == (64, True)


def test_each_call_has_its_decision_and_each_codemod_its_lines(tree, host, capsys):
    said = run_cli(capsys, "migrate", "plan", tree, "--host", host).out
    high = said[said.index("2. plant.high") : said.index("plant/odd.py: by hand")]
    assert high.splitlines()[1:] == [
        "       check-results: 1 at line 5",
        "       reraise-loud: 1 at line 6",
        "       line 5, h.ping: insert_reraise_before_broad, a broad handler of this function swallows",
    ]
    assert "  check-results   wrap a contracted call whose result is dropped in delivered(...)" in said


@pytest.mark.parametrize("there", [False, True])
def test_the_facade_is_step_nought_until_it_is_there(tmp_path, host, capsys, there):
    tree = make_tree(tmp_path / "t", low=IGNORED, **({"loud": "def delivered(): ..."} if there else {}))
    said = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert ("  0. plant.loud  (the façade: the first command that needs it makes it)" in said.out) is not there
    found = run_cli(capsys, "migrate", "plan", tree, "--host", host, "--json").json
    assert found["facade"] == {"module": "plant.loud", "there": there}


UNWRITABLE = [
    ("def delivered(): ...\ndef loud_delivered(): ...\n", "", "check-results needs the name delivered"),
    ("", "escalate = 1\n", "plant.loud has no delivered: add it to the façade first"),
]


@pytest.mark.parametrize(("own", "facade", "said"), UNWRITABLE, ids=["name taken", "façade lacks it"])
def test_what_cannot_be_rewritten_is_said_by_the_plan_and_not_by_its_command(tmp_path, host, capsys, own, facade, said):
    tree = make_tree(tmp_path / "t", low=IGNORED + own, **({"loud": facade} if facade else {}))
    ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert (ended.code, f"failed: plant/low.py: {said}" in ended.out, "  failloud migrate" in ended.out) == (
        2,
        True,
        False,
    )
    assert run_cli(capsys, "migrate", "status", tree, "--host", host).code == 2


def test_a_phantom_is_for_a_person(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t", low="from plant.hub import Hub\nasync def f(h: Hub):\n    await h.vanished(1)\n")
    said = run_cli(capsys, "migrate", "plan", tree, "--host", host).out
    assert "plant/low.py: by hand: line 3, h.vanished: no class has this method" in said


def test_guards_tasks_and_boundaries_are_planned_where_no_contract_is(tmp_path, host, capsys):
    site = (
        "import asyncio\nfrom fastapi import APIRouter\nrouter = APIRouter()\nasync def w(): ...\n"
        "@router.get('/')\nasync def page():\n    asyncio.create_task(w())\n"
    )
    tree = make_tree(tmp_path / "t", low=site)
    found = run_cli(capsys, "migrate", "plan", tree, "--host", host, "--json").json
    assert found["modules"][0]["codemods"] == {"mark-boundaries": [6], "track-tasks": [7]}


def test_a_link_is_skipped_and_said(tmp_path, host, capsys):
    tree = make_tree(tmp_path / "t")
    (tmp_path / "site.py").write_text(IGNORED, encoding="utf-8")
    (tree / "plant" / "site.py").symlink_to(tmp_path / "site.py")
    ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert (ended.code, "skipped: plant/site.py: symbolic link" in ended.out) == (0, True)
    assert "files: 5 in, 0 failed, 1 skipped" in ended.out


def test_a_codemod_that_is_added_is_planned_by_itself(tree, host, capsys, monkeypatch):
    from codemods import registry
    from codemods.fixers import check_results

    real = registry.load
    monkeypatch.setattr(registry, "names", lambda: ("my-own",))
    monkeypatch.setattr(registry, "load", lambda name: check_results if name == "my-own" else real(name))
    found = run_cli(capsys, "migrate", "plan", tree, "--host", host, "--jobs", "1", "--json").json
    assert [list(one["codemods"]) for one in found["modules"]] == [["my-own"], ["my-own"]]


MODULES = [
    (("plant.low",), 1),
    (("plant/low.py", "plant.low"), 1),
    (("plant", "plant.low"), 8),
    (("plant.sub",), 2),
    (("plant/sub", "plant.sub.deep", "plant.high"), 3),
]


@pytest.mark.parametrize(("named", "files"), MODULES, ids=[" ".join(case[0]) for case in MODULES])
def test_modules_by_name_path_and_package_may_overlap(tmp_path, host, capsys, named, files):
    tree = make_tree(tmp_path / "t", low=IGNORED, high=SWALLOWED, sub____init__="", sub__deep=IGNORED)
    words = [word for name in named for word in ("--module", name)]
    for command in (("status",), ("check-results",)):
        found = run_cli(capsys, "migrate", *command, tree, "--host", host, *words, "--json").json
        assert found["files"]["found"] == files


def test_the_plan_of_the_example_can_be_carried_out_and_taken_back(tmp_path, capsys):
    tree = tmp_path / "t"
    ignored = shutil.ignore_patterns("__pycache__", ".failloud")
    shutil.copytree(Path(__file__).parents[2] / "examples" / "agentchat", tree / "agentchat", ignore=ignored)
    old = {path: path.read_bytes() for path in tree.rglob("*.py")}
    said = run_cli(capsys, "migrate", "plan", tree, "--host", "example").out
    commands = [shlex.split(line)[1:] for line in said.splitlines() if line.startswith("  failloud migrate")]
    runs = [run for words in commands for run in run_cli(capsys, *words, "--json").json["written"]]
    assert len(runs) == len(commands) + 1, "the façade is a run of its own"
    for words in ("plan", "status"):
        assert run_cli(capsys, "migrate", words, tree, "--host", "example").code == 0
    facade, *others = runs
    for run in [*reversed(others), facade]:
        assert run_cli(capsys, "migrate", "undo", run, tree).code == 0
    assert {path: path.read_bytes() for path in tree.rglob("*.py")} == old
