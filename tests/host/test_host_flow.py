"""What `flow` says of the real host: beside twenty sites that were walked by hand, and beside what its functions do.

Of a call site the first frame is compared: does a handler of its own function stop the failure, and in which line.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from types import ModuleType

import driving
import failing
import hostkit
import pytest
import twins

from codemods.facade import facade_text
from codemods.flow.ends import Fate
from codemods.flow.run import trace
from codemods.layout import find_layout, walk
from codemods.pool import default_jobs
from codemods.wanted import Wanted
from shim import errors
from shim.hosts.netra import HOST
from shim.swallowed import watching

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]  # the host's own warnings
SILENT = {Fate.SWALLOWED, Fate.RESTARTS}
OWN, ABOVE, NONE = "own function", "further up", "none"
WALKED = {
    1: ("agents/mixins/websocket_bridge_adapter.py", 65, OWN),
    2: ("agents/mixins/websocket_bridge_adapter.py", 95, OWN),
    3: ("agents/base_agent.py", 707, OWN),
    4: ("agents/supervisor/pipeline_executor.py", 304, OWN),
    5: ("agents/supervisor/agent_execution_core.py", 71, OWN),
    6: ("agents/supervisor/agent_execution_core.py", 134, ABOVE),
    7: ("agents/supervisor/agent_execution_core.py", 266, ABOVE),
    8: ("agents/supervisor/agent_instance_factory.py", 72, OWN),
    9: ("agents/supervisor/user_execution_engine.py", 391, OWN),
    10: ("agents/unified_tool_execution.py", 173, ABOVE),
    11: ("agents/unified_tool_execution.py", 184, OWN),
    12: ("agents/unified_tool_execution.py", 588, OWN),
    13: ("agents/supervisor/execution_engine.py", 176, ABOVE),
    14: ("agents/supervisor/execution_engine.py", 779, ABOVE),
    15: ("agents/supervisor/execution_factory.py", 531, NONE),
    16: ("services/message_handlers.py", 197, OWN),
    17: ("services/thread_service.py", 44, ABOVE),
    18: ("routes/utils/thread_title_generator.py", 78, NONE),
    19: ("agents/tool_event_bus.py", 536, OWN),
    20: ("smd.py", 392, NONE),
}
"Call sites walked by hand, before there was a shim: where the first handler stands that would keep the failure."
OTHERWISE = {
    6: ({Fate.ESCALATED}, "it stands in an except body: enforce raises nothing there"),
    7: ({Fate.UNKNOWN}, "a closure that is returned: by hand its caller was found, flow says that it cannot tell"),
    8: ({Fate.CARRIED}, "the method around it is contracted: it raises in its place, to `OUTER`"),
    9: (set(), "its receiver is annotated with a name that its module does not have: `calls` lists it as unknown"),
    10: ({Fate.CARRIED}, "as 8"),
    11: ({Fate.CARRIED}, "as 8"),
    12: ({Fate.CARRIED}, "as 8"),
    13: (
        {Fate.UNKNOWN},
        "a callback that is kept in a list: by hand its loop was found, flow says that it cannot tell",
    ),
    20: (
        {Fate.SWALLOWED, Fate.UNKNOWN, Fate.REACHES},
        "start-up fails, as by hand; a second caller, deprecated, keeps it",
    ),
}
"Where flow says another thing than the walk, what, and why."
OUTER = {
    "factory.notify_agent_started": {("agents/supervisor/user_execution_engine.py", 430)},
    "tools.execute_tool_with_input": {
        ("agents/tool_dispatcher_unified.py", 373),
        ("agents/request_scoped_tool_dispatcher.py", 249),
    },
}
"The handlers that the walk found above those that are carried, by the contract that carries them."


def tell(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


@pytest.fixture(scope="module")
def layout(host_tree):
    return find_layout(host_tree.joinpath(*HOST.package.split(".")), HOST.package)


@pytest.fixture(scope="module")
def sites(layout):
    return followed(layout)


@pytest.fixture(scope="module")
def mended(layout, tmp_path_factory):
    """Copy the host's sources and mend every handler on the way; gives the copy, and what was said to be left."""
    copy = tmp_path_factory.mktemp("mended").joinpath(*HOST.package.split("."))
    shutil.copytree(layout.root, copy, ignore=lambda _, names: [n for n in names if "." in n and n[-3:] != ".py"])
    first, again = migrated(copy), migrated(copy)
    assert first["files"]["failed"] == 0
    assert (again["files"]["changed"], again["files"]["failed"]) == (0, 0)
    return find_layout(copy, HOST.package), first


