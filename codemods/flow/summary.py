"""All that `flow` needs of one file, worked out in a worker. Holds the caches: make one per process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

from codemods.callsites import Analyser, Analysis
from codemods.flow.edges import Edges
from codemods.flow.facts import Edge, FileFacts, Names, Open, Start
from codemods.flow.functions import contexts_of, functions_of
from codemods.flow.meanings import Meanings
from codemods.flow.nets import Nets
from codemods.flow.receivers import Receivers
from codemods.flow.surface import imports_of, surface_of
from codemods.layout import Layout
from codemods.site import Site
from codemods.source import SourceError, parse_bytes, read_raw
from codemods.wanted import Wanted

__all__ = ["Asked", "Summaries", "setup", "summary_of"]


class Asked(NamedTuple):
    """What is the same for all files."""

    names: Names
    "Those of the whole tree."
    boundaries: frozenset[str]
    "Functions the host file declares, `module:Class.name`."


class Summaries:
    """The analyses of one process."""

    def __init__(self, layout: Layout, wanted: Wanted, asked: Asked) -> None:
        self.analyser, self.asked, self.layout = Analyser(layout, wanted), asked, layout
        self.rows = {row.key: row for row in wanted.rows}
        self.contracted = wanted.methods().__contains__

    def of(self, path: Path) -> FileFacts:
        """Give the facts of one file; one that cannot be read or parsed has its error."""
        shown, module = self.layout.shown(path), self.layout.module_of(path)
        try:
            source = parse_bytes(read_raw(path))
        except SourceError as error:
            return FileFacts(path=shown, module=module, error=error.reason)
        try:
            return self._facts(shown, source.raw, self.analyser.analyse(path, source))
        except Exception as error:  # noqa: BLE001  # reported with the file: one file must not stop the rest
            return FileFacts(path=shown, module=module, error=f"not analysed: {type(error).__name__}: {error}")

    def _facts(self, shown: str, raw: bytes, analysis: Analysis) -> FileFacts:
        around, inferrer = analysis.around, self.analyser.inferrer
        with self.analyser.project.standing(around.module):
            meanings = Meanings(around.module, around, analysis.known, inferrer)
            nets = Nets(meanings, partial(self.analyser.raises, around=around), self.contracted)
            receivers = Receivers(around, inferrer)
            edges = Edges(receivers, nets, self.asked.names)
            found = list(edges.all())
            starts = tuple(self._start(shown, site, edges) for site in analysis.sites if site.verdict.rows)
            classes = {f"{around.module.name}:{name}": () for name in around.module.classes}
            return FileFacts(
                path=shown,
                module=around.module.name,
                functions=tuple(functions_of(shown, around, nets, receivers, self.asked.boundaries)),
                edges=tuple(one for one in found if isinstance(one, Edge)),
                opens=tuple(one for one in found if isinstance(one, Open)),
                starts=starts,
                contexts=contexts_of(around, nets),
                types=dict(meanings.types),
                imports=imports_of(around.module, around, self.analyser.project),
                surface=surface_of(around, raw.splitlines()),
                classes={key: inferrer.classes.mro(key).keys for key in classes},
            )

    def _start(self, shown: str, site: Site, edges: Edges) -> Start:
        row = self.rows[site.verdict.rows[0].key]
        why = "the work is done by then: in enforce the failure is escalated" if row.work == "precedes" else ""
        return Start(
            path=shown,
            line=site.row.line,
            col=site.row.col,
            edge=edges.site(site.call, site.row.evidence, handed=site.row.kind == "callback_reference"),
            is_async=row.is_async,
            receiver=site.row.receiver,
            contract=row.key,
            raised=() if why else row.error,
            why=why,
            ends=row.ends,
            migration=site.row.migration,
        )


def setup(layout: Layout, wanted: Wanted, asked: Asked) -> Summaries:
    """Make a worker ready."""
    return Summaries(layout, wanted, asked)


def summary_of(ready: Summaries, path: Path) -> FileFacts:
    """Give the facts of one file."""
    return ready.of(path)
