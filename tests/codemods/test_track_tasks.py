"""track-tasks: a task nobody keeps is started by `spawn`; a task somebody keeps is left alone."""

from __future__ import annotations

from functools import partial
from textwrap import indent

import pytest
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

check_noop = partial(noop, codemods=("track-tasks",))
check_transformed = partial(transformed, codemods=("track-tasks",))


def in_function(body, imports="", kind="async def"):
    return f"import asyncio\n{imports}\n\n{kind} f(x, tg):\n{indent(body, '    ')}"


CHANGED = {
    "dropped": ("asyncio.create_task(x())\n", 'spawn(x(), name="x")\n'),
    "a method": ("asyncio.create_task(x.run.now(1))  # go\n", 'spawn(x.run.now(1), name="x.run.now")  # go\n'),
    "named": ("asyncio.create_task(x(), name=f'a{x}')\n", "spawn(x(), name=f'a{x}')\n"),
    "ensure_future": ("asyncio.ensure_future(x())\n", 'spawn(x(), name="x")\n'),
    "the running loop": ("asyncio.get_running_loop().create_task(x())\n", 'spawn(x(), name="x")\n'),
    "kept in a name nobody reads": ("t = asyncio.create_task(x())\n", 't = spawn(x(), name="x")\n'),
    "trailing comma": ("asyncio.create_task(\n    x(),\n)\n", 'spawn(\n    x(), name="x",\n)\n'),
    "no name to tell": ("asyncio.create_task(x()())\n", 'spawn(x()(), name="task")\n'),
    "in a loop": (
        "for one in x:\n    asyncio.create_task(one())\n",
        'for one in x:\n    spawn(one(), name="one")\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_spawns(tmp_path, before, after):
    new = "from plant.loud import spawn\n"
    check_transformed(tmp_path, before=in_function(before), after=in_function(after, new))


def test_by_its_own_name(tmp_path):
    head = "from asyncio import create_task\n{}\n\nasync def f(x):\n    {}(x(){})\n"
    new = "from plant.loud import spawn\n"
    before, after = head.format("", "create_task", ""), head.format(new, "spawn", ', name="x"')
    check_transformed(tmp_path, before=before, after=after)


NOT_CHANGED = {
    "kept": ("t = asyncio.create_task(x())\nawait t\n", None),
    "kept in an attribute": ("x.t = asyncio.create_task(x())\n", None),
    "handed on": ("tg.add(asyncio.create_task(x()))\n", None),
    "a callback is added": ("asyncio.create_task(x()).add_done_callback(print)\n", None),
    "returned": ("return asyncio.create_task(x())\n", None),
    "task group": ("tg.create_task(x())\n", None),
    "global": ("global t\nt = asyncio.create_task(x())\n", None),
    "spawned already": ("from plant.loud import spawn\nspawn(x(), name='x')\n", None),
    "another loop": ("x.loop.create_task(x())\n", "loop of its own"),
    "not a coroutine call": ("asyncio.ensure_future(x)\n", "not given a coroutine"),
    "with a context": ("asyncio.create_task(x(), context=tg)\n", "arguments that spawn has not"),
}


@pytest.mark.parametrize(("body", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


def test_a_plain_function_has_no_running_loop_for_certain(tmp_path):
    outcome = check_noop(tmp_path, source=in_function("asyncio.ensure_future(x())\n", kind="def"))
    assert ["no running loop" in site.reason for site in outcome.sites] == [True]
