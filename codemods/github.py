"""The audit as GitHub annotations: workflow commands, one a line."""

from __future__ import annotations

from collections.abc import Iterator

from codemods.audited import Conclusion

__all__ = ["github_lines"]

_LEVELS = {"error": "error", "warning": "error", "note": "notice"}
"GitHub's word for a rule's level. A warning fails the run, so it is shown as what it does."


def github_lines(made: Conclusion, prefix: str) -> Iterator[str]:
    """Give an annotation for each new finding, each failed file, each notice, then the sum as a plain line."""
    rules = {one.code: one for one in made.audit.rules}
    for row in made.new:
        found = row.reported.finding
        place: dict[str, str | int] = {"file": f"{prefix}{found.path}", "line": found.line, "endLine": found.end_line}
        if found.line == found.end_line:  # GitHub drops a column of a finding that spans lines, and says so
            place |= {"col": row.reported.column, "endColumn": row.reported.end_column}
        rule = rules[found.code]
        yield _command(_LEVELS[rule.level], found.message, place | {"title": f"{found.code} {rule.name}"})
    for path, failure in made.audit.failed:
        yield _command("error", failure.error, {"file": f"{prefix}{path}", "title": failure.code or "not audited"})
    for file in made.audit.files:
        for one in file.unused:
            yield _command("warning", one.message, {"file": f"{prefix}{file.path}", "line": one.line})
    for note in made.audit.notes:
        yield _command("notice", note, {"title": f"failloud {made.audit.command}"})
    known = sum(row.known for row in made.rows)
    failed = len(made.audit.failed)
    silenced = sum(len(file.silenced) for file in made.audit.files)
    new = f"{len(made.failing)} new findings"
    yield f"failloud {made.audit.command}: {new}, {known} known, {silenced} suppressed, {failed} failures"


def _command(name: str, message: str, properties: dict[str, str | int]) -> str:
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
