"""log-and-return-false: a failure that only a log and an empty result know of is found, in handlers and in branches."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

HANDLERS = {
    "at error": "try:\n    return work()\nexcept Exception as e:  # !\n    logger.error(e)\n    return False\n",
    "with the trace": "try:\n    return work()\nexcept Exception:  # !\n    logger.exception('x')\n    return None\n",
    "at debug": "try:\n    return work()\nexcept Exception:  # !\n    logger.debug('x')\n    return []\n",
    "printed": "try:\n    return work()\nexcept Exception:  # !\n    print('x')\n    return {}\n",
    "narrow": "try:\n    return work()\nexcept OSError:  # !\n    logger.warning('x')\n    return False\n",
    "a plain return": "try:\n    return work()\nexcept Exception:  # !\n    self.log.info('x')\n    return\n",
    "an empty text": "try:\n    return work()\nexcept Exception:  # !\n    log.error('x')\n    return ''\n",
    "an empty call": "try:\n    return work()\nexcept Exception:  # !\n    log.error('x')\n    return list()\n",
    "an expected class, logged at error": (
        "try:\n    return work()\nexcept KeyError:  # !\n    logger.error('x')\n    return None\n"
    ),
    "logger made on the spot": (
        "try:\n    return work()\nexcept Exception:  # !\n    logging.getLogger(x).info('x')\n    return None\n"
    ),
    "by level number and name": (
        "try:\n    return work()\nexcept Exception:  # !\n    logger.log(logging.ERROR, 'x')\n    return None\n"
    ),
}
HANDLERS_LEFT = {
    "no log: another rule": "try:\n    return work()\nexcept Exception:\n    return False\n",
    "no return": "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n",
    "a value": "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n    return x\n",
    "True": "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n    return True\n",
    "zero is a count": "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n    return 0\n",
    "nothing but empty values": "try:\n    work()\nexcept Exception:\n    logger.error('x')\n    return None\n",
    "raises on some path": (
        "try:\n    return work()\nexcept Exception:\n    if x:\n        raise\n    logger.error('x')\n    return None\n"
    ),
    "handed on as well": (
        "try:\n    return work()\nexcept Exception as e:\n    logger.error('x')\n    x.tell(e)\n    return None\n"
    ),
    "a lookup that misses": "try:\n    return x[1]\nexcept KeyError:\n    logger.debug('x')\n    return None\n",
    "bad input": "try:\n    return int(x)\nexcept ValueError:\n    logger.warning('x')\n    return None\n",
    "a peer that left": (
        "try:\n    return work()\nexcept WebSocketDisconnect:\n    logger.info('x')\n    return None\n"
    ),
    "a return in a nested function": (
        "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n    def g():\n        return False\n"
    ),
    "clean-up": "try:\n    x.close()\n    del x\nexcept Exception:\n    logger.debug('x')\n    return None\nreturn 1\n",
}
BRANCHES = {
    "at warning": "if len(x) > 9:\n    logger.warning('too large')\n    return False  # !\nreturn True\n",
    "at error": "if not work():\n    logger.error('x')\n    return None  # !\nreturn x\n",
    "in the else": "if work():\n    return x\nelse:\n    logger.error('x')\n    return None  # !\n",
    "in an elif": ("if x:\n    return x\nelif work():\n    logger.critical('x')\n    return False  # !\nreturn True\n"),
    "two logs": "if work():\n    logger.info('x')\n    logger.error('x')\n    return []  # !\nreturn x\n",
}
BRANCHES_LEFT = {
    "no log": "if work():\n    return False\nreturn True\n",
    "at info": "if work():\n    logger.info('x')\n    return False\nreturn True\n",
    "a value": "if work():\n    logger.error('x')\n    return 'x'\nreturn True\n",
    "no value anywhere": "if work():\n    logger.error('x')\n    return\nx.go()\n",
    "more than a log": "if work():\n    logger.error('x')\n    x.tell()\n    return False\nreturn True\n",
    "it raises": "if work():\n    logger.error('x')\n    raise ValueError\nreturn True\n",
    "a switch": "if not self.enabled:\n    logger.warning('off')\n    return False\nreturn True\n",
    "at module level": "",
}


def in_function(body, name="f"):
    return f"async def {name}(self, x):\n{indent(body, '    ') or '    pass'}\n"


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", [*HANDLERS.values(), *BRANCHES.values()], ids=[*HANDLERS, *BRANCHES])
def test_finds(tmp_path, body, contracts):
    (one,) = check(tmp_path, "log_and_return_false", in_function(body), contracts=contracts)
    assert (one.evidence, one.function) == ("shape", "f")
    assert "returned as" in one.message


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize(
    "body", [*HANDLERS_LEFT.values(), *BRANCHES_LEFT.values()], ids=[*HANDLERS_LEFT, *BRANCHES_LEFT]
)
def test_leaves(tmp_path, body, contracts):
    check(tmp_path, "log_and_return_false", in_function(body), contracts=contracts)


def test_says_at_which_level_and_as_what(tmp_path):
    (one,) = check(tmp_path, "log_and_return_false", in_function(HANDLERS["at debug"]), contracts=False)
    assert one.message.startswith("failure is logged at DEBUG and returned as []")


@pytest.mark.parametrize("name", ["is_ready", "has_room", "validate_size", "check", "_can_send", "authenticate"])
def test_a_function_whose_answer_is_false_is_left(tmp_path, name):
    source = in_function(BRANCHES["at warning"].replace("  # !", ""), name)
    check(tmp_path, "log_and_return_false", source, contracts=False)


@pytest.mark.parametrize("name", ["issue", "cancel", "checkout", "hash_it"])
def test_a_name_that_only_begins_alike_is_no_question(tmp_path, name):
    check(tmp_path, "log_and_return_false", in_function(BRANCHES["at warning"], name), contracts=False)


GUARD = "if not self.hub:\n    logger.warning('no hub')\n    return False\nreturn await self.hub.ping(1)\n"


def test_the_guard_of_a_missing_receiver_is_the_other_rules(tmp_path):
    source = HEAD + "class C:\n    hub: Hub\n\n" + indent(in_function(GUARD), "    ")
    for contracts in (True, False):
        check(tmp_path, "log_and_return_false", source, contracts=contracts)
        marked = source.replace("if not self.hub:", "if not self.hub:  # !")
        check(tmp_path, "missing_guard", marked, contracts=contracts)
