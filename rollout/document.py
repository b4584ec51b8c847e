"""Read YAML as text with line numbers: mappings, lists and words, nothing else.

Every scalar stays the word that is written, so `mode: off` is "off" and not false. Duplicate keys, aliases, tags
and a second document are refused with their line: each is a way to say one thing and mean another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from rollout.problems import Path, Problem, dotted

__all__ = ["Document", "parse_document"]

_PREFIX = "tag:yaml.org,2002:"
_WORDS = {_PREFIX + name for name in ("str", "int", "float", "bool", "timestamp", "value")}


@dataclass(slots=True, kw_only=True)
class Document:
    """What a text says: plain data, the line of each path, and what was refused on the way."""

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse_document(text: str) -> Document:
    """Read one YAML document; never raises for what the text says, `problems` tells."""
    document = Document()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        why = getattr(error, "problem", None) or str(error)
        _refuse(document, (), line, f"not whole YAML ({why})", "complete or repair the file from that line on")
        return document
    except RecursionError:
        _refuse(document, (), 0, "nested too deeply", "write a plan: mappings and lists, three deep at most")
        return document
    if root is None:
        _refuse(document, (), 0, "the file is empty", "start from rollout/plans/example.yaml")
        return document
    document.data = _Walk(document).value(root, ())
    return document


def _refuse(document: Document, path: Path, line: int, what: str, write: str) -> None:
    document.problems.append(Problem(field=dotted(path), line=line, what=what, write=write))


class _Walk:
    """Turns nodes into data; a node met twice was reached through an alias (which may be endless)."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> object:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        if id(node) in self.seen:
            _refuse(self.document, path, line, "reached through an alias", "write the value out")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_PREFIX}map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_PREFIX}seq":
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.tag == f"{_PREFIX}null":
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _WORDS:
            _refuse(self.document, path, line, f"tag {node.tag!r} is not read", "write the plain value, without a tag")
            return None
        return str(node.value)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                _refuse(self.document, path, line, "a key is a list or a mapping", "write a plain key")
                continue
            name = str(key.value)
            if name in data:
                first = self.document.lines[(*path, name)]
                what = f"the key is written twice, first on line {first}"
                _refuse(self.document, (*path, name), line, what, "keep one of the two")
                continue
            self.document.lines[(*path, name)] = line
            data[name] = self.value(value, (*path, name))
        return data
