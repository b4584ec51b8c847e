"""Facts kept between runs: what is read again after an edit, and that nobody can tell from the result."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from flow_case import SITE, ends, followed, make_tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from migration_case import make_host_file, run_cli

CALLER = """
from plant.asks import ask


class Service:
    async def serve(self, hub) -> None:
        try:
            await ask(hub)
        except ValueError:
            pass
"""
USER = """
from plant.caller import Service


async def use(service: Service, hub) -> None:
    try:
        await service.serve(hub)
    except Exception:
        pass
"""
MODULES = {"asks": SITE, "caller": CALLER, "user": USER, "apart": "def apart():\n    return 1\n"}
ALL = 4 + len(MODULES)


@pytest.fixture
def tree(tmp_path):
    """Give a tree whose facts are kept, and a function that follows it again."""
    folder = make_tree(tmp_path / "t", **MODULES)
    return Kept(folder, tmp_path / "kept" / "flow.cache")


class Kept:
    def __init__(self, folder: Path, kept_in: Path) -> None:
        self.folder, self.kept_in = folder, kept_in

    def follow(self, boundaries=()):
        """Follow with the cache; gives how many files were read. Without it the result is the same."""
        run = followed(self.folder, boundaries, kept_in=self.kept_in)
        assert ends(run) == ends(followed(self.folder, boundaries))
        return run.read

    def edit(self, module, old, new):
        path = self.folder / "plant" / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_second_run_reads_nothing(tree):
    assert tree.follow() == ALL
    assert tree.follow() == 0


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("caller", "except ValueError:", "except Exception:"),
        ("caller", "            pass", "            print('no')"),
        (
            "caller",
            "        except ValueError:",
            "        except RuntimeError:\n            raise\n        except ValueError:",
        ),
        ("asks", "    await h.ping(1)\n", "    await h.ping(1)\n    await h.ping(2)\n"),
    ],
)
def test_an_edit_of_what_a_function_does_reads_one_file(tree, module, old, new):
    tree.follow()
    tree.edit(module, old, new)
    assert tree.follow() == 1


@pytest.mark.parametrize(
    ("module", "old", "new", "read"),
    [
        ("caller", "class Service:", "class Service(dict):", {"caller", "user"}),
        ("caller", "def serve(self, hub)", "def serve(self, hub, more=1)", {"caller", "user"}),
        ("asks", "async def ask(h: Hub)", "async def ask(h: object)", {"asks", "caller", "user"}),
        ("user", "import Service", "import Service as Servant", {"user"}),
    ],
)
def test_an_edit_of_what_others_ask_reads_those_that_import_it(tree, module, old, new, read):
    tree.follow()
    tree.edit(module, old, new)
    assert tree.follow() == len(read)


def test_a_name_that_comes_is_looked_for_where_it_is_called(tree):
    tree.edit("user", "    try:", "    helper(hub)\n    try:")
    tree.follow()
    tree.edit("apart", "def apart", "def helper(hub):\n    return hub\n\n\ndef apart")
    assert tree.follow() == 2, "the file that defines it and the one that calls it"


def test_files_come_and_go(tree):
    tree.follow()
    (tree.folder / "plant" / "fresh.py").write_text("x = 1\n", encoding="utf-8")
    assert tree.follow() == 1
    (tree.folder / "plant" / "fresh.py").rename(tree.folder / "plant" / "moved.py")
    assert tree.follow() == 1
    (tree.folder / "plant" / "moved.py").unlink()
    assert tree.follow() == 0
    (tree.folder / "plant" / "caller.py").unlink()
    assert tree.follow() >= 1, "its import is gone"


def test_another_declaration_is_another_cache(tree):
    tree.follow()
    assert tree.follow(("plant.user:use",)) == ALL


@pytest.mark.parametrize("damage", [b"", b"\x80\x05nothing", pickle.dumps({"format": 1}), pickle.dumps(("x", 1, 2, 3))])
def test_a_damaged_cache_costs_time_only(tree, damage):
    tree.follow()
    tree.kept_in.write_bytes(damage)
    assert tree.follow() == ALL
    assert tree.follow() == 0


class Bomb:
    def __reduce__(self):
        return (os.system, ("touch exploded",))


def test_a_cache_runs_no_code(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tree.follow()
    tree.kept_in.write_bytes(pickle.dumps(Bomb()))
    assert tree.follow() == ALL
    assert not (tmp_path / "exploded").exists()


def test_what_cannot_be_kept_is_said(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", **MODULES)
    (tree / ".failloud").write_text("in the way", encoding="utf-8")
    ended = run_cli(capsys, "flow", tree, "--host", make_host_file(tmp_path), "--jobs", "1")
    assert ended.code == 1
    assert "warning: the cache" in ended.err
    assert "cannot be written" in ended.err


def test_no_cache_keeps_nothing(tmp_path, capsys):
    tree = make_tree(tmp_path / "t", **MODULES)
    run_cli(capsys, "flow", tree, "--host", make_host_file(tmp_path), "--jobs", "1", "--no-cache")
    assert not (tree / ".failloud").exists()


EDITS = st.lists(
    st.tuples(
        st.sampled_from(sorted(MODULES)),
        st.sampled_from(
            [
                ("except ", "except (KeyError, OSError), *[] and "),
                ("pass", "raise"),
                ("pass", "return None"),
                ("-> None", "-> bool"),
                ("await ", "await (1 and "),
                ("def ", "def more_"),
                ("return 1", "return 2"),
                ("hub", "h"),
                ("try:", "if True:\n        x = 1\n    try:"),
            ]
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(edits=EDITS)
def test_no_edit_can_be_told_from_a_run_without_cache(tmp_path_factory, edits):
    """Some edits make a file that does not parse: that is an edit as well."""
    base = tmp_path_factory.mktemp("edits")
    tree = Kept(make_tree(base / "t", **MODULES), base / "flow.cache")
    tree.follow()
    for module, (old, new) in edits:
        path = tree.folder / "plant" / f"{module}.py"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        tree.follow()
