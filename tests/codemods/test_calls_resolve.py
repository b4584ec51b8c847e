"""Receivers: what resolves, by which evidence, and what must not."""

from __future__ import annotations

from textwrap import dedent

import pytest
from migration_case import make_tree, rows_of

CASES = [
    ("annotated parameter", "async def f(h: Hub): await h.ping(1)", "target", "annotation"),
    ("string annotation", "async def f(h: 'Hub'): await h.ping(1)", "target", "annotation"),
    (
        "optional",
        ("from typing import Optional\nasync def f(h: Optional[Hub] = None): await h.ping(1)"),
        "target",
        "annotation",
    ),
    ("union with None", "async def f(h: 'Hub | None'): await h.ping(1)", "target", "annotation"),
    ("constructor", "async def f():\n    h = Hub()\n    await h.ping(1)", "target", "constructor"),
    ("inline constructor", "async def f(): await Hub().ping(1)", "target", "constructor"),
    ("annotated getter", "from plant.hub import get_hub\nasync def f(): await get_hub().ping(1)", "target", "getter"),
    (
        "async getter",
        ("from plant.hub import make_hub\nasync def f():\n    h = await make_hub()\n    await h.ping(1)"),
        "target",
        "getter",
    ),
    ("module attribute", "import plant.hub\nasync def f(h: plant.hub.Hub): await h.ping(1)", "target", "annotation"),
    ("import as", "import plant.hub as ph\nasync def f(): await ph.Hub().ping(1)", "target", "constructor"),
    ("from package", "from plant import hub as ph\nasync def f(): await ph.get_hub().ping(1)", "target", "getter"),
    ("relative", "from .hub import Hub as H\nasync def f(h: H): await h.ping(1)", "target", "annotation"),
    ("aliased", "from plant.hub import Hub as H\nasync def f(h: H): await h.ping(1)", "target", "annotation"),
    ("star import", "from plant.hub import *\nasync def f(): await get_hub().ping(1)", "target", "getter"),
    ("re-exported", "from plant.again import Known\nasync def f(h: Known): await h.ping(1)", "target", "annotation"),
    (
        "type checking",
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from plant.hub import Hub as T\n"
            "async def f(h: 'T'): await h.ping(1)"
        ),
        "target",
        "annotation",
    ),
    (
        "import in a function",
        ("async def f():\n    from plant.hub import get_hub as g\n    await g().ping(1)"),
        "target",
        "getter",
    ),
    ("alias of a class", "Alias = Hub\nasync def f(h: Alias): await h.ping(1)", "target", "annotation"),
    (
        "attribute of self",
        ("class C:\n    def __init__(self, h: Hub): self.x = h\n    async def f(self): await self.x.ping(1)"),
        "target",
        "annotated attribute",
    ),
    (
        "untyped parameter, a call in the module tells",
        "async def g(x, *, h): await h.ping(1)\nasync def f(y: Hub):\n    await g(1, h=y)",
        "target",
        "caller",
    ),
    (
        "untyped parameter handed on and on",
        (
            "async def a(h): await h.ping(1)\nasync def b(i, h): await a(h)\nasync def c(h): await b(1, h=h)\n"
            "async def f(): await c(Hub())"
        ),
        "target",
        "caller",
    ),
    (
        "untyped parameter of a method, called by the class",
        ("class C:\n    async def g(self, h): await h.ping(1)\n    async def f(self, y: Hub): await self.g(y)"),
        "target",
        "caller",
    ),
    (
        "state of an application",
        "def start(app): app.state.hub = Hub()\nasync def f(request): await request.app.state.hub.ping(1)",
        "target",
        "application state",
    ),
    ("class attribute", "class C:\n    x: Hub\n    async def f(self): await self.x.ping(1)", "target", "annotation"),
    (
        "property",
        ("class C:\n    @property\n    def x(self) -> Hub: ...\n    async def f(self): await self.x.ping(1)"),
        "target",
        "getter",
    ),
    (
        "attribute of a base",
        ("class B:\n    def __init__(self): self.x = Hub()\nclass C(B):\n    async def f(self): await self.x.ping(1)"),
        "target",
        "constructor",
    ),
    (
        "made by __new__",
        (
            "class C:\n    @classmethod\n    def make(cls, h: Hub):\n"
            "        c = cls.__new__(cls)\n        c.x = h\n        return c\n"
            "    async def f(self): await self.x.ping(1)"
        ),
        "target",
        "annotated attribute",
    ),
    ("subclass of the target", "class C(Hub):\n    async def f(self): await self.ping(1)", "target", "self"),
    ("super", "class C(Hub):\n    async def ping(self, k): await super().ping(k)", "target", "self"),
    ("inherited by the target", "async def f(h: Hub): await h.inherited(1)", "target", "annotation"),
    ("closure", "async def f(h: Hub):\n    async def g(): await h.ping(1)\n    return g", "target", "annotation"),
    ("walrus", "async def f():\n    if (h := Hub()): await h.ping(1)", "target", "constructor"),
    ("either", "async def f(c, a: Hub):\n    h = a if c else Hub()\n    await h.ping(1)", "target", "annotation"),
    ("naming rule", "async def f(the_hub): await the_hub.ping(1)", "target", "naming rule"),
    (
        "same name, other class",
        "from plant.other import Hub as O\nasync def f(h: O): await h.ping(1)",
        "other",
        "annotation",
    ),
    (
        "overridden in a subclass",
        ("class C(Hub):\n    async def ping(self, k): ...\nasync def f(c: C): await c.ping(1)"),
        "other",
        "annotation",
    ),
    (
        "own method",
        ("class C:\n    async def ping(self, k): ...\n    async def f(self): await self.ping(1)"),
        "other",
        "self",
    ),
    ("module function", "async def ping(k): ...\nasync def f(): await ping(1)", "other", "import"),
    (
        "two classes",
        ("from plant.other import Hub as O\nasync def f(h: Hub | O): await h.ping(1)"),
        "target_mixed",
        "annotation",
    ),
    ("two targets", "from plant.line import Line\nasync def f(h: Hub | Line): await h.ping(1)", "target", "annotation"),
    ("no such method", "async def f(h: Hub): await h.vanished(1)", "phantom", "annotation"),
    (
        "base from outside",
        ("import fastapi\nclass C(fastapi.X): ...\nasync def f(c: C): await c.ping(1)"),
        "unknown",
        "annotation",
    ),
    ("mixin that expects it", "class C:\n    async def f(self): await self.ping(1)", "unknown", "self"),
    (
        "__getattr__",
        ("class C:\n    def __getattr__(self, n): ...\nasync def f(c: C): await c.ping(1)"),
        "unknown",
        "annotation",
    ),
    ("untyped", "async def f(h): await h.ping(1)", "unknown", "none"),
    (
        "parameter behind a star",
        "async def g(h): await h.ping(1)\nasync def f(y: Hub): await g(*[y])",
        "unknown",
        "none",
    ),
    ("handed on to itself", "async def f(h): await h.ping(1) or await f(h)", "unknown", "none"),
    (
        "a function inside a function",
        "async def f(y: Hub):\n    async def g(h): await h.ping(1)\n    await g(y)",
        "unknown",
        "none",
    ),
    (
        "another method of that name",
        (
            "class C:\n    async def g(self, h): await h.ping(1)\nclass D:\n    async def g(self, h): ...\n"
            "    async def f(self, y: Hub): await self.g(y)"
        ),
        "unknown",
        "none",
    ),
    (
        "callers of two kinds",
        (
            "from plant.other import Hub as O\nasync def g(h): await h.ping(1)\n"
            "async def f(a: Hub, b: O): return await g(a), await g(b)"
        ),
        "target_mixed",
        "caller",
    ),
    (
        "another name in the state",
        "def start(app): app.state.hub = Hub()\nasync def f(app): await app.state.bub.ping(1)",
        "unknown",
        "none",
    ),
    ("any", "from typing import Any\nasync def f(h: Any): await h.ping(1)", "unknown", "none"),
]


