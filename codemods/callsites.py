"""The call sites of one module: receiver, result, handlers, hazards, migration."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from codemods.candidates import Candidate, candidates
from codemods.classes import ClassIndex, dotted
from codemods.handlers import Level, levels_of, raising_function
from codemods.infer import Inferrer
from codemods.layout import Layout
from codemods.loud import Known, known_names
from codemods.migration import Facts, Migration, migration_of
from codemods.own import Own, own_methods
from codemods.project import Module, Project
from codemods.scope import bindings
from codemods.site import CallRow, Site
from codemods.source import Source
from codemods.surroundings import (
    hazards_of,
    in_except,
    in_finally,
    is_cleanup,
    kind_shown,
    reached,
    shown_level,
    success_follows,
)
from codemods.tree import Around, around_of
from codemods.usage import Usage, usage_of
from codemods.verdict import Judge, Verdict
from codemods.wanted import Wanted
from codemods.work import in_unit_of_work

__all__ = ["Analyser", "Analysis"]

_KIND_FIRST = {
    "call": 0,
    "bound_reference": 1,
    "getattr": 2,
    "string_dispatch": 3,
    "callback_reference": 4,
    "function": 5,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """One module with its sites, in the order of the text."""

    path: str
    module: str
    source: Source
    around: Around
    known: Known
    sites: tuple[Site, ...]
    classes: ClassIndex
    own: tuple[Own, ...] = ()
    "Contracted methods and functions that this module defines."

    def declared_none(self, owners: tuple[str, ...], method: str) -> bool:
        """Tell whether any of the classes declares the method to return None, or does not say."""
        for owner in owners:
            defined = self.classes.known(owner).methods.get(method)
            returns = defined.returns if defined is not None else None
            if returns is None or (isinstance(returns, ast.Constant) and returns.value is None):
                return True
        return False


class Analyser:
    """Analyse modules of one host's layout. Holds the caches: make one per process."""

    def __init__(self, layout: Layout, wanted: Wanted) -> None:
        self.layout = layout
        self.wanted = wanted
        self.project = Project(layout)
        self.inferrer = Inferrer(self.project)
        self.judge = Judge(self.inferrer, wanted)
        self.name_bytes = tuple(sorted(name.encode() for name in wanted.methods()))
        self.legacy_bytes = tuple(sorted({old.partition(":")[2].encode() for old, _ in wanted.legacy}))
        self._raising: dict[tuple[str, str], bool] = {}
        self._path: Path | None = None
        "The file that was analysed last."

    def analyse(self, path: Path, source: Source) -> Analysis:
        """Find and judge the call sites of one parsed file."""
        self._trim(path)
        name = self.layout.module_of(path)
        module = self.project.build(name, source.tree, is_package=path.name == "__init__.py")
        with self.project.standing(module):
            return self._analysed(path, source, module)

    def _trim(self, path: Path) -> None:
        """Let go of other modules' trees before a new file, where they take too much memory."""
        if path != self._path and (gone := self.project.trim()):
            self.inferrer.classes.forget(gone)
            bindings.cache_clear()
            around_of.cache_clear()
        self._path = path

    def _analysed(self, path: Path, source: Source, module: Module) -> Analysis:
        around = around_of(module)
        known = known_names(module, self.project, self.wanted)
        shown = self.layout.shown(path)
        found: dict[tuple[int, int, int, int, str], Candidate] = {}
        for one in candidates(around, self.wanted.methods(), self.inferrer):
            end = (one.call.end_lineno or 0, one.call.end_col_offset or 0)  # `a.m().m()`: two calls start at one place
            place = (one.call.lineno, one.call.col_offset, *end, one.method)
            if place in found and one.kind == found[place].kind == "bound_reference":
                found[place] = self._either(found[place], one)
            elif place not in found or _KIND_FIRST[one.kind] < _KIND_FIRST[found[place].kind]:
                found[place] = one
        sites = tuple(self._site(found[place], around, known, shown) for place in sorted(found))
        return Analysis(
            path=shown,
            module=module.name,
            source=source,
            around=around,
            known=known,
            sites=sites,
            classes=self.inferrer.classes,
            own=own_methods(module, self.judge.rows),
        )

    def _site(self, one: Candidate, around: Around, known: Known, path: str) -> Site:
        verdict = self._verdict(one)
        is_async = any(row.is_async for row in verdict.rows)
        is_verb = partial(known.means, wanted=frozenset({"delivered"}))
        usage = usage_of(one.call, around, is_verb, is_async=is_async)
        if one.kind == "callback_reference":
            usage = Usage(use="passed_on", awaited=False, value=one.call)
        levels = levels_of(one.call, around, known.is_loud, partial(self.raises, around=around))
        decided = self._decide(one.call, around, verdict, usage, levels)
        shown = shown_level(levels)
        swallower = next((level for level in reached(levels) if level.swallows), None)
        row = CallRow(
            path=path,
            line=one.call.lineno,
            col=one.call.col_offset,
            function=around.qualname(one.call),
            receiver=ast.unparse(one.receiver) if one.receiver is not None else "",
            method=one.method,
            kind=one.kind,
            verdict=verdict.verdict,
            resolved_class=verdict.resolved,
            contracts=tuple(row.key for row in verdict.rows),
            evidence=verdict.evidence,
            awaited=usage.awaited,
            result_use=usage.use,
            handler=kind_shown(shown),
            handler_line=shown.line if shown is not None else None,
            swallows=swallower is not None,
            in_except_body=in_except(one.call, around),
            hazards=hazards_of(one, around, verdict, usage, levels),
            migration=decided[0].name,
            why=decided[0].why,
        )
        return Site(
            row=row,
            call=one.call,
            usage=usage,
            verdict=verdict,
            levels=levels,
            reached=reached(levels),
            decided=decided,
        )

    def _either(self, one: Candidate, other: Candidate) -> Candidate:
        """Join two references that are called at one place: sure where both receivers are of the same classes."""
        kinds = [self.inferrer.of(each.judged or each.receiver, each.scope).instances for each in (one, other)]
        differs = not kinds[0] or kinds[0] != kinds[1]
        return replace(one, unsure=one.unsure or other.unsure or differs)

    def _verdict(self, one: Candidate) -> Verdict:
        if one.unsure:
            return Verdict(verdict="unknown", resolved="", evidence="none")
        if one.receiver is None:
            name = ast.Name(id=one.method, ctx=ast.Load())
            return self.judge.function(self.inferrer.of(name, one.scope), one.method)
        found = self.inferrer.of(one.judged or one.receiver, one.scope)
        own = found.how == "self" and isinstance(one.receiver, ast.Name)
        return self.judge.method(found, one.method, ast.unparse(one.receiver), own=own)

    def raises(self, call: ast.Call, around: Around) -> bool:
        """Tell whether a helper always raises. Cached; a helper under examination counts as not raising."""
        if dotted(call.func)[-2:] in (["sys", "exit"], ["os", "_exit"]):
            return True
        for owner, name in self.inferrer.of(call.func, around.scope(call)).functions:
            if (owner, name) not in self._raising:
                self._raising[owner, name] = False
                module_name, _, class_name = owner.partition(":")
                module = self.project.module(module_name)
                methods = (
                    self.inferrer.classes.known(owner).methods if class_name else module.functions if module else {}
                )
                if module is not None and name in methods:
                    inside = partial(self.raises, around=around_of(module))
                    self._raising[owner, name] = raising_function(methods[name], inside)
            if self._raising[owner, name]:
                return True
        return False

    def _decide(
        self, call: ast.expr, around: Around, verdict: Verdict, usage: Usage, levels: tuple[Level, ...]
    ) -> tuple[Migration, ...]:
        """Decide for the site as it is, then again for each further level that would swallow it."""
        swallowing = [level for level in reached(levels) if level.swallows]
        target = verdict.verdict in {"target", "target_mixed"}
        work = target and in_unit_of_work(call, around, self.project)
        function = around.function(call)
        cleanup = function is not None and is_cleanup(function.name)

        def facts(level: Level | None) -> Migration:
            return migration_of(
                Facts(
                    target=target,
                    swallowed=level is not None,
                    loud=any(one.kind.startswith("loud") for one in levels),
                    checked=usage.verb is not None,
                    cleanup=cleanup or in_finally(call, around),
                    in_except_body=in_except(call, around),
                    unit_of_work=work,
                    loop_goes_on=level is not None and level.in_loop,
                    result_use=usage.use,
                    result_object=any(row.shows == "unsuccessful" for row in verdict.rows),
                    reported_as_success=success_follows(call, around),
                )
            )

        return tuple(facts(level) for level in swallowing) or (facts(None),)
