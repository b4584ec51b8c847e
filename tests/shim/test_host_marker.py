"""The `host` marker: skipped with its reason, run where the tree is, an error where it is required and absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = """
import os, pytest

@pytest.mark.host
def test_real(host_tree):
    assert host_tree.is_dir()

def test_plain():
    pass
"""
LEAKS = """
import os, shim

def test_variable():
    os.environ["FAILLOUD_ALPHA"] = "off"

def test_installation():
    import courier_host
    shim.install(courier_host.HOST)

def test_clean():
    from shim.host import installed
    assert not installed()
"""


@pytest.fixture
def pytest_run(tmp_path):
    """Run pytest on a probe beside a copy of our conftest."""
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)

    def run(text, *args, tree=None):
        (tmp_path / "test_probe.py").write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
        kept["PYTHONPATH"] = f"{ROOT}:{ROOT / 'tests/shim/stubs'}"
        if tree is not None:
            kept["FAILLOUD_HOST_TREE"] = str(tree)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = host: needs the tree\n")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:asyncio",
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            "-ra",
            *args,
        ]
        found = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
        return found.returncode, found.stdout + found.stderr

    return run


@pytest.mark.parametrize("tree", [None, "", "nowhere"])
def test_without_a_tree_it_is_skipped_with_the_reason(pytest_run, tree):
    code, text = pytest_run(PROBE, tree=tree)
    assert code == 0
    assert "1 passed, 1 skipped" in text
    assert "FAILLOUD_HOST_TREE is not set: the real host's tests did not run" in text


def test_with_a_tree_it_runs(pytest_run, tmp_path):
    code, text = pytest_run(PROBE, "--host-required", tree=tmp_path)
    assert code == 0
    assert "2 passed" in text


@pytest.mark.parametrize(
    ("tree", "why"), [(None, "FAILLOUD_HOST_TREE is not set"), ("nowhere", "'nowhere' is not a directory")]
)
def test_required_and_absent_fails(pytest_run, tree, why):
    code, text = pytest_run(PROBE, "-m", "host", "--host-required", tree=tree)
    assert code not in (0, 5)
    assert why in text
    assert "next:" in text


def test_a_test_that_leaves_something_behind_fails(pytest_run):
    code, text = pytest_run(LEAKS)
    assert code == 1
    assert "the test leaves ['FAILLOUD_ALPHA'] behind in the environment" in text
    assert "the test leaves ['courier'] installed" in text
    assert "3 passed, 2 errors" in text
