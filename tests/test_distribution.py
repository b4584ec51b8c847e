"""What is installed and what the wheel holds: three packages, nothing else, one version."""

from __future__ import annotations

import email
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("codemods", "rollout", "shim")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


@pytest.mark.parametrize("name", PACKAGES)
def test_an_import_name_belongs_to_this_distribution_alone(name):
    owners = set(importlib.metadata.packages_distributions().get(name, ["failloud"]))
    assert owners == {"failloud"}
    found = __import__(name)
    assert Path(found.__file__).parent == ROOT / name


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_is_typed(name):
    assert (ROOT / name / "py.typed").is_file()


def test_one_version():
    assert importlib.metadata.version("failloud") == VERSION
    answer = subprocess.run(
        [sys.executable, "-m", "shim.cli", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip().endswith(f", version {VERSION}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (found,) = directory.iterdir()
    return found


def tracked():
    """Give the files of the three packages that are no build products."""
    return {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel):
    assert wheel.name == f"failloud-{VERSION}-py3-none-any.whl"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    info = {name for name in names if name.startswith(f"failloud-{VERSION}.dist-info/")}
    assert names - info == tracked()
    assert {f"{name}/py.typed" for name in PACKAGES} <= names
    assert {Path(name).name for name in info} >= {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "LICENSE"}


def test_the_wheel_s_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    info = f"failloud-{VERSION}.dist-info"
    metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    assert (metadata["Name"], metadata["Version"], metadata["Requires-Python"]) == ("failloud", VERSION, ">=3.11")
    plain = sorted(line.partition(">")[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line)
    assert plain == ["click", "packaging", "structlog"], "production installs these and no more"
    assert b"failloud = shim.cli:main" in archive.read(f"{info}/entry_points.txt")


def test_no_file_of_the_packages_is_left_out_of_the_tables():
    suffixes = {Path(name).suffix for name in tracked()}
    assert suffixes <= {".py", ".typed", ".yaml", ".yml", ".json", ".html", ".js", ".css", ".md"}
