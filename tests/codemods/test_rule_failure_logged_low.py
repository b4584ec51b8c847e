"""failure-logged-low: a failure whose only trace is a low log line is found; expected control flow is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

FOUND = {
    "warning": "try:\n    work()\nexcept Exception as e:  # !\n    logger.warning(f'x {e}')\n",
    "debug": "try:\n    work()\nexcept Exception:  # !\n    logger.debug('x')\n",
    "info on self": "try:\n    work()\nexcept:  # !\n    self.log.info('x')\n",
    "printed": "try:\n    work()\nexcept Exception:  # !\n    print('x')\n",
    "then goes on": "try:\n    work()\nexcept Exception:  # !\n    logger.warning('x')\n    x.go()\n",
    "with the trace, at warning": "try:\n    work()\nexcept Exception:  # !\n    logger.warning('x', exc_info=True)\n",
    "text made first": "try:\n    work()\nexcept Exception as e:  # !\n    t = str(e)\n    logger.info(t)\n",
    "OSError": "try:\n    work()\nexcept OSError:  # !\n    logger.warning('x')\n",
    "an answer that never came": "try:\n    work()\nexcept asyncio.TimeoutError:  # !\n    logger.warning('x')\n",
    "an error of a library": "try:\n    work()\nexcept httpx.HTTPError:  # !\n    logger.warning('x')\n",
    "a tuple that is not all expected": (
        "try:\n    work()\nexcept (KeyError, OSError):  # !\n    logger.warning('x')\n"
    ),
    "level by name": "try:\n    work()\nexcept Exception:  # !\n    logger.log(logging.INFO, 'x')\n",
    "a plain return where nothing is returned": (
        "try:\n    work()\nexcept Exception:  # !\n    logger.warning('x')\n    return\n"
    ),
    "a value": "try:\n    return work()\nexcept Exception:  # !\n    logger.warning('x')\n    return x\n",
}
NOT_FOUND = {
    "error": "try:\n    work()\nexcept Exception:\n    logger.error('x')\n",
    "both": "try:\n    work()\nexcept Exception:\n    logger.debug('x')\n    logger.error('x')\n",
    "no log: another rule": "try:\n    work()\nexcept Exception:\n    pass\n",
    "returns False: another rule": (
        "try:\n    return work()\nexcept Exception:\n    logger.warning('x')\n    return False\n"
    ),
    "raises": "try:\n    work()\nexcept Exception:\n    logger.warning('x')\n    raise\n",
    "handed on": "try:\n    work()\nexcept Exception as e:\n    logger.warning('x')\n    x.add(e)\n",
    "state": "try:\n    work()\nexcept Exception:\n    logger.warning('x')\n    self.healthy = False\n",
    "counted": "try:\n    work()\nexcept Exception:\n    logger.warning('x')\n    self.failures += 1\n",
    "KeyError": "try:\n    work()\nexcept KeyError:\n    logger.debug('x')\n",
    "optional import": "try:\n    import orjson\nexcept ImportError:\n    logger.info('x')\n",
    "cancelled": "try:\n    work()\nexcept asyncio.CancelledError:\n    logger.info('x')\n",
    "bad input": "try:\n    work()\nexcept (ValueError, TypeError):\n    logger.warning('x')\n",
    "its name says so": "try:\n    work()\nexcept x.UserNotFound:\n    logger.info('x')\n",
    "validation": "try:\n    work()\nexcept ValidationError:\n    logger.warning('x')\n",
    "a wait that begins again": (
        "while True:\n    try:\n        work()\n    except TimeoutError:\n        logger.debug('x')\n"
    ),
    "clean-up": "try:\n    await x.close()\n    logger.debug('y')\nexcept Exception:\n    logger.warning('x')\n",
    "attempts, then a raise": (
        "for i in x:\n    try:\n        return work()\n    except Exception:\n"
        "        logger.warning('x')\nraise OSError\n"
    ),
    "no logger": "try:\n    work()\nexcept OSError:\n    self.dialog_box.info('x')\n",
    "a log in a nested function": ("try:\n    work()\nexcept OSError:\n    def g():\n        logger.debug('x')\n"),
    "outside a handler": "logger.warning('x')\n",
}


def in_function(body):
    return f"async def f(self, x, h: 'Hub'):\n{indent(body, '    ')}"


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, contracts):
    (one,) = check(tmp_path, "failure_logged_low", in_function(body), contracts=contracts)
    assert (one.evidence, one.contract, one.fix) == ("shape", "", "raise-log-level")


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body, contracts):
    check(tmp_path, "failure_logged_low", in_function(body), contracts=contracts)


RESULTS = {
    "a failed result": "ok = await h.ping(1)\nif not ok:\n    logger.warning('x')  # !\n",
    "in the else": "ok = await h.ping(1)\nif ok:\n    x.go()\nelse:\n    logger.debug('x')  # !\n",
    "tested at once": "if not await h.ping(1):\n    logger.info('x')  # !\n",
}
RESULTS_LEFT = {
    "at error": "ok = await h.ping(1)\nif not ok:\n    logger.error('x')\n",
    "and more": "ok = await h.ping(1)\nif not ok:\n    logger.warning('x')\n    x.again()\n",
    "a test of something else": "ok = await h.ping(1)\nif not x:\n    logger.warning('x')\nreturn ok and 1\n",
    "an object, whose truth says nothing": "r = await h.setup()\nif not r:\n    logger.warning('x')\n",
    "no contract": "ok = await x.ping(1)\nif not ok:\n    logger.warning('x')\n",
    "success is logged": "ok = await h.ping(1)\nif ok:\n    logger.debug('x')\n",
}


def with_hub(body):
    return HEAD + in_function(body).replace("'Hub'", "Hub")


@pytest.mark.parametrize("body", RESULTS.values(), ids=RESULTS)
def test_finds_contracted_results_that_are_logged_low(tmp_path, body):
    (one,) = check(tmp_path, "failure_logged_low", with_hub(body), contracts=True)
    assert (one.evidence, one.contract, one.fix) == ("annotation", "hub.ping", "raise-log-level")
    check(tmp_path, "failure_logged_low", with_hub(body).replace("# !", ""), contracts=False)


@pytest.mark.parametrize("body", RESULTS_LEFT.values(), ids=RESULTS_LEFT)
def test_leaves_contracted_results(tmp_path, body):
    check(tmp_path, "failure_logged_low", with_hub(body), contracts=True)
