"""reraise-loud: one clause before the broad handler that would swallow; nothing else changes."""

from __future__ import annotations

from functools import partial
from textwrap import indent

import pytest
from migration_case import check_bytes, make_tree, rewrite
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods.outcome import Changed

check_noop = partial(noop, codemods=("reraise-loud",))
check_transformed = partial(transformed, codemods=("reraise-loud",))
NEW = "from plant.loud import LoudFailure\n"
CLAUSE = "except LoudFailure:\n    raise\n"


def in_function(body, imports=""):
    return f"from plant.hub import Hub\n{imports}\n\nasync def f(h: Hub, x=None):\n{indent(body, '    ')}"


CHANGED = [
    ("pass", "try:\n    await h.ping(1)\n{}except Exception:\n    pass\n"),
    ("bare", "try:\n    await h.ping(1)\n{}except:\n    pass\n"),
    ("base", "try:\n    await h.ping(1)\n{}except BaseException as e:\n    print(e)\n"),
    ("tuple", "try:\n    await h.ping(1)\n{}except (ValueError, Exception):\n    pass\n"),
    (
        "after a narrow one",
        "try:\n    await h.ping(1)\nexcept ValueError:\n    pass\n# note\n{}except Exception:\n    pass\n",
    ),
    ("one line", "try: await h.ping(1)\n{}except Exception: pass\n"),
    ("two calls", "try:\n    await h.ping(1)\n    await h.push(1)\n{}except Exception:\n    pass\n"),
    (
        "with else and finally",
        "try:\n    await h.ping(1)\n{}except Exception:\n    pass\nelse:\n    x = 1\nfinally:\n    x = 2\n",
    ),
    (
        "conditional raise",
        "try:\n    await h.ping(1)\n{}except Exception as e:\n    if x:\n        raise\n    print(e)\n",
    ),
    (
        "checked result",
        "try:\n    ok = await h.ping(1)\n    if not ok:\n        print()\n{}except Exception:\n    return False\n",
    ),
    ("declared None", "try:\n    await h.tell(1)\n{}except Exception:\n    pass\n"),
    ("condition inside", "try:\n    if x:\n        await h.ping(1)\n{}except Exception:\n    pass\n"),
]


@pytest.mark.parametrize("body", [case[1] for case in CHANGED], ids=[case[0] for case in CHANGED])
def test_inserts(tmp_path, body):
    check_transformed(tmp_path, before=in_function(body.format("")), after=in_function(body.format(CLAUSE), NEW))


def test_every_net_of_the_function_at_once(tmp_path):
    body = (
        "try:\n    try:\n        await h.ping(1)\n{}    except Exception:\n"
        "        pass\n{}except Exception:\n    pass\n"
    )
    after = body.format(indent(CLAUSE, "    "), CLAUSE)
    check_transformed(tmp_path, before=in_function(body.format("", "")), after=in_function(after, NEW))


NOT_CHANGED = [
    ("raises", "try:\n    await h.ping(1)\nexcept Exception:\n    raise\n", None),
    ("narrow", "try:\n    await h.ping(1)\nexcept ValueError:\n    pass\n", None),
    ("no try", "await h.ping(1)\n", None),
    ("other class", "try:\n    await x.ping(1)\nexcept Exception:\n    pass\n", None),
    ("inner function", "try:\n    async def g():\n        await h.ping(1)\nexcept Exception:\n    pass\n", None),
    ("in else", "try:\n    pass\nexcept Exception:\n    pass\nelse:\n    await h.ping(1)\n", None),
    ("in the handler", "try:\n    pass\nexcept Exception:\n    await h.ping(1)\n", None),
    (
        "in a handler under another",
        (
            "try:\n    try:\n        pass\n    except ValueError:\n"
            "        await h.ping(1)\nexcept Exception:\n    pass\n"
        ),
        "except body",
    ),
    (
        "loop that goes on",
        ("for i in 'ab':\n    try:\n        await h.ping(i)\n    except Exception:\n        pass\n"),
        "loop",
    ),
    (
        "unit of work",
        ("try:\n    async with x.transaction():\n        await h.ping(1)\nexcept Exception:\n    pass\n"),
        "unit of work",
    ),
    ("handed up", "try:\n    return await h.ping(1)\nexcept Exception:\n    return False\n", "handed up"),
    ("except group", "try:\n    await h.ping(1)\nexcept* Exception:\n    pass\n", "except*"),
    (
        "return in finally",
        ("try:\n    await h.ping(1)\nexcept Exception:\n    pass\nfinally:\n    return 1\n"),
        "finally",
    ),
    ("suppress", "from contextlib import suppress\nwith suppress(Exception):\n    await h.ping(1)\n", "suppress"),
    (
        "type changed inside",
        (
            "try:\n    try:\n        await h.ping(1)\n    except Exception as e:\n"
            "        raise ValueError from e\nexcept Exception:\n    pass\n"
        ),
        "another type",
    ),
    (
        "shares its try with a call that must not raise",
        (
            "try:\n    await h.ping(1)\n    try:\n        pass\n"
            "    except ValueError:\n        await h.ping(2)\nexcept Exception:\n"
            "    pass\n"
        ),
        "except body",
    ),
]


@pytest.mark.parametrize(("body", "reason"), [case[1:] for case in NOT_CHANGED], ids=[case[0] for case in NOT_CHANGED])
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert bool(outcome.sites) == bool(reason)
    assert all(reason in site.reason for site in outcome.sites)


@pytest.mark.parametrize(
    "imports",
    ["from plant.loud import LoudFailure\n", "from .loud import LoudFailure as LF\n", "import plant.loud as loud\n"],
)
def test_a_clause_that_is_there_is_known_by_any_name(tmp_path, imports):
    name = "LF" if " LF" in imports else "loud.LoudFailure" if "as loud" in imports else "LoudFailure"
    body = f"try:\n    await h.ping(1)\nexcept {name}:\n    raise\nexcept Exception:\n    pass\n"
    check_noop(tmp_path, source=in_function(body, imports))


def test_tabs_and_crlf_are_kept(tmp_path):
    before = b"from plant.hub import Hub\r\nasync def f(h: Hub):\r\n"
    before += b"\ttry:\r\n\t\tawait h.ping(1)\r\n\texcept Exception:\r\n\t\tpass"
    after = before.replace(b"\texcept", b"\texcept LoudFailure:\r\n\t\traise\r\n\texcept").replace(
        b"Hub\r\nasync", b"Hub\r\nfrom plant.loud import LoudFailure\r\nasync"
    )
    check_bytes(tmp_path, ("reraise-loud",), before, after)


def test_both_codemods_in_one_run_share_one_import(tmp_path):
    body = "try:\n    {}\n{}except Exception:\n    pass\n"
    after = in_function(body.format('delivered(await h.ping(1), "hub.ping")', CLAUSE), "from plant.loud import {}\n")
    before = in_function(body.format("await h.ping(1)", ""))
    for codemods in (("check-results", "reraise-loud"), ("reraise-loud", "check-results")):
        make_tree(tmp_path, site=before)
        outcome = rewrite(tmp_path, codemods)
        assert isinstance(outcome, Changed)
        assert outcome.after.decode() == after.format("LoudFailure, delivered")
