"""HTML that cannot be forgotten to be escaped: text is text unless it was made here."""

from __future__ import annotations

import html

__all__ = ["Html", "tag", "text"]

_EMPTY = frozenset({"input", "meta", "rect"})


class Html(str):
    """Markup. Any other string is text, and is escaped where it goes in."""

    __slots__ = ()


def tag(element: str, /, *inside: str, **attributes: str | int | bool) -> Html:
    """Make an element. `class_` reads `class`, `data_x` reads `data-x`; True is an attribute without a value."""
    told = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False and value != "")
    within = "".join(one if isinstance(one, Html) else text(one) for one in inside)
    return Html(f"<{element}{told}>" if element in _EMPTY else f"<{element}{told}>{within}</{element}>")


def text(value: str) -> Html:
    """Escape text. What no font shows, such as a change of direction or a lone byte, is written as Python writes it."""
    shown = "".join(one if one.isprintable() or one in "\t\n" else _named(one) for one in value)
    return Html(html.escape(shown))


def _named(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _attribute(key: str, value: str | int | bool) -> str:  # noqa: FBT001  # an attribute without a value is a boolean
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
