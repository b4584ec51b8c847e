"""The acts of the demonstration, in the order a platform team would live them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from demo.missed import IN_MEMORY, NOBODYS, come_back, leave, left_waiting
from demo.platform import HERE, Outcome, Platform, serving
from demo.tally import Tally

FOLLOW_S = 2.0
"Seconds a running server may take to follow a flag: it looks once a second; the rest is for a busy machine."

_DIFF_LINES = 40


class Story:
    """Runs in one folder: the copy of the host, two state directories, the records."""

    def __init__(self, folder: Path) -> None:
        self.code = folder / "platform"
        self.staging, self.production = folder / "staging", folder / "production"
        self.records = folder / "records"
        self.tally = Tally()
        for each in (self.staging, self.production, self.records):
            each.mkdir()
        silent = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE / "agentchat", self.code / "agentchat", ignore=silent)

    def tell(self) -> Tally:
        """Run every act and give the numbers."""
        self._act("1. Flags off: the host as it is. Each fault of the switchboard is injected; events are lost.")
        for state in (self.staging, self.production):
            modes = [f"{name}=off" for name in ("bridge", "buffer", "emitter", "factory", "tools")]
            self._run("flags", "set", *modes, "--host", "example", "--state-dir", str(state), show=False)
        with serving(self.code, self.staging, self.records / "before.jsonl") as platform:
            self._rounds(platform, "off", self.tally.off)
        self._act("2. The call sites of this copy are migrated. Safe to land: with the flags off nothing changes.")
        self._migrate()
        with serving(self.code, self.staging, self.records / "landed.jsonl") as platform:
            self._rounds(platform, "off, migrated", self.tally.landed)
        self._act("3. The plan starts: staging observes. The server runs on the migrated copy from here on.")
        self._rollout("start", str(HERE.parent / "rollout" / "plans" / "example.yaml"))
        with (
            serving(self.code, self.staging, self.records / "staging.jsonl") as staging,
            serving(self.code, self.production, self.records / "production.jsonl") as production,
        ):
            self._rounds(staging, "observe", self.tally.observe)
            self._act("4. Promoted: staging enforces. Each failure is raised or escalated, with its cause.")
            self._promote(staging, "enforce")
            self._rounds(staging, "enforce", self.tally.enforce)
            self._miss()
            self._act("6. Promoted: production observes, then enforces. The servers were not restarted.")
            self._promote(production, "observe")
            self._promote(production, "enforce")
            self._roll_back(production)
        return self.tally

    def _rounds(self, platform: Platform, mode: str, count: Callable[[int, Outcome], None]) -> None:
        self.tally.healthy(mode, platform.round())
        for fault in platform.faults():
            outcome = platform.round(fault["name"])
            count(fault["category"], outcome)
            lost, recorded = outcome.lost.total(), len(outcome.records)
            loud = sum(record["action"] in ("raised", "escalated") for record in outcome.records)
            click.echo(
                f"  {fault['category']} {fault['name']:28} {lost:3} lost {recorded:3} recorded {loud:3} loud"
                f" {outcome.silent:3} silent   {_cause(outcome)}"
            )
        self.tally.healthy(mode, platform.round())

    def _miss(self) -> None:
        self._act("5. What enforce could not deliver is kept. The users leave, the server is killed; they come back.")
        click.echo(f"  left out: {', '.join(sorted(NOBODYS))} (nobody can tell whose their events are), and")
        click.echo(
            f"  {', '.join(sorted(IN_MEMORY))} (the host holds what it took in memory, and said that it was sent)"
        )
        file = self.records / "missed.sqlite"
        with serving(self.code, self.staging, self.records / "missed.jsonl", missed=file) as platform:
            runs, arrived = leave(platform)
            waiting = left_waiting(file)
        click.echo(f"  killed (SIGKILL) with {waiting} events waiting for users who have left")
        self._run("missed", "list", "--store", str(file))
        with serving(self.code, self.staging, self.records / "missed.jsonl", missed=file) as platform:
            back = come_back(platform, runs, arrived)
        self.tally.failed += back.problems()
        click.echo(
            f"  {back.intended.total()} events were meant, {back.at_once} arrived at once,"
            f" {back.soon} a moment later, {back.later} after the kill;"
            f" {back.lost.total()} lost, {back.twice} twice, {back.out_of_order} out of order; {back.notices} notices"
        )

    def _promote(self, platform: Platform, mode: str) -> None:
        self._rollout("promote")
        seconds = _until(lambda: mode in {record["mode"] for record in platform.probe()})
        self.tally.expect(seconds <= FOLLOW_S, f"{mode} was followed after {seconds:.1f} s, not within {FOLLOW_S} s")
        click.echo(f"  the running server follows after {seconds:.1f} s")

    def _roll_back(self, production: Platform) -> None:
        self._act("7. Rolled back: one command, no restart, and the host behaves as before.")
        self._run("rollback", "--reason", "the demonstration ends here", *self._state_dirs())
        seconds = _until(lambda: not production.probe())
        self.tally.expect(seconds <= FOLLOW_S, f"rollback was followed after {seconds:.1f} s, not within {FOLLOW_S} s")
        outcome = production.round("nobody_connected")
        self.tally.expect(outcome.silent == outcome.lost.total() > 0, "after the rollback the host is not as it was")
        click.echo(f"  the running server follows after {seconds:.1f} s: {outcome.lost.total()} lost, 0 recorded again")
        status = self._run("rollout", "status", *self._state_dirs(), codes=(4,))
        self.tally.expect("rolled" in status, "rollout status does not say that the plan is rolled back")

    def _migrate(self) -> None:
        names = ("check-results", "reraise-loud", "--host", "example", str(self.code))
        diff = self._run("migrate", *names, codes=(1,), show=False)
        lines = diff.splitlines()
        shown = diff[diff.find("--- a/agentchat/agents.py") :].splitlines()[:_DIFF_LINES]
        click.echo("\n".join(f"    {line}" for line in shown))
        click.echo(
            f"    ... {len(lines)} lines of diff in all; the first file it makes is the façade, agentchat/loud.py"
        )
        self._run("migrate", *names, "--write", codes=(0, 1))
        again = self._run("migrate", *names, show=False)
        self.tally.expect("--- " not in again, "a second migration of the same copy would change it again")

    def _rollout(self, *arguments: str) -> None:
        self._run("rollout", *arguments, *self._state_dirs())

    def _state_dirs(self) -> tuple[str, ...]:
        return ("--state-dir", f"staging={self.staging}", "--state-dir", f"production={self.production}")

    def _run(self, *arguments: str, codes: tuple[int, ...] = (0,), show: bool = True) -> str:
        """Run our own command line as a user would; an exit code that is not expected does not hold either."""
        words = [*arguments]
        shown = " ".join(Path(word).name if "/" in word else word for word in words)
        click.secho(f"  $ failloud {shown}", bold=True)
        command = [sys.executable, "-m", "shim.cli", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
        text = done.stdout + done.stderr
        if done.returncode not in codes:
            self.tally.failed.append(f"'failloud {arguments[0]}' ended with {done.returncode}: {text.strip()}")
        if show:
            click.echo("\n".join(f"    {line}" for line in text.splitlines()))
        return text

    @staticmethod
    def _act(text: str) -> None:
        click.secho(f"\n{text}", fg="cyan", bold=True)


def _until(done: Callable[[], bool]) -> float:
    """Wait until something holds, five seconds at most; gives the seconds it took."""
    started = time.monotonic()
    while not done() and time.monotonic() - started < 5:
        time.sleep(0.05)
    return time.monotonic() - started


def _cause(outcome: Outcome) -> str:
    """Name the first record's error and reason, short."""
    if not outcome.records:
        return ""
    first = outcome.records[0]
    text = f"{first['error_type']}: {first['cause'] or first['reason']}"
    return text if len(text) < 100 else text[:97] + "..."
