"""`flow` as one HTML page that needs nothing else: no network, no server; its script only folds and filters.

No text of the tree can become markup, and the page's own policy runs no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Iterable, Iterator

from codemods.flow.drawing import chip, site_drawn
from codemods.flow.ends import Fate
from codemods.flow.excerpts import Excerpts, Lines
from codemods.flow.markup import Html, tag
from codemods.flow.overview import Head, filter_drawn, head_drawn
from codemods.flow.run import Flow, SiteFlow

__all__ = ["page"]

_ORDER = list(Fate)


def page(flow: Flow, head: Head, lines: Lines) -> str:
    """Give the whole document. `lines` reads the source; a file it cannot read is named where its lines would be."""
    excerpts = Excerpts(flow, lines)
    style, script = _own("page.css"), _own("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    top = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{head.host}, {head.tree}: where a loud failure ends"),
        tag("style", style),
    )
    body = tag(
        "body",
        head_drawn(flow, head),
        filter_drawn(flow, head.verdicts),
        tag("main", *_modules(flow, excerpts)),
        _sources(excerpts),
        tag("script", script),
    )
    return f"<!doctype html>\n{tag('html', top, body, lang='en')}\n"


def _own(name: str) -> Html:
    return Html(importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _modules(flow: Flow, excerpts: Excerpts) -> Iterator[Html]:
    dotted = {one.path: one.module for one in flow.files}
    by_path: dict[str, list[SiteFlow]] = {}
    for site in flow.sites:
        by_path.setdefault(site.start.path, []).append(site)
    number = 0
    for path, sites in sorted(by_path.items(), key=lambda item: (_badness(item[1]), item[0])):
        drawn = []
        for site in sorted(sites, key=lambda one: (_ORDER.index(one.verdict), one.start.line, one.start.col)):
            number += 1
            drawn.append(site_drawn(number, site, excerpts))
        yield tag(
            "section", tag("h2", tag("code", path)), _counts(dotted.get(path, ""), sites), *drawn, class_="module"
        )


def _badness(sites: Iterable[SiteFlow]) -> list[int]:
    """Order modules: most of the worst verdict first, then of the next."""
    found = Counter(site.verdict for site in sites)
    return [-found[fate] for fate in Fate]


def _counts(dotted: str, sites: list[SiteFlow]) -> Html:
    found = Counter(site.verdict for site in sites)
    told = [chip(fate, f"{found[fate]} {fate}") for fate in Fate if found[fate]]
    return tag("p", tag("span", dotted, class_="dim"), *(Html(f" {one}") for one in told))


def _sources(excerpts: Excerpts) -> Html:
    return tag("section", tag("h2", "Source"), *excerpts.drawn(), id="source")
