"""Exit codes of the rollout commands: a contract, the same in every release."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a rollout command's exit code says."""

    OK = 0
    GATE_FAILED = 1
    INVALID_PLAN = 2
    INCONCLUSIVE = 3
    "Not enough seen yet, a bake that is not over included."
    ROLLED_BACK = 4
    CONFLICT = 5
    "Another operator was faster, or the event does not fit the plan's state."
    STORE_UNREACHABLE = 6
    WAITING_FOR_APPROVAL = 7
    NOT_OBEYED = 8
    EXPIRED = 9
    USAGE = 64
