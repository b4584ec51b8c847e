"""Suppressions: `# failloud: ok <reason>` beside a finding, or on a line of its own above it.

`# failloud: ok FL003 <reason>` speaks of one rule, `# failloud: ok FL003, FL004 <reason>` of two. The reason is
mandatory; so is the code for a report of `check`, FL1xx. Comments are found by `tokenize`: what stands in a string
does not count.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.finding import Finding
from codemods.placing import Place
from codemods.source import Source, SourceError

__all__ = ["MARK", "Settled", "Suppression", "Unused", "settle", "suppressions_of"]

MARK = b"failloud:"
"A file without it has no suppressions."
_COMMENT = re.compile(r"#\s*failloud:\s*(?P<word>[\w-]*)(?P<rest>.*)", re.DOTALL)
_CODE = re.compile(r"[\s,:]*(FL\d+)\b[\s,:]*", re.IGNORECASE)
_DRIFT = re.compile(r"FL1\d\d")
"What `check` reports must be named: an `ok` for a dropped result must not hide that loud code became silent."
_NEXT_COMMENT = re.compile(r"\s#\s")
_BLANKS = " \t,:;-\N{EN DASH}\N{EM DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One comment. Where `understood` is false it holds another word than `ok`, and suppresses nothing."""

    line: int
    col: int
    end_col: int
    "In UTF-8 bytes, as a finding's."
    codes: tuple[str, ...]
    "Empty = every rule."
    reason: str
    target: int
    "Line of code it speaks of."
    above: bool
    "It has a line of its own, above that line."
    understood: bool = True

    @property
    def valid(self) -> bool:
        """Tell whether it may suppress anything."""
        return self.understood and bool(self.reason)

    def covers(self, finding: Finding, place: Place) -> bool:
        """Tell whether it speaks of a finding that stands in this place."""
        if not self.valid or (finding.code not in self.codes if self.codes else _DRIFT.fullmatch(finding.code)):
            return False
        firsts = {place.first, finding.line}
        lasts = {place.last, *([finding.end_line] if finding.end_line <= place.last else [])}
        return self.target in (firsts if self.above else firsts | lasts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A suppression, or one code of it, that suppresses nothing."""

    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Findings told apart: what is left, what is suppressed and by what, and suppressions nobody needs."""

    left: tuple[Finding, ...]
    silenced: tuple[tuple[Finding, Suppression], ...]
    unused: tuple[Unused, ...]


def suppressions_of(source: Source) -> tuple[Suppression, ...]:
    """Find all suppressions of a file. Raises SourceError where its comments cannot be told from its strings."""
    if MARK not in source.utf8:
        return ()
    text = io.StringIO(source.utf8.decode(), newline=None)
    try:
        comments = [token for token in tokenize.generate_tokens(text.readline) if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError) as error:
        raise SourceError(f"its comments cannot be read: {error}") from error
    return tuple(_parsed(token, source) for token in comments if _COMMENT.search(token.string))


def _parsed(token: tokenize.TokenInfo, source: Source) -> Suppression:
    found = _COMMENT.search(token.string)
    assert found is not None  # noqa: S101  # the caller has looked
    codes, rest = [], _NEXT_COMMENT.split(found["rest"])[0]
    while code := _CODE.match(rest):
        codes.append(code[1].upper())
        rest = rest[code.end() :]
    reason = rest.strip(_BLANKS)
    line, at = token.start
    before = source.line(line).decode("utf-8", "replace")[:at]
    above = not before.strip()
    return Suppression(
        line=line,
        col=len(before.encode()),
        end_col=len(before.encode()) + len(token.string.encode()),
        codes=tuple(dict.fromkeys(codes)),
        reason=reason if re.search(r"\w", reason) else "",
        target=_next_code(line, source) if above else line,
        above=above,
        understood=found["word"] == "ok",
    )


def _next_code(line: int, source: Source) -> int:
    """Give the line below a block of comments."""
    line += 1
    while line <= len(source.starts) and source.line(line).lstrip().startswith(b"#"):
        line += 1
    return line


def settle(
    placed: dict[Finding, Place],
    suppressions: tuple[Suppression, ...],
    *,
    pending: frozenset[str],
    others: frozenset[str] = frozenset(),
) -> Settled:
    """Tell findings apart. `pending` are the codes of rules that did not run: what speaks of them is not unused yet.

    `others` are codes that another command looks for, and that must be named: a general comment is not for them.
    """
    left: list[Finding] = []
    silenced: list[tuple[Finding, Suppression]] = []
    used: set[tuple[int, int, str]] = set()
    for finding, place in placed.items():
        covering = [one for one in suppressions if one.covers(finding, place)]
        if covering:
            silenced.append((finding, covering[0]))
            used |= {(one.line, one.col, finding.code) for one in covering}
        else:
            left.append(finding)
    unused = tuple(notice for one in suppressions for notice in _unused(one, used, pending, others))
    return Settled(left=tuple(left), silenced=tuple(silenced), unused=unused)


def _unused(
    one: Suppression, used: set[tuple[int, int, str]], pending: frozenset[str], others: frozenset[str]
) -> Iterator[Unused]:
    if not one.understood:
        yield Unused(line=one.line, message="comment not understood; write: # failloud: ok <reason>")
    if not one.valid:
        return
    if not one.codes and not pending and not any(use[:2] == (one.line, one.col) for use in used):
        yield Unused(line=one.line, message="suppression suppresses nothing; remove it")
    for code in one.codes:
        if code not in pending | others and (one.line, one.col, code) not in used:
            yield Unused(line=one.line, message=f"suppression of {code} suppresses nothing; remove it")
