"""Which places of a proposal are applied: all, or those a reviewer accepted, found again by where they stood."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace

from codemods.imports import LocalName
from codemods.outcome import SkippedSite
from codemods.patch import unified
from codemods.proposal import Proposal
from codemods.source import Edit, Source

__all__ = ["NEW", "Chooser", "Hunk", "Picker", "PlaceKey", "Recorder"]

NEW = "there only since another hunk was declined: run again"
Place = tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class PlaceKey:
    """A place by its codemod and by the bytes of the untouched file it covers: later edits do not move it."""

    codemod: str
    start: int
    end: int
    nth: int = 0
    "Counts places of the same bytes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """One place as a reviewer sees it."""

    key: PlaceKey
    line: int
    "In the text it applies to, codemods before it included."
    lines: tuple[str, ...]
    "Of a unified diff, from the first `@@`; no line ends."
    imports: tuple[str, ...]
    "Names that are imported with it where no other hunk has brought them."


class Picker:
    """Applies every place, and knows where each stood in the untouched file."""

    def __init__(self) -> None:
        self.steps: list[list[Edit]] = []

    def pick(self, codemod: str, source: Source, proposal: Proposal, names: tuple[LocalName, ...]) -> Proposal:  # noqa: ARG002  # for those below
        """See a proposal for `source`, give what is to be applied."""
        return proposal

    def applied(self, edits: list[Edit]) -> None:
        """Take note of what was done to the text."""
        self.steps.append(sorted(edits, key=lambda edit: (edit.start, edit.end)))

    def keys(self, codemod: str, places: tuple[Place, ...]) -> list[PlaceKey]:
        """Name places by the untouched file."""
        found: list[PlaceKey] = []
        seen = Counter[tuple[int, int]]()
        for place in places:
            span = self._origin(min(e.start for e in place)), self._origin(max(e.end for e in place))
            found.append(PlaceKey(codemod, *span, nth=seen[span]))
            seen[span] += 1
        return found

    def _origin(self, at: int) -> int:
        for edits in reversed(self.steps):
            at = _before(edits, at)
        return at


def _before(edits: list[Edit], at: int) -> int:
    """Turn an offset into the edited text into one of the text before; inside new text it is where that begins."""
    grown = 0
    for edit in edits:
        start, length = edit.start + grown, len(edit.new.encode())
        if at < start:
            break
        if at < start + length:
            return edit.start
        grown += length - (edit.end - edit.start)
    return at - grown


class Recorder(Picker):
    """Applies every place and keeps each as a hunk."""

    def __init__(self) -> None:
        super().__init__()
        self.hunks: list[Hunk] = []

    def pick(self, codemod: str, source: Source, proposal: Proposal, names: tuple[LocalName, ...]) -> Proposal:
        """Keep the hunks of a proposal."""
        imports = tuple(name.clause for name in names if not name.imported)
        for key, place in zip(self.keys(codemod, proposal.edits), proposal.edits, strict=True):
            at = min(edit.start for edit in place)
            self.hunks.append(Hunk(key=key, line=_line(source, at), lines=_diff(source, place), imports=imports))
        return proposal


class Chooser(Picker):
    """Applies the chosen places of those that were shown; one that nobody was shown is left, with the reason."""

    def __init__(self, chosen: frozenset[PlaceKey], shown: frozenset[PlaceKey]) -> None:
        super().__init__()
        self.chosen, self.shown = chosen, shown
        self.used: set[PlaceKey] = set()

    def pick(self, codemod: str, source: Source, proposal: Proposal, names: tuple[LocalName, ...]) -> Proposal:  # noqa: ARG002  # the shape of `pick`
        """Keep what was chosen."""
        kept: list[Place] = []
        left: list[SkippedSite] = []
        for key, place in zip(self.keys(codemod, proposal.edits), proposal.edits, strict=True):
            if key in self.chosen:
                kept.append(place)
                self.used.add(key)
            elif key not in self.shown:
                at = min(edit.start for edit in place)
                left.append(SkippedSite(codemod=codemod, line=_line(source, at), reason=NEW))
        whole = proposal.whole if len(kept) == len(proposal.edits) else None
        return replace(proposal, edits=tuple(kept), skipped=(*proposal.skipped, *left), whole=whole)


def _line(source: Source, at: int) -> int:
    return bisect_right(source.starts, at)


def _diff(source: Source, place: Place) -> tuple[str, ...]:
    after = source.spliced(list(place)).decode(source.encoding).encode()
    before = source.raw.decode(source.encoding).encode()
    text = unified(before, after, "a", "b").decode()
    return tuple(line.rstrip("\r") for line in text.split("\n")[2:-1])
