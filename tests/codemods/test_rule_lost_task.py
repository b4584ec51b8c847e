"""lost-task: a task nobody keeps is found; one that somebody keeps, or that no loop starts, is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import check

FOUND = {
    "dropped": ("asyncio.create_task(x.run())  # !\n", "track-tasks"),
    "ensure_future": ("asyncio.ensure_future(x())  # !\n", "track-tasks"),
    "by its own name": ("from asyncio import create_task\ncreate_task(x())  # !\n", "track-tasks"),
    "kept in a name nobody reads": ("t = asyncio.create_task(x())  # !\n", "track-tasks"),
    "the running loop": ("asyncio.get_running_loop().create_task(x())  # !\n", "track-tasks"),
    "another loop": ("self.loop.create_task(x())  # !\n", ""),
    "a local loop": ("loop = asyncio.get_event_loop()\nloop.create_task(x())  # !\n", ""),
    "no call of a coroutine": ("asyncio.ensure_future(x)  # !\n", ""),
}
NOT_FOUND = {
    "kept": "t = asyncio.create_task(x())\nawait t\n",
    "kept in an attribute": "self.t = asyncio.create_task(x())\n",
    "added to a set": "self.tasks.add(asyncio.create_task(x()))\n",
    "awaited": "await asyncio.create_task(x())\n",
    "returned": "return asyncio.create_task(x())\n",
    "with a callback": "asyncio.create_task(x()).add_done_callback(print)\n",
    "task group": "tg.create_task(x())\n",
    "a manager that keeps": "self.manager.create_task(x())\n",
    "a database row": "self.tasks.create_task(x)\n",
    "of another library": "from trio_util import create_task\n\ncreate_task(x())\n",
    "spawned": "spawn(x(), name='x')\n",
    "a mention": "'asyncio.create_task(x())'\n",
}


def in_function(body):
    lines = body.splitlines(keepends=True)
    imports = "".join(line for line in lines if line.startswith("from "))
    rest = "".join(line for line in lines if not line.startswith("from "))
    return f"import asyncio\n{imports}\n\nasync def f(self, x, tg):\n{indent(rest, '    ')}"


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize(("body", "fix"), FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, fix, contracts):
    (one,) = check(tmp_path, "lost_task", in_function(body), contracts=contracts)
    assert (one.evidence, one.fix) == ("shape", fix)


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body, contracts):
    check(tmp_path, "lost_task", in_function(body), contracts=contracts)


def test_a_function_of_that_name_in_the_module_is_its_own_business(tmp_path):
    source = "def create_task(x):\n    KEPT.append(x)\n\n\nasync def f(x):\n    create_task(x())\n"
    check(tmp_path, "lost_task", source, contracts=False)


def test_names_what_is_lost(tmp_path):
    (one,) = check(tmp_path, "lost_task", in_function(FOUND["dropped"][0]), contracts=False)
    assert one.message.startswith("the task of x.run is kept by nobody")


def test_in_a_plain_function_there_may_be_no_running_loop(tmp_path):
    source = "import asyncio\n\ndef f(x):\n    asyncio.create_task(x())  # !\n"
    (one,) = check(tmp_path, "lost_task", source, contracts=False)
    assert one.fix == ""
