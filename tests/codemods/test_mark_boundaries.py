"""mark-boundaries: where a loud failure may end it is seen; frameworks get the functions they got before."""

from __future__ import annotations

import asyncio
import inspect
import sys
import types
from functools import partial
from textwrap import dedent

import pytest
from migrated_courier import declaration
from migration_case import check_noop as noop
from migration_case import check_transformed as transformed
from migration_case import make_tree, rewrite

import shim
from codemods.facade import facade_text
from codemods.outcome import Changed, Failed
from shim import swallowed
from shim.errors import LoudFailure
from shim.snapshot import Mode

NAME = "mark-boundaries"
check_noop = partial(noop, codemods=(NAME,))
check_transformed = partial(transformed, codemods=(NAME,))
IMPORT = "from plant.loud import boundary\n"


def marked(body, imports=""):
    """Give the text before and after: lines that end in `#+` are new, `~` stands for an indentation that is new."""
    before = "".join(line for line in body.splitlines(keepends=True) if not line.endswith("#+\n")).replace("~", "")
    after = body.replace("  #+\n", "\n").replace("~", "    ")
    return {"before": imports + before, "after": imports + IMPORT + after}


MARK = "@boundary()  #+\n"
FASTAPI = "from fastapi import APIRouter, FastAPI\n"
STARLETTE = "from starlette.routing import Route\n"
ASYNCIO = "import asyncio\n"

CHANGED = {
    "fastapi get": (FASTAPI, "app = FastAPI()\n@app.get('/x')\n" + MARK + "async def f(q: int): ...\n"),
    "router under a name of its own": (FASTAPI, "mine = APIRouter()\n@mine.post('')\n" + MARK + "def f(): ...\n"),
    "router from elsewhere": ("from a import api_router\n", "@api_router.put(PATH)\n" + MARK + "def f(): ...\n"),
    "path by keyword": (FASTAPI, "r = APIRouter()\n@r.get(path='/')\n" + MARK + "def f(): ...\n"),
    "websocket": (FASTAPI, "app = FastAPI()\n@app.websocket('/ws')\n" + MARK + "async def f(ws): ...\n"),
    "on_event": (FASTAPI, "app = FastAPI()\n@app.on_event('startup')\n" + MARK + "async def f(): ...\n"),
    "several decorators": (
        FASTAPI,
        "r = APIRouter()\n@r.get('/a')\n@r.get('/b')\n@limit(3)\n# why\n" + MARK + "async def f(): ...\n",
    ),
    "flask": ("import flask\n", "bp = flask.Blueprint('a')\n@bp.route('/x')\n" + MARK + "def f(): ...\n"),
    "aiohttp": (
        "from aiohttp import web\n",
        "table = web.RouteTableDef()\n@table.get('/x')\n" + MARK + "async def f(r): ...\n",
    ),
    "quart": ("", "@app.before_serving\n" + MARK + "async def f(): ...\n"),
    "in a function": (
        FASTAPI,
        "def make():\n    app = FastAPI()\n    @app.get('/x')\n    @boundary()  #+\n    def f(): ...\n    return app\n",
    ),
    "starlette route": (STARLETTE, MARK + "async def f(r): ...\nroutes = [Route('/', f), Route('/x', endpoint=f)]\n"),
    "add_route": ("", MARK + "async def f(r): ...\nthe.app.add_route('/', f)\n"),
    "event handler": ("", MARK + "def f(): ...\napp.add_event_handler('startup', f)\n"),
    "start-up list": ("", MARK + "async def f(app): ...\napp.on_startup.append(f)\n"),
    "start-up argument": ("", MARK + "def f(): ...\napp = Starlette(on_startup=[f])\n"),
    "method as endpoint": (
        STARLETTE,
        (
            "class A:\n    @boundary()  #+\n    async def f(self, r): ...\n"
            "    def routes(self):\n        return [Route('/', self.f)]\n"
        ),
    ),
    "done-callback": (ASYNCIO, MARK + "def f(task): ...\nasyncio.create_task(x()).add_done_callback(f)\n"),
    "done-callback of a class": (
        "",
        "class A:\n  @boundary()  #+\n  def end(self, t): ...\n  def go(self, t):\n    t.add_done_callback(self.end)\n",
    ),
    "done-callback through partial": ("", MARK + "def f(a, task): ...\nt.add_done_callback(partial(f, 1))\n"),
    "done-callback of the function around": (
        "",
        "def go(t):\n    @boundary()  #+\n    def done(t): ...\n    t.add_done_callback(done)\n",
    ),
    "lifespan": (
        "from contextlib import asynccontextmanager\n",
        (
            '@asynccontextmanager\nasync def life(app):\n    """Doc."""\n    with boundary("life"):  #+\n'
            "~    await start()\n    ~# then\n\n~    try:\n~        yield\n~    finally:\n~        stop('''a\nb''')\n"
            "app = Starlette(lifespan=life)\n"
        ),
    ),
    "socket loop": (
        "",
        (
            "async def serve(ws):\n    while True:\n        try:\n"
            '            with boundary("serve"):  #+\n'
            "~            await handle(await ws.receive_text())\n        except Exception:\n            log.error(1)\n"
        ),
    ),
    "socket loop, the handler outside": (
        "",
        (
            "async def serve(websocket):\n    try:\n"
            '        with boundary("serve"):  #+\n'
            "~        async for one in websocket.iter_json():\n~            await handle(one)\n"
            "    except OSError:\n        pass\n    except Exception:\n        log.error(1)\n"
        ),
    ),
    "socket loop with a time limit": (
        ASYNCIO,
        (
            "async def serve(self):\n    while self.up:\n        try:\n"
            '            with boundary("serve"):  #+\n'
            "~            m = await asyncio.wait_for(self.ws.receive_json(), 5)\n"
            "        except Exception:\n            log.error(1)\n"
        ),
    ),
}


