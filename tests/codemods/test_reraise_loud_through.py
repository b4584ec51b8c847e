"""`migrate reraise-loud --through`: every handler on the way to a boundary, in whatever module."""

from __future__ import annotations

from textwrap import dedent

import pytest
from flow_case import ends, followed, make_tree
from migration_case import make_host_file, run_cli

HUB = "from plant.hub import Hub\n"
ASKS = """
from plant.hub import Hub


async def ask(h: Hub) -> bool:
    try:
        await h.push("x")
        return True
    except Exception:
        return False
"""
SERVES = """
from plant.asks import ask


async def serve(hub) -> bool:
    try:
        return await ask(hub)
    except Exception as error:
        raise RuntimeError("no luck") from error
"""
ROUTES = """
from fastapi import APIRouter

from plant.serves import serve

router = APIRouter()


@router.get("/x")
async def handle(hub):
    try:
        return await serve(hub)
    except (ValueError, RuntimeError):
        return None
    except Exception:
        return None
"""
CHAIN = {"asks": ASKS, "serves": SERVES, "routes": ROUTES}


@pytest.fixture
def through(tmp_path, capsys):
    """Give a function that writes modules and runs the codemod on them."""

    def run(*words: object, **modules: str | bytes):
        make_tree(tmp_path / "t", **modules)
        host = make_host_file(tmp_path)
        command = ("migrate", "reraise-loud", "--through", tmp_path / "t", "--host", host, "--jobs", "1")
        return run_cli(capsys, *command, *words)

    return run


def text_of(tmp_path, module):
    return (tmp_path / "t" / "plant" / f"{module}.py").read_text(encoding="utf-8")


def test_a_chain_over_three_modules(through, tmp_path):
    shown = through(**CHAIN)
    assert shown.code == 1
    assert (
        "# plant/asks.py:7 hub.push -> plant/asks.py:9 except Exception is to let it through -> "
        "plant/serves.py:8 except Exception is to let it through -> "
        "plant/routes.py:15 except Exception is to let it through -> "
        "plant/routes.py:10 reaches_boundary: route boundary" in shown.out
    )
    assert text_of(tmp_path, "asks") == ASKS, "a dry run writes nothing"
    written = through("--write", "--allow-dirty", **CHAIN)
    assert written.code == 0
    for module in CHAIN:
        assert text_of(tmp_path, module).count("except LoudFailure:\n") == 1
    assert [end[0] for end in ends(followed(tmp_path / "t"))] == ["reaches_boundary"]
    assert "places: reraise-loud 3" in written.out


def test_a_second_run_changes_nothing_and_undo_takes_all_back(through, tmp_path, capsys):
    through("--write", "--allow-dirty", **CHAIN)
    migrated = {module: text_of(tmp_path, module) for module in CHAIN}
    again = through("--write", "--allow-dirty", **migrated)
    assert again.code == 0
    assert "places: none" in again.out
    run = next(path.name for path in sorted((tmp_path / "t" / ".failloud" / "runs").iterdir()) if "-" in path.name)
    undone = run_cli(capsys, "migrate", "undo", run, tmp_path / "t")
    assert undone.code == 0
    assert {module: text_of(tmp_path, module) for module in CHAIN} == CHAIN


def test_only_the_sites_of_a_module_and_handlers_anywhere(through, tmp_path):
    apart = HUB + "async def apart(h: Hub):\n    try:\n        await h.ping(1)\n    except Exception:\n        pass\n"
    shown = through("--module", "plant.asks", apart=apart, **CHAIN)
    assert "+++ b/plant/routes.py" in shown.out
    assert "plant/apart.py" not in shown.out


ESCALATES = {
    "no_boundary_is_known_above": """
        async def ask(h: Hub) -> bool:
            try:
                return await h.ping(1)
            except Exception as error:
                log(error)
                return False
    """,
    "a_loop_that_goes_on": """
        from fastapi import APIRouter
        router = APIRouter()

        async def ask(h: Hub):
            return await h.ping(1)

        @router.get("/x")
        async def ask_all(hubs: list[Hub]):
            for hub in hubs:
                try:
                    await ask(hub)
                except Exception:
                    print("next")
    """,
    "a_unit_of_work": """
        from fastapi import APIRouter
        router = APIRouter()

        async def ask(h: Hub):
            return await h.ping(1)

        async def between(h: Hub):
            return await ask(h)

        @router.get("/x")
        async def store(h: Hub, db):
            try:
                await between(h)
            except Exception:
                print("go on")
    """,
    "a_unit_of_work_further_up": """
        from fastapi import APIRouter
        router = APIRouter()

        async def ask(h: Hub):
            try:
                await h.ping(1)
            except Exception:
                print("go on")

        async def between(h: Hub):
            return await ask(h)

        @router.get("/x")
        async def store(h: Hub):
            async with session.begin():
                await between(h)
    """,
    "best_effort_clean_up": """
        from fastapi import APIRouter
        router = APIRouter()

        async def ask(h: Hub):
            return await h.ping(1)

        async def cleanup_all(h: Hub):
            try:
                await ask(h)
            except Exception:
                print("go on")

        @router.get("/x")
        async def end(h: Hub):
            await cleanup_all(h)
    """,
}


