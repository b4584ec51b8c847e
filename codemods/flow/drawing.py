"""One call site of the page: what may come of it, and each chain drawn from the call up to its end."""

from __future__ import annotations

from collections.abc import Iterator

from codemods.flow.crossing import Crossed
from codemods.flow.ends import Fate
from codemods.flow.excerpts import Excerpts
from codemods.flow.markup import Html, tag
from codemods.flow.report import SAYS
from codemods.flow.run import LOUD, SiteFlow
from codemods.flow.search import Frame, Way

__all__ = ["at", "chip", "site_drawn"]

_SHOWN = 5
"Ends of one site that are drawn at once; the rest is folded."


def chip(fate: Fate, words: str = "") -> Html:
    """Give a verdict as a label."""
    return tag("span", words or str(fate), class_=f"chip {fate}")


def at(path: str, line: int) -> Html:
    """Give a place as text to copy: one click marks the whole of it."""
    return tag("code", f"{path}:{line}", class_="at")


def site_drawn(number: int, site: SiteFlow, excerpts: Excerpts) -> Html:
    """Draw one call site, folded."""
    start, worst = site.start, site.ways[0]
    summary = tag(
        "summary",
        chip(site.verdict), " ", tag("b", _called(site)), " ", at(start.path, start.line), " ",
        tag("span", f"· {_count(len(site.ways), 'end')} · {worst.end.why}", class_="dim"),
    )  # fmt: skip
    ways = [_way(site, way, excerpts) for way in site.ways]
    body = [summary, tag("p", *_told(site, excerpts)), tag("ol", *ways[:_SHOWN], class_="ways")]
    if more := ways[_SHOWN:]:
        rest = tag("ol", *more, class_="ways", start=_SHOWN + 1)
        body.append(tag("details", tag("summary", _count(len(more), "more end")), rest, class_="more"))
    return tag("details", *body, class_=f"site {site.verdict}", id=f"site-{number}", data_verdict=str(site.verdict))


def _count(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"


def _called(site: SiteFlow) -> str:
    start = site.start
    method = start.contract.partition(".")[2]
    return f"{start.receiver}.{method}" if start.receiver else method


def _told(site: SiteFlow, excerpts: Excerpts) -> Iterator[str]:
    start = site.start
    yield "In "
    yield excerpts.link(start.path, start.line, _name(start.caller))
    yield from (". Contract ", tag("code", start.contract), f", receiver known by: {start.evidence}. ")
    if not start.raised:
        yield f"Nothing is raised here: {start.why}."
        return
    loud = sum(way.end.fate in LOUD for way in site.ways)
    yield from ("If this call fails in enforce, ", tag("code", start.raised[0].rpartition(":")[2]), " comes up here. ")
    yield f"Ends it may have: {len(site.ways)}; where somebody hears it: {loud}."


def _way(site: SiteFlow, way: Way, excerpts: Excerpts) -> Html:
    end, start = way.end, site.start
    kind = start.raised[0].rpartition(":")[2] if start.raised else ""
    call = [tag("small", "this call fails"), tag("b", _called(site)), at(start.path, start.line)]
    boxes = [tag("li", *call, tag("small", f"raises {kind}" if kind else "raises nothing"), class_="call")]
    for number, frame in enumerate(way.frames):
        ends = frame is way.frames[-1]
        boxes.append(_frame(number, frame, way if ends else None, excerpts))
    told = [tag("small", "ends"), tag("b", f"it {SAYS[end.fate]}")]
    if end.path:
        told += [at(end.path, end.line), tag("small", excerpts.link(end.path, end.line, _name(end.function)))]
    boxes.append(tag("li", *told, class_=f"end {end.fate}"))
    head = tag("p", chip(end.fate), " ", end.why)
    return tag("li", head, tag("ol", *boxes, class_="chain"), class_=f"way {end.fate}")


def _frame(number: int, frame: Frame, last: Way | None, excerpts: Excerpts) -> Html:
    told = [
        tag("small", "comes up in" if number == 0 else "leaves that for"),
        tag("b", excerpts.link(frame.path, frame.line, _name(frame.function))),
        at(frame.path, frame.line),
    ]
    if frame.evidence:
        told.append(tag("small", f"known by: {frame.evidence}"))
    nets = []
    for one in frame.met:
        ends = last is not None and one is frame.met[-1] and (frame.path, one.line) == last.end[1:3]
        nets.append(_net(frame, one, last.end.fate if ends and last is not None else None, excerpts))
    if nets:
        told.append(tag("ul", *nets, class_="nets"))
    return tag("li", *told, class_="frame")


def _net(frame: Frame, one: Crossed, fate: Fate | None, excerpts: Excerpts) -> Html:
    """Draw what it meets: `fate` where it ends right there."""
    link = excerpts.link(frame.path, one.line, one.kind)
    return tag("li", link, f" line {one.line}: ", tag("span", one.does), class_=f"net {fate or 'passes'}")


def _name(function: str) -> str:
    name = function.partition(":")[2]
    return "the module's body" if name == "<module>" else name
