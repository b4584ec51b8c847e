"""The tables of docs/host-netra.md, measured: what each fault does on the real classes, before and after.

`make test-host` checks them; `pytest -m host -s tests/host/test_host_figures.py` prints them: component x mode, and
component x fault x mode: raised, escalated, recorded, log level, before (the bare host) and after.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter, defaultdict
from typing import Any

import manager_faults
import managerkit
import pytest
from hostkit import Fault, all_faults, bare, everything, hosts_own

import shim
from shim.errors import LoudFailure

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

INFO = 20
REPEAT = 5
"Calls per fault and mode in the table of components; that of faults makes one."
MODES = ("bare", "off", "observe", "enforce")
NAMES = ("calls", "returned normally", "records", "raised", "escalated", "cause unknown", "host log at most INFO")


class Cell:
    """What the calls of one cell came to."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.level = 0
        "The highest of the host's own log lines."

    def add(self, answered: bool, records: list[Any], levels: list[int], events: int = 1) -> None:
        self.level = max(self.level, *levels, 0)
        self.counts.update(
            {
                "calls": 1,
                "events": events,
                "returned normally": answered,
                "records": len(records),
                "raised": sum(record.action == "raised" for record in records),
                "escalated": sum(record.action == "escalated" for record in records),
                "cause unknown": sum(not record.cause_known for record in records),
                "host log at most INFO": max(levels, default=0) <= INFO,
            }
        )


Figures = dict[tuple[str, str], Cell]


@pytest.mark.asyncio
async def test_figures_of_the_shim(installed: shim.Installation) -> None:
    components: Figures = defaultdict(Cell)
    faults: Figures = defaultdict(Cell)
    levels: list[int] = []
    loguru = importlib.import_module("loguru").logger
    sink = loguru.add(lambda message: levels.append(message.record["level"].no), level=0, filter=hosts_own)
    try:
        for fault in all_faults():
            for mode in MODES:
                await _measure(fault, mode, levels, components, faults)
        for play in manager_faults.FAULTS:
            for mode in MODES:
                await _measure_manager(play, mode, levels, components, faults)
    finally:
        loguru.remove(sink)
    _print_components(components)
    _print_faults(faults)
    for component in {fault.row.component for fault in all_faults()}:
        _check(component, components)


async def _measure(fault: Fault, mode: str, levels: list[int], components: Figures, faults: Figures) -> None:
    slow = fault.row.method in ("ensure_integration", "recover_integration")  # the host sleeps between its attempts
    for _ in range(1 if slow else REPEAT):
        levels.clear()
        with everything("off" if mode == "bare" else mode), shim.recording() as records:
            if mode == "bare":
                with bare():
                    answered = await _answers(fault)
            else:
                answered = await _answers(fault)
        components[fault.row.component, mode].add(answered, records, levels, fault.observed)
        faults[str(fault), mode].add(answered, records, levels, fault.observed)


async def _measure_manager(
    fault: manager_faults.Fault, mode: str, levels: list[int], components: Figures, faults: Figures
) -> None:
    levels.clear()
    found = await managerkit.run(fault.play, "off" if mode == "bare" else mode)
    answered = found.error is None
    components["connections", mode].add(answered, found.records, levels)
    faults[f"connections.{fault.method}: {fault.name}", mode].add(answered, found.records, levels)


async def _answers(fault: Fault) -> bool:
    call = fault.build()
    try:
        await call()
    except LoudFailure:
        return False
    except Exception:
        if fault.host_raises:
            return False
        raise
    return True


def _check(component: str, figures: Figures) -> None:
    found = {mode: figures[component, mode].counts for mode in MODES}
    calls = found["bare"]["calls"]
    assert calls > 0
    for mode in ("off", "observe"):
        assert found[mode]["returned normally"] == found["bare"]["returned normally"]
        assert figures[component, mode].level == figures[component, "bare"].level
    assert found["off"]["records"] == 0
    assert found["observe"]["records"] == found["observe"]["events"]
    assert found["enforce"]["raised"] + found["enforce"]["escalated"] == calls
    assert found["enforce"]["cause unknown"] == 0


def _print_components(figures: Figures) -> None:
    sys.stdout.write(f"\n{'component, mode':22}" + "".join(f"{name:>22}" for name in NAMES) + "\n")
    for (component, mode), cell in figures.items():
        cells = "".join(f"{cell.counts[name]:>22}" for name in NAMES)
        sys.stdout.write(f"{component + ', ' + mode:22}{cells}\n")


def _print_faults(figures: Figures) -> None:
    """Print one row per fault and component, over the methods that share it and end alike."""
    found: dict[tuple[str, ...], list[Figures]] = defaultdict(list)
    for name in dict.fromkeys(name for name, _ in figures):
        key, _, fault = name.partition(": ")
        cells = {(name, mode): figures[name, mode] for mode in MODES}
        found[key.partition(".")[0], fault, *_ends(cells, name)].append(cells)
    sys.stdout.write("\n| component | fault | methods | before | host's log before | observe | enforce |\n")
    sys.stdout.write("|---|---|--:|---|---|---|---|\n")
    for (component, fault, before, observe, enforce), methods in found.items():
        levels = sorted({cell.level for cells in methods for (_, mode), cell in cells.items() if mode == "bare"})
        level = " or ".join(_level(each) for each in levels)
        sys.stdout.write(f"| {component} | {fault} | {len(methods)} | {before} | {level} | {observe} | {enforce} |\n")


def _ends(figures: Figures, name: str) -> tuple[str, str, str]:
    before, observe, enforce = (figures[name, mode].counts for mode in ("bare", "observe", "enforce"))
    calls = before["calls"]
    answer = "normal answer" if before["returned normally"] == calls else "raises"
    ends = " and ".join(word for word in ("raised", "escalated") if enforce[word])
    return answer, _records(observe["records"] / calls), f"{_records(enforce['records'] / calls)}, {ends}"


def _records(number: float) -> str:
    return "1 record, ERROR" if number == 1 else f"{number:g} records, ERROR"


def _level(number: int) -> str:
    names = {0: "none", 10: "DEBUG", 20: "INFO", 25: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
    return names.get(number, str(number))