@pytest.mark.parametrize(
    ("source", "verdict", "evidence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_receiver(tmp_path, source, verdict, evidence):
    make_tree(tmp_path, site=f"from plant.hub import Hub\n{source}\n", again="from plant.hub import Hub as Known\n")
    rows = rows_of(tmp_path)
    assert [(row.verdict, row.evidence) for row in rows] == [(verdict, evidence)]


def test_a_naming_rule_never_beats_a_resolved_class(tmp_path):
    make_tree(tmp_path, site="from plant.other import Hub\nasync def f(hub: Hub): await hub.ping(1)\n")
    assert [(row.verdict, row.resolved_class) for row in rows_of(tmp_path)] == [("other", "plant.other:Hub")]


def test_row_places_and_names(tmp_path):
    source = """\
        from plant.hub import Hub


        class C:
            async def f(self, h: Hub):
                é = 1; await h.ping(é)
        """
    make_tree(tmp_path, site=dedent(source))
    (row,) = rows_of(tmp_path)
    assert (row.line, row.col, row.function, row.receiver) == (6, 22, "C.f", "h")
    assert (row.resolved_class, row.contracts) == ("plant.hub:Hub", ("hub.ping",))


KINDS = [
    ("getattr", "async def f(h: Hub): await getattr(h, 'ping')(1)", "getattr", "ignored"),
    (
        "getattr held",
        "async def f(h: Hub):\n    m = getattr(h, 'ping', None)\n    if m: await m(1)",
        "bound_reference",
        "ignored",
    ),
    (
        "bound reference",
        "async def f(h: Hub):\n    m = h.ping\n    ok = await m(1)\n    return ok",
        "bound_reference",
        "returned",
    ),
    ("callback", "def f(h: Hub, run): run(h.ping, 1)", "callback_reference", "passed_on"),
    (
        "string dispatch",
        (
            "class C:\n    def __init__(self, h: Hub): self.h = h\n    async def via(self, name, *a):\n"
            "        return await getattr(self.h, name)(*a)\n    async def f(self): await self.via('ping', 1)"
        ),
        "string_dispatch",
        "ignored",
    ),
]


@pytest.mark.parametrize(("source", "kind", "use"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_indirect_calls(tmp_path, source, kind, use):
    make_tree(tmp_path, site=f"from plant.hub import Hub\n{source}\n")
    assert [(row.kind, row.result_use, row.verdict) for row in rows_of(tmp_path)] == [(kind, use, "target")]


def test_two_calls_in_a_chain_are_two_rows(tmp_path):
    make_tree(tmp_path, site="from plant.hub import Hub\ndef f(h: Hub): h.hush().hush()\n")
    assert sorted(row.verdict for row in rows_of(tmp_path)) == ["target", "unknown"]


def test_a_name_in_a_string_or_an_assignment_is_no_call(tmp_path):
    make_tree(tmp_path, site="class C:\n    ping = 1\nx = 'ping'\nprint('ping', C.ping == 1)\nC.ping = 2\n")
    assert rows_of(tmp_path) == []
