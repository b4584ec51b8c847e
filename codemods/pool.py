"""Run one function over many files, in this process or in workers, with the garbage collector off."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from pathlib import Path
from typing import Any, Generic, TypeVar

from codemods.progress import watched
from shim.console import Refused

__all__ = ["Pool", "default_jobs"]

Result = TypeVar("Result")
Setup = TypeVar("Setup")
_SMALL = 8
"Below this many files a worker costs more than it saves."

_state: dict[str, Any] = {}


def default_jobs() -> int:
    """Give the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool(Generic[Setup, Result]):
    """`setup` makes what a process needs once; `work` is called with it for every file. Both must be importable."""

    def __init__(
        self, setup: Callable[..., Setup], work: Callable[[Setup, Path], Result], arguments: tuple[object, ...]
    ) -> None:
        self.setup, self.work, self.arguments = setup, work, arguments

    def run(self, files: list[Path], jobs: int, label: str) -> Iterator[Result]:
        """Give results in the order of the files; progress goes to standard error on a terminal."""
        return watched(self._results(files, jobs), len(files), label)

    def _results(self, files: list[Path], jobs: int) -> Iterator[Result]:
        if jobs <= 1 or len(files) < _SMALL:
            ready = self.setup(*self.arguments)
            with _uncollected():
                for path in files:
                    yield self.work(ready, path)
            return
        size = max(1, min(16, len(files) // (jobs * 4)))
        others = set(active_children())
        with ProcessPoolExecutor(jobs, initializer=_start, initargs=(self.setup, self.arguments, files)) as executor:
            chunks = [range(at, min(at + size, len(files))) for at in range(0, len(files), size)]
            try:  # not `map`: what that cancels on Ctrl-C, the executor's own thread fails once more, with a traceback
                running = deque(executor.submit(_calls, self.work, chunk) for chunk in chunks)
                while running:
                    yield from running.popleft().result()
            except BrokenProcessPool as error:
                raise Refused("a worker process died; next: find the file with --jobs 1 and --module", 2) from error
            except BaseException:  # Ctrl-C: nobody reads what is still being worked out, and workers write nothing
                for worker in set(active_children()) - others:
                    worker.terminate()
                raise


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector off: it goes through all syntax trees again and again, and they hold no circles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _calls(work: Callable[..., Result], numbers: range) -> list[Result]:
    return [work(_state["ready"], _state["files"][number]) for number in numbers]


def _start(setup: Callable[..., object], arguments: tuple[object, ...], files: list[Path]) -> None:
    """Make a worker ready; the files come along once, and are named by their numbers then."""
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the parent ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _state["ready"], _state["files"] = setup(*arguments), files


def _end_with_parent() -> None:
    """Wait for the parent's end: one that is killed cannot tell its workers, and they would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
