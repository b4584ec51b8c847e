"""Replace a file at once: a reader, or a kill at any moment, finds the old bytes or the new ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["make_folder", "write_atomic"]


def write_atomic(path: Path, content: bytes) -> None:
    """Write bytes through a temporary file in the same folder; permission bits and owner stay. Raises OSError."""
    old = path.stat() if path.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=".failloud-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh = temporary.stat()
        if old is not None and (old.st_uid, old.st_gid) != (fresh.st_uid, fresh.st_gid):
            os.chown(temporary, old.st_uid, old.st_gid)
        temporary.chmod(old.st_mode & 0o7777 if old is not None else 0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that they outlast a loss of power. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        _sync_folder(one.parent)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
