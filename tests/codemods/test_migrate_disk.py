"""`failloud migrate --write` on a real disk that is too small: old files or new ones, and no silence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from migration_case import make_host_file, make_tree

FILES = 12
PAGE = 4096
SITE = "from plant.hub import Hub\nasync def f(h: Hub):\n    await h.ping(1)\n"
UNSHARE = shutil.which("unshare") or ""
INSIDE = """
import json, os, shutil, subprocess, sys
from pathlib import Path
source, disk, host, pages = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], check=True)
tree = Path(disk) / "t"
shutil.copytree(source, tree)
def files():
    return {str(p.relative_to(tree)): p.read_text() for p in sorted(tree.rglob("*.py"))}
def run():
    words = ["migrate", "check-results", str(tree), "--host", host, "--write"]
    done = subprocess.run([sys.executable, "-m", "shim.cli", *words], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
def used():
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
old = files()
subprocess.run(["mount", "-o", f"remount,size={used() + int(pages) * 4096}", disk], check=True)
code, said = run()
now, temporary = files(), [str(p) for p in tree.rglob("*.tmp")]
subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
again = run()
found = {"code": code, "said": said, "old": old, "now": now, "tmp": temporary, "again": again, "end": files()}
print(json.dumps(found))
"""


def can_mount(folder):
    if not UNSHARE:
        return False
    words = [UNSHARE, "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """Give a function that runs a migration on a file system with so many free pages, in a namespace of its own."""
    if not can_mount(tmp_path):
        pytest.skip("this system lets us mount no file system of our own")
    padding = "#" * (PAGE - len(SITE) - 2) + "\n"  # each new file takes a page more than the old one
    source = make_tree(tmp_path / "source", **dict.fromkeys((f"site{n}" for n in range(FILES)), SITE + padding))
    host, disk, root = make_host_file(tmp_path), tmp_path / "disk", Path(__file__).parents[2]
    disk.mkdir()
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}

    def run(pages):
        inside = [sys.executable, "-c", INSIDE, str(source), str(disk), str(host), str(pages)]
        words = [UNSHARE, "--map-root-user", "--mount", *inside]
        done = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_whatever_does_not_fit_is_told_and_done_later(small_disk):
    parts = set()
    for pages in (8, 20, 24, 60):
        found = small_disk(pages)
        new = [path for path, text in found["now"].items() if text != found["old"].get(path)]
        torn = [path for path in new if found["now"][path] != found["end"][path]]
        assert (torn, found["tmp"]) == ([], []), pages
        sites = [path for path in new if "site" in path]
        assert found["code"] == (0 if len(sites) == FILES else 2), found["said"]
        assert found["code"] == 0 or "No space left on device" in found["said"], pages
        assert found["again"][0] == 0, found["again"]
        assert all("delivered(" in text for path, text in found["end"].items() if "site" in path)
        parts.add("none" if not sites else "all" if len(sites) == FILES else "some")
    assert parts == {"none", "some", "all"}, "the disks were too small, or too large, to show anything"
