"""`failloud calls`: every call site of a contracted method name under a folder, and every file accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codemods.callsites import Analyser
from codemods.layout import Layout, Walk
from codemods.looked import Looked, files_json
from codemods.pool import Pool
from codemods.site import CallRow
from codemods.source import SourceError, parse_bytes, read_raw
from codemods.totals import totals_of
from codemods.wanted import Wanted

__all__ = ["FileScan", "Scan", "scan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan(Looked):
    """One file."""

    rows: tuple[CallRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A whole scan."""

    files: tuple[FileScan, ...]
    skipped_directories: tuple[str, ...]
    contracts_missing: tuple[dict[str, str], ...]

    @property
    def rows(self) -> list[CallRow]:
        """All rows, by file and place."""
        return [row for one in self.files for row in one.rows]

    @property
    def unreadable(self) -> list[FileScan]:
        """Files that could not be read or parsed."""
        return [one for one in self.files if one.error]

    def as_json(self) -> dict[str, object]:
        """Give the document of `calls --json`."""
        return {
            "schema": 1,
            "files": files_json(len(self.files), self.files, self.skipped_directories),
            "contracts_missing": list(self.contracts_missing),
            "totals": totals_of(self.rows).as_json(),
            "calls": [row.as_json() for row in self.rows],
        }


def scan(layout: Layout, wanted: Wanted, found: Walk, files: tuple[Path, ...], jobs: int) -> Scan:
    """Scan files. Nothing is raised for a bad file: it is in the result with its error."""
    pool: Pool[Analyser, FileScan] = Pool(Analyser, _scan_file, (layout, wanted))
    done = tuple(pool.run(list(files), jobs, "scanned"))
    if len(done) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(done)} reported")
    missing = tuple(Analyser(layout, wanted).judge.missing())
    return Scan(files=done, skipped_directories=found.skipped_directories, contracts_missing=missing)


def _scan_file(analyser: Analyser, path: Path) -> FileScan:
    shown = analyser.layout.shown(path)
    try:
        raw = read_raw(path)
    except SourceError as error:
        return FileScan(path=shown, error=error.reason)
    if not any(name in raw for name in analyser.name_bytes):
        return FileScan(path=shown)
    try:
        source = parse_bytes(raw)
    except SourceError as error:
        return FileScan(path=shown, mentions=True, error=error.reason)
    try:
        rows = tuple(site.row for site in analyser.analyse(path, source).sites)
    except Exception as error:  # noqa: BLE001  # reported with the file: one file must not stop the rest
        return FileScan(path=shown, mentions=True, error=f"not analysed: {type(error).__name__}: {error}")
    return FileScan(path=shown, rows=rows, mentions=True, hidden=len(source.hidden))
