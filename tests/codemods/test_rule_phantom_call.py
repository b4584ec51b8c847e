"""phantom-call: a method that no class defines is found; one that may be defined somewhere is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

FOUND = {
    "typed": ("await h.vanished()  # !\n", "an AttributeError when run"),
    "swallowed": (
        "try:\n    await h.vanished()  # !\nexcept Exception:\n    pass\n",
        "which the handler at line 9 swallows",
    ),
    "behind hasattr": ("if hasattr(h, 'vanished'):\n    await h.vanished()  # !\n", "the call is never made"),
    "a subclass": ("await Sub().vanished()  # !\n", "an AttributeError when run"),
    "through a getter": ("await get_hub().vanished()  # !\n", "an AttributeError when run"),
}
NOT_FOUND = {
    "defined": "await h.ping(1)\n",
    "inherited": "await h.inherited(1)\n",
    "unknown receiver": "await x.vanished()\n",
    "own class: a subclass may define it": "class D:\n    def g(self):\n        self.vanished()\n",
    "a base from elsewhere": "await Foreign().vanished()\n",
    "an attribute of that name": "await Holder().vanished()\n",
    "not a contracted name": "await h.nothing()\n",
    "a function": "await vanished()\n",
}


def in_function(body):
    classes = "class Sub(Hub): ...\nclass Foreign(lib.Base): ...\nclass Holder:\n    vanished = None\n"
    return f"{HEAD}{classes}async def f(h: Hub, x):\n{indent(body, '    ')}"


@pytest.mark.parametrize(("body", "effect"), FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, effect):
    (one,) = check(tmp_path, "phantom_call", in_function(body), contracts=True)
    assert one.message.endswith(effect)
    assert one.evidence != "shape"
    assert one.fix == ""


@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body):
    check(tmp_path, "phantom_call", in_function(body), contracts=True)


@pytest.mark.parametrize(("body", "effect"), FOUND.values(), ids=FOUND)
def test_says_nothing_without_contracts(tmp_path, body, effect):
    check(tmp_path, "phantom_call", in_function(body).replace("# !", ""), contracts=False)
