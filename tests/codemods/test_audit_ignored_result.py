"""FL001 ignored-result: which calls drop the result of a contract, and which do not."""

from __future__ import annotations

import pytest
from audit_case import audit
from migration_case import make_host_file, make_tree

HEAD = "from plant.hub import Hub\nfrom plant.line import Line\nasync def f(h: Hub, line: Line, x):\n"
FOUND = {
    "awaited and dropped": (
        "    await h.ping(1)\n",
        "the result of hub.ping is dropped",
        "annotation",
        "check-results",
    ),
    "assigned and never read": (
        "    sent = await h.ping(1)\n",
        "is assigned and never read",
        "annotation",
        "check-results",
    ),
    "never awaited": ("    h.ping(1)\n", "coroutine of hub.ping is never awaited", "annotation", ""),
    "a method that is not async": (
        "    h.hush()\n",
        "the result of hub.hush is dropped",
        "annotation",
        "check-results",
    ),
    "an object that says so": (
        "    await h.setup()\n",
        "the result of hub.setup is dropped",
        "annotation",
        "check-results",
    ),
    "inherited": ("    await h.inherited(1)\n", "hub.inherited", "annotation", "check-results"),
    "by naming rule only": ("    await x.the_hub.ping(1)\n", "hub.ping", "naming rule", "check-results"),
    "in an except body": (
        "    try:\n        x()\n    except ValueError:\n        await h.ping(1)\n",
        "hub.ping",
        "annotation",
        "catch-specific",
    ),
}
CLEAN = {
    "read": "    if await h.ping(1):\n        return\n",
    "assigned and tested": "    sent = await h.ping(1)\n    if not sent:\n        raise ValueError\n",
    "returned": "    return await h.ping(1)\n",
    "handed on": "    print(await h.ping(1))\n",
    "migrated": "    from shim import delivered\n    delivered(await h.ping(1), 'hub.ping')\n",
    "a method that answers None": "    await h.tell(1)\n",
    "a method that raises": "    await h.build()\n",
    "a phantom": "    await h.vanished()\n",
    "another class": "    from plant.other import Quiet\n    await Quiet().ping(1)\n",
    "an unknown receiver": "    await x.ping(1)\n",
    "in a string": "    return 'await h.ping(1)'\n",
}


def findings(tmp_path, capsys, body):
    tree = make_tree(tmp_path / "t", site=HEAD + body)
    ended = audit(capsys, tree, "--host", make_host_file(tmp_path), "--select", "FL001", "--json")
    return ended, ended.json["findings"]


@pytest.mark.parametrize(("body", "said", "evidence", "fix"), FOUND.values(), ids=FOUND)
def test_found(tmp_path, capsys, body, said, evidence, fix):
    ended, (found,) = findings(tmp_path, capsys, body)
    assert ended.code == 1
    assert said in found["message"]
    assert (found["code"], found["path"], found["function"]) == ("FL001", "plant/site.py", "f")
    assert (found["evidence"], found["fix"], found["cause"]) == (evidence, fix, "return value ignored")


@pytest.mark.parametrize("body", CLEAN.values(), ids=CLEAN)
def test_not_found(tmp_path, capsys, body):
    ended, found = findings(tmp_path, capsys, body)
    assert (ended.code, found) == (0, [])


def test_several_contracts_are_all_named(tmp_path, capsys):
    body = "    both = h if x else line\n    await both.ping(1)\n"
    _, (found,) = findings(tmp_path, capsys, body)
    assert "hub.ping or line.ping" in found["message"]
    assert (found["contract"], found["fix"]) == ("", "")
