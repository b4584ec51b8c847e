"""Where a way up ends: boundaries of the usual frameworks, declared ones, and what the text does not tell."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
from flow_case import end_of, ends, followed, make_tree
from migration_case import HOST

from shim.contracts import ContractError

PREFIX = "from plant.hub import Hub\n"


def module(text: str) -> str:
    return PREFIX + dedent(text)


BOUNDARIES = {
    "fastapi_route": (
        "route boundary",
        """
        from fastapi import APIRouter
        router = APIRouter()

        @router.post("/x")
        async def ask(h: Hub):
            await h.ping(1)
        """,
    ),
    "websocket_route": (
        "route boundary",
        """
        from fastapi import FastAPI
        app = FastAPI()

        @app.websocket("/ws")
        async def serve(h: Hub):
            await h.ping(1)
        """,
    ),
    "starlette_route_table": (
        "route boundary",
        """
        from starlette.routing import Route

        async def ask(h: Hub):
            await h.ping(1)

        routes = [Route("/x", ask)]
        """,
    ),
    "flask_route": (
        "route boundary",
        """
        from flask import Flask
        app = Flask(__name__)

        @app.route("/x")
        def ask(h: Hub):
            h.hush()
        """,
    ),
    "aiohttp_handler": (
        "route boundary",
        """
        from aiohttp import web

        async def ask(h: Hub):
            await h.ping(1)

        app = web.Application()
        app.router.add_get("/x", ask)
        """,
    ),
    "lifespan": (
        "start-up boundary",
        """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app):
            h = Hub()
            await h.ping(1)
            yield

        app = FastAPI(lifespan=lifespan)
        """,
    ),
    "on_event": (
        "start-up boundary",
        """
        from fastapi import FastAPI
        app = FastAPI()

        @app.on_event("startup")
        async def start(h: Hub):
            await h.ping(1)
        """,
    ),
    "dependency": (
        "route boundary",
        """
        from fastapi import APIRouter, Depends
        router = APIRouter()

        async def ready(h: Hub):
            await h.ping(1)

        @router.get("/x")
        async def ask(ok=Depends(ready)):
            return ok
        """,
    ),
    "click_command": (
        "process boundary",
        """
        import click

        @click.command()
        def main():
            Hub().hush()
        """,
    ),
    "module_body": ("import boundary", "Hub().hush()\n"),
    "thread": (
        "ends its thread: the interpreter prints it",
        """
        import threading

        def work(h: Hub):
            h.hush()

        threading.Thread(target=work).start()
        """,
    ),
    "background_task": (
        "a background task of the framework: its server logs it",
        """
        async def tell(h: Hub):
            await h.ping(1)

        async def ask(background_tasks, h):
            background_tasks.add_task(tell, h)
        """,
    ),
}
UNKNOWN = {
    "no_caller": (
        "no caller found: dead, or called by a framework",
        """
        async def ask(h: Hub):
            await h.ping(1)
        """,
    ),
    "calls_nobody_can_tell": (
        "1 calls of this name tell nothing of their receiver: plant/site.py:8",
        """
        class Asks:
            async def ask(self, h: Hub):
                await h.ping(1)

        async def everywhere(things):
            await things[0].ask(1)
        """,
    ),
    "unknown_decorator": (
        "the decorator guarded is not in the tree: it may keep what passes",
        """
        from elsewhere import guarded

        @guarded
        async def ask(h: Hub):
            await h.ping(1)
        """,
    ),
    "handed_over": (
        "handed over, and nobody can tell who calls it: subscribe",
        """
        from elsewhere import subscribe

        async def ask(h: Hub):
            await h.ping(1)

        subscribe(ask)
        """,
    ),
    "kept_in_a_table": (
        "handed over, and nobody can tell who calls it: {'ask': ask}",
        """
        async def ask(h: Hub):
            await h.ping(1)

        TABLE = {'ask': ask}
        """,
    ),
    "a_kept_task": (
        "a task that is kept: kept",
        """
        import asyncio

        class Runs:
            def start(self, h: Hub):
                self.task = asyncio.create_task(h.ping(1))
        """,
    ),
    "gathered_values": (
        "it becomes a value: whoever takes the results may look at it",
        """
        import asyncio

        async def ask(h: Hub):
            answers = await asyncio.gather(h.ping(1), h.ping(2), return_exceptions=True)
            return answers
        """,
    ),
    "a_type_from_a_variable": (
        "except ? may keep it: the text does not tell the type",
        """
        async def ask(h: Hub, kinds):
            try:
                await h.ping(1)
            except kinds:
                return None
        """,
    ),
    "a_manager_whose_answer_varies": (
        "the context manager Maybe: an __exit__ whose answer the text does not tell",
        """
        class Maybe:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, trace):
                return self.quiet

        def ask(h: Hub):
            with Maybe():
                h.hush()
        """,
    ),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_boundary_is_known(tmp_path, name):
    why, text = BOUNDARIES[name]
    assert end_of(tmp_path, site=module(text)) == ("reaches_boundary", why)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_nobody_can_tell_is_told(tmp_path, name):
    why, text = UNKNOWN[name]
    run = followed(make_tree(tmp_path, site=module(text)))
    found = [(fate, said) for fate, _, _, said in ends(run)]
    assert ("unknown", why) in found
    assert run.totals["unknown"] >= 1


def test_a_route_that_asks_for_another_module_s_function(tmp_path):
    asks = module("async def ready(h: Hub):\n    await h.ping(1)\n")
    routes = "from fastapi import Depends\n\nfrom plant.asks import ready\n\nDEPENDS = Depends(ready)\n"
    assert end_of(tmp_path, asks=asks, routes=routes) == ("reaches_boundary", "route dependency boundary")


def test_a_declared_boundary(tmp_path):
    text = module("class Loop:\n    async def serve(self, h: Hub):\n        await h.ping(1)\n")
    assert end_of(tmp_path, ("plant.site:Loop.serve",), site=text) == ("reaches_boundary", "declared boundary")


@pytest.mark.parametrize(
    "name", ["serve", "plant.site", "plant.site:", "plant.site:Loop.", ":serve", "plant site:serve"]
)
def test_a_boundary_that_names_no_function_is_refused(name):
    with pytest.raises(ContractError, match=r"must read .package\.module:function."):
        replace(HOST, boundaries=(name,))


def test_a_call_inside_another_contracted_call_is_carried(tmp_path):
    text = """
    class Line:
        async def ping(self, key) -> bool:
            try:
                return await self.hub.ping(key)
            except Exception:
                return False
    """
    run = followed(make_tree(tmp_path, line=dedent(text)))
    assert [fate for fate, *_ in ends(run)] == ["carried"]


def test_a_site_below_a_contracted_call_is_carried_whatever_a_helper_keeps(tmp_path):
    text = """
    from plant.hub import Hub


    class Line:
        def __init__(self, hub: Hub) -> None:
            self.hub = hub

        async def ping(self, key) -> bool:
            return await self._ask(key)

        async def _ask(self, key):
            try:
                return await self.hub.ping(key)
            except Exception:
                return False
    """
    run = followed(make_tree(tmp_path, line=dedent(text)))
    assert [fate for fate, *_ in ends(run)] == ["carried"]


def test_a_call_in_an_except_body_is_escalated(tmp_path):
    text = module("async def ask(h: Hub):\n    try:\n        pass\n    except Exception:\n        await h.ping(1)\n")
    assert end_of(tmp_path, site=text)[0] == "escalated"
