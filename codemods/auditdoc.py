"""The audit as one JSON document."""

from __future__ import annotations

from dataclasses import asdict

from codemods.audit import FileAudit, Reported
from codemods.audited import SHARES, Conclusion

__all__ = ["audit_json"]


def audit_json(made: Conclusion) -> dict[str, object]:
    """Give the document of `audit --json`. Findings are all that are not suppressed; `new` fails the audit."""
    audit = made.audit
    causes = {one.code: one.cause for one in audit.rules}
    return {
        "schema": 1,
        "files": {
            "found": len(audit.files),
            "audited": sum(not one.failures for one in audit.files),
            "with_words": sum(one.looked for one in audit.files),
            "failed": [{"path": path, "code": failure.code, "error": failure.error} for path, failure in audit.failed],
            "partly_hidden": [{"path": one.path, "spans": one.hidden} for one in audit.files if one.hidden],
            "skipped_directories": list(audit.skipped_directories),
        },
        "notes": list(audit.notes),
        "rules": [one.as_json() for one in audit.rules],
        "contracts_missing": list(audit.contracts_missing),
        "findings": [
            _finding(row.reported)
            | {
                "cause": causes[row.reported.finding.code],
                "fingerprint": row.entry.fingerprint,
                "new": not row.known,
            }
            for row in made.rows
        ],
        "suppressed": [
            _finding(one.reported) | {"reason": one.reason} for file in audit.files for one in file.silenced
        ],
        "unused_suppressions": [row for file in audit.files for row in _unused(file)],
        "baseline": _baseline(made),
        "totals": {
            "findings": len(made.rows),
            "new": len(made.new),
            "by_cause": [
                {"cause": cause, "findings": count, "audit_percent": SHARES[cause]}
                for cause, count in made.by_cause().items()
            ],
            "by_rule": made.by_rule(),
            "suppressed": {code: dict(sorted(reasons.items())) for code, reasons in made.silenced().items()},
        },
    }


def _finding(reported: Reported) -> dict[str, object]:
    return asdict(reported.finding) | {"text": reported.line_text}


def _unused(file: FileAudit) -> list[dict[str, object]]:
    return [{"path": file.path, "line": one.line, "message": one.message} for one in file.unused]


def _baseline(made: Conclusion) -> dict[str, object] | None:
    found = made.comparison
    if found is None:
        return None
    return {
        "known": sum(row.known for row in made.rows),
        "gone": [asdict(one) for one in found.gone],
        "not_looked_at": [asdict(one) for one in found.unchecked],
    }
