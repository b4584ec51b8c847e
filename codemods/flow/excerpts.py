"""The lines of source a page shows: some around each place it speaks of, each line once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from codemods.flow.markup import Html, tag
from codemods.flow.run import Flow, SiteFlow
from codemods.source import SourceError, read_source

__all__ = ["AFTER", "BEFORE", "Excerpts", "Lines", "lines_of"]

BEFORE, AFTER = 4, 7
"Lines shown around a place: what is tried stands before it, what a handler does behind it."
Lines = Callable[[str], Sequence[str]]
"Give the lines of a file by the name the run gives it. Raises SourceError."


def lines_of(path: Path) -> tuple[str, ...]:
    """Give the lines of a file without their ends. Raises SourceError."""
    source = read_source(path)
    numbers = range(1, len(source.starts) + 1)
    return tuple(source.line(number).decode().rstrip("\r\n") for number in numbers)


class Excerpts:
    """The places of a run, and where on the page each is shown."""

    def __init__(self, flow: Flow, lines: Lines) -> None:
        self._lines = lines
        self._wanted: dict[str, set[int]] = {}
        for path, line in sorted({place for site in flow.sites for place in _places(site)}):
            if path and line:
                self._wanted.setdefault(path, set()).add(line)
        self._numbers = {path: number for number, path in enumerate(self._wanted, 1)}

    def link(self, path: str, line: int, *inside: str) -> Html:
        """Link to a place; plain where there is none, as at the end of a search that was given up."""
        if line not in self._wanted.get(path, ()):
            return tag("span", *inside)
        return tag("a", *inside, class_="source", href=f"#{self._anchor(path, line)}")

    def drawn(self) -> Iterator[Html]:
        """Give the excerpts, file by file."""
        for path, wanted in self._wanted.items():
            try:
                lines = self._lines(path)
            except SourceError as error:
                yield self._file(path, [self._missing(path, sorted(wanted), str(error))])
                continue
            gone = sorted(line for line in wanted if line > len(lines))
            blocks = [self._block(path, block, lines) for block in _blocks(wanted, len(lines))]
            if gone:
                blocks.append(self._missing(path, gone, "the file has become shorter since it was followed"))
            yield self._file(path, blocks)

    def _file(self, path: str, blocks: list[Html]) -> Html:
        return tag("details", tag("summary", tag("code", path)), *blocks, class_="file")

    def _block(self, path: str, block: range, lines: Sequence[str]) -> Html:
        wanted = self._wanted[path]
        rows = [
            tag("span", tag("i", str(number)), lines[number - 1], "\n",
                id=self._anchor(path, number) if number in wanted else "", class_="line")
            for number in block
        ]  # fmt: skip
        return tag("pre", tag("code", *rows), tabindex=0)

    def _missing(self, path: str, numbers: list[int], why: str) -> Html:
        rows = [
            tag("span", tag("i", str(one)), why, "\n", id=self._anchor(path, one), class_="line") for one in numbers
        ]
        return tag("pre", tag("code", *rows))

    def _anchor(self, path: str, line: int) -> str:
        return f"f{self._numbers[path]}-{line}"


def _places(site: SiteFlow) -> Iterator[tuple[str, int]]:
    yield site.start.path, site.start.line
    for way in site.ways:
        yield way.end.path, way.end.line
        for frame in way.frames:
            yield frame.path, frame.line
            yield from ((frame.path, one.line) for one in frame.met)


def _blocks(wanted: set[int], last: int) -> Iterator[range]:
    """Join what overlaps or touches."""
    first = end = 0
    for line in sorted(one for one in wanted if one <= last):
        low, high = max(1, line - BEFORE), min(last, line + AFTER)
        if end and low > end + 1:
            yield range(first, end + 1)
        if not end or low > end + 1:
            first = low
        end = high
    if end:
        yield range(first, end + 1)
