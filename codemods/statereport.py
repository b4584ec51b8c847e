"""The findings of one module against the state file: FL107, FL108, FL109, FL111."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codemods.driftbook import MOVED, NEW_SILENT, REPLACED, SILENT_AGAIN
from codemods.driftlook import Look
from codemods.finding import Finding
from codemods.statecompare import FIXES, Loss, losses, new_silent, same_marks
from codemods.statefile import Recorded
from codemods.statemarks import Held

__all__ = ["Against", "Tally", "compared"]

Key = tuple[str, str]
_MIGRATION_FIX = {
    "catch_specific": "catch-specific",
    "check_result": "check-results",
    "insert_reraise_before_broad": "reraise-loud",
}
_SPOKEN = {
    "boundary": "the boundary()",
    "catch": "the handler of the loud failure",
    "escalate": "escalate(...)",
    "handled": "handled()",
    "reraise": "'except LoudFailure: raise'",
    "spawn": "spawn(...)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What the state file says, and which of its functions have moved."""

    rows: Mapping[Key, Recorded]
    moved: Mapping[Key, Key]
    "From where a function is now to where it was recorded."

    @property
    def modules(self) -> frozenset[str]:
        """Modules that are migrated."""
        return frozenset(row.module for row in self.rows.values() if row.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Marks of one module: what became of those recorded."""

    kept: int = 0
    gone: int = 0
    "With their call."
    silent: int = 0
    moved: int = 0


def compared(held: dict[str, Held], look: Look, against: Against) -> tuple[list[Finding], Tally]:
    """Compare every function of a module with its state."""
    module = look.looked.module
    here = {name: one.recorded(module) for name, one in held.items()}
    before = {name: _before(module, name, against) for name in here}
    spare = sum((Counter(dict(here[name].marks)) for name in here if before[name] is None), Counter[str]())
    found: list[Finding] = []
    kept = gone = silent = moved = 0
    for name, one in held.items():
        old = before[name]
        lost = list(losses(old, here[name], spare)) if old is not None else []
        reported = [loss for loss in _once(lost) if loss.silent]
        found += [_lost(loss, one, look) for loss in reported]
        if not reported and (module in against.modules or old is not None):
            found += _new(old, here[name], one, look)
        silent += sum(loss.was - loss.now for loss in lost if loss.silent)
        gone += sum(loss.was - loss.now for loss in lost if not loss.silent)
        kept += sum(old.marks.values()) if old is not None else 0
        if old is not None and (module, name) in against.moved and same_marks(old, here[name]):
            moved += sum(old.marks.values())
            found.append(one.at(look, MOVED.code, f"was {old.module} {old.function} when its state was recorded"))
    return found, Tally(kept=kept - gone - silent - moved, gone=gone, silent=silent, moved=moved)


def _before(module: str, name: str, against: Against) -> Recorded | None:
    key = (module, name)
    return against.rows.get(against.moved.get(key, key))


def _once(lost: list[Loss]) -> list[Loss]:
    """Leave out the clause where what stood in it is reported."""
    kinds = {loss.kind for loss in lost if loss.silent}
    return [loss for loss in lost if not (loss.kind == "catch" and "escalate" in kinds)]


def _lost(loss: Loss, one: Held, look: Look) -> Finding:
    what = loss.mark.partition(" ")[2]
    spoken = _SPOKEN.get(loss.kind) or {
        "delivered": f'delivered(..., "{what}")',
        "own": f'delivered(..., "{what}", own=True)',
        "raise": f"raise {what}",
    }.get(loss.kind, f"missing({what})")
    if loss.replaced:
        names = sorted({ast.unparse(_raised(node)) for node in one.builtins})
        text = f"{spoken} was replaced by a builtin ({', '.join(names)}): nothing of ours hears that"
        return one.at(look, REPLACED.code, text, one.builtins[0])
    fix = FIXES.get(loss.kind, "")
    how = f"failloud migrate {fix} PATH --module {look.looked.module} --write" if fix else "put it back"
    left = f"{loss.now} of {loss.was} left" if loss.now else "none left"
    text = f"silent again: {spoken} is gone ({left}); next: {how}, or accept it with --write-state"
    return one.at(look, SILENT_AGAIN.code, text, _place(loss, one), fix)


def _place(loss: Loss, one: Held) -> ast.AST | None:
    """Find what to point at: the call that lost its verb, the handler that lost its clause."""
    calls = [site for site in one.sites if site.row.method == loss.method]
    match loss.kind:
        case "delivered" | "missing" if calls:
            return next((site.call for site in calls if site.usage.verb is None), calls[0].call)
        case "reraise":
            return one.open[0] if one.open else None
        case "spawn":
            return one.tasks[0] if one.tasks else None
        case _:
            return None


def _raised(node: ast.AST) -> ast.expr:
    exc = getattr(node, "exc", None)
    return exc.func if isinstance(exc, ast.Call) else exc if isinstance(exc, ast.expr) else ast.Name(id="?")


def _new(old: Recorded | None, now: Recorded, one: Held, look: Look) -> Iterator[Finding]:
    count, more = new_silent(old, now)
    for site in one.silent[len(one.silent) - count :] if count else []:
        keys = " or ".join(row.key for row in site.verdict.rows)
        fix = _MIGRATION_FIX[site.row.migration]
        how = f"next: failloud migrate {fix} PATH --module {look.looked.module} --write"
        if more:
            yield one.at(
                look, NEW_SILENT.code, f"a new call of {keys} is silent ({site.row.why}); {how}", site.call, fix
            )
        else:
            text = f"silent again: the call of {keys} was loud ({site.row.why}); {how}"
            yield one.at(look, SILENT_AGAIN.code, text, site.call, fix)
