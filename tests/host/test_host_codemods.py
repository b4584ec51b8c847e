"""Both codemods over a copy of the whole tree of the real host: nothing breaks, nothing is left out, twice is once."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codemods.callsites import Analyser
from codemods.layout import find_layout, walk
from codemods.outcome import Changed, Failed
from codemods.runner import prepare, write
from codemods.scan import scan
from codemods.source import SourceError, parse_bytes
from codemods.wanted import Wanted
from shim.hosts import load_host

pytestmark = pytest.mark.host
CODEMODS = ("check-results", "reraise-loud")


@pytest.fixture(scope="module")
def tree():
    named = os.environ.get("FAILLOUD_HOST_TREE", "")
    if not named or not Path(named).is_dir():
        pytest.fail("FAILLOUD_HOST_TREE names no folder: set it to the host's checkout")
    return Path(named)


@pytest.fixture(scope="module")
def wanted():
    return Wanted.of(load_host("netra"))


@pytest.fixture(scope="module")
def copy(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("host") / "tree"
    shutil.copytree(tree, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    return folder


def parses(raw):
    try:
        return parse_bytes(raw)
    except SourceError:
        return None


def tell(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def jobs():
    return os.cpu_count() or 1


def test_calls_over_the_application(tree, wanted):
    layout = find_layout(tree.joinpath(*wanted.package.split(".")), wanted.package)
    found = walk(layout.root)
    result = scan(layout, wanted, found, found.files, jobs())
    assert len(result.files) == len(found.files)
    assert result.contracts_missing == ()
    targets = [row for row in result.rows if row.verdict.startswith("target")]
    tell(f"\nfiles {len(result.files)}, calls {len(result.rows)}, unreadable {len(result.unreadable)}")
    tell("verdicts", dict(Counter(row.verdict for row in result.rows)))
    tell("targets", len(targets), "swallowed", sum(row.swallows for row in targets))
    tell("migrations", dict(Counter(row.migration for row in targets)))
    assert targets


@pytest.fixture(scope="module")
def migrated(copy, wanted):
    """The copy after one written run: layout, files in, bytes before, and the run."""
    layout = find_layout(copy, wanted.package)
    found = walk(layout.root)
    before = {path: path.read_bytes() for path in found.files}
    run = prepare(layout, wanted, CODEMODS, found, found.files, jobs())
    return layout, found, before, write(run, layout, datetime.now(UTC), allow_dirty=True)


def test_both_codemods_over_the_whole_tree(migrated, wanted):
    layout, found, before, run = migrated
    parsed = {path for path, raw in before.items() if parses(raw) is not None}
    assert len(run.outcomes) == len(found.files), "files in = files reported"
    changed = [one for one in run.outcomes if isinstance(one, Changed)]
    failed = [one for one in run.outcomes if isinstance(one, Failed)]
    edits = Counter[str]()
    for one in changed:
        edits.update(one.edits)
    left = Counter(site.reason for one in run.outcomes for site in getattr(one, "sites", ()))
    tell(f"\nfiles {len(run.outcomes)}, changed {len(changed)}, failed {[one.path for one in failed]}")
    tell("places", dict(edits), "left", dict(left))
    assert changed
    touched = {layout.root / one.path for one in changed}
    for path, raw in before.items():
        now = path.read_bytes()
        assert (now != raw) == (path in touched), path
        assert path not in parsed or path not in touched or parses(now) is not None, path
    again = prepare(layout, wanted, CODEMODS, walk(layout.root), walk(layout.root).files, jobs())
    assert again.changed == [], "the second run changes nothing"
    assert again.facade is None
    assert len(again.outcomes) == len(found.files) + 1, "and the façade"


def test_no_target_is_swallowed_without_a_reason(migrated, wanted):
    layout = migrated[0]
    analyser = Analyser(layout, wanted)
    assert analyser.judge.missing() == []
    found = walk(layout.root)
    result = scan(layout, wanted, found, found.files, jobs())
    silent = [
        row
        for row in result.rows
        if row.migration == "insert_reraise_before_broad"
        and not set(row.hazards) & {"type_changed", "suppress", "finally_returns", "except_group"}
    ]
    tell(f"\nafter both codemods: {len(silent)} swallowed targets left that a clause could let through")
    assert silent == []
