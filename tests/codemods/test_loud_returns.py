"""loud-returns: a contracted method's own failing answers go through `delivered`; every other return stays."""

from __future__ import annotations

import re
from functools import partial
from textwrap import indent

import pytest
from migration_case import HUB_SOURCE, make_tree, rewrite
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods.outcome import Changed

NAME = "loud-returns"
check_noop = partial(noop, codemods=(NAME,), module="hub")
check_transformed = partial(transformed, codemods=(NAME,), module="hub")
NEW = "from plant.loud import delivered\n"
PING = "async def ping(self, key, extra=None) -> bool:"


def hub(body, head=PING, new=""):
    return f"{new}class Hub:\n    wire = None\n\n{indent(head, '    ')}\n{indent(body, '        ')}"


def says(value, key="hub.ping"):
    return f'delivered({value}, "{key}", own=True)'


def wrapped(body, key="hub.ping"):
    """Give the text before and after: what stands in angle brackets is the answer that is wrapped."""
    bare = re.sub(r"return <>", "return", body)
    after = re.sub(r"<(.*?)>", lambda found: says(found[1] or "None", key), body)
    return {"before": re.sub(r"<(.*?)>", r"\1", bare), "after": after}


CHANGED = {
    "missing need": "if self.wire is None:\n    return <False>\nreturn await self.wire.push(key)\n",
    "refused argument": "if not isinstance(key, str):\n    log.info(1)\n    return <False>  # refused\nreturn True\n",
    "handler": "try:\n    x()\nexcept Exception as error:\n    log.debug(error)\n    return <False>\nreturn True\n",
    "handler without a name": "try:\n    return await self.wire.push(key)\nexcept:\n    return <None>\n",
    "narrow handler": "try:\n    return await x()\nexcept TimeoutError:\n    return <False>\n",
    "bare return": "if not key:\n    return <>\nreturn True\n",
    "parentheses, one line": "if not key: return(<False>)\nreturn True\n",
    "shared line": "if not key: x(); return <>\nreturn True\n",
    "in a loop": "for one in key:\n    if not one:\n        return <False>\nreturn True\n",
    "a branch in a try whose handler answers failure itself": (
        "try:\n    if not key:\n        return <False>\n    return await x()\nexcept Exception:\n    return <False>\n"
    ),
}


@pytest.mark.parametrize("body", CHANGED.values(), ids=CHANGED)
def test_says_so(tmp_path, body):
    text = wrapped(body)
    outcome = check_transformed(tmp_path, before=hub(text["before"]), after=hub(text["after"], new=NEW))
    assert outcome.edits == {NAME: body.count("<")}


BY_CONTRACT = {
    "setup": (
        "async def setup(self) -> Outcome:",
        "if not self.wire:\n    return <Outcome(success=False, error='no wire')>\nreturn Outcome(success=True)\n",
    ),
    "tell": (
        "async def tell(self, key) -> None:",
        "if key is None or not self.wire:\n    return <>\ntry:\n    x()\nexcept OSError:\n    return <>\n",
    ),
    "hush": ("def hush(self) -> bool:", "x()\nreturn <False>\n"),
    "build": ("async def build(self):", "try:\n    return x()\nexcept ValueError:\n    return <None>\n"),
}


@pytest.mark.parametrize("method", BY_CONTRACT)
def test_by_what_the_contract_says_of_a_failure(tmp_path, method):
    head, body = BY_CONTRACT[method]
    text = wrapped(body, f"hub.{method}")
    check_transformed(tmp_path, before=hub(text["before"], head), after=hub(text["after"], head, NEW))


NOT_CHANGED = {
    "a good answer": ("return True\n", None),
    "an answer of somebody else's": ("return await self.wire.push(key)\n", None),
    "another method": ("return True\n\nasync def other(self):\n    return False\n", None),
    "a function inside": ("def inner():\n    return False\nreturn inner\n", None),
    "cancelled": (
        "import asyncio\ntry:\n    return await x()\nexcept asyncio.CancelledError:\n    return False\n",
        None,
    ),
    "a handler of its own would stop it": (
        "try:\n    if not key:\n        return False\nexcept Exception as error:\n    log.error(error)\nreturn True\n",
        "handler on line",
    ),
    "suppress": ("with suppress(Exception):\n    return False\nreturn True\n", "handler on line"),
    "unit of work": (
        "async with db.transaction():\n    if not key:\n        return False\nreturn True\n",
        "unit of work",
    ),
    "finally": ("try:\n    x()\nfinally:\n    return False\n", "finally"),
    "generator": ("yield 1\nreturn\n", "generator"),
}


