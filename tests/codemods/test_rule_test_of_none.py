"""test-of-none: a test of what is always None is found; a test of a result that says something is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

FOUND = {
    "in a condition": ("if await h.tell(1):  # !\n    x.go()\n", "Hub.tell", "hub.tell"),
    "negated": ("if not await h.tell(1):  # !\n    raise ValueError\n", "Hub.tell", "hub.tell"),
    "by name": ("ok = await h.tell(1)  # !\nif ok:\n    x.go()\n", "Hub.tell", "hub.tell"),
    "asserted": ("assert await h.tell(1)  # !\n", "Hub.tell", "hub.tell"),
    "waited for": ("if await asyncio.wait_for(h.tell(1), 2):  # !\n    x.go()\n", "Hub.tell", "hub.tell"),
    "a subclass that returns nothing": ("if await Mute().ping(1):  # !\n    x.go()\n", "Mute.ping", ""),
    "never a value, no annotation": ("if await Dumb().ping(1):  # !\n    x.go()\n", "Dumb.ping", ""),
    "another class, typed": ("if await q.ping(1):  # !\n    x.go()\n", "Quiet.ping", ""),
    "an or": ("y = await h.tell(1) or x  # !\n", "Hub.tell", "hub.tell"),
}
NOT_FOUND = {
    "not tested": "await h.tell(1)\n",
    "handed up": "return await h.tell(1)\n",
    "says something": "if await h.ping(1):\n    x.go()\n",
    "an object": "if (await h.setup()).success:\n    x.go()\n",
    "not awaited: another defect": "if h.tell(1):\n    x.go()\n",
    "unknown receiver": "if await x.tell(1):\n    x.go()\n",
    "annotated otherwise": "if await Loud().tell(1):\n    x.go()\n",
    "a stub": "if await Stub().ping(1):\n    x.go()\n",
    "abstract": "if await Later().ping(1):\n    x.go()\n",
    "a name tested for another reason": "y = await h.tell(1)\nif x:\n    x.go(y)\n",
}
CLASSES = """
class Mute(Hub):
    async def ping(self, key, extra=None) -> None:
        self.key = key


class Dumb(Hub):
    async def ping(self, key, extra=None):
        self.key = key
        return


class Loud(Hub):
    async def tell(self, key) -> bool:
        return True


class Stub(Hub):
    async def ping(self, key, extra=None): ...


class Later(Hub):
    async def ping(self, key, extra=None):
        raise NotImplementedError


"""


def in_function(body):
    imports = HEAD + "from plant.other import Quiet\nimport asyncio\n"
    return f"{imports}{CLASSES}async def f(h: Hub, q: Quiet, x):\n{indent(body, '    ')}"


@pytest.mark.parametrize(("body", "method", "contract"), FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, method, contract):
    (one,) = check(tmp_path, "test_of_none", in_function(body), contracts=True)
    assert one.message.startswith(f"{method} returns None always")
    assert one.contract == contract
    assert one.evidence != "shape"


@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body):
    check(tmp_path, "test_of_none", in_function(body), contracts=True)


@pytest.mark.parametrize("body", [row[0] for row in FOUND.values()], ids=FOUND)
def test_says_nothing_without_contracts(tmp_path, body):
    check(tmp_path, "test_of_none", in_function(body).replace("# !", ""), contracts=False)
