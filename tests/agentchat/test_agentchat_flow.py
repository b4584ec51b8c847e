"""What `flow` says of the example host, and what its own wiring shows when that very call fails in enforce.

And once it is migrated, every handler on the way: the same failures, none swallowed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from call_faults import DRIVES, happened

from codemods.flow.ends import Fate
from codemods.flow.run import trace
from codemods.layout import find_layout, walk
from codemods.wanted import Wanted
from shim.hosts.example import HOST
from shim.recorder import Action

ROOT = Path(__file__).parents[2] / "examples"
MORE = {
    "tools.execute_tool_with_input": (
        ("escalated", ""),
        "which failure it is decides: without a bridge it raises; an event that was not sent is escalated",
    ),
}
"Ends that the platform shows and `flow` does not list, by contract, and why: it follows what a call raises."


def told(end):
    """Make an end comparable: by the line of the handler, the function of the boundary, the module of the contract."""
    match end.fate:
        case Fate.SWALLOWED:
            return "swallowed", f"{end.path}:{end.line}"
        case Fate.REACHES:
            return "reaches", end.function
        case Fate.CARRIED:
            return "carried", end.function.partition(":")[0]
        case _:
            return str(end.fate), ""


@pytest.fixture(scope="module")
def sites():
    layout = find_layout(ROOT, HOST.package)
    found = walk(layout.root)
    run = trace(layout, Wanted.of(HOST), HOST.boundaries, found, found.files, 1, None)
    assert run.unreadable == []
    return run.sites


def of_drive(drive, sites):
    """Give the call sites that a drive makes fail, and no other."""
    for function, contract in drive.sites:
        named = [s for s in sites if (s.start.caller.partition(":")[2], s.start.contract) == (function, contract)]
        named.sort(key=lambda site: site.start.line)
        yield named[drive.nth if len(named) > 1 else 0]


def seen(site, drive, records, swallows, reached):
    """Say what became of the failures of one call site, in the form of `told`."""
    contract, below = site.start.contract, {each for _, each in drive.sites}
    found = {("reaches", function) for function in reached}
    for record in records:
        outer = f"{record.component}.{record.method}"
        if outer == contract and record.action is Action.ESCALATED:
            found.add(("escalated", ""))
        elif outer != contract and record.origin in below:
            found.add(("carried", module_of(outer)))
    for one in swallows:
        if f"{one.failure.component}.{one.failure.method}" == contract:
            path, _, line = one.place.partition(" in ")[0].rpartition(":")
            found.add(("swallowed", f"{Path(path).relative_to(ROOT)}:{line}"))
    return found


def module_of(contract):
    component = contract.partition(".")[0]
    return next(each.target.partition(":")[0] for each in HOST.classes if each.component == component)


def name_of(site):
    return f"{site.start.path}:{site.start.line}"


@pytest.fixture(scope="module")
def shown(sites):
    """Drive the platform through all faults; gives by call site what each of its drives has shown."""
    found = {name_of(site): {} for site in sites}
    for drive in DRIVES:
        outcome = asyncio.run(happened(drive))
        for site in of_drive(drive, sites):
            found[name_of(site)][drive.name] = seen(site, drive, *outcome)
    return found


def test_every_call_site_is_driven_and_every_drive_shows_something(sites, shown):
    assert len(sites) == 26
    assert {name for name, each in shown.items() if not each} == set()
    assert {(name, drive) for name, each in shown.items() for drive, ends in each.items() if not ends} == set()


def test_flow_names_the_ends_that_the_platform_shows(sites, shown, capsys):
    said = {name_of(site): {told(way.end) for way in site.ways} for site in sites}
    seen_here = {name: set().union(*each.values()) for name, each in shown.items()}
    differ = {name: seen_here[name] ^ said[name] for name in said if said[name] != seen_here[name]}
    ends = sum(len(said[name] & seen_here[name]) for name in said)
    agree = f"{len(said) - len(differ)} agree, {len(differ)} other"
    with capsys.disabled():
        print(f"\nexample: {len(said)} sites, {len(shown)} driven, {agree}; {ends} ends seen as told")  # noqa: T201  # the agreement is stated
    assert differ == {name_of(site): {MORE[site.start.contract][0]} for site in sites if site.start.contract in MORE}


def command(*words, cwd, **env):
    """Run one of our commands, the state of this machine left out; gives what it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
    done = subprocess.run(
        [sys.executable, *words], env=clean | env, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Make every call fail on a copy of the platform, and on one whose boundaries are marked and ways mended."""
    folder = tmp_path_factory.mktemp("platform")
    told = {}
    for name, codemods in (("before", ()), ("after", (["mark-boundaries"], ["reraise-loud", "--through"]))):
        copy = folder / name
        shutil.copytree(ROOT / "agentchat", copy / "agentchat", ignore=shutil.ignore_patterns("__pycache__"))
        for words in codemods:
            command(
                "-m", "shim.cli", "migrate", *words, "--host", "example", "--write", "--allow-dirty", copy, cwd=folder
            )
        paths = {"PYTHONPATH": str(ROOT.parent), "FAILLOUD_STATE_DIR": str(folder)}
        told[name] = json.loads(command(str(Path(__file__).with_name("call_faults.py")), copy, cwd=folder, **paths))
        assert Path(told[name]["from"]).is_relative_to(copy), "another copy was imported"
    return told


def test_migrated_no_failure_is_swallowed(both, capsys):
    swallowed, records = (
        {name: [one for drive in each["drives"].values() for one in drive[part]] for name, each in both.items()}
        for part in ("swallowed", "records")
    )
    with capsys.disabled():
        for name in both:
            print(f"\n{name}: {len(records[name])} failures, {len(swallowed[name])} swallowed", end="")  # noqa: T201  # the numbers are stated
    assert len(swallowed["before"]) > 15
    assert swallowed["after"] == []
    assert [name for name, drive in both["after"]["drives"].items() if drive["held"]] == [], "not dead, and not seen"
