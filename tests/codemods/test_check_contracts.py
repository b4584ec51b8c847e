"""`failloud check`, FL101 to FL103: the host file against the source."""

from __future__ import annotations

import inspect

import pytest
from check_case import BELL, STONE, check, drift, edit, make

from codemods.driftsignature import declared, differs, is_async, parameters, shown
from codemods.layout import plain_layout
from codemods.project import Project
from shim.contracts import plain_signature


def test_a_tree_that_fits_is_clean(tmp_path, capsys):
    ended = check(capsys, make(tmp_path))
    assert ended.code == 0
    assert "contracts: 4 declared, 4 compared with the source, 0 missing, 0 that the source does not tell" in ended.out


RING = "async def ring(self, run_id, times=1) -> bool:"
DRIFT = {
    "method gone": ("bell", RING, "async def peal(self, run_id, times=1) -> bool:", "FL101", "no such method"),
    "class gone": ("bell", "class Bell(Base):", "class Gong(Base):", "FL101", "no such class in the module"),
    "inherited method gone": ("bell", "async def told", "async def said", "FL101", "bell.told"),
    "function gone": ("stone", "def grind", "def crush", "FL101", "the module has no such function"),
    "a parameter renamed": (
        "bell",
        RING,
        "async def ring(self, run, times=1) -> bool:",
        "FL102",
        "(self, run, times=1)",
    ),
    "a parameter more": ("bell", RING, "async def ring(self, run_id, times=1, by=None):", "FL102", "by=None"),
    "another default": ("bell", RING, "async def ring(self, run_id, times=2) -> bool:", "FL102", "times=2"),
    "no default": ("bell", RING, "async def ring(self, run_id, times) -> bool:", "FL102", "(self, run_id, times)"),
    "another kind": ("bell", RING, "async def ring(self, run_id, *, times=1):", "FL102", "(self, run_id, *, times=1)"),
    "positional only": (
        "bell",
        RING,
        "async def ring(self, run_id, /, times=1):",
        "FL102",
        "(self, run_id, /, times=1)",
    ),
    "a constant's value": ("stone", "SPEED = 30", "SPEED = 31", "FL102", "speed=31"),
    "no longer async": (
        "bell",
        RING,
        "def ring(self, run_id, times=1) -> bool:",
        "FL102",
        "not async, declared otherwise",
    ),
    "async now": ("bell", "def knock", "async def knock", "FL102", ": async, declared otherwise"),
    "a generator": ("bell", f"{RING}\n        return False", f"{RING}\n        yield 1", "FL102", "not async"),
    "a static method": (
        "bell",
        "    def knock(self, ",
        "    @staticmethod\n    def knock(",
        "FL102",
        "a staticmethod now",
    ),
    "a class method": (
        "bell",
        "    def knock(self, ",
        "    @classmethod\n    def knock(cls, ",
        "FL102",
        "a classmethod now",
    ),
    "a property": ("bell", "    def knock", "    @property\n    def knock", "FL102", "a property now"),
    "a hook gone": ("bell", "def _swing", "def _sway", "FL103", "no method _swing, which is hooked"),
    "a watched attribute": (
        "bell",
        "self.wire = wire",
        "self.cable = wire",
        "FL103",
        "Bell.wire is watched by a contract",
    ),
    "a needed attribute": (
        "bell",
        "self.rope = None",
        "self.chain = None",
        "FL103",
        "Bell.rope is needed by a contract",
    ),
}


@pytest.mark.parametrize(("module", "old", "new", "code", "said"), DRIFT.values(), ids=DRIFT)
def test_planted_drift_is_found(tmp_path, capsys, module, old, new, code, said):
    folder = make(tmp_path)
    edit(folder, module, old, new)
    found = [row for row in drift(capsys, folder) if row[0] == code and said in row[2]]
    assert [row[1] for row in found] == [f"{module}.py"]
    assert check(capsys, folder).code == 1


