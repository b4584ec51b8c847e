"""missing-guard: a guard that skips a call in silence is found; one that speaks, or guards what is optional, is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

CONTRACTED = {
    "no else": "if self.hub:  # !\n    await self.hub.ping(1)\n",
    "is not None": "if self.hub is not None:  # !\n    await self.hub.ping(1)\n",
    "early exit": "if not self.hub:  # !\n    return\nawait self.hub.ping(1)\n",
    "early exit with a log, however loud": (
        "if self.hub is None:  # !\n    logger.critical('gone')\n    return False\nawait self.hub.ping(1)\n"
    ),
    "quiet else": "if self.hub:  # !\n    await self.hub.ping(1)\nelse:\n    logger.debug('gone')\n",
    "hasattr": "if hasattr(self.hub, 'ping'):  # !\n    await self.hub.ping(1)\n",
    "a predicate of the class": "if self.has_hub():  # !\n    await self.hub.ping(1)\n",
    "an early exit by predicate": "if not self.has_hub():  # !\n    return\nawait self.hub.ping(1)\n",
    "one of two questions": "if self.hub and self.on:  # !\n    await self.hub.ping(1)\n",
    "conditional expression": "return await self.hub.ping(1) if self.hub else False  # !\n",
    "an and": "return self.hub and await self.hub.ping(1)  # !\n",
    "two calls, one guard": "if self.hub:  # !\n    await self.hub.ping(1)\n    await self.hub.push(1)\n",
    "continue": "for i in self.on:\n    if not self.hub:  # !\n        continue\n    await self.hub.ping(i)\n",
}
CONTRACTED_SILENT = {
    "another way is taken": "if self.hub:\n    await self.hub.ping(1)\nelse:\n    await self.send(1)\n",
    "it raises": "if not self.hub:\n    raise RuntimeError\nawait self.hub.ping(1)\n",
    "it raises after a log": (
        "if not self.hub:\n    logger.error('x')\n    raise RuntimeError\nawait self.hub.ping(1)\n"
    ),
    "no guard": "await self.hub.ping(1)\n",
    "a guard of something else": "if self.on:\n    await self.hub.ping(1)\n",
    "it says so already": "if self.hub:\n    await self.hub.ping(1)\nelse:\n    missing('hub', 'ping')\n",
    "an exit that says so": "if not self.hub:\n    missing('hub', 'ping')\n    return\nawait self.hub.ping(1)\n",
    "no contracted method": "if self.hub:\n    self.hub.size()\n",
    "another class of that name": "if self.other:\n    await self.other.ping(1)\n",
    "in a nested function": "def g():\n    if not self.hub:\n        return\nawait self.hub.ping(1)\n",
    "optional by design": "if self.logger:\n    self.logger.send(1)\n",
    "a call that comes before": "await self.hub.ping(1)\nif not self.hub:\n    return\n",
    "a reference, no call": "if self.hub:\n    x = [self.hub.ping]\n",
}


def method(body, name="f"):
    head = HEAD + "from plant.loud import missing\nfrom plant.other import Hub as Other\nimport logging\n"
    head += "logger = logging.getLogger()\n\n\nclass C:\n"
    head += "    def __init__(self, hub: Hub, other: Other, on):\n"
    head += "        self.hub = hub\n        self.other = other\n        self.on = on\n\n"
    head += "    def has_hub(self):\n        return self.hub is not None\n\n"
    return f"{head}    async def {name}(self, k):\n{indent(body, ' ' * 8)}"


@pytest.mark.parametrize("body", CONTRACTED.values(), ids=CONTRACTED)
def test_finds_guards_of_contracted_calls(tmp_path, body):
    (one,) = check(tmp_path, "missing_guard", method(body), contracts=True)
    assert one.contract == "hub.ping"
    assert one.evidence == "annotated attribute"
    assert one.function == "C.f"


@pytest.mark.parametrize("body", CONTRACTED_SILENT.values(), ids=CONTRACTED_SILENT)
def test_leaves_guards_that_are_not_silent(tmp_path, body):
    check(tmp_path, "missing_guard", method(body), contracts=True)


def test_best_effort_clean_up_is_left(tmp_path):
    source = method("if self.hub:\n    await self.hub.ping(1)\n", name="close")
    check(tmp_path, "missing_guard", source, contracts=True)


FIXES = {
    "no else": "guard-missing",
    "early exit": "guard-missing",
    "a predicate of the class": "guard-missing",
    "one of two questions": "",
    "conditional expression": "",
    "an and": "",
}


@pytest.mark.parametrize(("name", "fix"), FIXES.items(), ids=FIXES)
def test_names_the_codemod_where_it_would_not_refuse(tmp_path, name, fix):
    (one,) = check(tmp_path, "missing_guard", method(CONTRACTED[name]), contracts=True)
    assert one.fix == fix


SHAPE = {
    "a delivery is skipped": "if self.hub:  # !\n    await self.hub.send(k)\n",
    "is not None": "if self.hub is not None:  # !\n    self.hub.notify_all(k)\n",
    "a parameter": "if k:  # !\n    await k.publish(1)\n",
    "early exit": "if not self.hub:  # !\n    return\nself.hub.emit(k)\n",
    "further down": "if not self.hub:  # !\n    return None\ntry:\n    self.hub.emit(k)\nfinally:\n    self.on = 1\n",
    "it says itself that something is wrong": (
        "if not self.hub:  # !\n    logger.warning('no hub')\n    return False\nreturn await self.hub.compute(k)\n"
    ),
    "with a quiet else": "if self.hub:  # !\n    self.hub.send(k)\nelse:\n    logger.debug('no hub')\n",
    "several, and a log": "if self.hub:  # !\n    logger.info('go')\n    self.hub.send(k)\n    self.hub.send(2)\n",
}
SHAPE_SILENT = {
    "no delivery, no word": "if self.hub:\n    self.hub.compute(k)\n",
    "told at error": "if not self.hub:\n    logger.error('no hub')\n    return\nself.hub.emit(k)\n",
    "it raises": "if not self.hub:\n    raise RuntimeError\nself.hub.emit(k)\n",
    "another way": "if self.hub:\n    self.hub.send(k)\nelse:\n    self.on.send(k)\n",
    "other work under the guard": "if self.hub:\n    self.on = 2\n    self.hub.send(k)\n",
    "other work, another receiver": "if self.hub:\n    self.on.send(k)\n",
    "a hook": "if self.on_send_hook:\n    self.on_send_hook.send(k)\n",
    "a logger": "if self.logger:\n    self.logger.send(k)\n",
    "metrics": "if not self.metrics:\n    logger.debug('off')\n    return\nself.metrics.emit(k)\n",
    "clean-up": "if self.hub:\n    await self.hub.close()\n",
    "a local name": "h = k.hub\nif h:\n    h.send(1)\n",
    "a container": "if not self.waiting:\n    logger.info('nothing to do')\n    return\nself.waiting.pop()\n",
    "two questions": "if self.hub and self.on:\n    self.hub.send(k)\n",
    "a deep receiver": "if self.on.hub:\n    self.on.hub.send(k)\n",
    "the call comes first": "self.hub.send(k)\nif not self.hub:\n    return\n",
    "an exit with a value": "if not self.hub:\n    return 'offline'\nself.hub.send(k)\n",
}


@pytest.mark.parametrize("body", SHAPE.values(), ids=SHAPE)
def test_finds_by_shape_alone(tmp_path, body):
    (one,) = check(tmp_path, "missing_guard", method(body), contracts=False)
    assert (one.evidence, one.contract, one.fix) == ("shape", "", "")


@pytest.mark.parametrize("body", SHAPE_SILENT.values(), ids=SHAPE_SILENT)
def test_is_careful_by_shape_alone(tmp_path, body):
    check(tmp_path, "missing_guard", method(body), contracts=False)


def test_a_contracted_guard_is_not_found_again_by_its_shape(tmp_path):
    body = "if not self.hub:  # !\n    logger.warning('no hub')\n    return\nawait self.hub.push(1)\n"
    (one,) = check(tmp_path, "missing_guard", method(body), contracts=True)
    assert one.contract == "hub.push"


def test_a_guard_of_a_mixed_receiver_names_all_contracts(tmp_path):
    source = (
        HEAD + "from plant.line import Line\n\nasync def f(h: Hub | Line):\n    if h:  # !\n        await h.ping(1)\n"
    )
    (one,) = check(tmp_path, "missing_guard", source, contracts=True)
    assert one.message.startswith("hub.ping or line.ping")
    assert one.fix == ""
