"""use-shims: a legacy class becomes the one with a shim wherever a module names it, or is left with the reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from migration_case import HUB, OLD_HOST, OLD_SOURCE, make_host_file, make_tree, rewrite, run_cli
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods.outcome import Changed
from codemods.wanted import Wanted
from shim.contracts import ContractError, Legacy

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "agentchat"
check_noop = partial(noop, codemods=("use-shims",))
check_transformed = partial(transformed, codemods=("use-shims",))


@pytest.fixture(autouse=True)
def _host_with_legacy_names(monkeypatch):
    monkeypatch.setattr("migration_case.WANTED", Wanted.of(OLD_HOST))


@pytest.fixture
def folder(tmp_path):
    return make_tree(
        tmp_path, old=OLD_SOURCE, api="from plant.old import Line, OldHub as Exported\nfrom plant.old import Station\n"
    )


CHANGED = {
    "import and call": ("from plant.old import OldHub\nh = OldHub()\n", "from plant.hub import Hub\nh = Hub()\n", 2),
    "an alias of the class": (
        "from plant.old import Station\nh = Station()\n",
        "from plant.hub import Hub\nh = Hub()\n",
        2,
    ),
    "the same name in another module": (
        "from plant.old import Line\nx: Line = Line()\n",
        "from plant.line import Line\nx: Line = Line()\n",
        3,
    ),
    "base class": (
        "from plant.old import OldHub\nclass C(OldHub, int): pass\n",
        "from plant.hub import Hub\nclass C(Hub, int): pass\n",
        2,
    ),
    "annotations": (
        "from plant.old import OldHub\ndef f(a: OldHub | None, *b: OldHub) -> list[OldHub]:\n    x: OldHub = a\n",
        "from plant.hub import Hub\ndef f(a: Hub | None, *b: Hub) -> list[Hub]:\n    x: Hub = a\n",
        5,
    ),
    "annotations in quotes": (
        "from plant.old import OldHub\ndef f(a: 'OldHub', b: \"list[OldHub | x.OldHub]\") -> list['OldHub']: ...\n",
        "from plant.hub import Hub\ndef f(a: 'Hub', b: \"list[Hub | x.OldHub]\") -> list['Hub']: ...\n",
        4,
    ),
    "decorator, default, class method": (
        "from plant.old import OldHub\n@OldHub.wrap\ndef f(x=OldHub): return OldHub.make(OldHub=x.OldHub)\n",
        "from plant.hub import Hub\n@Hub.wrap\ndef f(x=Hub): return Hub.make(OldHub=x.OldHub)\n",
        4,
    ),
    "import under another name": (
        "from plant.old import OldHub as H\ndef f(h: 'H'): return H()\n",
        "from plant.hub import Hub as H\ndef f(h: 'H'): return H()\n",
        3,
    ),
    "other names stay behind": (
        "from plant.old import OldHub, other\nOldHub(other)\n",
        "from plant.hub import Hub\nfrom plant.old import other\nHub(other)\n",
        2,
    ),
    "last of the names": (
        "from plant.old import other, OldHub\nOldHub(other)\n",
        "from plant.hub import Hub\nfrom plant.old import other\nHub(other)\n",
        2,
    ),
    "in brackets, over lines": (
        "from plant.old import (\n    OldHub,\n    other,\n)\nOldHub(other)\n",
        "from plant.hub import Hub\nfrom plant.old import (\n    other,\n)\nHub(other)\n",
        2,
    ),
    "alone in brackets with a comment": (
        "from plant.old import (\n    OldHub,  # the old one\n)\nOldHub()  # go\n",
        "from plant.hub import (\n    Hub,  # the old one\n)\nHub()  # go\n",
        2,
    ),
    "relative": ("from .old import OldHub\nOldHub()\n", "from plant.hub import Hub\nHub()\n", 2),
    "through another module": ("from plant.api import Station\nStation()\n", "from plant.hub import Hub\nHub()\n", 2),
    "relative, through another module": (
        "from .api import Station\nStation()\n",
        "from plant.hub import Hub\nHub()\n",
        2,
    ),
    "inside a function": (
        "def f():\n    from plant.old import OldHub, other\n    return OldHub(other)\n",
        "def f():\n    from plant.hub import Hub\n    from plant.old import other\n    return Hub(other)\n",
        2,
    ),
    "under TYPE_CHECKING, on one line": (
        "if TYPE_CHECKING: from plant.old import OldHub, other\ndef f(h: 'OldHub'): ...\n",
        "if TYPE_CHECKING: from plant.hub import Hub; from plant.old import other\ndef f(h: 'Hub'): ...\n",
        2,
    ),
    "wide characters before it": (
        "from plant.old import OldHub\nx = 'é€😀', OldHub()\n",
        "from plant.hub import Hub\nx = 'é€😀', Hub()\n",
        2,
    ),
    "listed in __all__": (
        "from plant.old import OldHub\n__all__ = ['OldHub']\nOldHub()\n",
        "from plant.hub import Hub as OldHub\n__all__ = ['OldHub']\nOldHub()\n",
        2,
    ),
    "the new name is taken": (
        "from plant.old import OldHub\nfrom plant.other import Hub\nOldHub(), Hub()\n",
        "from plant.hub import Hub as OldHub\nfrom plant.other import Hub\nOldHub(), Hub()\n",
        2,
    ),
    "the new name is a local one": (
        "from plant.old import OldHub, other\ndef f(Hub): return OldHub(Hub)\n",
        "from plant.hub import Hub as OldHub\nfrom plant.old import other\ndef f(Hub): return OldHub(Hub)\n",
        2,
    ),
    "quotes with an escape": (
        "from plant.old import OldHub\ndef f(x: 'Old\\x48ub') -> OldHub: ...\n",
        "from plant.hub import Hub as OldHub\ndef f(x: 'Old\\x48ub') -> OldHub: ...\n",
        3,
    ),
    "quotes within quotes": (
        "from plant.old import OldHub\ndef f(x: \"dict[OldHub, 'OldHub']\") -> OldHub: ...\n",
        "from plant.hub import Hub as OldHub\ndef f(x: \"dict[OldHub, 'OldHub']\") -> OldHub: ...\n",
        3,
    ),
    "a type named for cast": (
        "from plant.old import OldHub\nx = cast('list[OldHub]', 1)\nOldHub()\n",
        "from plant.hub import Hub as OldHub\nx = cast('list[OldHub]', 1)\nOldHub()\n",
        2,
    ),
    "a type comment": (
        "from plant.old import OldHub\nx = OldHub()  # type: OldHub\n",
        "from plant.hub import Hub as OldHub\nx = OldHub()  # type: OldHub\n",
        2,
    ),
    "prose in a docstring": (
        "'An OldHub is old.'\nfrom plant.old import OldHub\nx = OldHub()\n",
        "'An OldHub is old.'\nfrom plant.hub import Hub\nx = Hub()\n",
        2,
    ),
    "isinstance, where both are one class": (
        "from plant.old import Station\nisinstance(1, Station)\n",
        "from plant.hub import Hub\nisinstance(1, Hub)\n",
        2,
    ),
}


@pytest.mark.parametrize(("before", "after", "places"), CHANGED.values(), ids=CHANGED)
def test_redirects(folder, before, after, places):
    outcome = check_transformed(folder, before=before, after=after)
    assert outcome.edits == {"use-shims": places}


LEFT = {
    "reached through its module": ("import plant.old\nplant.old.OldHub()\n", "reached through its module"),
    "through a module under another name": ("from plant import old as o\no.OldHub()\n", "reached through its module"),
    "star import": ("from plant.old import *\nOldHub()\n", "star import"),
    "path in a string": ("import mock\nmock.patch('plant.old.OldHub')\n", "in a string"),
    "bound in another way": (
        "try:\n    from plant.old import OldHub\nexcept ImportError:\n    OldHub = None\n",
        "bound in another way too, line 4",
    ),
    "a local of the same name": (
        "from plant.old import OldHub\ndef f(OldHub): return OldHub\n",
        "bound in another way",
    ),
    "isinstance": ("from plant.old import OldHub\nisinstance(1, OldHub)\n", "line 2 asks for the class"),
    "except": ("from plant.old import OldHub\ntry: x\nexcept OldHub: y\n", "asks for the class"),
    "compared": ("from plant.old import OldHub\ntype(1) is OldHub\n", "asks for the class"),
    "another signature": ("from plant.old import Odd\nOdd()\n", "Hub.ping is called in another way"),
    "declared, not there": ("from plant.old import Gone\nGone()\n", "plant.old:Gone of the host file is not in"),
    "comment in the list": (
        "from plant.old import (\n    OldHub,  # old\n    other,\n)\nOldHub()\n",
        "a comment stands inside the import",
    ),
    "two in one import": ("from plant.old import OldHub, Line\n", "shares its import with another legacy class"),
}


@pytest.mark.parametrize(("source", "reason"), LEFT.values(), ids=LEFT)
def test_leaves(folder, source, reason):
    outcome = check_noop(folder, source=source)
    assert outcome.sites
    assert {site.codemod for site in outcome.sites} == {"use-shims"}
    assert all(reason in site.reason for site in outcome.sites), outcome.sites


NOOP = {
    "another class of the name": "from plant.other import OldHub\nOldHub()\n",
    "a class of its own": "class OldHub: ...\nOldHub()\n",
    "only in text": "# OldHub\nX = 'OldHub'\n",
    "the new one already": "from plant.hub import Hub\nHub(OldHub=1)\n",
    "handed on under another name, which is redirected there": "from plant.api import Exported\nExported()\n",
    "an attribute": "x.OldHub()\n",
    "from outside the tree": "from somewhere.old import OldHub\nOldHub()\n",
}


@pytest.mark.parametrize("source", NOOP.values(), ids=NOOP)
def test_nothing_to_do(folder, source):
    assert check_noop(folder, source=source).sites == ()


def test_a_package_goes_on_exporting_the_old_names(folder, capsys, tmp_path):
    make_tree(folder, __init__="from plant.old import OldHub as Exported\nfrom plant.old import Station\n")
    host = make_host_file(tmp_path, "OLD_HOST")
    run = run_cli(capsys, "migrate", "use-shims", folder, "--host", host, "--write", "--module", "plant/__init__.py")
    assert run.code == 0
    text = (folder / "plant" / "__init__.py").read_text(encoding="utf-8")
    assert text == "from plant.hub import Hub as Exported\nfrom plant.hub import Hub as Station\n"


@pytest.mark.parametrize(
    ("asked", "kept"), [("from plant.site import OldHub\n", True), ("from plant.old import OldHub\n", False)]
)
def test_a_name_that_another_file_takes_from_here_is_kept(folder, asked, kept):
    source = "from plant.old import OldHub\nOldHub()\n"
    make_tree(folder, user=asked)
    after = "from plant.hub import Hub as OldHub\nOldHub()\n" if kept else "from plant.hub import Hub\nHub()\n"
    check_transformed(folder, before=source, after=after)


def test_a_file_that_cannot_be_read_may_take_the_name_too(folder, monkeypatch):
    monkeypatch.setattr("codemods.project._bytes", lambda path: None)
    check_transformed(
        folder,
        before="from plant.old import OldHub\nOldHub()\n",
        after="from plant.hub import Hub as OldHub\nOldHub()\n",
    )


def test_only_files_with_a_legacy_name_are_parsed(folder):
    make_tree(folder, site="ping = (\n")
    assert type(rewrite(folder, ("use-shims",))).__name__ == "Unchanged"
    assert type(rewrite(folder, ("use-shims", "check-results"))).__name__ == "Failed"


def test_no_facade_is_made_for_it(folder, capsys, tmp_path):
    make_tree(folder, site="from plant.old import OldHub\nOldHub()\n")
    run = run_cli(
        capsys, "migrate", "use-shims", folder, "--host", make_host_file(tmp_path, "OLD_HOST"), "--write", "--json"
    )
    assert (run.json["facade"], len(run.json["written"])) == (None, 1)


@pytest.mark.parametrize("names", [("use-shims", "check-results"), ("check-results", "use-shims")])
def test_beside_another_codemod(folder, names):
    before = """
    from plant.old import OldHub
    async def f(h: OldHub):
        await h.ping(1)
    """
    after = """
    from plant.hub import Hub
    from plant.loud import delivered
    async def f(h: Hub):
        delivered(await h.ping(1), "hub.ping")
    """
    outcome = transformed(folder, names, before, after)
    assert outcome.edits == {"use-shims": 2, "check-results": 1}


def test_the_redirected_program_runs_the_new_class(folder, monkeypatch):
    source = "from plant.old import OldHub, other\nmade, base = OldHub(), type('C', (OldHub,), {}).__mro__[1]\n"
    make_tree(folder, site=source)
    outcome = rewrite(folder, ("use-shims",))
    assert isinstance(outcome, Changed)
    names: dict = {}
    monkeypatch.syspath_prepend(str(folder))
    exec(compile(outcome.after, "site.py", "exec"), names)  # noqa: S102  # what was rewritten, run
    assert type(names["made"]).__module__ == "plant.hub"
    assert names["base"] is type(names["made"])


def test_the_example_host_has_a_legacy_name(tmp_path, capsys):
    shutil.copytree(EXAMPLE, tmp_path / "agentchat", ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.read_bytes() for path in (tmp_path / "agentchat").rglob("*.py")}
    run = run_cli(capsys, "migrate", "use-shims", tmp_path, "--host", "example", "--write")
    assert run.code == 0
    assert "places: use-shims 4" in run.out
    assert [path.name for path, raw in before.items() if path.read_bytes() != raw] == ["supervisor.py"]
    words = (
        "import agentchat.supervisor as s; assert not hasattr(s, 'RunEventEmitter') and s.IsolatedWebSocketEventEmitter"
    )
    done = subprocess.run([sys.executable, "-c", words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


WRONG = {
    "no class": (Legacy(old="plant.old", new=HUB), "must read 'package.module:Name'"),
    "an unknown successor": (Legacy(old="plant.old:A", new="plant.old:B"), "is not a declared class"),
    "a class with a shim": (Legacy(old="plant.line:Line", new=HUB), "is a declared class itself"),
    "twice": (OLD_HOST.legacy[0], "declared twice"),
}


@pytest.mark.parametrize(("row", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_refused_at_load(row, said):
    with pytest.raises(ContractError, match=said):
        replace(OLD_HOST, legacy=(*OLD_HOST.legacy, row))
