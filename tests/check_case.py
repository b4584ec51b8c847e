"""A small host for the tests of `check`: a mill whose one class tells, and code that is migrated already."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migration_case import Ended, run_cli

HOST_FILE = """
from shim.contracts import Collaborator, Contract, Hook, Host, HostClass, Named, Needs, Shows
from shim.errors import Common, LoudFailure
from typing import Unpack

BELL = "mill.bell:Bell"


class GrainLostError(LoudFailure):
    context_keys = ("grain",)

    def __init__(self, reason="", *, grain="", **common: Unpack[Common]):
        super().__init__(reason, context={"grain": grain}, **common)


def row(method, signature, is_async=True, **more):
    return Contract(component="bell", target=BELL, method=method, signature=signature, is_async=is_async,
                    shows=Shows.FALSY, error=GrainLostError, reason="nobody heard", **more)


WATCH = Collaborator(attribute="wire", methods=("pull",), shows=Shows.FALSY, error=LoudFailure,
                     raised_error=LoudFailure, reason="the wire said no")
HOST = Host(
    name="mill", package="mill", facade="mill.loud", components=("bell", "stone"),
    classes=(HostClass(component="bell", target=BELL,
                       hooks=(Hook(method="_swing", shows=Shows.RAISES, error=LoudFailure, reason="stuck"),)),),
    contracts=(
        row("ring", "(self, run_id, times=1)", watches=(WATCH,),
            needs=(Needs(attribute="rope", error=LoudFailure, reason="no rope"),)),
        row("knock", "(self, run_id, *, hard=False)", is_async=False),
        row("told", "(self, key)"),
        Contract(component="stone", target="mill.stone", method="grind", signature="(grain, speed=30)", is_async=False,
                 shows=Shows.FALSY, error=LoudFailure, reason="not ground"),
    ),
    naming=(Named(pattern=r"bell$", target=BELL),),
)
"""
BELL = """
class Base:
    async def told(self, key) -> bool:
        return False


class Bell(Base):
    def __init__(self, wire=None):
        self.wire = wire
        self.rope = None

    async def ring(self, run_id, times=1) -> bool:
        return False

    def knock(self, run_id, *, hard=False) -> bool:
        return False

    def _swing(self):
        return None
"""
STONE = """
SPEED = 30


def grind(grain, speed=SPEED) -> bool:
    return False
"""
MIGRATED = """
from mill.bell import Bell
from mill.loud import LoudFailure, delivered, escalate, missing, spawn


class Miller:
    def __init__(self, bell: Bell):
        self.bell = bell

    async def start(self, run_id):
        if self.bell is None:
            missing("bell", "ring", run_id=run_id)
            return
        delivered(await self.bell.ring(run_id), "bell.ring", run_id=run_id)

    async def work(self, run_id):
        try:
            done = await self.bell.ring(run_id)
        except LoudFailure:
            raise
        except Exception:
            return False
        return done

    async def stop(self, run_id):
        try:
            done = await self.bell.ring(run_id)
        except LoudFailure as failure:
            escalate(failure)
            done = False
        return done

    async def later(self, run_id):
        spawn(self.work(run_id), name="work")
"""
FACADE = """
from shim.boundaries import boundary, handled
from shim.calls import delivered, escalate, missing, spawn
from shim.errors import LoudFailure, WebSocketBufferOverflowError
"""


def make(folder: Path, **modules: str | None) -> Path:
    """Write the mill; a module may be replaced, added, or left out by None."""
    sources = {"__init__": "", "bell": BELL, "stone": STONE, "loud": FACADE} | modules
    for name, text in sources.items():
        if text is not None:
            put(folder, name, text)
    (folder / "the_mill.py").write_text(HOST_FILE, encoding="utf-8")
    return folder


def put(folder: Path, name: str, text: str) -> None:
    path = folder / "mill" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "mill" / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def check(capsys, folder: Path, *words: object, path: object = None) -> Ended:
    """Run the check on the mill in one process."""
    where = (folder / "mill",) if path is None else path if isinstance(path, tuple) else (path,)
    return run_cli(capsys, "check", *where, "--host", folder / "the_mill.py", "--jobs", 1, *words)


def drift(capsys, folder: Path, *words: object, path: object = None) -> list[tuple[str, str, str]]:
    """Give code, file and message of each finding."""
    found = check(capsys, folder, "--json", *words, path=path).json["findings"]
    return [(one["code"], one["path"], one["message"]) for one in found]