@pytest.mark.parametrize("name", ESCALATES)
def test_it_is_escalated_where_a_raise_would_destroy_work(through, tmp_path, name):
    source = HUB + dedent(ESCALATES[name])
    ended = through("--write", "--allow-dirty", site=source)
    assert "places: catch-specific 1" in ended.out
    after = text_of(tmp_path, "site")
    assert after.count("LoudFailure):\n") == 1
    assert "escalate(" in after
    assert "raise\n" not in after
    assert {end[0] for end in ends(followed(tmp_path / "t"))} == {"escalated"}
    again = through("--write", "--allow-dirty", site=after)
    assert "places: none" in again.out


LEFT = {
    "contextlib.suppress": (
        "from contextlib import suppress\nasync def ask(h: Hub):\n    with suppress(Exception): await h.ping(1)\n",
        "suppress keeps it: does nothing: rewrite that by hand",
    ),
    "finally that returns": (
        "async def ask(h: Hub):\n    try:\n        await h.ping(1)\n    finally:\n        return 1\n",
        "a finally body that leaves: rewrite that by hand",
    ),
    "a lost task": (
        "import asyncio\nasync def ask(h: Hub):\n    asyncio.create_task(h.ping(1))\n",
        "a task nobody awaits: nobody keeps the task: track-tasks is for it",
    ),
    "gathered values": (
        "import asyncio\nasync def ask(h: Hub):\n    await asyncio.gather(h.ping(1), return_exceptions=True)\n",
        "gather(return_exceptions=True), its result dropped: rewrite that by hand",
    ),
    "a call in an except body": (
        "async def ask(h: Hub):\n    try:\n        pass\n    except Exception:\n        await h.ping(1)\n",
        "a raise here would destroy work: catch-specific is for it",
    ),
}


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("name", LEFT)
def test_what_it_cannot_mend_is_left_with_a_reason(through, name):
    source, reason = LEFT[name]
    ended = through(site=HUB + source)
    assert reason in ended.out
    assert "places: none" in ended.out


def test_an_except_star_is_refused(through):
    text = "async def ask(h: Hub):\n    try:\n        await h.ping(1)\n    except* Exception:\n        pass\n"
    ended = through(site=HUB + text)
    assert "left" in ended.out
    assert "places: none" in ended.out


ASKED = "if isinstance(failure, LoudFailure):"
HANDLERS = {
    "one line": ("    except Exception: pass\n", "its body stands on the line of the except: give it lines of its own"),
    "bare": ("    except:\n        print(1)\n", f"    except BaseException as failure:\n        {ASKED}\n"),
    "a tuple": (
        "    except (Exception, OSError):\n        print(1)\n",
        f"    except (Exception, OSError) as failure:\n        {ASKED}\n",
    ),
    "a parenthesis": (
        "    except (Exception):\n        print(1)\n",
        f"    except (Exception) as failure:\n        {ASKED}\n",
    ),
    "a comment": (
        "    except Exception as e:  # why\n        # because\n        print(e)\n",
        "        # because\n        if isinstance(e, LoudFailure):\n            escalate(e)\n",
    ),
    "tabs": (
        "    except Exception as e:\n    \tprint(e)\n",
        "    \tif isinstance(e, LoudFailure):\n    \t\tescalate(e)\n",
    ),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("name", HANDLERS)
def test_hard_text(through, tmp_path, name, ending):
    handler, after = HANDLERS[name]
    source = (HUB + "async def ask(h: Hub):\n    try:\n        await h.ping(1)\n" + handler).replace("\n", ending)
    ended = through("--write", "--allow-dirty", site=source.encode())
    raw = (tmp_path / "t" / "plant" / "site.py").read_bytes().decode()
    if name == "one line":
        assert after in ended.out
        assert raw == source
        return
    assert after.replace("\n", ending) in raw
    assert (raw.count("\r\n") == raw.count("\n")) is (ending == "\r\n")
    compile(raw, "site.py", "exec")


@pytest.mark.parametrize("words", [("--review",)])
def test_it_goes_without_review(through, words):
    ended = through(*words, **CHAIN)
    assert ended.code == 64
    assert "--through goes with reraise-loud alone, and without --review" in ended.err


def test_it_goes_alone(tmp_path, capsys):
    tree, host = make_tree(tmp_path / "t", **CHAIN), make_host_file(tmp_path)
    ended = run_cli(capsys, "migrate", "check-results", "reraise-loud", "--through", tree, "--host", host)
    assert ended.code == 64


def test_a_file_that_cannot_be_parsed_is_named(through):
    ended = through(broken=b"def f(:\n", **CHAIN)
    assert ended.code == 2
    assert "failed: plant/broken.py: does not parse" in ended.out


def test_the_document_has_the_chains(through):
    document = through("--json", **CHAIN).json
    changed = [one for one in document["outcomes"] if one["outcome"] == "changed"]
    assert [one["path"] for one in changed] == ["plant/asks.py", "plant/routes.py", "plant/serves.py"]
    assert all("reaches_boundary" in chain for one in changed for chain in one["chains"])
