"""raise-log-level: where a contracted call's failure is handled it is logged at ERROR; no other log call changes."""

from __future__ import annotations

import re
from functools import partial
from textwrap import indent

import pytest
from migrated_courier import copy, migrate, run
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed

from codemods import registry

NAME = "raise-log-level"
check_noop = partial(noop, codemods=(NAME,))
check_transformed = partial(transformed, codemods=(NAME,))


def in_function(body, imports=""):
    return f"from plant.hub import Hub\n{imports}\n\nasync def f(h: Hub, x=None):\n{indent(body, '    ')}"


def raised(body):
    """Give the text before and after: `<old|new>` stands where the level does."""
    return {"before": re.sub(r"<(.*?)\|(.*?)>", r"\1", body), "after": re.sub(r"<(.*?)\|(.*?)>", r"\2", body)}


def handler(call):
    return f"try:\n    await h.ping(1)\nexcept Exception as e:\n    {call}\nx()\n"


CHANGED = {
    "debug": handler("logger.<debug|error>('lost', exc_info=True)  # so it goes"),
    "info": handler("logging.<info|error>(e)"),
    "warning": handler("self.logger.<warning|error>(f'{e}')"),
    "warn": handler("_LOG.<warn|error>(e)"),
    "loguru trace": handler("logger.<trace|error>('lost')"),
    "loguru success": handler("logger.<success|error>('lost')"),
    "loguru opt": handler("logger.opt(exception=True).<debug|error>('lost')"),
    "bound": handler("central_logger.bind(run=1).<info|error>('lost')"),
    "getLogger": handler("logging.getLogger(__name__).<debug|error>('lost')"),
    "log with a name": handler("logger.log(logging.<DEBUG|ERROR>, 'lost: %s', e)"),
    "log with a string": handler("logger.log('<DEBUG|ERROR>', 'lost')"),
    "log with a number": handler("logger.log(<10|40>, 'lost')"),
    "several lines": handler("logger \\\n        .<debug|error>(\n        'lost',\n    )"),
    "the loudest of a block": handler("logger.debug(1)\n    logger.<warning|error>(2)\n    logger.info(3)"),
    "on each way": handler("if e.args:\n        log.<debug|error>(1)\n    else:\n        log.<info|error>(2)"),
    "not where it goes on": handler(
        "if e.args:\n        log.<debug|error>(1)\n    else:\n        log.info(2)\n        raise"
    ),
    "the broad one of two handlers": (
        "try:\n    await h.ping(1)\nexcept OSError:\n    log.debug(1)\nexcept Exception:\n    log.<debug|error>(2)\n"
    ),
    "further out, where the inner handler is narrow": (
        "try:\n    try:\n        await h.ping(1)\n    except OSError:\n        log.debug(1)\n"
        "except Exception:\n    log.<debug|error>(2)\n"
    ),
    "after a clause for loud failures": (
        "from plant.loud import LoudFailure\ntry:\n    await h.ping(1)\nexcept LoudFailure:\n    raise\n"
        "except Exception:\n    log.<debug|error>(2)\n"
    ),
    "not ok": "ok = await h.ping(1)\nif not ok:\n    log.<warning|error>(1)\n",
    "is False": "ok = await h.ping(1)\nif ok is False:\n    log.<warning|error>(1)\n",
    "else of ok": "ok = await h.ping(1)\nif ok:\n    log.debug('sent')\nelse:\n    log.<info|error>(1)\n",
    "tested at once": "if not await h.ping(1):\n    log.<debug|error>(1)\n",
    "walrus": "if not (ok := await h.ping(1)):\n    log.<debug|error>(ok)\n",
    "checked by a verb": (
        "from plant.loud import delivered\n"
        "ok = delivered(await h.ping(1), 'hub.ping')\nif not ok:\n    log.<info|error>(1)\n"
    ),
    "a result object": "r = await h.setup()\nif not r.success:\n    log.<warning|error>(r.error)\n",
    "two calls, one name": (
        "ok = await h.ping(1)\nif not ok:\n    ok = await h.push(2)\n    if not ok:\n        log.<debug|error>(1)\n"
    ),
}


@pytest.mark.parametrize("body", CHANGED.values(), ids=CHANGED)
def test_raises(tmp_path, body):
    text = raised(body)
    check_transformed(tmp_path, before=in_function(text["before"]), after=in_function(text["after"]))


