"""guard-missing: a guard that skips a contracted call says that its receiver is missing; nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from textwrap import indent

import pytest
from migration_case import HOST, HUB, row
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods.wanted import Wanted
from shim.contracts import HostClass

check_noop = partial(noop, codemods=("guard-missing",))
check_transformed = partial(transformed, codemods=("guard-missing",))
NEW = "from plant.loud import missing\n"
SAY = 'missing("hub", "ping")\n'
ELSE = f"else:\n    {SAY}"


def in_function(body, imports=""):
    return f"from plant.hub import Hub\n{imports}\n\nasync def f(h: Hub | None, x=None):\n{indent(body, '    ')}"


def in_class(body, imports="", more=""):
    return (
        f"from plant.hub import Hub\n{imports}\n\nclass Agent:\n    def __init__(self, h: Hub | None):\n"
        f"        self.h = h\n\n    def has_h(self):\n        '''Doc.'''\n        return self.h is not None\n{more}\n"
        f"    async def f(self, x=None):\n{indent(body, '        ')}"
    )


FUNCTIONS = {
    "truth": ("if h:\n    await h.ping(1)\n", "if h:\n    await h.ping(1)\n" + ELSE),
    "not None": ("if h is not None:\n    await h.ping(1)\n", "if h is not None:\n    await h.ping(1)\n" + ELSE),
    "hasattr of the method": (
        "if hasattr(h, 'ping'):\n    await h.ping(1)\n",
        "if hasattr(h, 'ping'):\n    await h.ping(1)\n" + ELSE,
    ),
    "truth and hasattr": (
        "if h and hasattr(h, 'ping'):\n    await h.ping(1)\n",
        "if h and hasattr(h, 'ping'):\n    await h.ping(1)\n" + ELSE,
    ),
    "two calls, one guard": (
        "if h:\n    await h.ping(1)\n    await h.push(2)\nx()\n",
        "if h:\n    await h.ping(1)\n    await h.push(2)\n" + ELSE + "x()\n",
    ),
    "a quiet else": (
        "if h:\n    await h.ping(1)\nelse:\n    print('no hub')\n",
        "if h:\n    await h.ping(1)\nelse:\n    print('no hub')\n    " + SAY,
    ),
    "an else that leaves": (
        "if h:\n    await h.ping(1)\nelse:\n    return False  # no hub\n",
        "if h:\n    await h.ping(1)\nelse:\n    " + SAY + "    return False  # no hub\n",
    ),
    "elif": (
        "if x:\n    x()\nelif h:\n    await h.ping(1)\n",
        "if x:\n    x()\nelif h:\n    await h.ping(1)\n" + ELSE,
    ),
    "early return": (
        "if not h:\n    return False\nawait h.ping(1)\n",
        "if not h:\n    " + SAY + "    return False\nawait h.ping(1)\n",
    ),
    "early return with a log": (
        "if h is None:\n    print('no hub')\n    return\nx()\nawait h.ping(1)\n",
        "if h is None:\n    print('no hub')\n    " + SAY + "    return\nx()\nawait h.ping(1)\n",
    ),
    "early continue": (
        "for i in x:\n    if not h:\n        continue\n    await h.ping(i)\n",
        "for i in x:\n    if not h:\n        " + SAY + "        continue\n    await h.ping(i)\n",
    ),
    "the guard stands further out": (
        "if h:\n    for i in x:\n        await h.ping(i)\n",
        "if h:\n    for i in x:\n        await h.ping(i)\n" + ELSE,
    ),
    "walrus": (
        "if (b := h):\n    await b.ping(1)\n",
        "if (b := h):\n    await b.ping(1)\n" + ELSE,
    ),
    "with a comment behind": (
        "if h:\n    await h.ping(1)  # tell\n# done\nx()\n",
        "if h:\n    await h.ping(1)  # tell\n" + ELSE + "# done\nx()\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_says_so(tmp_path, before, after):
    check_transformed(tmp_path, before=in_function(before), after=in_function(after, NEW))


METHODS = {
    "attribute": "if self.h:\n    await self.h.ping(1)\n",
    "hasattr of the attribute": "if hasattr(self, 'h') and self.h:\n    await self.h.ping(1)\n",
    "predicate": "if self.has_h():\n    await self.h.ping(1)\n",
}


@pytest.mark.parametrize("body", METHODS.values(), ids=METHODS)
def test_attribute_of_the_instance(tmp_path, body):
    check_transformed(tmp_path, before=in_class(body), after=in_class(body + ELSE, NEW))


NOT_CHANGED = {
    "no guard": ("await h.ping(1)\n", None),
    "guard of something else": ("if x:\n    await h.ping(1)\n", None),
    "another way is taken": ("if h:\n    await h.ping(1)\nelse:\n    x.store(1)\n", None),
    "raises": ("if not h:\n    raise ValueError\nawait h.ping(1)\n", None),
    "early return that gives a value": ("if not h:\n    return x()\nawait h.ping(1)\n", None),
    "hasattr of something else": ("if hasattr(h, 'color'):\n    await h.ping(1)\n", None),
    "a call that is not contracted": ("if h:\n    h.color()\n", None),
    "the guard asks for more": ("if h and x:\n    await h.ping(1)\n", "more than the receiver"),
    "exit for more": ("if not h or x:\n    return\nawait h.ping(1)\n", "more than the receiver"),
    "conditional expression": ("y = await h.ping(1) if h else None\nx(y)\n", "part of an expression"),
    "and": ("h and await h.ping(1)\n", "part of an expression"),
    "one line": ("if h: await h.ping(1)\n", "shares its line"),
    "in an except body": ("try:\n    x()\nexcept ValueError:\n    if h:\n        await h.ping(1)\n", "except body"),
    "clean-up": ("try:\n    x()\nfinally:\n    if h:\n        await h.ping(1)\n", "clean-up"),
    "in another function": ("if h:\n    async def g():\n        await h.ping(1)\n    return g\n", None),
}


@pytest.mark.parametrize(("body", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


def test_a_predicate_that_does_more_is_no_guard(tmp_path):
    more = "\n    def ready(self):\n        return self.h is not None and self.x\n"
    outcome = check_noop(tmp_path, source=in_class("if self.ready():\n    await self.h.ping(1)\n", more=more))
    assert outcome.sites == ()


RUN = {
    "a parameter": ("if h:\n    await h.ping(x)\n", "x"),
    "an attribute of one, which may not be there": (
        "if h:\n    await h.ping(x.run)\n",
        'getattr(x, "run", None)',
    ),
    "assigned before": ("run = x()\nif h:\n    await h.ping(run)\n", "run"),
    "the loop's own": ("for run in x:\n    if h:\n        await h.ping(run)\n", "run"),
    "of a with": ("with x as run:\n    if h:\n        await h.ping(run)\n", "run"),
    "assigned behind the guard": ("if h:\n    run = x()\n    await h.ping(run)\n", ""),
    "assigned perhaps": ("if x:\n    run = x()\nif h:\n    await h.ping(run)\n", ""),
    "declared, not assigned": ("run: str\nif h:\n    await h.ping(run)\n", ""),
    "deleted": ("del x\nif h:\n    await h.ping(x)\n", ""),
    "of the module": ("if h:\n    await h.ping(RUN)\n", ""),
    "far away": ("if h:\n    await h.ping(x.y.run)\n", ""),
}


@pytest.mark.parametrize(("before", "said"), RUN.values(), ids=RUN)
def test_the_run_is_named_where_reading_it_cannot_fail(tmp_path, monkeypatch, before, said):
    hub = HostClass(component="hub", target=HUB, identity={"run_id": "run_id"})
    rows = (replace(row(HUB, "ping"), signature="(self, run_id)"),)
    host = replace(HOST, components=("hub",), classes=(hub,), contracts=rows, naming=())
    monkeypatch.setattr("migration_case.WANTED", Wanted.of(host))
    at = "    " * (before.startswith(("for", "with")))
    missing = f'{at}else:\n{at}    missing("hub", "ping"{said and f", run_id={said}"})\n'
    check_transformed(tmp_path, before=in_function(before), after=in_function(before + missing, NEW))
