"""One writing run at a time on a tree: a lock the system gives back when its holder ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shim.console import Refused

__all__ = ["leftovers", "locked", "temporaries"]

_PREFIX, _SUFFIX = ".failloud-", ".tmp"
"Names of the temporary files of `codemods.write`."


@contextmanager
def locked(*folders: Path) -> Iterator[None]:
    """Hold the locks of some folders. Raises Refused where another run holds one; OSError where none can be made.

    The folder that is scanned alone does not do: two runs with different PATHs may write the same file. They share the
    folder where `import package` starts.
    """
    with ExitStack() as held:
        for folder in sorted(set(folders)):
            held.enter_context(_locked(folder))
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    home = folder / ".failloud"
    home.mkdir(exist_ok=True)
    (home / ".gitignore").write_text("*\n", encoding="utf-8")
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(descriptor):
            held = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Refused(f"another run writes below {folder} (process {held}); next: wait for it, then run again", 2)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    if os.name != "posix":
        return True  # no lock there that ends with its holder; writes stay atomic, and changed files are not written
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def temporaries(folders: set[Path]) -> list[Path]:
    """List temporary files in these folders: of a run that writes now, or of one that was killed."""
    return [one for folder in sorted(folders) for one in folder.glob(f"{_PREFIX}*{_SUFFIX}") if one.is_file()]


def leftovers(folders: set[Path]) -> list[Path]:
    """Remove temporary files that a killed run left in these folders; only while the lock is held. Gives them."""
    found = temporaries(folders)
    for one in found:
        one.unlink(missing_ok=True)
    return found
