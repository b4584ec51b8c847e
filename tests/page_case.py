"""A page as a reader without a browser sees it: elements, their text, ids and links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "parsed"]

EMPTY = frozenset({"meta", "input", "rect"})


@dataclass
class Element:
    name: str
    attributes: dict
    children: list = field(default_factory=list)
    "Elements and text."

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()

    @property
    def text(self):
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, name="", of=""):
        """Give the elements below this one with a name, a class, or both, in the order of the text."""
        for one in self.children:
            if isinstance(one, Element):
                if name in {"", one.name} and (not of or of in one.classes):
                    yield one
                yield from one.all(name, of)

    def one(self, name="", of=""):
        """Give the first of them."""
        return next(self.all(name, of))


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, name, attributes):
        assert len({key for key, _ in attributes}) == len(attributes), f"an attribute twice: {attributes}"
        made = Element(name, dict(attributes))
        self.open[-1].children.append(made)
        if name not in EMPTY:
            self.open.append(made)

    def handle_endtag(self, name):
        assert self.open.pop().name == name, f"</{name}> closes another element, at {self.getpos()}"

    def handle_data(self, data):
        self.open[-1].children.append(data)


def parsed(text):
    """Read a document; one that is not well nested fails the test."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    return root