@pytest.mark.parametrize(("imports", "body"), CHANGED.values(), ids=CHANGED)
def test_marks(tmp_path, imports, body):
    outcome = check_transformed(tmp_path, **marked(body, imports))
    assert outcome.edits == {NAME: 1}


LOOP = (
    "async def serve(ws):\n    while True:\n        try:\n            {}\n        except Exception:\n            {}\n"
)
NOT_CHANGED = {
    "marked": (FASTAPI + IMPORT + "app = FastAPI()\n@app.get('/')\n@boundary()\ndef f(): ...\n", None),
    "marked by hand, with a name": (
        FASTAPI + IMPORT + "app = FastAPI()\n@app.get('/')\n@boundary('home')\ndef f(): ...\n",
        None,
    ),
    "a get of something else": ("@cache.get('/x')\ndef f(): ...\n", None),
    "made by something else": ("router = Cache()\n@router.get('/x')\ndef f(): ...\n", None),
    "no decorator": (FASTAPI + "app = FastAPI()\napp.get('/x')\ndef f(): ...\n", None),
    "no path": (FASTAPI + "app = FastAPI()\n@app.get\ndef f(): ...\n", None),
    "middleware": (FASTAPI + "app = FastAPI()\n@app.middleware('http')\nasync def f(r, n): ...\n", None),
    "a loop that takes from a queue": (LOOP.format("await handle(await q.receive())", "log.error(1)"), None),
    "a loop that says nothing": (LOOP.format("await handle(await ws.receive_text())", "pass"), None),
    "a loop that raises": (LOOP.format("await handle(await ws.receive_text())", "raise"), None),
    "lambda": ("t.add_done_callback(lambda t: t.result())\nx = 'add_done_callback'\n", "a lambda"),
    "imported": ("from plant.x import f\nt.add_done_callback(f)\n", "no function of this module"),
    "an attribute of something": ("t.add_done_callback(tasks.discard)\n", "no function of this module"),
    "defined twice": ("def f(t): ...\ndef f(t): ...\nt.add_done_callback(f)\n", "no function of this module"),
    "an argument of the same name": (
        "def f(t): ...\ndef g(f, t):\n    t.add_done_callback(f)\n",
        "no function of this module",
    ),
    "class endpoint": (STARLETTE + "class E: ...\nr = Route('/', E)\n", "no function of this module"),
    "a method of a base": (
        "class A:\n    def go(self, t):\n        t.add_done_callback(self.done)\n",
        "no method of this",
    ),
    "lifespan on one line": ("async def life(app): yield\napp = Starlette(lifespan=life)\n", "shares a line"),
    "lifespan with a function in it": (
        "async def life(app):\n    def g(): ...\n    yield g\napp = Starlette(lifespan=life)\n",
        "a function or class of its own",
    ),
    "a loop on one line": (
        (
            "async def serve(ws):\n    while True:\n        try: await handle(await ws.receive())\n"
            "        except Exception: log.error(1)\n"
        ),
        "shares a line",
    ),
    "a loop in a generator": (
        (
            "async def serve(ws):\n    while True:\n        try:\n            yield await ws.receive()\n"
            "        except Exception:\n            log.error(1)\n"
        ),
        "in a generator",
    ),
}


