"""`failloud audit`: run the rules over every file, settle suppressions, account for every file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codemods.callsites import Analyser, Analysis
from codemods.driftbook import CODES
from codemods.finding import Finding
from codemods.layout import Layout, Walk
from codemods.placing import Place, columns_of, function_at, place_of, shown_line
from codemods.pool import Pool
from codemods.rulebook import FL900, Entry, entries
from codemods.source import Source, SourceError, parse_bytes, read_raw
from codemods.suppress import MARK, Suppression, Unused, settle, suppressions_of
from codemods.wanted import Wanted

__all__ = ["Audit", "Auditor", "Failure", "FileAudit", "Reported", "Silenced", "audit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A finding with what a report and a baseline need of its file."""

    finding: Finding
    column: int
    end_column: int
    "In characters from 1, as SARIF and GitHub count."
    line_text: str
    statement: str
    "Normalised text of the statement, for the fingerprint."


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A suppressed finding, and why."""

    reported: Reported
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a file is not wholly audited: the file itself (no code), or one rule."""

    error: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAudit:
    """One file. `looked` says that a word of some rule is in its bytes, so that it was parsed."""

    path: str
    looked: bool = False
    reported: tuple[Reported, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    unused: tuple[Unused, ...] = ()
    failures: tuple[Failure, ...] = ()
    hidden: int = 0
    "Spans of newer syntax that this Python cannot look into."


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A whole audit."""

    root: Path
    files: tuple[FileAudit, ...]
    skipped_directories: tuple[str, ...]
    contracts_missing: tuple[dict[str, str], ...]
    rules: tuple[Entry, ...]
    "Those that ran."
    command: str = "audit"
    "Who reports: `audit` or `check`."
    notes: tuple[str, ...] = ()
    "What the reader must know about the run: rules that did not run, and why."

    @property
    def folder(self) -> Path:
        """The folder that paths are relative to."""
        return self.root if self.root.is_dir() else self.root.parent

    @property
    def reported(self) -> list[Reported]:
        """All findings that are not suppressed, by file and place."""
        return [each for one in self.files for each in one.reported]

    @property
    def failed(self) -> list[tuple[str, Failure]]:
        """Paths with what failed there."""
        return [(one.path, failure) for one in self.files for failure in one.failures]


class Auditor:
    """Audit files with some rules. Holds caches: make one per process."""

    def __init__(self, layout: Layout, wanted: Wanted, codes: tuple[str, ...]) -> None:
        known = entries()
        self.layout = layout
        self.analyser = Analyser(layout, wanted)
        self.entries = tuple(one for one in known if one.code in codes)
        self.absent = frozenset(one.code for one in known if one.code not in codes)
        self.others = CODES - set(codes)
        words = {word for one in self.entries if one.rule is not None for word in self.words_of(one)}
        self.words = (MARK, *sorted(words))

    def words_of(self, entry: Entry) -> tuple[bytes, ...]:
        """Give the words of which a file must hold one before a rule looks at it."""
        return self.analyser.name_bytes if entry.needs_contracts else entry.words

    def audit(self, path: Path) -> FileAudit:
        """Audit one file. Nothing is raised: what fails is in the result."""
        shown = self.layout.shown(path)
        try:
            raw = read_raw(path)
            if not any(word in raw for word in self.words) and not self.must_look(path):
                return FileAudit(path=shown)
            source = parse_bytes(raw)
        except SourceError as error:
            return FileAudit(path=shown, looked=True, failures=(Failure(error=error.reason),))
        try:
            looked = self.analyser.analyse(path, source)
        except Exception as error:  # noqa: BLE001  # reported with the file: one file must not stop the rest
            return FileAudit(path=shown, looked=True, failures=(Failure(error=f"not analysed: {_said(error)}"),))
        return self._settled(looked)

    def must_look(self, _path: Path) -> bool:
        """Tell whether a file that holds no word is looked at all the same."""
        return False

    def _settled(self, looked: Analysis) -> FileAudit:
        source, failures = looked.source, list[Failure]()
        places = dict(self._findings(looked, failures))
        comments: tuple[Suppression, ...] = ()
        try:
            comments = suppressions_of(source)
        except SourceError as error:
            failures.append(Failure(error=error.reason, code=FL900.code))
        pending = self.absent | {failure.code for failure in failures}
        settled = settle(places, comments, pending=pending, others=self.others)
        left = [_reported(finding, places[finding], source) for finding in settled.left]
        silenced = [
            Silenced(reported=_reported(finding, places[finding], source), reason=by.reason)
            for finding, by in settled.silenced
        ]
        if FL900.code not in pending:
            left += _without_reason(comments, looked)
        return FileAudit(
            path=looked.path,
            looked=True,
            reported=tuple(sorted(left, key=_by_place)),
            silenced=tuple(sorted(silenced, key=lambda one: _by_place(one.reported))),
            unused=settled.unused,
            failures=tuple(failures),
            hidden=len(source.hidden),
        )

    def _findings(self, looked: Analysis, failures: list[Failure]) -> Iterator[tuple[Finding, Place]]:
        """Run each rule whose words are in the file. A rule that raises is a failure; what it found before counts."""
        for entry in self.entries:
            if entry.rule is None or not any(word in looked.source.raw for word in self.words_of(entry)):
                continue
            try:
                for finding in entry.rule.check(looked):
                    yield finding, place_of(finding, looked.source)
            except Exception as error:  # noqa: BLE001  # reported with file and rule: other rules and files go on
                failures.append(Failure(error=f"rule {entry.name} failed: {_said(error)}", code=entry.code))


def audit(
    layout: Layout, wanted: Wanted, rules: tuple[Entry, ...], found: Walk, files: tuple[Path, ...], jobs: int
) -> Audit:
    """Audit files. Nothing is raised for a bad file or rule: it is in the result with its error."""
    codes = tuple(one.code for one in rules)
    pool: Pool[Auditor, FileAudit] = Pool(Auditor, Auditor.audit, (layout, wanted, codes))
    done = tuple(pool.run(list(files), jobs, "audited"))
    if len(done) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(done)} reported")
    return Audit(
        root=layout.root,
        files=done,
        skipped_directories=found.skipped_directories,
        contracts_missing=tuple(Analyser(layout, wanted).judge.missing()),
        rules=rules,
    )


def _reported(finding: Finding, place: Place, source: Source) -> Reported:
    column, end_column = columns_of(finding, source)
    return Reported(
        finding=finding,
        column=column,
        end_column=end_column,
        line_text=shown_line(source, finding.line),
        statement=place.text,
    )


def _without_reason(comments: tuple[Suppression, ...], looked: Analysis) -> Iterator[Reported]:
    for one in comments:
        if one.understood and not one.reason:
            finding = Finding(
                code=FL900.code,
                path=looked.path,
                line=one.line,
                col=one.col,
                end_line=one.line,
                end_col=one.end_col,
                function=function_at(looked.source, one.line),
                message="a suppression without a reason suppresses nothing; write: # failloud: ok <reason>",
                evidence="comment",
            )
            text = looked.source.line(one.line)[one.col : one.end_col].decode("utf-8", "replace")
            yield _reported(finding, Place(first=one.line, last=one.line, text="".join(text.split())), looked.source)


def _by_place(one: Reported) -> tuple[int, int, str, str]:
    return one.finding.line, one.finding.col, one.finding.code, one.finding.message


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
