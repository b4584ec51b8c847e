"""Cover a class that cannot be subclassed: its methods are wrapped on the class itself, and put back."""

from __future__ import annotations

from typing import Any

from shim.build import watched_names, wrapped_members
from shim.contracts import Host, HostClass

__all__ = ["Altered", "lost"]

_ABSENT = object()


class Altered:
    """A host's class whose contracted methods were replaced on it; others' later changes are respected."""

    def __init__(self, host: Host, declared: HostClass, cls: type) -> None:
        """Wrap the methods. Raises TypeError, with nothing changed, where the class does not allow it."""
        self.cls = cls
        self.ours = wrapped_members(host, declared, cls, {})
        self.before = {name: vars(cls).get(name, _ABSENT) for name in self.ours}
        for name, member in self.ours.items():
            setattr(cls, name, member)  # an immutable class refuses the first one

    def put_back(self) -> list[str]:
        """Put the methods back; gives those that somebody has replaced since."""
        left = []
        for name, before in self.before.items():
            if vars(self.cls).get(name) is not self.ours[name]:
                left.append(f"{self.cls.__module__}:{self.cls.__qualname__}.{name}: replaced since")
            elif before is _ABSENT:
                delattr(self.cls, name)
            else:
                setattr(self.cls, name, before)
        return left


def lost(host: Host, declared: HostClass, *, by: str) -> str:
    """Say what a class loses by being covered another way than by a subclass."""
    parts: list[Any] = [f"what {name} does where its class takes no wrapper" for name in watched_names(host, declared)]
    parts += [f"mixin {declared.mixin}"] if declared.mixin else []
    return f"{by}; lost: {', '.join(parts)} (failures that only show there stay silent)" if parts else by