def test_a_logger_by_how_it_is_made(tmp_path):
    text = raised(handler("audit.<debug|error>('lost')"))
    made = "import logging\naudit = logging.getLogger('audit')\n"
    check_transformed(tmp_path, before=in_function(text["before"], made), after=in_function(text["after"], made))


OWN = {
    "handler": "try:\n    return x()\nexcept ValueError as e:\n    log.<debug|error>(e)\n    return False\n",
    "branch": "if not key:\n    log.<warning|error>('no key')\n    self.bad += 1\n    return False\nreturn True\n",
    "branch of a branch in a handler": (
        "try:\n    return x()\nexcept Exception as e:\n    if key:\n        log.<debug|error>(e)\n"
        "        return False\n    raise\n"
    ),
}


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_in_a_contracted_method(tmp_path, body):
    text = raised("class Hub:\n    async def ping(self, key) -> bool:\n" + indent(body, "        "))
    transformed(tmp_path, (NAME,), **text, module="hub")


OWN_LEFT = {
    "before the work": "log.info('ping')\nif not key:\n    return False\nreturn True\n",
    "an answer at the end": "log.info('ping')\nx()\nreturn False\n",
    "before other work of the branch": "if key:\n    log.info(key)\n    y = x()\n    return False\nreturn True\n",
    "a handler that goes on": "try:\n    x()\nexcept Exception:\n    log.debug('stale')\nreturn True\n",
    "loud already": "if not key:\n    log.error('no key')\n    return False\nreturn True\n",
}


@pytest.mark.parametrize("body", OWN_LEFT.values(), ids=OWN_LEFT)
def test_leaves_in_a_contracted_method(tmp_path, body):
    noop(tmp_path, (NAME,), "class Hub:\n    async def ping(self, key) -> bool:\n" + indent(body, "        "), "hub")


NOT_CHANGED = {
    "an ERROR is there": (handler("log.debug('details')\n    log.error(e)"), None),
    "exception": (handler("log.exception(e)"), None),
    "critical": (handler("log.critical(e)"), None),
    "no log": (handler("x(e)"), None),
    "not a logger": (handler("warnings.warn(e)"), None),
    "another's handler": ("try:\n    x()\nexcept Exception:\n    log.debug(1)\nawait h.ping(1)\n", None),
    "another class's call": (handler("log.debug(e)").replace("h.ping", "x.ping"), None),
    "lets it go on": (handler("log.debug(e)\n    raise"), None),
    "narrow": (handler("log.debug(e)").replace("Exception", "OSError"), None),
    "success is logged": ("ok = await h.ping(1)\nif ok:\n    log.debug('sent')\n", None),
    "an elif asks on": ("ok = await h.ping(1)\nif ok:\n    x()\nelif x:\n    log.debug(1)\n", None),
    "the name holds something else as well": ("ok = await h.ping(1)\nok = x()\nif not ok:\n    log.info(1)\n", None),
    "the test asks for more": ("ok = await h.ping(1)\nif not ok and x:\n    log.info(1)\n", None),
    "clean-up": (
        "try:\n    x()\nfinally:\n    try:\n        await h.ping(1)\n    except Exception:\n        log.debug(1)\n",
        None,
    ),
    "only where it is wanted": (handler("if log.isEnabledFor(10):\n        log.debug(e)"), None),
    "a level by name": (handler("log.log(level, 'lost')"), "not written here"),
    "a number of another base": (handler("log.log(0x0a, 'lost')"), "cannot be replaced"),
}


@pytest.mark.parametrize(("body", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, body, reason):
    outcome = check_noop(tmp_path, source=in_function(body))
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


def test_the_summary_says_that_log_lines_change_while_every_flag_is_off():
    assert "changes log lines even with every flag off" in registry.load(NAME).SUMMARY


# --- what the migrated code does


def test_the_level_of_failures_changes_and_nothing_else(tmp_path):
    cases = [(wire, "send", "r1") for wire in ("none", "good", "raises", "refuses")]
    old, new = copy(tmp_path / "old"), copy(tmp_path / "new")
    assert migrate(new, (NAME,)).edits == {NAME: 2}
    before, after = run(old, cases), run(new, cases)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert {name.split()[2] for name in changed} == {"raises"}
    for name in changed:
        (value, error, lines, told), (new_value, new_error, new_lines, new_told) = before[name], after[name]
        assert (value, error, told) == (new_value, new_error, new_told)
        assert [text for _, text in lines] == [text for _, text in new_lines]
        assert [(a, b) for (a, _), (b, _) in zip(lines, new_lines, strict=True) if a != b] == [("DEBUG", "ERROR")]
