"""No harm: all codemods at once over the standard library of the running Python, for a host whose names occur in it.

By default a fixed part of the files is taken, so that this stays under a minute; `make test-stdlib` takes all of them.
"""

from __future__ import annotations

import ast
import os
import shutil
import zlib
from collections import Counter
from pathlib import Path

import pytest

from codemods import registry
from codemods.layout import Walk, find_layout, walk
from codemods.outcome import Changed, Failed, Unchanged
from codemods.pool import default_jobs
from codemods.runner import prepare
from codemods.source import SourceError, parse_bytes
from codemods.wanted import NameRule, Row, Wanted

WHOLE = os.environ.get("FAILLOUD_STDLIB") == "whole"
PART = 1 if WHOLE else 60
"One file of so many is taken."

TEXT, LINE, MAIL = "_pyio:TextIOWrapper", "http.client:HTTPConnection", "smtplib:SMTP"
STREAM, CHANNEL = "asyncio.streams:StreamWriter", "logging:StreamHandler"


def row(target, method, shows="falsy", *, is_async=False, run_at=-1):
    component = target.rpartition(":")[2].lower()
    return Row(key=f"{component}.{method}", target=target, method=method, is_async=is_async, shows=shows, run_at=run_at)


WANTED = Wanted(
    package="asyncio",
    facade="asyncio.loud_facade",
    rows=(
        row(TEXT, "write"),
        row(TEXT, "flush", "never"),
        row(TEXT, "close"),
        row(LINE, "send", run_at=0),
        row(LINE, "close", "never"),
        row(MAIL, "send", "unsuccessful"),
        row(MAIL, "quit", "raises"),
        row(STREAM, "write", "never"),
        row(STREAM, "drain", is_async=True),
        row(CHANNEL, "emit", "never"),
        row(CHANNEL, "flush", "never"),
        row("shutil", "copyfile"),
        row("shutil", "rmtree"),
    ),
    rules=(  # every receiver that nothing resolves is taken for one of ours
        NameRule(pattern="sock|conn", target=LINE),
        NameRule(pattern="", target=TEXT),
    ),
)
HARMLESS = ("does not parse", "cannot be decoded", "cannot be parsed by this Python", "does not survive decoding")
NEEDS_A_NAME = "which this module uses for something else"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Copy the library: nothing may be written into the real one."""
    folder = tmp_path_factory.mktemp("library") / "lib"
    source = Path(os.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "site-packages", "config-*", "*.so", "*.a", "*.whl", "ensurepip")
    shutil.copytree(source, folder, ignore=ignored, symlinks=True)
    return folder


def read(paths):
    return {path: path.read_bytes() for path in paths}


def test_right_or_refused_and_nothing_is_written(tree, record_property):
    layout = find_layout(tree, WANTED.package)
    found = walk(tree)
    files = tuple(path for path in found.files if zlib.crc32(str(path.relative_to(tree)).encode()) % PART == 0)
    before = read(files)
    run = prepare(layout, WANTED, registry.names(), Walk(files=files, skipped_directories=()), files, default_jobs())
    assert read(files) == before
    assert [layout.root / one.path for one in run.outcomes] == list(files)
    for one in run.outcomes:
        check(one, before[layout.root / one.path])
    changed = tuple(layout.root / one.path for one in run.changed)
    assert changed
    for one in run.changed:
        (layout.root / one.path).write_bytes(one.after)
    again = prepare(
        layout, WANTED, registry.names(), Walk(files=changed, skipped_directories=()), changed, default_jobs()
    )
    assert {type(one) for one in again.outcomes} == {Unchanged}
    places = sum((Counter(one.edits) for one in run.changed), Counter())
    kinds = Counter(type(one).__name__ for one in run.outcomes)
    left = sum(len(one.sites) for one in run.outcomes if isinstance(one, Changed | Unchanged))
    record_property("library", f"{len(files)} files {dict(kinds)}, places {dict(places)}, left {left}")
    print(f"{len(files)} files {dict(kinds)}, places {dict(sorted(places.items()))}, left with a reason {left}")  # noqa: T201  # the figures, shown with -s
    assert len(places) >= (6 if WHOLE else 3), "the made host's names do not occur"


def check(outcome, raw):
    if isinstance(outcome, Changed):
        parse_bytes(outcome.after)
        if not parse_bytes(raw).hidden:
            ast.parse(outcome.after)
    elif isinstance(outcome, Failed) and NEEDS_A_NAME not in outcome.error:
        assert outcome.error.startswith(HARMLESS), outcome
        with pytest.raises(SourceError):
            parse_bytes(raw)