def migrated(copy):
    words = ("migrate", "reraise-loud", "--through", str(copy), "--host", "netra", "--write", "--allow-dirty", "--json")
    done = subprocess.run([sys.executable, "-m", "shim.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def followed(layout):
    found = walk(layout.root)
    return trace(layout, Wanted.of(HOST), HOST.boundaries, found, found.files, default_jobs(), None).sites


def first_frame(site):
    """Say what flow claims of the site's own function, as `failing` does; empty: nothing, it raises nothing there."""
    claims = set()
    for way in site.ways:
        if len(way.frames) > 1 or way.end.fate is Fate.UNKNOWN:
            claims.add(failing.LEAVES)
        elif len(way.frames) == 1 and way.end.fate in SILENT:
            claims.add(way.end.line)
        elif len(way.frames) == 1 and way.end.fate is Fate.ESCALATED and not handling(way):
            claims.add(failing.SEEN)
    return claims


def handling(way):
    return any(one.kind == "except body" for one in way.frames[0].met)


def drive(layout, sites, facade):
    """Make each site fail of whose own function flow says something."""
    loop, found = asyncio.new_event_loop(), []
    with warnings.catch_warnings(), hostkit.everything("enforce"), watching() as swallows:
        warnings.simplefilter("ignore")  # stand-ins leave coroutines lying about
        for site in filter(first_frame, sites):
            file = layout.root / site.start.path
            text, name = file.read_bytes(), layout.module_of(file)
            function = failing.function_of(site.start.caller, site.start.line, text)
            kind = getattr(errors, site.start.raised[0].rpartition(":")[2])
            one = failing.Failing(site.start.line, site.start.contract, kind, function, str(file))
            verbs = twins.facade_names(text, HOST.facade)
            world = driving.World(name, driving.module_of(name, text)[0], HOST.facade, facade, verbs)
            failing.fail(one, world, loop, swallows)
            found.append((site, one))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    return found


@pytest.fixture(scope="module")
def driven(installed, layout, sites):
    return drive(layout, sites, ModuleType(HOST.facade))


@pytest.fixture(scope="module")
def driven_mended(installed, mended):
    layout = mended[0]
    facade = ModuleType(HOST.facade)
    exec(facade_text(), vars(facade))  # noqa: S102  # the façade as it was made
    return drive(layout, followed(layout), facade)


def first_stop(site):
    silent = [way for way in site.ways if way.end.fate in SILENT]
    if not silent:
        return NONE
    return OWN if any(len(way.frames) == 1 for way in silent) else ABOVE


def test_flow_beside_the_sites_walked_by_hand(sites):
    found = {(site.start.path, site.start.line): site for site in sites}
    differ = {}
    for number, (path, line, stop) in WALKED.items():
        site = found.get((path, line))
        fates = {way.end.fate for way in site.ways} if site else set()
        if site is None or first_stop(site) != stop or fates <= {Fate.CARRIED, Fate.ESCALATED}:
            differ[number] = fates
    tell(f"\n{len(WALKED)} sites walked by hand: flow has the first handler in the same place for")
    tell(f"{len(WALKED) - len(differ)}; another, for a reason, for {sorted(differ)}")
    assert differ == {number: fates for number, (fates, _) in OTHERWISE.items()}


@pytest.mark.parametrize("contract", OUTER)
def test_what_is_carried_ends_further_up_where_the_walk_says(sites, contract):
    ways = [way for site in sites if site.start.contract == contract for way in site.ways]
    assert {(way.end.path, way.end.line) for way in ways if way.end.fate in SILENT} == OUTER[contract]


def test_every_function_does_with_the_failure_what_flow_says(driven, sites):
    kept = [one for site, one in driven if failing.LEAVES not in first_frame(site)]
    differ = {
        f"{site.start.path}:{site.start.line} {site.start.contract}": (first_frame(site), one.ended)
        for site, one in driven
        if one.ended and one.ended != first_frame(site)
    }
    undriven = [f"{site.start.path}:{site.start.line} {site.start.receiver}" for site, one in driven if not one.ended]
    tell(f"\n{len(sites)} call sites; of {len(driven)} flow says what the function around does with the failure:")
    tell(f"in {len(kept)} one of its handlers keeps it, out of {len(driven) - len(kept)} it comes")
    tell(
        f"driven {len(driven) - len(undriven)}, as told {len(driven) - len(undriven) - len(differ)}, handler's line too"
    )
    others = Counter(str(site.verdict) for site in sites if not first_frame(site))
    tell(f"not driven, since nothing comes up in them or another contracted call has it: {dict(others)}")
    assert undriven == []
    assert differ == {}


def test_what_is_mended_compiles_and_what_is_left_was_named(mended):
    layout, run = mended
    assert all(compile(path.read_bytes(), str(path), "exec") for path in walk(layout.root).files)
    sites = followed(layout)
    left = Counter(str(site.verdict) for site in sites)
    tell(f"\nmended: {run['files']['changed']} files, {run['totals']['edits']}")
    tell(f"{len(sites)} call sites now: {dict(left)}")
    named = {(note.partition(":")[0], note.split()[1].rstrip(":")) for note in run["not_repaired"]}
    silent = [site for site in sites if site.verdict in SILENT]
    assert {(site.start.path, site.start.contract) for site in silent} <= named
    assert len(silent) < 20


def test_every_mended_function_does_with_the_failure_what_flow_says(driven_mended):
    ended = Counter()
    for _, one in driven_mended:
        (only,) = one.ended
        ended[only if only in (failing.LEAVES, failing.SEEN) else "kept by a handler"] += 1
    tell(f"\nmended, driven {len(driven_mended)}: {dict(ended)}")
    differ = {
        f"{site.start.path}:{site.start.line} {site.start.contract}": (first_frame(site), one.ended)
        for site, one in driven_mended
        if one.ended != first_frame(site)
    }
    assert differ == {}
    assert ended["kept by a handler"] < 15


@pytest.mark.parametrize(("caught", "ended"), [("ValueError", failing.LEAVES), ("Exception", 4)])
def test_a_handler_that_lets_go_is_told_from_one_that_keeps(installed, tmp_path, caught, ended):
    text = f"def f(hub):\n    try:\n        hub.ping()\n    except {caught}:\n        return None\n"
    (tmp_path / "plant.py").write_text(text, encoding="utf-8")
    function = failing.function_of("plant:f", 3, text)
    file = str(tmp_path / "plant.py")
    one = failing.Failing(3, "bridge.ping", errors.WebSocketSendFailureError, function, file)
    world = driving.World("plant", ModuleType("plant"), HOST.facade, ModuleType(HOST.facade), {})
    loop = asyncio.new_event_loop()
    with hostkit.everything("enforce"), watching() as swallows:
        failing.fail(one, world, loop, swallows)
    loop.close()
    assert one.ended == {ended}
