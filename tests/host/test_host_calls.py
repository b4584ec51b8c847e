"""`calls` on the real host against call sites that were labelled by hand: `labels.csv`, facts of 111 sites.

The labels know fewer methods than the host file contracts, and their list is complete for its files and its methods: a
site that is a target for us and is not in the list is a false one only where the list has its method.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pytest
from checker import receivers

from codemods.layout import find_layout, walk
from codemods.scan import scan
from codemods.wanted import Wanted
from shim.hosts import load_host

pytestmark = pytest.mark.host

TARGETS = {"target", "target_mixed"}


@pytest.fixture(scope="module")
def rows(host_tree):
    wanted = Wanted.of(load_host("netra"))
    layout = find_layout(host_tree / "netra_backend" / "app", wanted.package)
    found = walk(layout.root)
    return scan(layout, wanted, found, found.files, 2).rows


@pytest.fixture(scope="module")
def labels():
    with (Path(__file__).parent / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {(row["path"], int(row["line"]), row["method"]): row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def pairs(rows, labels):
    """Give each labelled site of a contracted method with our row; the other names are not ours to look for."""
    ours = {(row.path, row.line, row.method): row for row in rows}
    methods = {row.method for row in rows}
    missing = [place for place in labels if place not in ours and place[2] in methods]
    assert not [place for place in missing if labels[place]["verdict"] in TARGETS], missing
    return [(labels[place], ours[place]) for place in labels if place in ours]


def test_no_false_target_and_at_most_one_missed(pairs, rows, labels):
    wrong = [row for label, row in pairs if row.verdict in TARGETS and label["verdict"] not in TARGETS]
    missed = [row for label, row in pairs if row.verdict not in TARGETS and label["verdict"] in TARGETS]
    paths, methods = {path for path, _, _ in labels}, {method for _, _, method in labels}
    more = [
        row
        for row in rows
        if row.verdict in TARGETS
        and row.path in paths
        and row.method in methods
        and (row.path, row.line, row.method) not in labels
    ]
    targets = [row for label, row in pairs if label["verdict"] in TARGETS]
    typed = [row for row in targets if row.verdict in TARGETS and row.evidence != "naming rule"]
    sys.stdout.write(f"\n{len(targets)} targets: {len(missed)} missed, {len(typed)} found by typed evidence alone\n")
    assert wrong == []
    assert more == []
    assert len(missed) <= 1, missed
    assert len(targets) == 26


def test_use_and_swallow_differ_in_at_most_one(pairs):
    for ours, theirs in (("result_use", "result_use"), ("handler", "handler")):
        differs = [row for label, row in pairs if getattr(row, ours) != label[theirs]]
        assert len(differs) <= 1, differs
    assert len([row for label, row in pairs if row.swallows != (label["swallows"] == "y")]) <= 1


def test_migrations_agree(pairs):
    agree = [row for label, row in pairs if row.migration == label["migration"]]
    counts = Counter((label["migration"], row.migration) for label, row in pairs if row.migration != label["migration"])
    sys.stdout.write(f"\nmigrations: {len(agree)} of {len(pairs)} agree; they, we: {dict(counts)}\n")
    assert len(agree) / len(pairs) >= 0.85


def test_a_type_checker_contradicts_no_receiver(host_tree, tmp_path):
    """What it names and we name is the same class, wherever both know; it knows fewer."""
    wanted = Wanted.of(load_host("netra"))
    layout = find_layout(host_tree / "netra_backend" / "app", wanted.package)
    names = [name.encode() for name in wanted.methods()]
    files = [path for path in walk(layout.root).files if any(name in path.read_bytes() for name in names)]
    found = receivers(layout, wanted, files, tmp_path)
    both = [one for one in found if one.ours and one.named]
    counts = Counter((bool(one.ours), bool(one.named)) for one in found)
    sys.stdout.write(f"\nreceivers, we know and it knows: {dict(counts)}\n")
    sys.stdout.writelines(
        f"it alone: {one.path}:{one.line} {one.text}: {one.theirs}\n" for one in found if one.named and not one.ours
    )
    assert [one for one in both if one.contradicts] == []
    assert len(both) > 100
