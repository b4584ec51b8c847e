"""check-results: a dropped result goes through `delivered`; nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from migration_case import HOST, HUB, make_tree, rewrite, row
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods.outcome import Unchanged
from codemods.wanted import Wanted
from shim.contracts import HostClass

check_noop = partial(noop, codemods=("check-results",))
check_transformed = partial(transformed, codemods=("check-results",))


def in_function(body, imports=""):
    return f"from plant.hub import Hub\n{imports}\n\nasync def f(h: Hub):\n    {body}\n"


CHANGED = [
    ("await h.ping(1)", 'delivered(await h.ping(1), "hub.ping")'),
    ("await h.ping(1)  # why", 'delivered(await h.ping(1), "hub.ping")  # why'),
    ("(await h.ping(1))", '(delivered(await h.ping(1), "hub.ping"))'),
    ("h.hush()", 'delivered(h.hush(), "hub.hush")'),
    ("await h.setup()", 'delivered(await h.setup(), "hub.setup")'),
    ("ok = await h.ping(1)", 'ok = delivered(await h.ping(1), "hub.ping")'),
    ("ok: bool = await h.ping(1)", 'ok: bool = delivered(await h.ping(1), "hub.ping")'),
    ("a = 1; await h.ping(a); print(a)", 'a = 1; delivered(await h.ping(a), "hub.ping"); print(a)'),
    (
        "await h.ping(\n        1,\n        extra={},\n    )",
        ('delivered(await h.ping(\n        1,\n        extra={},\n    ), "hub.ping")'),
    ),
    ("await h.ping(**{'key': 'é'})", "delivered(await h.ping(**{'key': 'é'}), \"hub.ping\")"),
    ("m = h.ping\n    await m(1)", 'm = h.ping\n    delivered(await m(1), "hub.ping")'),
    ("for i in 'ab': await h.ping(i)", "for i in 'ab': delivered(await h.ping(i), \"hub.ping\")"),
    (
        "try:\n        await h.ping(1)\n    except Exception:\n        pass",
        'try:\n        delivered(await h.ping(1), "hub.ping")\n    except Exception:\n        pass',
    ),
    ("await h.ping(await h.ping(1))", 'delivered(await h.ping(await h.ping(1)), "hub.ping")'),
    (
        "await h.ping(1)\n    await h.push(2)",
        ('delivered(await h.ping(1), "hub.ping")\n    delivered(await h.push(2), "hub.push")'),
    ),
]


@pytest.mark.parametrize(("before", "after"), CHANGED, ids=[case[0][:40] for case in CHANGED])
def test_wraps(tmp_path, before, after):
    new = "from plant.loud import delivered\n"
    check_transformed(tmp_path, before=in_function(before), after=in_function(after, new))


NOT_CHANGED = [
    ("checked", "ok = await h.ping(1)\n    if not ok: print()", None),
    ("in a condition", "if await h.ping(1): print()", None),
    ("returned", "return await h.ping(1)", None),
    ("passed on", "print(await h.ping(1))", None),
    ("collected", "x = [await h.ping(i) for i in 'ab']\n    return x", None),
    ("other class", "from plant.other import Hub as O\n    await O().ping(1)", None),
    ("phantom", "await h.vanished(1)", None),
    ("declared None", "await h.tell(1)", "declared to return None"),
    ("raises", "await h.build()", "shows as an exception"),
    ("never awaited", "h.ping(1)", "never awaited"),
    ("gathered", "import asyncio\n    await asyncio.gather(h.ping(1))", "gather"),
    ("task", "import asyncio\n    asyncio.create_task(h.ping(1))", "task"),
    ("in an except body", "try: pass\n    except Exception:\n        await h.ping(1)", "except body"),
    ("clean-up", "try: pass\n    finally:\n        await h.ping(1)", "clean-up"),
    (
        "two contracts",
        "from plant.line import Line\n    x = h if f else Line()\n    await x.ping(1)",
        "hub.ping, line.ping",
    ),
    (
        "union with None",
        "from plant.other import Quiet\n    x = h if f else Quiet()\n    await x.ping(1)",
        "returns None",
    ),
]


@pytest.mark.parametrize(("body", "reason"), [case[1:] for case in NOT_CHANGED], ids=[case[0] for case in NOT_CHANGED])
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


IMPORTS = [
    ("docstring", '"""Doc."""\n', '"""Doc."""\nfrom plant.loud import delivered\n'),
    (
        "docstring and future",
        '"""Doc."""\n\nfrom __future__ import annotations\n',
        ('"""Doc."""\n\nfrom __future__ import annotations\nfrom plant.loud import delivered\n'),
    ),
    ("none", "#!/usr/bin/env python\n# a comment\n", None),
    ("merged", "from plant.loud import missing\n", "from plant.loud import delivered, missing\n"),
    ("merged, relative", "from .loud import missing\n", "from .loud import delivered, missing\n"),
    (
        "merged, in brackets",
        "from plant.loud import (\n    missing,  # why\n)\n",
        "from plant.loud import (\n    delivered,\n    missing,  # why\n)\n",
    ),
    (
        "merged, in brackets, last",
        "from plant.loud import (\n    LoudFailure,  # why\n)\n",
        "from plant.loud import (\n    LoudFailure,  # why\n    delivered,\n)\n",
    ),
    ("already there", "from plant.loud import delivered\n", "from plant.loud import delivered\n"),
    ("star", "from plant.loud import *\n", "from plant.loud import *\n"),
    ("joined by ;", "import os; x = [\n    1]\n", "import os; x = [\n    1]\nfrom plant.loud import delivered\n"),
    (
        "only for type checking",
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plant.loud import delivered\n"),
        (
            "from typing import TYPE_CHECKING\nfrom plant.loud import delivered\n"
            "if TYPE_CHECKING:\n    from plant.loud import delivered\n"
        ),
    ),
    (
        "conditional",
        "import os\ntry:\n    import ujson\nexcept ImportError:\n    pass\n",
        ("import os\nfrom plant.loud import delivered\ntry:\n    import ujson\nexcept ImportError:\n    pass\n"),
    ),
]


@pytest.mark.parametrize(("head", "new"), [case[1:] for case in IMPORTS], ids=[case[0] for case in IMPORTS])
def test_import(tmp_path, head, new):
    call = "async def f():\n    from plant.hub import Hub\n    await Hub().ping(1)\n"
    after = call.replace("await Hub().ping(1)", 'delivered(await Hub().ping(1), "hub.ping")')
    changed = f"{head}from plant.loud import delivered\n{after}" if new is None else new + after
    check_transformed(tmp_path, before=head + call, after=changed)


def test_an_alias_is_used(tmp_path):
    check_transformed(
        tmp_path,
        before=in_function("await h.ping(1)", "from plant.loud import delivered as d\n"),
        after=in_function('d(await h.ping(1), "hub.ping")', "from plant.loud import delivered as d\n"),
    )


def test_a_name_that_is_taken_is_not_hidden(tmp_path):
    check_transformed(
        tmp_path,
        before=in_function("delivered = 1\n    await h.ping(delivered)"),
        after=in_function(
            'delivered = 1\n    loud_delivered(await h.ping(delivered), "hub.ping")',
            "from plant.loud import delivered as loud_delivered\n",
        ),
    )


def test_the_facade_itself_is_left_alone(tmp_path):
    make_tree(tmp_path, loud="def delivered(value, key):\n    return value\n\n\nping = 1\n")
    assert isinstance(rewrite(tmp_path, ("check-results",), "loud"), Unchanged)


RUN = [
    ("ping(run_id)", ", run_id=run_id"),
    ("ping(self.run_id)", ", run_id=self.run_id"),
    ("ping(run_id=x.run)", ", run_id=x.run"),
    ("ping(1)", ""),
    ("ping(*args)", ""),
    ("ping(f())", ""),
    ("push(run_id)", ""),
]


@pytest.mark.parametrize(("call", "said"), RUN, ids=[case[0] for case in RUN])
def test_the_run_is_named_where_the_call_names_it(tmp_path, monkeypatch, call, said):
    hub = HostClass(component="hub", target=HUB, identity={"run_id": "run_id"})
    rows = (replace(row(HUB, "ping"), signature="(self, run_id)"), row(HUB, "push"))
    monkeypatch.setattr(
        "migration_case.WANTED",
        Wanted.of(replace(HOST, components=("hub",), classes=(hub,), contracts=rows, naming=())),
    )
    wrapped = f'delivered(await h.{call}, "hub.{call.partition("(")[0]}"{said})'
    new = "from plant.loud import delivered\n"
    check_transformed(tmp_path, before=in_function(f"await h.{call}"), after=in_function(wrapped, new))
