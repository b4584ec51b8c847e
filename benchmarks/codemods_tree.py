"""A generated tree of the shape of a large agent platform: 6,000 files, 78 MB, 233 dropped results in 85 of them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["HOST_FILE", "METHODS", "SITES", "make_tree"]

METHODS = ("notify_agent_started", "emit_agent_started", "send_to_user", "notify_tool_executing")
SITES = 233
_FILES, _CALLING, _NAMING, _BYTES = 6_000, 85, 180, 13_000
_FILLER = '''
async def step_{0}(state: dict[str, int], limit: int = {0}) -> int:
    """Count what is there, and stop at the limit."""
    total = 0
    for key, value in sorted(state.items()):
        if key.startswith("_") or value is None:
            continue
        try:
            total += int(value) * {0}
        except (TypeError, ValueError) as error:
            raise RuntimeError(f"bad value for {{key}}: {{error}}") from error
        if total > limit:
            break
    return total
'''
_HUB = "class Hub:\n" + "".join(
    f"    async def {name}(self, who, what) -> bool:\n        return True\n" for name in METHODS
)
HOST_FILE = f"""
from shim.contracts import Contract, Host, HostClass, Shows
from shim.errors import LoudFailure

HUB = "plant.hub:Hub"
HOST = Host(
    name="plant",
    package="plant",
    facade="plant.loud",
    components=("hub",),
    classes=(HostClass(component="hub", target=HUB),),
    contracts=tuple(
        Contract(component="hub", target=HUB, method=name, signature="(self, who, what)", is_async=True,
                 shows=Shows.FALSY, error=LoudFailure, reason="event_lost")
        for name in {METHODS!r}
    ),
)
"""
"A host whose hub has the four methods."


def make_tree(folder: Path) -> Path:
    """Write the tree; gives its root."""
    for number in range(_FILES):
        path = folder / "plant" / f"part{number // 100}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(number), encoding="utf-8")
    (folder / "plant" / "hub.py").write_text(_HUB, encoding="utf-8")
    (folder / "plant" / "__init__.py").touch()
    return folder


def _text(number: int) -> str:
    """Give one module: every n-th calls a method and drops the answer, others only name one, most do neither."""
    every = _FILES // _NAMING
    turn = number // every
    head = f'"""Module {number}."""\n'
    if number % every == 0 and turn < _CALLING:
        calls = SITES // _CALLING + (turn < SITES % _CALLING)
        body = "".join(f"    await hub.{METHODS[at % len(METHODS)]}('ann', {at})\n" for at in range(calls))
        head += f"from plant.hub import Hub\n\n\nasync def tell(hub: Hub) -> None:\n{body}\n"
    elif number % every == 0 and turn < _NAMING:
        head += f"NAME = {METHODS[turn % len(METHODS)]!r}\n\n"
    parts = [head]
    size = len(head)
    while size < _BYTES:
        parts.append(_FILLER.format(len(parts)))
        size += len(parts[-1])
    return "\n".join(parts)
