"""Serve a copy of the example host with its shims installed, writing each failure record as a line of JSON.

`python -m demo.serve --platform DIR --records FILE [--end FILE] [--missed FILE]`; the modes come from
FAILLOUD_STATE_DIR. The host itself is unaware: what a platform's own start-up would do in a line or two
(`shim.install("example")`, and `Web(app, Service("example"))` for missed events) is done here. With `--end` the events
are counted; when the server is told to end, the sums are written, and the shim's own failures. With `--missed` what
enforce records as undelivered is kept in that file, and delivered later.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import shim
from shim.counting import counting
from shim.delivery.service import Service
from shim.delivery.sqlite import SqliteStore
from shim.delivery.web import Web
from shim.guard import own_failures
from shim.recorder import add_sink


def main() -> None:
    """Install, then hand over to the host's own command line."""
    parser = argparse.ArgumentParser(prog="demo.serve")
    parser.add_argument("--platform", required=True, help="folder that holds the agentchat package to serve")
    parser.add_argument("--records", required=True, type=Path, help="file that each record is appended to")
    parser.add_argument("--end", type=Path, help="file that the ledger's sums are written to at the end")
    parser.add_argument("--missed", type=Path, help="file that missed events are kept in")
    parser.add_argument("--port", default="0", help="port to listen on; 0 takes a free one")
    parser.add_argument("--pace", default="0", help="seconds an agent takes for a step")
    options = parser.parse_args()
    sys.path.insert(0, options.platform)
    out = options.records.open("a", encoding="utf-8", buffering=1)

    def write(record: shim.FailureRecord) -> None:
        out.write(json.dumps(dataclasses.asdict(record)) + "\n")

    shim.install("example")
    add_sink(write)
    import agentchat.__main__ as host

    if options.missed:
        host.create_app = _with_missed_events(host.create_app, options.missed)
    sys.argv = ["agentchat", "--port", options.port, "--pace", options.pace, "--log-level", "ERROR"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server shuts down first, and then raises it again
    with ExitStack() as stack:
        ledger = stack.enter_context(counting()) if options.end else None
        try:
            host.main()
        finally:
            if ledger is not None:
                said = {"sums": dataclasses.asdict(ledger.totals()), "own_failures": own_failures()}
                options.end.write_text(json.dumps(said), encoding="utf-8")


def _with_missed_events(create: Callable[[float], Any], file: Path) -> Callable[[float], Any]:
    def created(pace: float = 0.0) -> Web:
        return Web(create(pace), Service("example", SqliteStore(file)), authenticate=_user)

    return created


async def _user(scope: Mapping[str, Any]) -> str | None:
    """Trust the address, as the example's own socket does; a platform asks whatever knows who is signed in."""
    return dict(parse_qsl(scope["query_string"].decode())).get("user")


if __name__ == "__main__":
    main()
