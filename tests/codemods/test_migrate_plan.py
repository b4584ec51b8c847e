"""`migrate plan` and `migrate status`: what is proposed, in which order, what is done, open and left."""

from __future__ import annotations

import pytest
from migration_case import make_host_file, make_tree, run_cli

from codemods.order import ordered

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


ORDERS = [
    ("callees first", {"a": {"b"}, "b": {"c"}, "c": set()}, {"a": 9, "b": 1, "c": 1}, "cba"),
    ("more places first", {"a": set(), "b": set()}, {"a": 1, "b": 2}, "ba"),
    ("then by name", {"b": set(), "a": set()}, {"b": 1, "a": 1}, "ab"),
    ("a circle ends", {"a": {"b"}, "b": {"a"}, "c": {"a", "b"}}, {"a": 1, "b": 1, "c": 9}, "abc"),
    ("imports of others do not count", {"a": {"z"}, "b": {"a", "y"}}, {"a": 1, "b": 1}, "ab"),
    ("itself does not count", {"a": {"a"}}, {"a": 1}, "a"),
    ("none", {}, {}, ""),
]


@pytest.mark.parametrize(("imports", "places", "expected"), [o[1:] for o in ORDERS], ids=[o[0] for o in ORDERS])
def test_order(imports, places, expected):
    steps = ordered({name: frozenset(others) for name, others in imports.items()}, places)
    assert "".join(step.module for step in steps) == expected


def test_reasons_name_the_modules():
    steps = ordered({"a": frozenset({"b"}), "b": frozenset({"a"}), "c": frozenset({"a"})}, {"a": 1, "b": 1, "c": 1})
    assert [step.why for step in steps] == [
        "in a circle of imports with b",
        "after a, which it imports",
        "after a, which it imports",
    ]


def test_plan_names_codemods_order_and_commands(tree, host, capsys):
    ended = run_cli(capsys, "migrate", "plan", tree, "--host", host)
    assert ended.code == 2  # one file does not parse
    assert "failed: plant/bad.py" in ended.out
    assert ended.out.index("1. plant.low") < ended.out.index("2. plant.high")
    assert "by hand: plant/odd.py:6, ping: the result goes into a larger expression" in ended.out
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
    assert second["why"] == "after plant.low, which it imports"
    assert [(one["path"], one["line"]) for one in found["by_hand"]] == [("plant/odd.py", 6)]


def test_status_before_and_after(tree, host, capsys):
    (tree / "plant" / "bad.py").unlink()
    ended = run_cli(capsys, "migrate", "status", tree, "--host", host)
    assert ended.code == 1
    assert "plant.low: 1 calls; done: nothing; open: check-results 1" in ended.out
    assert "    left: 1 x catch-specific: " in ended.out
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
