"""unread-callback: a contracted method given to somebody who drops its result is found; a forwarder's is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

FOUND = {
    "soon": ("loop.call_soon(h.hush)  # !\n", "call_soon", "hub.hush"),
    "a coroutine method that is never awaited": ("loop.call_later(1, h.ping, 1)  # !\n", "call_later", "hub.ping"),
    "when a task is done": ("task.add_done_callback(h.push)  # !\n", "add_done_callback", "hub.push"),
    "subscribed": ("x.subscribe('event', h.push)  # !\n", "subscribe", "hub.push"),
    "by keyword": ("x.start(on_close=h.push)  # !\n", "on_close", "hub.push"),
    "a thread": ("threading.Thread(target=h.hush)  # !\n", "target", "hub.hush"),
    "in a list of listeners": ("x.listeners.append(h.push)  # !\n", "listeners", "hub.push"),
    "assigned to a hook": ("x.on_message = h.push  # !\n", "on_message", "hub.push"),
    "assigned in a list": ("x.handlers = [h.push]  # !\n", "handlers", "hub.push"),
    "a partial": ("x.subscribe(partial(h.ping, 1))  # !\n", "subscribe", "hub.ping"),
    "a lambda": ("x.add_callback(lambda m: h.push(m))  # !\n", "add_callback", "hub.push"),
    "a background task": ("background.add_task(h.push, x)  # !\n", "add_task", "hub.push"),
    "a function that drops it": ("run(h.push, x)  # !\n", "run", "hub.push"),
}
NOT_FOUND = {
    "a forwarder that returns it": "return await guard(h.push, x)\n",
    "somebody unknown": "x.apply(h.push)\n",
    "mapped": "return [*map(h.hush, x)]\n",
    "called": "await h.push(x)\n",
    "returned": "return h.push\n",
    "kept": "x.sender = h.push\n",
    "unknown receiver": "loop.call_soon(x.push)\n",
    "a local name that is called": "send = h.push\nawait send(x)\n",
    "another method": "loop.call_soon(h.other)\n",
    "a lambda somebody reads": "return x.first(lambda: h.hush())\n",
    "a function that reads it": "keep(h.push, x)\n",
    "the result, not the method": "loop.call_soon(x, h.hush())\n",
    "a string": "loop.call_soon('h.push')\n",
}
FUNCTIONS = """
async def run(send, message):
    await send(message)


async def guard(send, message):
    return await send(message)


async def keep(send, message):
    await send(message)
    KEPT.append(send)


"""


def in_function(body):
    return f"{HEAD}{FUNCTIONS}async def f(h: Hub, x, loop, task, background):\n{indent(body, '    ')}"


@pytest.mark.parametrize(("body", "taker", "contract"), FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, taker, contract):
    (one,) = check(tmp_path, "unread_callback", in_function(body), contracts=True)
    assert f"{contract} is handed to {taker} as a callback" in one.message
    assert (one.contract, one.evidence) == (contract, "annotation")


@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body):
    check(tmp_path, "unread_callback", in_function(body), contracts=True)


@pytest.mark.parametrize("body", [row[0] for row in FOUND.values()], ids=FOUND)
def test_says_nothing_without_contracts(tmp_path, body):
    check(tmp_path, "unread_callback", in_function(body).replace("# !", ""), contracts=False)


def test_says_where_a_coroutine_is_never_awaited(tmp_path):
    body = FOUND["a coroutine method that is never awaited"][0]
    (one,) = check(tmp_path, "unread_callback", in_function(body), contracts=True)
    assert one.message.endswith("the coroutine is never awaited")


def test_a_method_of_the_same_class_that_drops_it(tmp_path):
    source = f"""{HEAD}
class C:
    def __init__(self, hub: Hub):
        self.hub = hub

    async def run(self, send, message):
        await send(message)

    async def give(self, send, message):
        return await send(message)

    async def f(self):
        await self.run(self.hub.push, 1)  # !
        await self.give(self.hub.push, 1)
"""
    check(tmp_path, "unread_callback", source, contracts=True)
