"""Run one call of the courier host and tell everything that can be seen of it from outside."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field

import shim

COMPONENTS = ("channel", "beacon", "plant", "store", "office", "relay")


@dataclass
class Outcome:
    """What a caller, a log reader and the network see."""

    value: object = None
    error: BaseException | None = None
    lines: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    def seen(self):
        """Give the comparable part: the exception as type and text."""
        return self.value, type(self.error), str(self.error), self.lines, self.calls


def modes(mode):
    """Override all components of the courier host."""
    return shim.override(**dict.fromkeys(COMPONENTS, mode))


@contextmanager
def host_lines():
    """Collect the host's own log lines."""
    lines = []

    class Collect(logging.Handler):
        def emit(self, record):
            lines.append((record.levelname, record.getMessage()))

    log, handler = logging.getLogger("courier"), Collect()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def call(make, method, *args):
    """Make the instance, call the method, let every task end."""
    with host_lines() as lines:
        instance, wire = make()
        found = Outcome(lines=lines)
        try:
            found.value = drive(getattr(instance, method), *args)
        except Exception as error:  # noqa: BLE001  # what came out is what we compare
            found.error = error
    found.calls = [] if wire is None else wire.calls
    return found


def drive(function, *args):
    """Call a sync or async function; tasks that outlive it are awaited afterwards."""
    if not inspect.iscoroutinefunction(function):
        return function(*args)

    async def main():
        try:
            return await function(*args)
        finally:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

    return asyncio.run(main())
