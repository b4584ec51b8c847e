"""The top of the page: whose run it is, its totals as a picture and as a table, the files, the filter."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from codemods.flow.drawing import chip
from codemods.flow.ends import Fate
from codemods.flow.markup import Html, tag
from codemods.flow.report import SAYS
from codemods.flow.run import Flow

__all__ = ["Head", "filter_drawn", "head_drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a page says of its run."""

    host: str
    tree: str
    "The folder's own name: no path of this machine."
    made: datetime
    only: str = ""
    "The options by which some call sites were left out."
    verdicts: frozenset[str] = frozenset()
    "Those the filter begins with; empty: all."


def head_drawn(flow: Flow, head: Head) -> Html:
    """Give what stands above the call sites."""
    made = tag("time", head.made.strftime("%Y-%m-%d %H:%M %Z"), datetime=head.made.isoformat(timespec="seconds"))
    version = importlib.metadata.version("failloud")
    told = [
        tag("h1", "Where a loud failure ends"),
        tag("p", "Host ", tag("b", head.host), ", tree ", tag("code", head.tree), ", ", made, f", failloud {version}"),
    ]
    if head.only:
        told.append(tag("p", "Not all call sites: ", tag("code", head.only), class_="notice"))
    return tag("header", *told, _bar(flow), _totals(flow), *_files(flow))


def _bar(flow: Flow) -> Html:
    """Draw the totals: one piece per verdict."""
    pieces, x = [], 0
    for fate in Fate:
        if number := flow.totals[str(fate)]:
            title = tag("title", f"{number} {fate}")
            pieces.append(tag("g", title, tag("rect", x=x, y=0, width=number, height=1), class_=str(fate)))
            x += number
    said = ", ".join(f"{flow.totals[str(fate)]} {fate}" for fate in Fate)
    box = {"viewBox": f"0 0 {max(x, 1)} 1", "preserveAspectRatio": "none"}
    return tag("svg", *pieces, class_="bar", role="img", aria_label=f"{len(flow.sites)} call sites: {said}", **box)


def _totals(flow: Flow) -> Html:
    ends = Counter(way.end.fate for site in flow.sites for way in site.ways)
    names = tag("tr", *(tag("th", one, scope="col") for one in ("verdict", "sites", "ends", "a failure there")))
    rows = [_row(chip(fate), flow.totals[str(fate)], ends[fate], SAYS[fate]) for fate in Fate]
    return tag("table", tag("thead", names), tag("tbody", *rows, _row("all", len(flow.sites), ends.total(), "")))


def _row(name: str, sites: int, ends: int, says: str) -> Html:
    return tag("tr", tag("th", name, scope="row"), tag("td", str(sites)), tag("td", str(ends)), tag("td", says))


def _files(flow: Flow) -> Iterator[Html]:
    bad = flow.unreadable
    yield tag("p", f"Files: {len(flow.files)} found, {len(flow.files) - len(bad)} read, {len(bad)} unreadable.")
    if bad:
        rows = [tag("li", tag("code", one.path), f": {one.error}") for one in bad]
        yield tag("details", tag("summary", "Unreadable files"), tag("ul", *rows), class_="unreadable", open=True)
    if flow.skipped_directories:
        rows = [tag("li", tag("code", one)) for one in flow.skipped_directories]
        yield tag("details", tag("summary", f"Folders not entered: {len(rows)}"), tag("ul", *rows))


def filter_drawn(flow: Flow, begin: frozenset[str]) -> Html:
    """Give the filter, which the script brings into view, and the number shown. `begin`: verdicts ticked at first."""
    boxes = [
        tag(
            "label",
            tag("input", type="checkbox", value=str(fate), checked=not begin or str(fate) in begin),
            chip(fate, f"{fate} {number}"),
        )
        for fate in Fate
        if (number := flow.totals[str(fate)])
    ]
    words = tag("input", type="search", id="words", placeholder="name, path, handler ...", autocomplete="off")
    tools = [
        tag("label", "Text ", words, tag("kbd", "/")),
        tag("button", "Open all", type="button", id="open"),
        tag("button", "Close all", type="button", id="close"),
    ]
    form = tag(
        "form", tag("fieldset", tag("legend", "Verdict"), *boxes), *tools, id="filter", hidden=True, autocomplete="off"
    )
    return tag(
        "section", form, tag("p", f"{len(flow.sites)} call sites", id="shown", role="status"), aria_label="Filter"
    )
