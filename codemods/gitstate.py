"""Which files have changes that git does not hold yet."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["GitError", "uncommitted"]


class GitError(Exception):
    """Raised when a file is in a git checkout and git cannot say what is committed."""


def uncommitted(files: list[Path], root: Path) -> frozenset[Path]:
    """Give those of `files` with uncommitted changes; none outside a git checkout. Raises GitError."""
    folder = root if root.is_dir() else root.parent
    if not files or not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return frozenset()
    git = shutil.which("git")
    if git is None:
        raise GitError("this is a git checkout but git is not installed; next: install git, or pass --allow-dirty")
    top = Path(os.fsdecode(_run(git, folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    found: set[Path] = set()
    listed = _run(git, top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    for entry in listed.split(b"\0"):
        if entry:
            found.add((top / os.fsdecode(entry[3:])).resolve())
    return frozenset(path for path in files if path.resolve() in found)


def _run(git: str, folder: Path, *arguments: str) -> bytes:
    done = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603  # fixed words
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise GitError(f"git {arguments[0]} failed: {said}; next: repair the checkout, or pass --allow-dirty")
    return done.stdout
