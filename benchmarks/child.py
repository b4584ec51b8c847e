"""Measure one variant of one subject in a process of its own.

Python specialises code for the classes it meets: two variants of a class in one process slow each other by 20 %, the
bare one most. So each figure comes from a forked child that has met only its own variant. Needs `fork` (POSIX).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import statistics
import time
import traceback
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import shim
from benchmarks.peers import PEERS
from benchmarks.subjects import Call, Subject
from shim.errors import LoudFailure

__all__ = ["MODES", "measured"]

MODES = ("off", "observe", "enforce")
BATCHES = 5
INSTANCES = 500


def measured(subject: Subject, variant: str, what: str, times: int) -> dict[str, float]:
    """Give the figures of one variant.

    For `call`, median and p99 of one that succeeds; for `fail`, the median of one that fails, in ns; for `memory`, the
    bytes of an idle instance. Raises RuntimeError with the child's traceback where it fails.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        code = 1
        try:
            found: Any = _run(subject, variant, what, times)
            code = 0
        except BaseException:  # noqa: BLE001  # told to the parent, which raises it
            found = traceback.format_exc()
        with os.fdopen(write, "w") as out:
            json.dump(found, out)
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"{subject.name}, {variant}, {what}:\n{json.loads(text) if text else 'the child died'}")
    figures: dict[str, float] = json.loads(text)
    return figures


def _run(subject: Subject, variant: str, what: str, times: int) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        if variant in MODES:
            made = shim.install(subject.host)
            stack.callback(made.uninstall)
            stack.enter_context(shim.override(**dict.fromkeys(subject.host.components, variant)))
        elif variant in PEERS:
            PEERS[variant][0](subject)
        how: dict[str, Callable[[Subject, int], Awaitable[dict[str, float]]]] = {
            "call": _succeeding, "fail": _failing, "memory": _memory,
        }  # fmt: skip
        return asyncio.run(how[what](subject, times))  # type: ignore[arg-type]  # they are coroutine functions


async def _succeeding(subject: Subject, times: int) -> dict[str, float]:
    call = await subject.make()
    await _batch(call, times // 4)
    gc.collect()
    gc.freeze()
    batches = [await _batch(call, times) for _ in range(BATCHES)]
    return {"median": min(batches), "p99": await _p99(call, times)}


async def _batch(call: Call, times: int) -> float:
    begun = time.thread_time()  # processor time: what others do on the machine is not ours
    for _ in range(times):
        await call()
    return (time.thread_time() - begun) / times * 1e9


async def _p99(call: Call, times: int) -> float:
    clock, found = time.perf_counter_ns, []
    for _ in range(times):
        begun = clock()
        await call()
        found.append(clock() - begun)
    return statistics.quantiles(found, n=100)[98]


async def _failing(subject: Subject, times: int) -> dict[str, float]:
    if subject.fail is None:
        raise ValueError(subject.name)
    call = await subject.fail()
    found = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        with contextlib.suppress(LoudFailure):
            await call()
        found.append(time.perf_counter_ns() - begun)
    return {"median": statistics.median(found)}


async def _memory(subject: Subject, times: int) -> dict[str, float]:  # noqa: ARG001  # as the others
    kept = [await subject.make()]
    await kept[0]()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept += [await subject.make() for _ in range(INSTANCES)]
    gc.collect()
    return {"bytes": (tracemalloc.get_traced_memory()[0] - before) / INSTANCES}
