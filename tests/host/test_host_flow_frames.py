"""Every frame above the first of what `flow` says of the real host, run function by function, as it is and mended.

A chain is followed as it is claimed: the function of each frame is run with its real text and stand-ins, its call of
the frame below is made to fail with the loud failure, and what it does with that is compared with where the chain goes
on. Where a handler further down puts another exception in its place, the frames above it are counted and left out.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter, defaultdict
from types import ModuleType
from typing import NamedTuple

import driving
import failing
import hostkit
import pytest
import twins
from test_host_flow import SILENT, followed, layout, mended, tell  # noqa: F401  # two are fixtures

from codemods.facade import facade_text
from codemods.flow.ends import Fate
from shim import errors
from shim.hosts.netra import HOST
from shim.swallowed import watching

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]  # the host's own warnings


class Place(NamedTuple):
    """One function of a chain, and its call of the one below."""

    path: str
    line: int
    function: str
    callee: str
    raised: str


class Claims:
    """What flow says of each frame above a first one: the line of its handler, or that it lets the failure out."""

    def __init__(self, sites):
        self.of, self.behind, self.ways = defaultdict(set), 0, []
        for site in sites:
            for way in site.ways if site.start.raised else ():  # else it is escalated or carried: nothing comes up
                self.ways.append((way, [*self._places(way, site.start.raised[0].rpartition(":")[2])]))

    def _places(self, way, raised):
        for number, frame in enumerate(way.frames[1:], 1):
            below = way.frames[:number]
            if any(met.does.startswith("raises") for one in below for met in one.met):
                self.behind += 1
                yield None
                continue
            if any(one.kind == "except body" for one in frame.met):
                yield None  # the call stands in an except body: in enforce it escalates, and nothing comes up
                continue
            callee = below[-1].function.rpartition(".")[2].rpartition(":")[2]
            place = Place(frame.path, frame.line, frame.function, callee, raised)
            self.of[place].add(self._claim(way, is_last=number == len(way.frames) - 1))
            yield place

    @staticmethod
    def _claim(way, *, is_last):
        if is_last and way.end.fate in SILENT:
            return way.end.line
        return failing.SEEN if is_last and way.end.fate is Fate.ESCALATED else failing.LEAVES


def drive(layout, claims, facade):  # noqa: F811  # not the fixture
    """Run each function until its call of the one below has failed; gives what became of the failure in each."""
    loop, found = asyncio.new_event_loop(), {}
    with warnings.catch_warnings(), hostkit.everything("enforce"), watching() as swallows:
        warnings.simplefilter("ignore")  # stand-ins leave coroutines lying about
        for place in claims.of:
            file = layout.root / place.path
            text, name = file.read_bytes(), layout.module_of(file)
            function = failing.function_of(place.function, place.line, text)
            kind = getattr(errors, place.raised)
            one = failing.Failing(place.line, f"bridge.{place.callee}", kind, function, str(file))
            if function is not None:
                verbs = twins.facade_names(text, HOST.facade)
                world = driving.World(name, driving.module_of(name, text)[0], HOST.facade, facade, verbs)
                failing.fail(one, world, loop, swallows)
            found[place] = one.ended
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    return found


def compare(claims, driven):
    """Print the figures; gives the frames that do otherwise than flow says, and those that could not be driven."""
    undriven = [place for place in claims.of if not driven[place]]
    differ = {
        each: (claims.of[each], driven[each]) for each in claims.of if driven[each] not in (set(), claims.of[each])
    }
    kinds = Counter(
        "kept" if isinstance(end, int) else end for place in claims.of if driven[place] for end in driven[place]
    )
    tell(f"\n{len(claims.of)} frames above a first one, {claims.behind} times one behind another exception")
    tell(f"driven {len(claims.of) - len(undriven)} {dict(kinds)}; otherwise than told {len(differ)}")
    whole = [way for way, places in claims.ways if places and all(place and driven[place] for place in places)]
    ends = Counter(str(way.end.fate) for way in whole)
    longest = max(len(way.frames) for way in whole)
    tell(f"chains with each frame driven: {len(whole)}, of up to {longest} frames: {dict(ends)}")
    tell(f"not driven: {sorted((place.path, place.line, place.callee) for place in undriven)}")
    return differ, undriven


def test_every_frame_of_a_chain_does_what_flow_says(installed, layout):  # noqa: F811
    claims = Claims(followed(layout))
    differ, undriven = compare(claims, drive(layout, claims, ModuleType(HOST.facade)))
    assert differ == {}
    assert len(claims.of) > 50
    assert len(undriven) <= 10, "a call of the one below by its own name can be driven"


def test_every_frame_of_a_mended_chain_does_what_flow_says_and_keeps_nothing(installed, mended):  # noqa: F811
    layout = mended[0]  # noqa: F811
    facade = ModuleType(HOST.facade)
    exec(facade_text(), vars(facade))  # noqa: S102  # the façade as it was made
    claims = Claims(followed(layout))
    driven = drive(layout, claims, facade)
    differ, _ = compare(claims, driven)
    assert differ == {}
