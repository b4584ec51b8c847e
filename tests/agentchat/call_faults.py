"""The calls of the example host that are made to fail, each by a fault at the edges of the platform, and one run of it.

`python call_faults.py COPY`: on the `agentchat` package in COPY, in enforce; gives as JSON what became of each failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from dataclasses import dataclass

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])

import agentchat.bridge
import agentchat.buffer
import agentchat.factory
import agentchat.manager
import httpx
from agentchat.app import create_app
from agentchat.faults import Broken, swapped

import shim
from shim.hosts.example import HOST
from shim.recorder import add_sink, remove_sink
from shim.swallowed import held, mark, watching

QUESTION = "tides and 12 * 7"
BY_HAND = ("notify_tool_executing", "notify_tool_completed", "notify_agent_error")
"Of the emitter of an agent: nothing of the platform calls them, so the run does, on the one the real factory made."


class Socket:
    """The side of a socket the manager writes to."""

    async def send_json(self, message):
        pass


class Refuses:
    """The real manager or buffer, but for messages that `wanted` holds of: those are not sent."""

    def __init__(self, real, wanted):
        self._real, self._wanted = real, wanted

    def __getattr__(self, name):
        return getattr(self._real, name)

    async def send_to_thread(self, thread_id, message):
        return not self._wanted(message) and await self._real.send_to_thread(thread_id, message)


class Full:
    """A store of the buffer that has no room for messages of one kind."""

    def __init__(self, buffer, wanted):
        self._put, self._wanted = buffer._update_buffer_size, wanted

    def __call__(self, entry, remove=False):  # noqa: FBT002  # the host's signature
        if not remove and self._wanted(entry.message):
            raise MemoryError("no room")
        self._put(entry, remove)


@dataclass(frozen=True)
class Drive:
    """One run of the platform with one fault, and the call sites it makes fail."""

    name: str
    sites: tuple[tuple[str, str], ...]
    "Function without its module, and contract."
    refused: object = None
    "Messages the manager refuses."
    fault: object = None
    "Another fault: a context manager of the platform."
    act: str = "run"
    question: str = QUESTION
    start: bool = False
    "The fault is on from before the start."
    nth: int = 0
    "Which of several sites of that name in that function, from the top."


def event(kind, agent, **payload):
    def wanted(message):
        told = message["payload"] or {}
        return (message["type"], message["agent_name"]) == (kind, agent) and all(
            each in str(told.get(key)) for key, each in payload.items()
        )

    return wanted


def notified(kind, agent, function, **given):
    """An agent's notification through its own emitter, and the bridge's that the emitter calls."""
    sites = (function, f"factory.notify_{kind}"), (f"UserWebSocketEmitter.notify_{kind}", f"bridge.notify_{kind}")
    return Drive(f"{agent} {kind}", sites, event(kind, agent), **given)


def tool(kind, agent, **given):
    """A notification of the tool engine: its own call, the bridge's below it, and the agent's call above."""
    engine = "UnifiedToolExecutionEngine"
    sites = [
        (f"{engine}.execute_tool_with_input", f"tools._send_{kind}"),
        (f"{engine}._send_{kind}", f"bridge.notify_{kind}"),
    ]
    if kind == "tool_executing":
        sites.append(("BaseAgent.use_tool", "tools.execute_tool_with_input"))
    return Drive(f"{agent} {kind} {given.get('nth', 0)}", tuple(sites), event(kind, agent), **given)


def by_hand(name):
    sites = ((f"UserWebSocketEmitter.{name}", f"bridge.{name}"),)
    return Drive(name, sites, event(name.removeprefix("notify_"), "research"), act=name)


def full(kind):
    return lambda platform: swapped(
        platform.buffer, "_update_buffer_size", Full(platform.buffer, lambda message: message["type"] == kind)
    )


@contextlib.contextmanager
def factory_mute(platform):
    """Take the factory's bridge away; the run is mapped all the same, so that nothing else fails."""

    async def found(_run_id):
        return "alpha"

    registry = platform.bridge._thread_registry
    with swapped(platform.factory, "_websocket_bridge", None), swapped(registry, "get_thread", found):
        yield


def no_manager(_platform):
    def broken():
        raise OSError("no memory")

    return swapped(agentchat.bridge, "get_websocket_manager", broken)


