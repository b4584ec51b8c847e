"""Which package may import what, read from the source: DESIGN's direction of imports."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("shim", "codemods", "rollout")
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
MAY = {
    "shim": ("shim",),
    "codemods": ("codemods", "shim.console", "shim.contracts", "shim.errors", "shim.hosts"),
    "rollout": ("rollout", "shim"),
}
"What of our own each package may import; a name covers what lies inside it."

HEAVY = {"libcst", "bowler", "fissix", "yaml", "pydantic"}
HOST_PACKAGES = ("netra_backend", "agentchat")


def imports_of(name, *, at_import_only=False):
    """Give the dotted names a module imports; `from a import b` gives `a.b` where that is a module, else `a`."""
    found = set()
    nodes = list(ast.parse(SOURCES[name].read_text(encoding="utf-8")).body)
    while nodes:
        node = nodes.pop()
        if at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if at_import_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import, line {node.lineno}"
            given = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {each if each in SOURCES else node.module for each in given}
        nodes += ast.iter_child_nodes(node)
    return found


def inside(name, roots):
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def test_the_walk_sees_the_packages():
    assert {name.partition(".")[0] for name in SOURCES} == set(PACKAGES)
    assert "shim.frames" in imports_of("shim.wrap")
    assert "shim.validate" in imports_of("shim.contracts"), "imports inside functions count"
    assert "shim.validate" not in imports_of("shim.contracts", at_import_only=True)


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_imports_only_what_its_package_may(name):
    ours = {found for found in imports_of(name) if inside(found, (*PACKAGES, "examples", "tests", "benchmarks"))}
    assert sorted(found for found in ours if not inside(found, MAY[name.partition(".")[0]])) == []


@pytest.mark.parametrize("name", [name for name in SOURCES if inside(name, ["shim"])])
def test_shim_needs_no_extra_of_the_other_packages(name):
    assert sorted(found for found in imports_of(name) if inside(found, HEAVY)) == []


@pytest.mark.parametrize("name", [n for n in SOURCES if not inside(n, ["shim.hosts", "shim.components"])])
def test_only_host_files_and_mixins_name_a_host(name):
    text = SOURCES[name].read_text(encoding="utf-8")
    assert [package for package in HOST_PACKAGES if package in text] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_goes_in_a_circle(package):
    graph = {
        name: {found for found in imports_of(name, at_import_only=True) if found in SOURCES and found != name}
        for name in SOURCES
        if inside(name, [package])
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert len(order) >= len(graph)
