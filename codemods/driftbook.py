"""What `failloud check` reports, by code: FL1xx. Codes are stable; a retired one is not given to another report."""

from __future__ import annotations

from codemods.rulebook import Entry

__all__ = [
    "ARGUMENTS",
    "ATTACHMENT",
    "BYPASSED",
    "CODES",
    "FACADE",
    "MISSING",
    "MOVED",
    "NEW_SILENT",
    "REPLACED",
    "REPORTS",
    "SIGNATURE",
    "SILENT_AGAIN",
    "SWALLOWED",
]


def _entry(code: str, name: str, summary: str, why: str, level: str = "error") -> Entry:
    return Entry(code=code, name=name, summary=summary, help=f"{name}: {summary}.\n\n{why}", cause=None, level=level)


MISSING = _entry(
    "FL101",
    "contract-missing",
    "a contracted module, class, method or function is not in the tree",
    "The shim refuses to install over it, and no call of it is checked any more. Correct the host file, or put the\n"
    "name back. A base class outside the tree may define a method: that is no finding, and is counted.",
)
SIGNATURE = _entry(
    "FL102",
    "contract-signature",
    "a contracted method has another signature than the host file declares",
    "Names, kinds and defaults are compared, whether it is async, and whether it still is a method. The shim refuses\n"
    "to install over a difference. Correct the row of the host file.",
)
ATTACHMENT = _entry(
    "FL103",
    "contract-attachment",
    "what a contract hooks, watches, needs or recognises by name is gone",
    "A hooked method that no longer exists, a watched or needed attribute that no code of the class assigns, a naming\n"
    "rule whose class is gone: failures are then recorded without their cause, or not at all.",
)
FACADE = _entry(
    "FL104",
    "facade-broken",
    "migrated code imports a name that the façade does not have",
    "The import fails when the module is loaded, or, inside a `try`, leaves the code without its verbs.",
)
ARGUMENTS = _entry(
    "FL105",
    "exception-arguments",
    "an exception is made with arguments that its class does not take",
    "A TypeError is raised in its place. The method's own broad handler then logs it and returns False: that is how\n"
    "loud code dies when its exception is replaced by a builtin and the keywords stay.",
)
SWALLOWED = _entry(
    "FL106",
    "loud-swallowed",
    "a loud failure is raised, or caught by name, where nobody hears it",
    "A raise inside a `try` whose own handler ends it, or an `except LoudFailure` that neither raises nor hands the\n"
    "failure to anything. Put `except LoudFailure: raise` first, or escalate it.",
)
SILENT_AGAIN = _entry(
    "FL107",
    "silent-again",
    "what the state file records as loud is loud no more",
    "The function still has the call, and the verb, clause or mark that made it loud is gone. Run the codemod the\n"
    "finding names, or accept it with --write-state.",
)
REPLACED = _entry(
    "FL108",
    "loud-replaced",
    "a loud exception that the state file records was replaced by a builtin",
    "Handlers of the host catch builtins by name, and no record, boundary or gate knows them.",
)
NEW_SILENT = _entry(
    "FL109",
    "new-silent-site",
    "a new contracted call is silent in a module that is migrated",
    "More silent calls stand in the function than the state file records. Run the codemod the finding names.",
)
BYPASSED = _entry(
    "FL110",
    "facade-bypassed",
    "code of the host imports a verb or a loud exception from shim, not from the façade",
    "It works; but `retire` and the reviewers know the façade only. A notice: it fails nothing.",
    "note",
)
MOVED = _entry(
    "FL111",
    "loud-moved",
    "a function that the state file records has another name or place, with the same marks",
    "It is followed, and still compared. Renew the state file with --write-state. A notice: it fails nothing.",
    "note",
)
REPORTS = (
    MISSING,
    SIGNATURE,
    ATTACHMENT,
    FACADE,
    ARGUMENTS,
    SWALLOWED,
    SILENT_AGAIN,
    REPLACED,
    NEW_SILENT,
    BYPASSED,
    MOVED,
)
CODES = frozenset(one.code for one in REPORTS)
