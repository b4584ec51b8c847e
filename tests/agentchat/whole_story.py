"""One deterministic story on one copy of the example host, told as JSON: what every user, caller and log saw.

`python whole_story.py COPY [--shims]`: COPY holds the `agentchat` package. Real server, real sockets, every fault. Run
ids, times and ports are made plain; everything else stands as it was.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import inspect
import json
import logging
import pkgutil
import re
import sys
import time

QUESTION = "tides and bridges, and 12 * 7"
USERS = ("ada", "ben", "cleo")
OWN = ("agentchat", "failloud", "asyncio", "uvicorn.error")
SECONDS = 20.0


class Told:
    """What was seen so far, under the heading of the round it was seen in."""

    def __init__(self):
        self.rounds, self._ids = {}, {}

    def open(self, name):
        self.at = self.rounds.setdefault(name, {"http": [], "sockets": {}, "log": [], "agents": [], "tasks": []})

    def plain(self, value):
        """Number run ids in order of appearance; blank what no two runs have in common."""
        if isinstance(value, dict):
            return {
                key: "#" if key in ("timestamp", "execution_time_ms") else self.plain(each)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self.plain(each) for each in value]
        if not isinstance(value, str):
            return value
        value = re.sub(r"run_[0-9a-f]{32}", lambda m: self._ids.setdefault(m[0], f"run_{len(self._ids) + 1}"), value)
        value = re.sub(r"of \d+ bytes", "of # bytes", value)  # an execution time is part of it
        return re.sub(r"0x[0-9a-f]+|127\.0\.0\.1[:', \d]*\d|\('127[^)]*\)|\d+\.\d{3,}(e-?\d+)?", "#", value)


class Lines(logging.Handler):
    """The host's own log, and what the server and the loop say of exceptions that reached them."""

    def __init__(self, told):
        super().__init__(level=logging.DEBUG)
        self.told = told

    def emit(self, record):
        if record.name.partition(".")[0] not in OWN and record.name not in OWN:
            return
        if record.name == "uvicorn.error" and record.levelno < logging.WARNING:
            return
        if record.name == "asyncio" and record.levelno < logging.WARNING:
            return
        error = record.exc_info[1] if record.exc_info else None
        text = [record.name, record.levelname, self.told.plain(record.getMessage())]
        self.told.at["log"].append([*text, type(error).__name__, self.told.plain(str(error))] if error else text)


def listen_in(told):
    """Note what each agent gives or raises, and the name of each task that has one."""
    from agentchat import agents, supervisor

    def heard(run, who):
        async def run_heard(self, *given):
            try:
                result = await run(self, *given)
            except Exception as error:
                told.at["agents"].append([who, type(error).__name__, str(error)])
                raise
            told.at["agents"].append([who, result.success, result.output[:200], result.error])
            return result

        return run_heard

    for cls in (agents.ResearchAgent, agents.WriterAgent, supervisor.SupervisorAgent):
        cls.run = heard(cls.run, cls.__name__)
    create = asyncio.BaseEventLoop.create_task

    def create_named(self, coro, **given):
        task = create(self, coro, **given)
        told.at["tasks"].append(task)  # its name may still be given
        return task

    asyncio.BaseEventLoop.create_task = create_named


def named(told):
    """Replace the tasks by the names that somebody gave them."""
    for each in told.rounds.values():
        names = [task.get_name() for task in each["tasks"]]
        each["tasks"] = [told.plain(name) for name in names if not re.fullmatch(r"Task-\d+", name)]


def shapes():
    """Import every module; gives the outside of each function: what `inspect` and a reader see."""
    import agentchat

    found = {}
    for each in pkgutil.iter_modules(agentchat.__path__):
        if each.name == "loud":
            continue
        module = importlib.import_module(f"agentchat.{each.name}")
        for holder in [module, *(one for one in vars(module).values() if inspect.isclass(one))]:
            for name, value in vars(holder).items():
                function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
                if inspect.isfunction(function) and function.__module__ == module.__name__:
                    found[f"{module.__name__}:{getattr(holder, '__qualname__', '')}.{name}"] = [
                        *signature(function), inspect.iscoroutinefunction(function),
                        inspect.isasyncgenfunction(function), inspect.isgeneratorfunction(function),
                        function.__name__, function.__qualname__, function.__doc__, function.__module__,
                    ]  # fmt: skip
    return found


def signature(function):
    """Show a signature; an annotation by the class it means, as that may have two names."""
    found = inspect.signature(function)
    for each in [*found.parameters.values(), found.return_annotation]:
        if isinstance(each, inspect.Parameter):
            yield f"{each.kind} {each.name}: {meaning(each.annotation, function)} = {each.default!r}"
        else:
            yield f"-> {meaning(each, function)}"


def meaning(annotation, function):
    try:
        named = isinstance(annotation, str)
        return repr(eval(annotation, function.__globals__) if named else annotation)  # noqa: S307  # the host's own text
    except NameError:  # known to type checkers only
        return annotation