SUPERVISOR, BUFFER = "SupervisorAgent", ("WebSocketManager.send_to_user", "buffer.buffer_message")
DRIVES = [
    notified("agent_started", "research", "ResearchAgent._announce"),
    notified("agent_thinking", "research", "BaseAgent.think"),
    notified("agent_completed", "research", "ResearchAgent._finish"),
    *map(by_hand, BY_HAND),
    Drive(
        "tool engine without a bridge",
        (("BaseAgent.use_tool", "tools.execute_tool_with_input"),),
        fault=lambda platform: swapped(platform.tools, "websocket_bridge", None),
    ),
    tool("tool_executing", "research"),
    tool("tool_executing", "writer"),
    tool("tool_completed", "writer"),
    tool("tool_completed", "writer", question="tides and 1 / 0", nth=1),
    Drive(
        "run not mapped",
        (
            (f"{SUPERVISOR}.run", "factory.create_user_execution_context"),
            ("AgentInstanceFactory.create_user_execution_context", "bridge.register_run_thread_mapping"),
        ),
        fault=lambda platform: swapped(platform.bridge._thread_registry, "register", Broken("full").register),
    ),
    Drive(
        "supervisor starts",
        ((f"{SUPERVISOR}._open", "bridge.notify_agent_started"),),
        event("agent_started", "supervisor"),
    ),
    Drive(
        "plan",
        ((f"{SUPERVISOR}._plan", "emitter.emit_agent_thinking"),),
        event("agent_thinking", "supervisor", reasoning="ask"),
    ),
    Drive(
        "progress",
        ((f"{SUPERVISOR}._progress", "emitter.emit_agent_thinking"),),
        event("agent_thinking", "supervisor", reasoning="done"),
    ),
    Drive(
        "agent without a bridge",
        ((f"{SUPERVISOR}._delegate", "factory.create_agent_instance"),),
        fault=factory_mute,
    ),
    Drive(
        "agent fails",
        ((f"{SUPERVISOR}._delegate", "bridge.notify_agent_error"),),
        event("agent_error", "research"),
        question="astrology",
    ),
    Drive("cite", ((f"{SUPERVISOR}._cite", "bridge.notify_custom"),), event("citations", "supervisor")),
    Drive(
        "close",
        ((f"{SUPERVISOR}._close", "bridge.notify_agent_completed"),),
        event("agent_completed", "supervisor"),
    ),
    Drive("no room for a notice", (BUFFER,), fault=full("notice"), act="notice"),
    Drive("no room below the bridge", (BUFFER,), fault=full("citations")),
    Drive("no room below the emitter", (BUFFER,), fault=full("agent_thinking")),
    Drive("start", (("Platform.start", "bridge.ensure_integration"),), fault=no_manager, start=True),
]


@contextlib.contextmanager
def installed():
    """Install the shims on a platform that is yet to be made, and enforce."""
    fresh = {
        agentchat.bridge: "_bridge_instance",
        agentchat.buffer: "_message_buffer",
        agentchat.factory: "_factory_instance",
        agentchat.manager: "_websocket_manager",
    }
    log = logging.getLogger("agentchat")
    with contextlib.ExitStack() as stack:
        stack.enter_context(swapped(log, "propagate", False))  # a log that is kept holds the exceptions it was given
        stack.enter_context(swapped(log, "handlers", [logging.NullHandler()]))
        for module, name in fresh.items():
            stack.enter_context(swapped(module, name, None))
        made = shim.install("example")
        stack.callback(made.uninstall)
        stack.enter_context(shim.override(**dict.fromkeys(HOST.components, "enforce")))
        yield


async def happened(drive):
    """Run the platform with the fault; gives records, swallowed ones, and the function an exception came out of."""
    records, reached = [], []
    with installed(), watching() as swallows:
        add_sink(records.append)
        try:
            await run(drive)
        except shim.LoudFailure as error:
            reached.append(outermost(error))
            mark(error, by="the server of this test")
        finally:
            remove_sink(records.append)
    return records, swallows, reached


def outermost(error):
    """Give the first function of the platform that the exception came to, going up."""
    step, last = error.__traceback__, None
    while step:
        frame = step.tb_frame
        if last is None and frame.f_globals["__name__"].startswith("agentchat"):
            last = f"{frame.f_globals['__name__']}:{frame.f_code.co_qualname.replace('.<locals>', '')}"
        step = step.tb_next
    return last


async def run(drive):
    app = create_app()
    with contextlib.ExitStack() as early:
        if drive.start:
            early.enter_context(drive.fault(None))
        async with app.router.lifespan_context(app):
            platform = app.state.platform
            await platform.manager.connect_user("ada", Socket(), "alpha")
            refusing = Refuses(platform.manager, drive.refused or (lambda _message: False))
            with contextlib.ExitStack() as stack:
                stack.enter_context(swapped(platform.bridge, "_websocket_manager", refusing))
                stack.enter_context(swapped(platform.supervisor, "websocket_manager", refusing))
                if drive.fault:
                    stack.enter_context(drive.fault(platform))
                await act(drive, app, platform)


async def act(drive, app, platform):
    if drive.act == "notice":
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            await http.post("/notices", content="at noon")
    elif drive.act.startswith("notify_"):
        await notify(platform, drive.act)
    else:
        platform.start_run("ada", "alpha", drive.question)
        for task in list(platform.tasks):
            await task


async def notify(platform, name):
    context = await platform.factory.create_user_execution_context("ada", "alpha", "run_1")
    agent = await platform.factory.create_agent_instance("research", context)
    try:
        await getattr(agent.emitter, name)("research", "sum")
    except shim.LoudFailure as error:
        mark(error, by="this test, in place of a caller")


def main():
    found = {}
    for drive in DRIVES:
        records, swallows, reached = asyncio.run(happened(drive))
        found[drive.name] = {
            "records": [[f"{one.component}.{one.method}", str(one.action)] for one in records],
            "swallowed": [one.place for one in swallows],
            "held": len(held()),
            "reached": reached,
        }
    json.dump({"from": agentchat.__file__, "drives": found}, sys.stdout)


if __name__ == "__main__":
    main()
