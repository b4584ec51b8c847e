"""Serve a copy of the example host with its shims installed, writing each failure record as a line of JSON.

`python -m demo.serve --platform DIR --records FILE [--end FILE]`; the modes come from FAILLOUD_STATE_DIR. The host
itself is unaware: what a platform's own start-up would do in one line (`shim.install("example")`) is done here. With
`--end` the events are counted; when the server is told to end, the sums are written, and the shim's own failures.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import shim
from shim.counting import counting
from shim.guard import own_failures
from shim.recorder import add_sink


def main() -> None:
    """Install, then hand over to the host's own command line."""
    parser = argparse.ArgumentParser(prog="demo.serve")
    parser.add_argument("--platform", required=True, help="folder that holds the agentchat package to serve")
    parser.add_argument("--records", required=True, type=Path, help="file that each record is appended to")
    parser.add_argument("--end", type=Path, help="file that the ledger's sums are written to at the end")
    options = parser.parse_args()
    sys.path.insert(0, options.platform)
    out = options.records.open("a", encoding="utf-8", buffering=1)

    def write(record: shim.FailureRecord) -> None:
        out.write(json.dumps(dataclasses.asdict(record)) + "\n")

    shim.install("example")
    add_sink(write)
    from agentchat.__main__ import main as serve

    sys.argv = ["agentchat", "--port", "0", "--pace", "0", "--log-level", "ERROR"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server shuts down first, and then raises it again
    with ExitStack() as stack:
        ledger = stack.enter_context(counting()) if options.end else None
        try:
            serve()
        finally:
            if ledger is not None:
                said = {"sums": dataclasses.asdict(ledger.totals()), "own_failures": own_failures()}
                options.end.write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