class Story:
    """The acts; `told` has what was seen."""

    def __init__(self, told, app, http, address):
        self.told, self.app, self.http, self.address = told, app, http, address

    def ask(self, method, path, **given):
        answer = self.http.request(method, path, **given)
        kind = answer.headers.get("content-type", "")
        shown = answer.json() if "json" in kind else answer.text[:200]
        self.told.at["http"].append([method, self.told.plain(path), answer.status_code, self.told.plain(shown)])
        return answer

    @contextlib.contextmanager
    def connected(self, *who):
        """Sockets by user and thread; at the end everything that came is told, and the server has let them go."""
        from websockets.sync.client import connect

        with contextlib.ExitStack() as stack:
            sockets = {}
            for user, thread in who:
                url = f"{self.address.replace('http', 'ws', 1)}/ws?user={user}&thread={thread}"
                sockets[user, thread] = stack.enter_context(connect(url, max_queue=None))
                self.until(lambda: len(self.manager._connections) == len(sockets))
            yield
            self.drain(sockets)
        self.until(lambda: not self.manager._connections)

    @property
    def manager(self):
        return self.app.state.platform.manager

    def drain(self, sockets):
        for (user, thread), socket in sockets.items():
            assert socket.ping().wait(SECONDS)  # the server's answer comes behind all it has written
            seen = self.told.at["sockets"].setdefault(f"{user} at {thread}", [])
            with contextlib.suppress(TimeoutError):
                while True:
                    seen.append(self.told.plain(json.loads(socket.recv(timeout=0))))

    def run(self, user, thread, message=QUESTION):
        return self.finish(self.start(user, thread, message))

    def start(self, user, thread, message=QUESTION):
        return self.ask("POST", "/runs", json={"user": user, "thread": thread, "message": message}).json()["run_id"]

    def finish(self, run_id):
        self.until(lambda: self.http.get(f"/runs/{run_id}").json()["status"] != "running")
        self.ask("GET", f"/runs/{run_id}")

    @staticmethod
    def until(holds):
        deadline = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError("the host did not get there")
            time.sleep(0.002)

    def tell(self, faults):
        who = [(user, f"{user}-thread") for user in USERS]
        self.healthy(who)
        for fault in faults:
            self.told.open(fault)
            with self.connected(*who):
                self.ask("POST", f"/faults/{fault}")
                for each in who[:2]:
                    self.run(*each)
                self.run(*who[0], "astrology")
                self.run(*who[1], "bread and 1 / 0")
                self.ask("POST", "/notices", content="at noon")
                self.ask("DELETE", "/faults")
                self.run(*who[0], "bread")
        self.told.open("reconnected")  # what waited for each meanwhile
        with self.connected(*who):
            self.ask("GET", "/faults")

    def healthy(self, who):
        self.told.open("healthy")
        with self.connected(*who, ("ada", "second")):
            for each in who:
                self.run(*each)
            self.run("ada", "second", "astrology")
            self.run("nobody", "nowhere")
            self.run("", "", "no context can be made")
            self.ask("POST", "/notices", content="at noon")
            self.ask("POST", "/notices", content=b"\xff")  # raises in the route: 500
            for path in ("/", "/static/page.js", "/runs/none", "/nowhere"):
                self.ask("GET", path)
            self.ask("POST", "/runs", content=b"[]")
            self.ask("POST", "/faults/gremlin")
        self.told.open("at once")
        with self.connected(*who):
            for run_id in [self.start(*each) for each in who]:
                self.finish(run_id)
        for kind in ("log", "agents"):
            self.told.at[kind].sort()  # the runs took turns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("copy")
    parser.add_argument("--shims", action="store_true")
    asked = parser.parse_args()
    sys.path.insert(0, asked.copy)
    records = []
    if asked.shims:
        import shim
        from shim.recorder import add_sink

        shim.install("example")
        add_sink(records.append)
    told = Told()
    told.open("start")
    logging.root.addHandler(Lines(told))
    logging.root.setLevel(logging.DEBUG)
    shape = shapes()

    import agentchat
    import httpx
    from agentchat.app import create_app
    from agentchat.faults import FAULTS
    from agentchat.serving import serving

    listen_in(told)
    app = create_app()
    with serving(app) as address, httpx.Client(base_url=address, timeout=SECONDS) as http:
        Story(told, app, http, address).tell(sorted(FAULTS))
    named(told)
    failures = importlib.import_module("shim.guard").own_failures() if "shim" in sys.modules else {}
    json.dump(
        {
            "from": agentchat.__file__, "loud": "agentchat.loud" in sys.modules, "shape": shape, "rounds": told.rounds,
            "records": [str(one) for one in records], "own failures": failures,
        },
        sys.stdout,
    )  # fmt: skip


if __name__ == "__main__":
    main()
