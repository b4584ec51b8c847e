"""Receivers against a type checker, on both examples: where both know a class, it is the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from checker import receivers

from codemods.layout import find_layout, walk
from codemods.wanted import Wanted
from shim.hosts import load_host

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("package", "host", "fewest"), [("agentchat", "example", 20), ("jobqueue", "examples/jobqueue/loudhost.py", 2)]
)
def test_no_contradiction(tmp_path, monkeypatch, package, host, fewest):
    monkeypatch.chdir(EXAMPLES.parent)
    wanted = Wanted.of(load_host(host))
    layout = find_layout(EXAMPLES / package, wanted.package)
    found = receivers(layout, wanted, list(walk(layout.root).files), tmp_path)
    assert [one for one in found if one.contradicts] == []
    assert sum(bool(one.ours and one.named) for one in found) >= fewest