@pytest.mark.parametrize(("source", "reason"), NOT_CHANGED.values(), ids=NOT_CHANGED)
def test_leaves(tmp_path, source, reason):
    outcome = check_noop(tmp_path, source=source)
    assert [reason in site.reason for site in outcome.sites] == ([True] if reason else [])


def test_of_two_loops_in_one_another_the_inner_one_is_marked(tmp_path):
    source = (
        "async def serve(ws):\n    try:\n        while True:\n            try:\n"
        '                with boundary("serve"):  #+\n'
        "~                await handle(await ws.receive_text())\n"
        "            except Exception:\n                log.error(1)\n"
        "    except Exception:\n        log.error(2)\n"
    )
    outcome = check_transformed(tmp_path, **marked(source))
    assert ["holds another such loop" in site.reason for site in outcome.sites] == [True]


def test_a_facade_without_the_name_is_refused(tmp_path):
    text = marked(FASTAPI + "app = FastAPI()\n@app.get('/')\n" + MARK + "def f(): ...\n")
    make_tree(tmp_path, site=text["before"], loud=facade_text().replace("boundary, ", "").replace('"boundary",', ""))
    outcome = rewrite(tmp_path, (NAME,))
    assert isinstance(outcome, Failed)
    assert "plant.loud has no boundary" in outcome.error


# --- what the migrated code does

APP = '''
from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

log = []


async def home(request):
    """Doc."""
    fail(request.query_params["at"])
    return PlainTextResponse("home")


def plain(request):
    fail("plain")
    return PlainTextResponse("plain")


async def socket(websocket):
    await websocket.accept()
    while True:
        try:
            text = await websocket.receive_text()
            if text == "bye":
                break
            fail(text)
            await websocket.send_text("done")
        except Exception as error:
            log.append(type(error).__name__)
            await websocket.send_text("failed")
    await websocket.close()


def ended(task):
    log.append(type(task.exception()).__name__)


async def start(request):
    async def work():
        fail("task")

    task = asyncio.create_task(work())
    task.add_done_callback(ended)
    await asyncio.wait([task])
    return PlainTextResponse("started")


@asynccontextmanager
async def life(app):
    try:
        yield
    except KeyError:
        log.append("thrown in")


routes = [Route("/", home), Route("/plain", plain), Route("/start", start), WebSocketRoute("/ws", socket)]
app = Starlette(routes=routes, lifespan=life)
'''


