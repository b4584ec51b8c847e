"""Files in, files reported: what a scan says of each file, and the part of its document that accounts for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Looked", "files_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One file: what was found, or the reason why nothing was. `mentions` says that a wanted name is in its bytes."""

    path: str
    mentions: bool = False
    error: str = ""
    hidden: int = 0
    "Spans of newer syntax that this Python cannot look into."


def files_json(found: int, files: Sequence[Looked], skipped_directories: tuple[str, ...]) -> dict[str, object]:
    """Give the member `files` of a document. `files` may leave out those with nothing to say: `found` counts them."""
    unreadable = [one for one in files if one.error]
    return {
        "found": found,
        "scanned": found - len(unreadable),
        "with_names": sum(one.mentions for one in files),
        "unreadable": [{"path": one.path, "error": one.error} for one in unreadable],
        "partly_hidden": [{"path": one.path, "spans": one.hidden} for one in files if one.hidden],
        "skipped_directories": list(skipped_directories),
    }
