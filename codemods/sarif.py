"""The audit as SARIF 2.1.0, the format that code scanning services read."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from urllib.parse import quote

from codemods.audit import Reported
from codemods.audited import Conclusion
from codemods.rulebook import Entry

__all__ = ["sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "%SRCROOT%"
_FINGERPRINT = "failloud/v1"

Json = dict[str, object]


def sarif(made: Conclusion, prefix: str) -> Json:
    """Give the log. `prefix` is the way from where the command ran to the folder of the findings' paths."""
    index = {one.code: at for at, one in enumerate(made.audit.rules)}
    rules = {one.code: (at, one.level) for at, one in enumerate(made.audit.rules)}
    results = [_result(row.reported, prefix, rules) | _identity(made, at) for at, row in enumerate(made.rows)]
    suppressed = [
        _result(one.reported, prefix, rules) | {"suppressions": [{"kind": "inSource", "justification": one.reason}]}
        for file in made.audit.files
        for one in file.silenced
    ]
    run: Json = {
        "tool": {
            "driver": {
                "name": "failloud",
                "version": importlib.metadata.version("failloud"),
                "rules": [_rule(one) for one in made.audit.rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "the folder in which failloud ran"}}},
        "invocations": [
            {
                "executionSuccessful": not made.audit.failed,
                "exitCode": made.exit_code,
                "toolExecutionNotifications": list(_notifications(made, prefix, index)),
            }
        ],
        "results": [*results, *suppressed],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(entry: Entry) -> Json:
    return {
        "id": entry.code,
        "name": entry.name,
        "shortDescription": {"text": entry.summary},
        "fullDescription": {"text": entry.summary},
        "help": {"text": entry.help},
        "defaultConfiguration": {"level": entry.level},
        "properties": {"cause": entry.cause or "none", "tags": ["reliability", "silent-failure"]},
    }


def _result(reported: Reported, prefix: str, rules: dict[str, tuple[int, str]]) -> Json:
    found = reported.finding
    at, level = rules[found.code]
    region = {
        "startLine": found.line,
        "startColumn": reported.column,
        "endLine": found.end_line,
        "endColumn": reported.end_column,
        "snippet": {"text": reported.line_text},
    }
    if found.end_line != found.line:
        del region["snippet"]  # it would have to hold the whole region
    logical = [{"fullyQualifiedName": found.function, "kind": "function"}] if found.function != "<module>" else []
    location: Json = {"physicalLocation": {"artifactLocation": _file(found.path, prefix), "region": region}}
    if logical:
        location["logicalLocations"] = logical
    properties = {"evidence": found.evidence, "contract": found.contract, "fix": found.fix}
    return {
        "ruleId": found.code,
        "ruleIndex": at,
        "level": level,
        "message": {"text": found.message},
        "locations": [location],
        "properties": {name: value for name, value in properties.items() if value},
    }


def _identity(made: Conclusion, at: int) -> Json:
    row = made.rows[at]
    found: Json = {"partialFingerprints": {_FINGERPRINT: row.entry.fingerprint}}
    if made.comparison is not None:
        found["baselineState"] = "unchanged" if row.known else "new"
    return found


def _notifications(made: Conclusion, prefix: str, index: dict[str, int]) -> Iterator[Json]:
    for path, failure in made.audit.failed:
        place: Json = {"locations": [{"physicalLocation": {"artifactLocation": _file(path, prefix)}}]}
        if failure.code in index:
            place["associatedRule"] = {"id": failure.code, "index": index[failure.code]}
        yield {"level": "error", "message": {"text": failure.error}} | place
    for file in made.audit.files:
        for one in file.unused:
            where = {"artifactLocation": _file(file.path, prefix), "region": {"startLine": one.line}}
            yield {"level": "warning", "message": {"text": one.message}, "locations": [{"physicalLocation": where}]}
    for note in made.audit.notes:
        yield {"level": "note", "message": {"text": note}}


def _file(path: str, prefix: str) -> Json:
    return {"uri": quote(f"{prefix}{path}"), "uriBaseId": _BASE}
