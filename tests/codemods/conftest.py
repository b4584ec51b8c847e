"""Rules that a test brings along."""

from __future__ import annotations

import sys

import pytest

from codemods import rules


@pytest.fixture
def rule_folder(tmp_path, monkeypatch):
    """Give a folder whose modules are rules too, as if they stood in `codemods/rules/`. Workers inherit it."""
    folder = tmp_path / "more_rules"
    folder.mkdir()
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(folder)])
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(f"codemods.rules.{path.stem}", None)
        if hasattr(rules, path.stem):
            delattr(rules, path.stem)
