"""`flow` as text: totals, then each site with its ways, worst first; one site in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from codemods.blocks import Block, Heading, Line, Table
from codemods.flow.ends import Fate
from codemods.flow.run import LOUD, Flow, SiteFlow
from codemods.flow.search import Way

__all__ = ["SAYS", "STYLE", "flow_blocks", "site_blocks"]

STYLE = {
    Fate.SWALLOWED: "red", Fate.RESTARTS: "red", Fate.UNKNOWN: "yellow", Fate.WRAPPED: "green", Fate.REACHES: "green",
    Fate.ESCALATED: "green", Fate.CARRIED: "dim",
}  # fmt: skip
_SHOWN = 3
"Ways of one site that the list shows; `--site` shows all."
SAYS = {
    Fate.SWALLOWED: "is swallowed",
    Fate.RESTARTS: "makes the work run again",
    Fate.UNKNOWN: "goes where the text does not tell",
    Fate.WRAPPED: "reaches a boundary as the cause of another exception",
    Fate.REACHES: "reaches a boundary",
    Fate.ESCALATED: "is escalated: recorded and told, not raised",
    Fate.CARRIED: "is carried by another contracted call",
}
"What becomes of a failure, after `it`."


def flow_blocks(flow: Flow, asked: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Give the whole report. `asked`: verdicts whose sites are listed; else those of which nobody is sure to hear."""
    order = list(Fate)
    shown = [site for site in flow.sites if site.verdict in asked] if asked else flow.silent
    for site in sorted(shown, key=lambda one: (order.index(one.verdict), one.start.path, one.start.line)):
        yield from _site(site, _SHOWN)
    if left := len(flow.sites) - len(shown):
        yield Line(text=f"{left} call sites are not listed: --verdict names the verdicts to list", style="dim")
    yield Table(
        title=f"{len(flow.sites)} call sites: where a failure ends in enforce",
        columns=("verdict", "sites", "ends", "meaning"),
        rows=tuple((str(fate), flow.totals[str(fate)], _ends(flow, fate), f"it {SAYS[fate]}") for fate in Fate),
    )
    for one in flow.unreadable:
        yield Line(text=f"failed: {one.path}: {one.error}", style="red")
    kept = len(flow.files) - flow.read
    yield Line(text=f"{len(flow.files)} files: {flow.read} read, {kept} kept from the last run")


def _ends(flow: Flow, fate: Fate) -> int:
    return sum(way.end.fate is fate for site in flow.sites for way in site.ways)


def _site(site: SiteFlow, shown: int) -> Iterator[Block]:
    start = site.start
    yield Line(text=f"{start.path}:{start.line} {start.receiver} [{start.contract}] {site.verdict}", style="bold")
    for way in site.ways[:shown]:
        yield from _way(way)
    if len(site.ways) > shown:
        yield Line(text=f"and {len(site.ways) - shown} more ends: --site {start.path}:{start.line}", indent=4)


def _way(way: Way) -> Iterator[Block]:
    end = way.end
    yield Line(text=f"{end.fate} at {end.path}:{end.line}: {end.why}", style=STYLE[end.fate], indent=4)
    for number, frame in enumerate(way.frames):
        told = "; ".join(f"line {one.line} {one.kind} {one.does}" for one in frame.met)
        name = frame.function.partition(":")[2]
        where = f"{'in' if number == 0 else 'called by'} {name}, {frame.path}:{frame.line}"
        yield Line(text=f"{where} ({told})" if told else where, style="dim", indent=6 + min(number, 8))


def site_blocks(site: SiteFlow) -> Iterator[Block]:
    """Explain one site in plain words."""
    start = site.start
    yield Heading(text=f"{start.path}:{start.line} {start.receiver}: {start.contract}")
    if not start.raised:
        yield Line(text=f"Nothing is raised here: {start.why}.")
        return
    kind = start.raised[0].rpartition(":")[2]
    loud = sum(way.end.fate in LOUD for way in site.ways)
    heard = f"ends it may have: {len(site.ways)}; where somebody hears it: {loud}"
    yield Line(text=f"If this call fails in enforce, {kind} comes up here; {heard}.")
    for number, way in enumerate(site.ways, 1):
        yield Line(text=f"{number}. It {SAYS[way.end.fate]} at {way.end.path}:{way.end.line}: {way.end.why}.",
                   style=STYLE[way.end.fate])  # fmt: skip
        for at, frame in enumerate(way.frames):
            name = frame.function.partition(":")[2]
            where = f"{frame.path}:{frame.line}"
            yield Line(text=f"{'It comes up in' if at == 0 else 'It leaves that for'} {name}, {where}.", indent=3)
            for one in frame.met:
                yield Line(text=f"There, line {one.line}, {one.kind} {one.does}.", indent=6)
