"""Rules that a test brings along."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codemods import rules

STUBS = str(Path(__file__).parents[1] / "shim" / "stubs")
if STUBS not in sys.path:
    sys.path.insert(0, STUBS)  # the courier host: what run time shows of it is the oracle of `flow`


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