@pytest.mark.parametrize(("body", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=hub(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


DECLARED_NONE = {
    "nothing is missing": "if key == 'quiet':\n    return\nawait self.wire.push(key)\n",
    "the end of the method": "await self.wire.push(key)\nreturn\n",
    "something else is missing": "if not x.wire:\n    return\nawait self.wire.push(key)\n",
}


@pytest.mark.parametrize("body", DECLARED_NONE.values(), ids=DECLARED_NONE)
def test_an_empty_answer_of_a_method_declared_none_is_no_failure_by_itself(tmp_path, body):
    assert check_noop(tmp_path, source=hub(body, "async def tell(self, key) -> None:")).sites == ()


def test_two_definitions_of_one_method(tmp_path):
    source = "class Hub:\n  if 1:\n    {0}\n      return {1}\n  else:\n    {0}\n      return {1}\n"
    check_transformed(tmp_path, before=source.format(PING, False), after=NEW + source.format(PING, says(False)))


def test_loud_already(tmp_path):
    assert check_noop(tmp_path, source=hub(f"return {says(False)}\n", new=NEW)).sites == ()


def test_a_clause_for_loud_failures_lets_a_raise_out_of_the_method_s_own_try(tmp_path):
    text = wrapped(
        "try:\n    if not key:\n        return <False>\nexcept LoudFailure:\n    raise\nexcept Exception:\n    x()\n"
    )
    before = hub(text["before"], new="from plant.loud import LoudFailure\n")
    after = hub(text["after"], new="from plant.loud import LoudFailure, delivered\n")
    check_transformed(tmp_path, before=before, after=after)


def test_another_class_of_the_same_name_is_left(tmp_path):
    noop(tmp_path, (NAME,), "class Hub:\n    async def ping(self, key) -> bool:\n        return False\n")


def test_a_call_site_is_left(tmp_path):
    source = "from plant.hub import Hub\nasync def f(h: Hub):\n    if not await h.ping(1):\n        return False\n"
    noop(tmp_path, (NAME,), source)


def test_the_methods_that_the_contracts_name_and_no_others(tmp_path):
    make_tree(tmp_path)
    outcome = rewrite(tmp_path, (NAME,), "hub")
    assert isinstance(outcome, Changed)
    assert outcome.before.decode() == HUB_SOURCE
    assert outcome.edits == {NAME: 3}  # ping, push, hush; `inherited` is the base's, `tell` says nothing


def test_the_name_is_taken(tmp_path):
    after = NEW.replace("\n", " as loud_delivered\n") + "delivered = 1\n" + hub(f"return loud_{says(False)}\n")
    check_transformed(tmp_path, before="delivered = 1\n" + hub("return False\n"), after=after)


# --- what the migrated code does

CASES = [
    (wire, method, run)
    for wire in ("none", "good", "raises", "refuses")
    for method in ("send", "send_now")
    for run in ("r1", "")
] + [("good", "send", "lost")]


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory):
    from migrated_courier import copy, migrate, run

    folder = tmp_path_factory.mktemp("courier")
    old, new = copy(folder / "old"), copy(folder / "new")
    assert migrate(new, (NAME,)).edits == {NAME: 4}
    return run(old, CASES), run(new, CASES)


def test_with_every_flag_off_nothing_is_different(before_and_after):
    old, new = before_and_after
    off = [name for name in old if " off " in name]
    assert len(off) == 2 * len(CASES)
    assert {name: new[name] for name in off} == {name: old[name] for name in off}


def test_where_a_shim_covers_the_class_each_failure_is_still_recorded_once(before_and_after):
    old, new = before_and_after
    loud = [name for name in old if name.startswith("shimmed") and " off " not in name]
    assert {name: new[name] for name in loud} == {name: old[name] for name in loud}
    assert {len(new[name][3]) for name in loud} == {0, 1}


SILENT = [("good", "r1")]
ELSEWHERE = [("refuses", "r1")]
"Wire and run of what is no failure, and of what the wire answers: no answer of the method's own."


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize(("wire", "method", "run"), CASES)
def test_where_no_shim_covers_the_class_the_method_tells_itself(before_and_after, mode, wire, method, run):
    old, new = before_and_after
    name = f"bare {mode} {wire} {method} {run}"
    value, error, lines, told = new[name]
    assert old[name][3] == []
    assert lines == old[name][2]
    if (wire, run) in SILENT + ELSEWHERE:
        assert (value, error, told) == (old[name][0], "", [])
        return
    swallowed = {"raises": "OSError: down", "good": "LookupError: no route for lost"}.get(wire, "") if run else ""
    raises = mode == "enforce" and not swallowed
    action = "raised" if raises else {"observe": "observed", "enforce": "escalated"}[mode]
    assert told == [[action, "WebSocketSendFailureError", swallowed, run]]
    assert (value, error) == ((None, "WebSocketSendFailureError") if raises else (old[name][0], ""))
