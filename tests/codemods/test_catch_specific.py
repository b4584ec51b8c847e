"""catch-specific: the call keeps its place, a loud failure is escalated there, and what follows runs."""

from __future__ import annotations

from functools import partial
from textwrap import indent

import pytest
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

check_noop = partial(noop, codemods=("catch-specific",))
check_transformed = partial(transformed, codemods=("catch-specific",))
NEW = "from plant.loud import LoudFailure, escalate\n"
ASIDE = "except LoudFailure as failure:\n    escalate(failure)\n"


def in_function(body, imports=""):
    return f"from plant.hub import Hub\n{imports}\n\nasync def f(h: Hub, x=None):\n{indent(body, '    ')}"


def in_handler(body):
    return "try:\n    x()\nexcept ValueError:\n" + indent(body, "    ")


CHANGED = {
    "in an except body": (in_handler("await h.ping(1)\n"), in_handler("try:\n    await h.ping(1)\n" + ASIDE)),
    "with a comment": (
        in_handler("await h.ping(1)  # tell\nx()\n"),
        in_handler("try:\n    await h.ping(1)  # tell\n" + ASIDE + "x()\n"),
    ),
    "several lines": (
        in_handler("await h.ping(\n    1,\n)\n"),
        in_handler("try:\n    await h.ping(\n        1,\n    )\n" + ASIDE),
    ),
    "a string of several lines": (
        in_handler('await h.ping("""a\nb""")\n').replace("    b", "b"),
        in_handler('try:\n    await h.ping("""a\nb""")\n' + ASIDE).replace("    b", "b"),
    ),
    "in a unit of work": (
        "async with x.transaction():\n    await h.ping(1)\n",
        "async with x.transaction():\n" + indent("try:\n    await h.ping(1)\n" + ASIDE, "    "),
    ),
    "in a loop that goes on": (
        "for i in x:\n    try:\n        await h.ping(i)\n    except Exception:\n        pass\n",
        "for i in x:\n    try:\n"
        + indent("try:\n    await h.ping(i)\n" + ASIDE, "        ")
        + "    except Exception:\n        pass\n",
    ),
    "the result is assigned": (
        in_handler("ok = await h.ping(1)\nif not ok:\n    x()\n"),
        in_handler("try:\n    ok = await h.ping(1)\n" + ASIDE + "    ok = False\nif not ok:\n    x()\n"),
    ),
    "the result is returned": (
        in_handler("return await h.ping(1)\n"),
        in_handler("try:\n    return await h.ping(1)\n" + ASIDE + "    return False\n"),
    ),
    "declared None": (in_handler("await h.tell(1)\n"), in_handler("try:\n    await h.tell(1)\n" + ASIDE)),
    "the name is taken": (
        in_handler("failure = 1\nawait h.ping(failure)\n"),
        in_handler("failure = 1\ntry:\n    await h.ping(failure)\n" + ASIDE.replace("failure", "loud_failure")),
    ),
    "awaited through wait_for": (
        "import asyncio\n" + in_handler("await asyncio.wait_for(h.ping(1), 5)\n"),
        "import asyncio\n" + in_handler("try:\n    await asyncio.wait_for(h.ping(1), 5)\n" + ASIDE),
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_catches(tmp_path, before, after):
    check_transformed(tmp_path, before=in_function(before), after=in_function(after, NEW))


NOT_CHANGED = {
    "nothing to lose": ("await h.ping(1)\n", None),
    "another class": (in_handler("await x.ping(1)\n"), None),
    "a swallowing handler": ("try:\n    await h.ping(1)\nexcept Exception:\n    pass\n", None),
    "in finally": ("try:\n    x()\nfinally:\n    await h.ping(1)\n", None),
    "in a condition": (in_handler("if await h.ping(1):\n    x()\n"), "part of a if statement"),
    "in a larger expression": (in_handler("ok = [await h.ping(1)]\n"), "larger expression"),
    "two targets": (in_handler("a = b = await h.ping(1)\n"), "more than one"),
    "an attribute": (in_handler("x.ok = await h.ping(1)\n"), "more than one plain name"),
    "a result object": (in_handler("ok = await h.setup()\nif not ok.success:\n    x()\n"), "no plain value"),
    "on a shared line": (in_handler("x(); await h.ping(1)\n"), "shares its line"),
    "one line suite": (in_handler("if x: await h.ping(1)\n"), "shares its line"),
    "a task": ("import asyncio\n" + in_handler("asyncio.create_task(h.ping(1))\n"), "out of the task"),
}


@pytest.mark.parametrize(("body", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


def test_its_own_call_is_checked_as_well_in_whatever_order_the_codemods_are_named(tmp_path):
    before = in_function(in_handler("await h.push(1)\n"))
    after = in_function(
        in_handler('try:\n    delivered(await h.push(1), "hub.push")\n' + ASIDE),
        "from plant.loud import LoudFailure, delivered, escalate\n",
    )
    for names in (("catch-specific", "check-results"), ("check-results", "catch-specific")):
        transformed(tmp_path, names, before, after)
