"""Bytes in, bytes out: encodings, line ends, positions, patches."""

from __future__ import annotations

import pytest

from codemods.patch import PatchError, apply_patch, split_patch, unified
from codemods.source import Edit, SourceError, parse_bytes

ROUND_TRIPS = {
    "empty": b"",
    "plain": b"x = 1\n",
    "no final newline": b"x = 1",
    "crlf": b"x = 1\r\ny = 2\r\n",
    "mixed": b"x = 1\r\ny = 2\nz = 3\r",
    "bom": b"\xef\xbb\xbfx = 1\n",
    "latin-1": b"# coding: latin-1\nx = '\xe9'\n",
    "cp1252": b"# -*- coding: cp1252 -*-\nx = '\x80'\n",
    "form feed": b"x = 1\n\x0cy = 2\n",
    "line separator in a string": "x = '\u2028'\ny = 2\n".encode(),
}


@pytest.mark.parametrize("raw", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_no_edit_changes_no_byte(raw):
    assert parse_bytes(raw).spliced([]) == raw


@pytest.mark.parametrize("raw", [raw for raw in ROUND_TRIPS.values() if b"y = 2" in raw])
def test_positions_are_those_of_ast(raw):
    source = parse_bytes(raw)
    at = source.offset(source.tree.body[1].lineno, source.tree.body[1].col_offset)
    assert source.utf8[at : at + 5] == b"y = 2"


def test_edits_land_in_the_files_own_encoding():
    source = parse_bytes(b"# coding: latin-1\nx = '\xe9'; y = 1\n")
    statement = source.tree.body[1]
    at = source.offset(statement.lineno, statement.col_offset)
    assert (
        source.spliced([Edit(start=at, end=at, new="é = 2; ")]) == b"# coding: latin-1\nx = '\xe9'; \xe9 = 2; y = 1\n"
    )


def test_overlapping_edits_are_refused():
    source = parse_bytes(b"abcdef\n")
    with pytest.raises(SourceError, match="overlap"):
        source.spliced([Edit(start=0, end=3, new=""), Edit(start=2, end=4, new="")])


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"x = (\n", "does not parse, line 1"),
        (b"x = '\xe9'\n", "cannot be decoded"),
        (b"# coding: utf-16\nx = 1\n", "cannot be decoded"),
    ],
)
def test_what_cannot_be_read_is_told(raw, said):
    with pytest.raises(SourceError, match=said):
        parse_bytes(raw)


def test_a_missing_file_is_told(tmp_path):
    from codemods.source import read_source

    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_source(tmp_path / "none.py")


PAIRS = [
    (b"a\nb\nc\n", b"a\nB\nc\n"),
    (b"a\nb", b"a\nb\n"),
    (b"a\nb\n", b"a\nb"),
    (b"a\r\nb\r\n", b"a\r\nx\r\nb\r\n"),
    (b"", b"a\nb\n"),
    (b"a\n", b""),
    (b"".join(b"%d\n" % n for n in range(60)), b"".join(b"%d\n" % n for n in range(60) if n not in (3, 40)) + b"end"),
    (b"-- a/x\n--- y\n", b"++ b/x\n-- a/x\n"),
    (b"caf\xe9\n", b"caf\xe9\nx\n"),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_patch_gives_the_other_side(before, after):
    patch = unified(before, after, "a/f.py", "b/f.py")
    assert apply_patch(before, patch) == after
    assert split_patch(patch) == {"f.py": patch}


def test_a_patch_that_does_not_fit_is_refused():
    patch = unified(b"a\nb\n", b"a\nc\n", "a/f", "b/f")
    with pytest.raises(PatchError, match="line 2 is not what"):
        apply_patch(b"a\nx\n", patch)
    with pytest.raises(PatchError, match="ends inside"):
        apply_patch(b"a\nb\n", patch[:-3])
