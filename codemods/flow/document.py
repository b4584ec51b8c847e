"""The document of `flow --json`."""

from __future__ import annotations

from collections.abc import Sequence

from codemods.flow.ends import Fate
from codemods.flow.run import Flow, SiteFlow
from codemods.flow.search import Frame, Way
from codemods.looked import Looked, files_json

__all__ = ["document", "site_json"]


def document(flow: Flow, listed: Sequence[SiteFlow]) -> dict[str, object]:
    """Give a run as plain data: totals of all its sites, and those that are listed."""
    looked = [Looked(path=one.path, mentions=bool(one.starts), error=one.error) for one in flow.files]
    ends = {str(fate): sum(way.end.fate is fate for site in flow.sites for way in site.ways) for fate in Fate}
    return {
        "schema": 1,
        "files": files_json(len(flow.files), looked, flow.skipped_directories),
        "totals": {"sites": len(flow.sites), "verdicts": flow.totals, "ends": ends},
        "sites": [site_json(site) for site in listed],
    }


def site_json(site: SiteFlow) -> dict[str, object]:
    """Give one call site."""
    start = site.start
    return {
        "path": start.path,
        "line": start.line,
        "col": start.col,
        "function": start.caller,
        "receiver": start.receiver,
        "contract": start.contract,
        "evidence": start.evidence,
        "raised": start.raised[0] if start.raised else None,
        "verdict": str(site.verdict),
        "ends": [_way(way) for way in site.ways],
    }


def _way(way: Way) -> dict[str, object]:
    end = way.end._asdict() | {"fate": str(way.end.fate), "effects": list(way.end.effects)}
    return end | {"frames": [_frame(one) for one in way.frames]}


def _frame(frame: Frame) -> dict[str, object]:
    return frame._asdict() | {"met": [one._asdict() for one in frame.met]}