FITS = {
    "inherited in the tree": (
        "bell",
        "    def _swing(self):\n        return None\n",
        "",
        "class Base:\n",
        "class Base:\n    def _swing(self):\n        return None\n\n",
    ),
    "annotations": ("bell", RING, "async def ring(self, run_id: str, times: int = 1) -> 'bool | None':", "", ""),
    "arithmetic": ("stone", "SPEED = 30", "SPEED = 5 * 6", "", ""),
    "a constant imported": ("stone", "SPEED = 30", "from mill.other import SPEED", "", ""),
    "a value nobody can tell": ("stone", "SPEED = 30", "SPEED = int('30')", "", ""),
    "decorated": ("bell", f"    {RING}", f"    @traced\n    {RING}", "", ""),
    "in both branches": (
        "bell",
        "    def _swing",
        "    if DEBUG:\n        def _swing(self): ...\n    def _swing",
        "",
        "",
    ),
    "an attribute given by a tuple": (
        "bell",
        "        self.rope = None\n",
        "        self.rope, self.bow = None, None\n",
        "",
        "",
    ),
    "an attribute of a dataclass": (
        "bell",
        "        self.rope = None\n",
        "        pass\n\n    rope: object = None\n",
        "",
        "",
    ),
    "a second name of a method": (
        "bell",
        "    def _swing(self):",
        "    def _sway(self): ...\n    _swing = _sway\n\n    def x(self):",
        "",
        "",
    ),
}


@pytest.mark.parametrize(("module", "old", "new", "also", "by"), FITS.values(), ids=FITS)
def test_what_still_fits_is_no_finding(tmp_path, capsys, module, old, new, also, by):
    folder = make(tmp_path, other="SPEED = 30\n")
    edit(folder, module, old, new)
    if also:
        edit(folder, module, also, by)
    assert drift(capsys, folder) == []


def test_a_module_that_is_gone_is_told_once_with_its_rows(tmp_path, capsys):
    folder = make(tmp_path, bell=None)
    rows = drift(capsys, folder)
    assert [code for code, _, _ in rows] == ["FL101", "FL101", "FL103"]
    assert {path for _, path, _ in rows} == {"__init__.py"}, "the nearest package that is there"
    texts = " ".join(text for _, _, text in rows)
    assert "mill.bell:Bell: no such module in the tree; declared for bell.ring, bell.knock, bell.told" in texts
    assert "component bell: none of its 3 contracts is in the tree" in texts
    assert "naming rule 'bell$' names mill.bell:Bell, which is gone" in texts
    missing = check(capsys, folder, "--json").json["contracts_missing"]
    assert [one["contract"] for one in missing] == ["bell.ring", "bell.knock", "bell.told"]


def test_a_base_outside_the_tree_may_define_it_and_that_is_counted(tmp_path, capsys):
    folder = make(tmp_path, bell=BELL.replace("class Bell(Base):", "class Bell(outside.Base):"))
    ended = check(capsys, folder)
    assert ended.code == 0
    assert "note: not told by the source, doctor imports and compares them: bell.told" in ended.out


def test_a_class_and_a_function_may_be_handed_on_by_their_modules(tmp_path, capsys):
    folder = make(
        tmp_path, bell="from mill.metal import Bell\n", metal=BELL, stone="from mill.rock import *\n", rock=STONE
    )
    assert drift(capsys, folder) == []


SOURCES = [
    "def f(self): ...",
    "def f(self, a, b=1, *args, c, d='x', **more): ...",
    "def f(a, /, b, *, c=None): ...",
    "def f(a=-1, b=+2.5, c=True, d=(), e=[], g={}, h=b'x', i=1j, j=...): ...",
    "def f(a=LIMIT, b=LIMIT * 2, c=1 + 2 * 3, d=7 // 2, e=1 / 4): ...",
    "async def f(self, a: int = 3, *, b: 'str' = 'é') -> None: ...",
    "async def f(self):\n    yield 1",
    "def f(a='x' 'y', b=lambda: 1, c='''it's'''): ...",
    "def f(*, a, b=2): ...",
    "def f(a=Size.BIG, b=1): ...",
]


@pytest.mark.parametrize("source", SOURCES)
def test_the_signature_of_the_source_is_that_of_the_function(tmp_path, source):
    text = f"from enum import IntEnum\nLIMIT = 60\nclass Size(IntEnum):\n    BIG = 1\n{source}\n"
    (tmp_path / "m.py").write_text(text, encoding="utf-8")
    project = Project(plain_layout(tmp_path))
    module = project.module("m")
    names: dict = {}
    exec(text, names)  # noqa: S102  # the table's own text
    wanted = plain_signature(inspect.signature(names["f"]))
    found = parameters(module.functions["f"], module, project)
    assert shown(found) == wanted
    assert not differs(found, declared(wanted))
    assert is_async(module.functions["f"]) == inspect.iscoroutinefunction(names["f"])
