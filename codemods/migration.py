"""What to do about a call site: one decision, in the order of DESIGN section 7. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Facts", "Migration", "migration_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the decision looks at."""

    target: bool
    swallowed: bool
    loud: bool
    "A clause for our failure stands before every broad one on the way out."
    checked: bool
    "The result goes through `delivered`."
    cleanup: bool
    in_except_body: bool
    unit_of_work: bool
    loop_goes_on: bool
    result_use: str
    result_object: bool
    reported_as_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The decision and why."""

    name: str
    why: str


def migration_of(facts: Facts) -> Migration:
    """Decide; the first rule that holds wins."""
    dropped = facts.result_use in {"ignored", "assigned_unused"} and not facts.checked
    rules = (
        (not facts.target, "leave_alone", "not a contracted call"),
        (facts.loud and not facts.swallowed, "leave_alone", "already loud"),
        (facts.checked and not facts.swallowed, "leave_alone", "result is checked, nothing swallows"),
        (facts.cleanup, "leave_alone", "best-effort clean-up"),
        (facts.in_except_body, "catch_specific", "stands in an except body: a raise would mask the first error"),
        (facts.unit_of_work, "catch_specific", "in or after a unit of work: a raise would undo it"),
        (facts.loop_goes_on, "catch_specific", "in a loop that must go on"),
        (dropped and facts.result_object, "check_result", "the result object is dropped"),
        (dropped and facts.reported_as_success, "check_result", "the result is dropped and success reported"),
        (facts.result_use == "returned", "return_result_is_checked_by_caller", "the result is handed up"),
        (facts.swallowed, "insert_reraise_before_broad", "a broad handler of this function swallows"),
    )
    for holds, name, why in rules:
        if holds:
            return Migration(name=name, why=why)
    return Migration(name="let_propagate", why="nothing in this function stops a raise")
