"""`migrate --review`: compute every hunk first, ask for each, then apply what was accepted and check that alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codemods.options import Given
from codemods.outcome import Changed, Failed, Outcome, SkippedSite, Unchanged
from codemods.picking import Chooser, Hunk, PlaceKey, Recorder
from codemods.pool import Pool
from codemods.rewrite import Rewriter, setup
from codemods.runner import Run, set_aside, with_facade
from shim.console import USAGE, Refused

if TYPE_CHECKING:
    from codemods.bowlerprompt import Answers, Asker

__all__ = ["DECLINED", "UNSEEN", "Offer", "Session", "review"]

DECLINED = "declined in review"
UNSEEN = "not reviewed"
_LOST = "needs a hunk that was declined"
_STALE = "changed by somebody else during the review: not written"
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One file: what would become of it if every hunk were accepted, and the hunks."""

    outcome: Outcome
    hunks: tuple[Hunk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a review came to."""

    run: Run
    "The accepted hunks alone; not written yet."
    code: int = 0
    "1 where the reviewer quit before the last hunk, 64 where the answers ended."
    note: str = ""


def review(asked: Given, codemods: tuple[str, ...], jobs: int, *, allow_dirty: bool) -> Session:
    """Ask about each hunk of each file. Nothing is written. Raises Refused (interrupted, Bowler missing), GitError."""
    try:
        from codemods.bowlerprompt import Asker
    except ModuleNotFoundError as error:
        raise Refused(
            f"--review needs {error.name}, which is not installed; next: pip install 'failloud[codemods]'", USAGE
        ) from error
    pool: Pool[Rewriter, Offer] = Pool(setup, _offer, (asked.layout, asked.wanted, codemods))
    offers = list(pool.run(list(asked.files), jobs, "looked at"))
    skipped = asked.found.skipped_directories
    run = Run(codemods=codemods, outcomes=tuple(one.outcome for one in offers), skipped_directories=skipped)
    if not allow_dirty:
        run = set_aside(run, asked.layout)
    waiting = {one.path for one in run.changed}
    total = sum(len(one.hunks) for one in offers if one.outcome.path in waiting)
    if total:
        click.echo(f"{total} hunks in {len(waiting)} files; ? lists the answers, q keeps what was accepted and ends")
    try:
        session = _Reviewer(asked, codemods, Asker(total)).all(run, offers)
    except KeyboardInterrupt as error:
        raise Refused(
            "interrupted: nothing was written; next: end with q, which keeps what was accepted", _INTERRUPTED
        ) from error
    return replace(session, run=with_facade(session.run, asked.layout, asked.wanted))


def _offer(rewriter: Rewriter, path: Path) -> Offer:
    recorder = Recorder()
    outcome = rewriter.rewrite(path, recorder)
    return Offer(outcome=outcome, hunks=tuple(recorder.hunks) if isinstance(outcome, Changed) else ())


class _Reviewer:
    """Asks file by file, in this process."""

    def __init__(self, asked: Given, codemods: tuple[str, ...], asker: Asker) -> None:
        self.folder = asked.layout.root if asked.layout.root.is_dir() else asked.layout.root.parent
        self.rewriter = setup(asked.layout, asked.wanted, codemods)
        self.asker = asker

    def all(self, run: Run, offers: list[Offer]) -> Session:
        """Give each file's outcome by its answers; after `q`, or the end of the answers, nothing is asked."""
        outcomes: list[Outcome] = []
        stopped = ended = False
        for outcome, offer in zip(run.outcomes, offers, strict=True):
            if not isinstance(outcome, Changed):
                outcomes.append(outcome)
            elif stopped:
                kept = Unchanged(path=outcome.path, sites=outcome.sites)
                outcomes.append(_left(kept, offer.hunks, UNSEEN))
            else:
                answers = self.asker.ask(outcome.path, [(_heading(hunk), hunk.lines) for hunk in offer.hunks])
                stopped, ended = answers.stopped, answers.ended
                outcomes.append(self._answered(outcome, offer.hunks, answers))
        note = ""
        if ended:
            note = (
                f"the answers ended at hunk {self.asker.number} of {self.asker.total}; hunks accepted before it count; "
                "next: run it at a terminal, or give an answer (y, n, a, d or q) for every hunk"
            )
        return Session(run=replace(run, outcomes=tuple(outcomes)), code=USAGE if ended else int(stopped), note=note)

    def _answered(self, offered: Changed, hunks: tuple[Hunk, ...], answers: Answers) -> Outcome:
        accepted = frozenset(hunks[number].key for number in answers.accepted)
        declined = tuple(one for one in hunks[: answers.seen] if one.key not in accepted)
        unseen = tuple(one for one in hunks[answers.seen :] if one.key not in accepted)
        if not declined and not unseen:
            return offered
        outcome: Outcome = Unchanged(path=offered.path, sites=offered.sites)
        if accepted:
            outcome = self._partly(offered, hunks, accepted)
        return _left(_left(outcome, declined, DECLINED), unseen, UNSEEN)

    def _partly(self, offered: Changed, hunks: tuple[Hunk, ...], accepted: frozenset[PlaceKey]) -> Outcome:
        """Rewrite the file again with the accepted places alone: imports and the comparison follow from them."""
        chooser = Chooser(accepted, frozenset(one.key for one in hunks))
        outcome = self.rewriter.rewrite(self.folder / offered.path, chooser)
        if isinstance(outcome, Changed) and outcome.before != offered.before:
            return Failed(path=offered.path, error=_STALE)
        return _left(outcome, tuple(one for one in hunks if one.key in accepted - chooser.used), _LOST)


def _heading(hunk: Hunk) -> str:
    imports = f", imports {', '.join(hunk.imports)}" if hunk.imports else ""
    return f"{hunk.key.codemod}{imports}"


def _left(outcome: Outcome, hunks: tuple[Hunk, ...], reason: str) -> Outcome:
    """Count hunks as left."""
    sites = tuple(SkippedSite(codemod=one.key.codemod, line=one.line, reason=reason) for one in hunks)
    return replace(outcome, sites=(*outcome.sites, *sites)) if isinstance(outcome, Changed | Unchanged) else outcome
