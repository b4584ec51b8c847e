"""Files written for a newer Python: LibCST names the spans this `ast` refuses, and they are hidden from it.

F-strings of PEP 701, type parameters and `type` statements are replaced by text of the same length, so that every
other position stays true.
"""

from __future__ import annotations

from collections.abc import Iterator

from codemods.source import SourceError

__all__ = ["mask"]


def mask(utf8: bytes, refused: SyntaxError) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """Give the text with newer syntax hidden, and the hidden spans. Raises SourceError where LibCST refuses too."""
    said = f"line {refused.lineno}: {refused.msg}"
    try:
        import libcst
    except ModuleNotFoundError as missing:
        raise SourceError(f"does not parse, {said}; newer syntax needs: pip install 'failloud[codemods]'") from missing
    try:
        spans = sorted(_spans(utf8))
    except (libcst.ParserSyntaxError, RecursionError, UnicodeError) as error:
        raise SourceError(f"does not parse, {said}") from error
    out = bytearray(utf8)
    kept: list[tuple[int, int]] = []
    for start, end, kind in spans:
        if kept and start < kept[-1][1]:
            continue  # inside a span that is hidden already
        out[start:end] = _filler(utf8[start:end], kind)
        kept.append((start, end))
    return bytes(out), tuple(kept)


def _spans(utf8: bytes) -> Iterator[tuple[int, int, str]]:
    import libcst
    from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

    wrapper = MetadataWrapper(libcst.parse_module(utf8.decode()), unsafe_skip_copy=True)
    for node, span in wrapper.resolve(ByteSpanPositionProvider).items():
        if isinstance(node, libcst.FormattedString):
            yield span.start, span.start + span.length, "string"
        elif isinstance(node, libcst.TypeParameters):
            yield span.start, span.start + span.length, "blank"
        elif isinstance(node, libcst.TypeAlias):
            yield span.start, span.start + span.length, "statement"


def _filler(old: bytes, kind: str) -> bytes:
    blank = bytes(c if c in b"\r\n" else 0x20 for c in old)
    if kind == "blank":
        return blank
    if kind == "statement":
        return b"pass" + blank[4:]
    quote = b"'''" if b"\n" in old or b"\r" in old else b"'"
    return quote + blank[len(quote) : -len(quote)] + quote
