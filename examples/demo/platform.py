"""A running copy of the example host, in a process of its own, and what its users see of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

HERE = Path(__file__).resolve().parent.parent
IDLE_S = 0.15
"Seconds without a message after which a client takes it that no more will come."

USERS = (("ada", "thread_ada"), ("ben", "thread_ben"))
QUESTION = "tell me of tides and bread, and of 2 + 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one round of runs, one per user, meant to tell, and what arrived."""

    intended: Counter[str]
    lost: Counter[str]
    told: int
    "Error events that reached a user."
    records: tuple[dict[str, Any], ...]

    @property
    def recorded(self) -> Counter[str]:
        """Records by event type."""
        return Counter(str(record["event_type"]) for record in self.records)

    @property
    def silent(self) -> int:
        """Events that were lost and left no record."""
        return (self.lost - self.recorded).total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One server process."""

    url: str
    records_file: Path

    def faults(self) -> list[dict[str, Any]]:
        """Name the faults of the switchboard with their audit categories."""
        found = self.ask("GET", "/faults")
        return list(found)

    def round(self, fault: str = "") -> Outcome:
        """Connect every user, switch the fault on, let each run once, switch it off; users reconnect at the end."""
        before = len(self.records())
        with ExitStack() as stack:
            sockets = [stack.enter_context(self.connect(*who)) for who in USERS]
            if fault:
                self.ask("POST", f"/faults/{fault}")
            runs = [self.run(user, thread) for user, thread in USERS]
            self.ask("DELETE", "/faults")
            sockets += [stack.enter_context(self.connect(*who)) for who in USERS]
            events = [event for socket in sockets for event in drain(socket)]
        return self._outcome(runs, events, self.records()[before:])

    def probe(self) -> tuple[dict[str, Any], ...]:
        """Run once for a user who was never connected, so that every event is lost; gives the records."""
        before = len(self.records())
        self.run("nobody", "thread_nobody")
        return tuple(self.records()[before:])

    def _outcome(
        self, runs: list[dict[str, Any]], events: list[dict[str, Any]], records: list[dict[str, Any]]
    ) -> Outcome:
        intended: Counter[str] = Counter(event["type"] for run in runs for event in run["intended"])
        lost: Counter[str] = Counter()
        told = {json.dumps(event, sort_keys=True) for event in events}  # a user with two sockets sees an event twice
        unique = [json.loads(text) for text in told]
        for run in runs:
            wanted = Counter(event["type"] for event in run["intended"])
            lost += wanted - Counter(event["type"] for event in unique if event.get("run_id") == run["run_id"])
        errors = sum(event["type"] == "agent_error" for event in unique)
        return Outcome(intended=intended, lost=lost, told=errors, records=tuple(records))

    def run(self, user: str, thread: str) -> dict[str, Any]:
        """Ask a question and wait for the end of its run; gives what the host says of it."""
        started = self.ask("POST", "/runs", {"user": user, "thread": thread, "message": QUESTION})
        while (run := self.ask("GET", f"/runs/{started['run_id']}"))["status"] == "running":
            pass
        return dict(run)

    def connect(self, user: str, thread: str) -> ClientConnection:
        """Open a user's socket; from the greeting on events may come."""
        socket = connect(f"{self.url.replace('http', 'ws')}/ws?user={user}&thread={thread}")
        socket.recv(timeout=5)
        return socket

    def records(self) -> list[dict[str, Any]]:
        """Read every failure record so far."""
        if not self.records_file.exists():
            return []
        return [json.loads(line) for line in self.records_file.read_text(encoding="utf-8").splitlines()]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the server over HTTP; gives the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310  # our own server
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)


def drain(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    """Give what arrives, until nothing does for `IDLE_S`."""
    while True:
        try:
            yield json.loads(socket.recv(timeout=IDLE_S))
        except (TimeoutError, ConnectionClosed):
            return


@contextmanager
def serving(
    code: Path, state: Path, records: Path, end: Path | None = None, missed: Path | None = None
) -> Iterator[Platform]:
    """Serve the copy in `code` under the flags in `state` while the block lasts; its last words go to `end`.

    With `missed`, events that could not be delivered are kept in that file; such a server is killed at the end.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAILLOUD_")}
    environment |= {"FAILLOUD_STATE_DIR": str(state), "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "demo.serve", "--platform", str(code), "--records", str(records)]
    command += ["--end", str(end)] if end else []
    command += ["--missed", str(missed)] if missed else []
    log = records.with_suffix(".log").open("a", encoding="utf-8")
    with (
        log,
        subprocess.Popen(  # noqa: S603  # ours; in a session of its own, so that an interrupt meets us first
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "listening on " not in line:
                msg = f"the example host did not start; its log is {log.name}"
                raise RuntimeError(msg)
            yield Platform(url=line.split("listening on ")[1].strip(), records_file=records)
        finally:
            process.kill() if missed else process.terminate()
