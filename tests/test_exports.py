"""Every module says what it exports, in order; the lazy names of `shim` are the submodules' own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module

import pytest
from test_layers import ROOT, SOURCES

import shim

MODULES = [
    name
    for name, path in SOURCES.items()
    if not name.endswith("__main__") and len(ast.parse(path.read_text(encoding="utf-8")).body) > 1
]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_exports_sorted_names_that_exist(name):
    module = import_module(name)
    exported = module.__all__
    assert sorted(set(exported), key=order) == list(exported)
    assert [each for each in exported if not hasattr(module, each)] == []


def order(name):
    """Sort as ruff does: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def test_the_lazy_names_are_those_of_the_submodules():
    assert set(shim.__all__) == set(shim._HOME)
    for name in shim.__all__:
        home = import_module(f"shim.{shim._HOME[name]}")
        assert name in home.__all__
        assert getattr(shim, name) is getattr(home, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'shim' has no attribute 'instal'"):
        _ = shim.instal


def test_import_shim_alone_pulls_nothing_in():
    program = (
        "import json, sys; before = set(sys.modules); import shim; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(answer.stdout)
    assert [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names] == ["shim"]
