"""The figures of docs/host-netra.md, measured: what the audit's faults do on the real classes, before and after.

`make test-host` checks them; `pytest -m host -s tests/host/test_host_figures.py` prints them.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from typing import Any

import pytest
from test_host_shim import TABLE, everything, host  # noqa: F401  # the fixture that imports the host

import shim
from shim.errors import LoudFailure

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]

INFO = 20
COMPONENTS = sorted({param.values[0].component for param in TABLE})
REPEAT = 20
"Calls per fault and mode."


@pytest.mark.asyncio
async def test_figures_of_the_shim(host: Any) -> None:  # noqa: F811
    figures: Counter[str] = Counter()
    levels: list[int] = []
    loguru = importlib.import_module("loguru").logger
    sink = loguru.add(lambda message: levels.append(message.record["level"].no), level=0)
    made = shim.install("netra")
    try:
        for row, build, *_ in (param.values for param in TABLE):
            for mode in ("off", "observe", "enforce"):
                for _ in range(REPEAT):
                    levels.clear()
                    with everything(mode), shim.recording() as records:
                        answered = await _answers(build(host, row))
                    _count(figures, f"{row.component}, {mode}", answered, records, levels)
    finally:
        made.uninstall()
        loguru.remove(sink)
    _print(figures)
    for component in COMPONENTS:
        calls = figures[f"{component}, off: calls"]
        assert calls > 0
        assert figures[f"{component}, off: returned normally"] == calls
        assert figures[f"{component}, off: records"] == 0
        assert figures[f"{component}, observe: returned normally"] == calls
        assert figures[f"{component}, observe: records"] == calls
        loud = figures[f"{component}, enforce: raised"] + figures[f"{component}, enforce: escalated"]
        assert loud == calls
        assert figures[f"{component}, enforce: cause unknown"] == 0


def _count(figures: Counter[str], cell: str, answered: bool, records: list[Any], levels: list[int]) -> None:
    figures[f"{cell}: calls"] += 1
    figures[f"{cell}: returned normally"] += answered
    figures[f"{cell}: records"] += len(records)
    figures[f"{cell}: raised"] += sum(record.action == "raised" for record in records)
    figures[f"{cell}: escalated"] += sum(record.action == "escalated" for record in records)
    figures[f"{cell}: cause unknown"] += sum(not record.cause_known for record in records)
    figures[f"{cell}: host log at most INFO"] += max(levels, default=0) <= INFO


async def _answers(call: Any) -> bool:
    try:
        await call()
    except LoudFailure:
        return False
    return True


def _print(figures: Counter[str]) -> None:
    names = ("calls", "returned normally", "records", "raised", "escalated", "cause unknown", "host log at most INFO")
    sys.stdout.write(f"\n{'component, mode':22}" + "".join(f"{name:>22}" for name in names) + "\n")
    for component in COMPONENTS:
        for mode in ("off", "observe", "enforce"):
            cells = "".join(f"{figures[f'{component}, {mode}: {name}']:>22}" for name in names)
            sys.stdout.write(f"{component + ', ' + mode:22}{cells}\n")
