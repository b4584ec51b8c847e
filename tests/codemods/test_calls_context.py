"""Around a call: result, handlers, hazards, migration. One table each."""

from __future__ import annotations

from textwrap import dedent

import pytest
from migration_case import make_tree, rows_of

HEAD = "import asyncio, contextlib\nfrom plant.hub import Hub\nfrom plant.errors import helper, NetError\n"
ERRORS = (
    "class NetError(Exception): ...\ndef helper(e):\n    if e:\n"
    "        raise ValueError(e)\n    else:\n        raise e\n"
)


def one_row(tmp_path, body, head=HEAD):
    make_tree(tmp_path, site=head + dedent(body), errors=ERRORS)
    rows = rows_of(tmp_path)
    assert len(rows) == 1, rows
    return rows[0]


USES = [
    ("await h.ping(1)", "ignored", True),
    ("h.ping(1)", "missing_await", False),
    ("h.hush()", "ignored", False),
    ("ok = await h.ping(1)", "assigned_unused", True),
    ("ok = await h.ping(1)\n    if not ok: print()", "assigned_checked", True),
    ("ok = await h.ping(1)\n    return ok", "returned", True),
    ("ok = await h.ping(1)\n    print(ok)", "passed_on", True),
    ("r = await h.setup()\n    if r.success: pass", "assigned_checked", True),
    ("if await h.ping(1): pass", "in_condition", True),
    ("if (ok := await h.ping(1)): print(ok)", "passed_on", True),
    ("return await h.ping(1)", "returned", True),
    ("return not await h.ping(1)", "in_condition", True),
    ("x = [await h.ping(i) for i in 'ab']", "passed_on", True),
    ("self.x = await h.ping(1)", "passed_on", True),
    ("asyncio.create_task(h.ping(1))", "task_spawned", False),
    ("await asyncio.gather(h.ping(1))", "gathered", False),
    ("await asyncio.gather(*[h.ping(i) for i in 'ab'])", "gathered", False),
    ("await asyncio.wait_for(h.ping(1), 5)", "ignored", True),
    ("(await h.ping(1))", "ignored", True),
    ("from plant.loud import delivered\n    delivered(await h.ping(1), 'hub.ping')", "passed_on", True),
]


@pytest.mark.parametrize(("body", "use", "awaited"), USES, ids=[case[0][:40] for case in USES])
def test_result_use(tmp_path, body, use, awaited):
    row = one_row(tmp_path, f"async def f(self, h: Hub):\n    {body}\n")
    assert (row.result_use, row.awaited) == (use, awaited)


HANDLERS = [
    ("except Exception as e: print(e)", "broad_logs_and_continues", True),
    ("except: print()", "broad_logs_and_continues", True),
    ("except BaseException: pass", "broad_pass", True),
    ("except (ValueError, Exception): pass", "broad_pass", True),
    ("except Exception: return False", "broad_returns_false", True),
    ("except Exception: return {'error': 1}", "broad_other", True),
    ("except Exception: return None", "broad_logs_and_continues", True),
    ("except Exception: raise", "broad_reraise", False),
    ("except Exception as e: raise ValueError from e", "broad_reraise", False),
    ("except Exception as e: helper(e)", "broad_reraise", False),
    ("except Exception as e:\n        if e.args: raise\n        print(e)", "broad_logs_and_continues", True),
    ("except Exception as e:\n        if e.args: return False\n        raise", "broad_returns_false", True),
    ("except ValueError: return False", "narrow", False),
    ("except NetError: return False", "narrow", False),
    ("finally: print()", "none", False),
]


@pytest.mark.parametrize(("handler", "kind", "swallows"), HANDLERS, ids=[case[0][:50] for case in HANDLERS])
def test_handler(tmp_path, handler, kind, swallows):
    row = one_row(tmp_path, f"async def f(h: Hub):\n    try:\n        await h.ping(1)\n    {handler}\n")
    assert (row.handler, row.swallows) == (kind, swallows)


@pytest.mark.parametrize("clause", ["except LoudFailure:\n        raise", "except (KeyError, LF):\n        raise"])
def test_a_clause_for_our_failure_makes_a_handler_loud(tmp_path, clause):
    head = HEAD + "from plant.loud import LoudFailure, LoudFailure as LF\n"
    body = (
        f"async def f(h: Hub):\n    try:\n        await h.ping(1)\n    {clause}\n    except Exception:\n        pass\n"
    )
    row = one_row(tmp_path, body, head)
    assert (row.swallows, row.migration, row.why) == (False, "leave_alone", "already loud")


