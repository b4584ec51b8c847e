"""The differential harness itself: it finds each kind of difference, and none where there is none."""

from __future__ import annotations

import asyncio
import warnings
from textwrap import dedent, indent
from types import ModuleType

import driving
import pytest
import twins

import shim.boundaries
import shim.calls
import shim.errors

NEW = "from plant.loud import LoudFailure, boundary, delivered, escalate, missing\n"
OLD = """
    if not self.hub:
        logger.debug("no hub")
        return False
    try:
        if not await self.hub.ping(key):
            logger.warning("not sent: %s", key)
    except ValueError as error:
        logger.error("failed: %s", error)
        raise RuntimeError("no") from error
    except Exception:
        return None
    return True
"""
SAME = OLD.replace("        return False\n", '        missing("hub", "ping")\n        return False\n').replace(
    "    except ValueError", "    except LoudFailure:\n        raise\n    except ValueError"
)
DIFFERENT = {
    "another answer behind a guard": ("return False", "return None"),
    "another answer of a handler": ("return None", "return False"),
    "another exception": ("RuntimeError", "TypeError"),
    "another cause": (" from error", ""),
    "a log line at another level": ("logger.warning", "logger.error"),
    "another log line": ("no hub", "there is no hub"),
    "a call more": ("    return True", "    self.hub.close()\n    return True"),
    "a call less": ('        logger.debug("no hub")\n', ""),
    "another argument": ("ping(key)", "ping(None)"),
    "an attribute that may not be there": ("        return False", "        key.run_id\n        return False"),
    "an exception let through": ("except Exception:", "except KeyError:"),
}


def driven(old, new):
    facade = ModuleType("plant.loud")
    for source in (shim.boundaries, shim.calls, shim.errors):
        vars(facade).update({name: getattr(source, name) for name in source.__all__})
    before = f"\n\nclass Agent:\n    async def f(self, key):\n{indent(dedent(old), '        ')}".encode()
    after = f"{NEW}\n\nclass Agent:\n    async def f(self, key):\n{indent(dedent(new), '        ')}".encode()
    verbs = twins.facade_names(after, "plant.loud")
    [twin] = twins.twins_of(before, after, verbs)
    loop = asyncio.new_event_loop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        driving.drive(twin, driving.World("plant.agent", ModuleType("plant.agent"), "plant.loud", facade, verbs), loop)
        loop.close()
    return twin


def test_the_same_is_found_the_same_and_every_new_statement_executed():
    twin = driven(OLD, SAME)
    assert twin.differences == []
    assert twin.missed == []
    assert (len(twin.lines), len(twin.loud_only)) == (3, 1)


@pytest.mark.parametrize(("old", "new"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_difference_is_found(old, new):
    assert old in SAME
    twin = driven(OLD, SAME.replace(old, new))
    assert twin.differences
    assert twins.first_difference(*twin.differences[0][1])


@pytest.mark.parametrize(
    "first",
    [
        "return 1",
        "raise ValueError",
        "if key:\n    return 1\nelse:\n    return 2",
        "try:\n    return await self.hub.ask()\nfinally:\n    self.hub.close()",
    ],
)
def test_what_no_script_can_reach_is_said_to_be_so(first):
    twin = driven(f"{first}\nself.hub.ping()", f"{first}\nmissing('hub', 'ping')\nself.hub.ping()")
    assert [twin.why(line) for line in twin.missed] == ["stands behind a return or raise"]
