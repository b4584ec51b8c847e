"""The real host's legacy names: each is what its row says, and `use-shims` redirects those that somebody imports."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from codemods.classes import ClassIndex
from codemods.layout import find_layout, walk
from codemods.legacy import is_alias, misfit
from codemods.outcome import Changed, Failed
from codemods.project import Project
from codemods.runner import prepare
from codemods.wanted import Wanted
from shim.hosts.netra import HOST, USER_EMITTER

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]  # the host's own warnings
SAME_NAME = ("services.websocket_bridge_factory", "services.user_websocket_emitter")


def _found(key: str) -> object:
    module, _, name = key.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("row", HOST.legacy, ids=[row.old for row in HOST.legacy])
def test_a_legacy_name_is_the_class_itself(host: None, host_tree: Path, row) -> None:
    project = Project(find_layout(host_tree, HOST.package))
    assert is_alias(row.old, row.new, project), "read from the text"
    assert _found(row.old) is _found(row.new), "imported"


@pytest.mark.parametrize("module", SAME_NAME)
def test_a_class_of_the_same_name_is_not_taken_for_a_legacy_name(host_tree: Path, module: str) -> None:
    classes = ClassIndex(Project(find_layout(host_tree, HOST.package)))
    assert "in another way" in misfit(f"{HOST.package}.{module}:UserWebSocketEmitter", USER_EMITTER, classes)


def test_use_shims_over_the_whole_tree(host_tree: Path) -> None:
    layout = find_layout(host_tree, HOST.package)
    found = walk(layout.root)
    run = prepare(layout, Wanted.of(HOST), ("use-shims",), found, found.files, 2)
    assert len(run.outcomes) == len(found.files)
    assert [one for one in run.outcomes if isinstance(one, Failed)] == []
    assert run.changed
    assert run.facade is None
    old = [row.old.partition(":")[0].encode() for row in HOST.legacy]
    for one in run.changed:
        assert isinstance(one, Changed)
        assert any(module in one.before for module in old)
        assert not any(module + b" import" in one.after for module in old)