def test_somebody_elses_loud_failure_is_not_ours(tmp_path):
    head = HEAD + "from plant.errors import NetError as LoudFailure\n"
    body = (
        "async def f(h: Hub):\n    try:\n        await h.ping(1)\n"
        "    except LoudFailure:\n        raise\n    except Exception:\n"
        "        pass\n"
    )
    assert one_row(tmp_path, body, head).swallows


def test_the_outer_handler_counts_where_the_inner_raises(tmp_path):
    body = """
        async def f(h: Hub):
            try:
                try:
                    await h.ping(1)
                except Exception:
                    raise
            except Exception:
                return False
        """
    row = one_row(tmp_path, body)
    assert (row.handler, row.handler_line, row.swallows) == ("broad_returns_false", 11, True)


def test_a_call_in_a_handler_is_not_under_that_handler(tmp_path):
    body = "async def f(h: Hub):\n    try:\n        print()\n    except Exception:\n        await h.ping(1)\n"
    row = one_row(tmp_path, body)
    assert (row.in_except_body, row.handler, row.swallows, row.migration) == (True, "none", False, "catch_specific")


HAZARDS = [
    ("if hasattr(h, 'ping'): await h.ping(1)", "hasattr_guard"),
    ("for i in 'ab': await h.ping(i)", "in_loop"),
    ("await asyncio.wait_for(h.ping(1), 1)", "wait_for"),
    ("with contextlib.suppress(Exception): await h.ping(1)", "suppress"),
    ("try: await h.ping(1)\n    finally: return 1", "finally_returns"),
    ("try:\n        await h.ping(1)\n        await f(h)\n    except Exception: pass", "shares_try"),
    ("await h.tell(1)", "declared_none"),
]


@pytest.mark.parametrize(("body", "hazard"), HAZARDS, ids=[case[1] for case in HAZARDS])
def test_hazard(tmp_path, body, hazard):
    assert one_row(tmp_path, f"async def f(h: Hub):\n    {body}\n").hazards == (hazard,)


MIGRATIONS = [
    ("plain", "async def f(h: Hub):\n    await h.ping(1)", "let_propagate"),
    (
        "swallowed",
        ("async def f(h: Hub):\n    try: await h.ping(1)\n    except Exception: pass"),
        "insert_reraise_before_broad",
    ),
    ("returned", "async def f(h: Hub):\n    return await h.ping(1)", "return_result_is_checked_by_caller"),
    ("false success", "async def f(h: Hub):\n    await h.ping(1)\n    return True", "check_result"),
    ("result object", "async def f(h: Hub):\n    await h.setup()", "check_result"),
    ("clean-up", "async def _cleanup_all(h: Hub):\n    await h.ping(1)", "leave_alone"),
    ("finally", "async def f(h: Hub):\n    try: print()\n    finally: await h.ping(1)", "leave_alone"),
    ("session", "async def f(db, h: Hub):\n    await h.ping(1)", "catch_specific"),
    ("unit of work", "async def f(h: Hub, u):\n    async with u.unit_of_work(): await h.ping(1)", "catch_specific"),
    ("after commit", "async def f(h: Hub, u):\n    u.commit()\n    await h.ping(1)", "catch_specific"),
    ("caller has it", "async def g(h: Hub):\n    await h.ping(1)\nasync def f(db): await g(1)", "catch_specific"),
    (
        "loop goes on",
        ("async def f(h: Hub):\n    for i in 'ab':\n        try: await h.ping(1)\n        except Exception: pass"),
        "catch_specific",
    ),
    (
        "loop ends",
        ("async def f(h: Hub):\n    try:\n        for i in 'ab': await h.ping(1)\n    except Exception: pass"),
        "insert_reraise_before_broad",
    ),
    ("other class", "async def f(h):\n    try: await h.ping(1)\n    except Exception: pass", "leave_alone"),
]


@pytest.mark.parametrize(("body", "migration"), [case[1:] for case in MIGRATIONS], ids=[case[0] for case in MIGRATIONS])
def test_migration(tmp_path, body, migration):
    assert one_row(tmp_path, body + "\n").migration == migration