@pytest.fixture(params=["before", "after"])
def module(request, tmp_path, monkeypatch):
    """Give the application, as it is and migrated; `fail` raises a recorded loud failure unless told otherwise."""
    make_tree(tmp_path, site=dedent(APP))
    outcome = rewrite(tmp_path, (NAME,))
    assert isinstance(outcome, Changed), outcome
    assert outcome.edits == {NAME: 7}
    facade = types.ModuleType("plant.loud")
    exec(facade_text(), facade.__dict__)  # noqa: S102  # the façade as it is written
    monkeypatch.setitem(sys.modules, "plant.loud", facade)
    made = types.ModuleType("plant_site")
    made.kind = request.param
    made.fail = lambda at: None
    exec(outcome.after if request.param == "after" else outcome.before, made.__dict__)  # noqa: S102  # what is tested
    return made


def loudly(at):
    """Record and raise, as a shim in enforce does."""
    error = LoudFailure("lost", component="channel", method=at)
    shim.recorder.record(error, mode=Mode.ENFORCE, action=shim.recorder.Action.RAISED, cause_known=True)
    raise error


def fates(module, use):
    """Use the application, and say what was swallowed and what was seen, by the place that failed."""
    seen = []
    real = swallowed.mark

    def spy(error, *, by, fate=swallowed.Fate.SEEN):
        seen.append(by)
        real(error, by=by, fate=fate)

    module.fail = loudly
    made = shim.install(declaration())
    with pytest.MonkeyPatch.context() as patch, shim.override(channel="enforce"), swallowed.watching() as lost:
        patch.setattr("shim.boundaries.mark", spy)
        use()
    assert made.uninstall() == []
    return seen, [one.failure.method for one in lost]


async def get(app, path, query=b""):
    """Ask a route, as a server does; gives the body."""
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}
    sent = []
    await app(scope, receive_of({"type": "http.request"}), append_to(sent))
    return b"".join(one.get("body", b"") for one in sent).decode()


async def talk(app, *texts):
    """Send texts to the socket; gives what it answers."""
    scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": []}
    sent = []
    given = [{"type": "websocket.receive", "text": text} for text in (*texts, "bye")]
    await app(scope, receive_of({"type": "websocket.connect"}, *given), append_to(sent))
    return [one["text"] for one in sent if one["type"] == "websocket.send"]


def receive_of(*messages):
    left = list(messages)

    async def receive():
        return left.pop(0)

    return receive


def append_to(sent):
    async def send(message):
        sent.append(message)

    return send


def test_a_failure_that_arrives_at_a_route_is_seen_and_goes_on(module):
    async def use():
        for path, query in (("/", b"at=home"), ("/plain", b"")):
            with pytest.raises(LoudFailure):
                await get(module.app, path, query)

    seen, _ = fates(module, lambda: asyncio.run(use()))
    assert seen == (["home", "plain"] if module.kind == "after" else [])


def test_a_socket_s_loop_and_a_done_callback_see_what_ends_there(module):
    async def use():
        assert await get(module.app, "/start") == "started"
        assert await talk(module.app, "socket") == ["failed"]

    seen, lost = fates(module, lambda: asyncio.run(use()))
    assert module.log == ["LoudFailure", "LoudFailure"]
    assert seen == (["ended", "socket"] if module.kind == "after" else [])
    assert sorted(lost) == ([] if module.kind == "after" else ["socket", "task"])


def test_nothing_else_changes(module):
    async def use():
        return [await get(module.app, "/", b"at=x"), await get(module.app, "/plain"), await talk(module.app, "a", "b")]

    assert asyncio.run(use()) == ["home", "plain", ["done", "done"]]
    assert module.log == []


def test_what_is_thrown_into_a_lifespan_arrives_at_its_yield(module):
    async def use():
        async with module.life(module.app):
            raise KeyError

    asyncio.run(use())
    assert module.log == ["thrown in"]


def test_a_framework_sees_the_same_function(module):
    assert str(inspect.signature(module.home)) == "(request)"
    assert module.home.__doc__ == "Doc."
    assert inspect.iscoroutinefunction(module.home)
    assert module.home.__globals__ is module.__dict__, "annotations that are text are read by these"
