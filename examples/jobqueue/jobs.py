"""What the queue carries."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """One job; frozen, so that no worker changes it under another."""

    id: str
    kind: str
    owner: str
    payload: dict = field(default_factory=dict)
