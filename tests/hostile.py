"""One table of sources that break codemods. Every codemod runs over all of it: right, or refused with a reason.

A plain module holds something for each codemod; each row of `VARIANTS` writes that module in a hostile way. The text is
the host's own module `plant.hub` (`HUB`: it defines the contracted class) or one that uses it (`SITE`).
"""

from __future__ import annotations

import re

__all__ = ["BASES", "BIG", "NEWER", "REFUSED", "VARIANTS"]

_IMPORTS = "import asyncio\nimport logging\n\nfrom fastapi import APIRouter\n"
_OWN = """
log = logging.getLogger(__name__)
router = APIRouter()


class Hub:
    wire = None

    async def ping(self, key) -> bool:
        if self.wire is None:
            log.debug("no wire")
            return False
        return True

    async def push(self, key) -> bool:
        try:
            return bool(key)
        except Exception as error:
            log.info("lost %s", error)
            return False
"""
_USE = """
log = logging.getLogger(__name__)
router = APIRouter()


async def use(h: Hub, other: "Hub | None", x=None):
    try:
        await h.ping(1)
    except Exception as error:
        log.debug("lost %s", error)
    if other:
        await other.push(x)
    try:
        x()
    except ValueError:
        await h.ping(2)
    asyncio.create_task(x())
    return x


@router.get("/use")
async def route(h: Hub):
    return await use(h, None)
"""
SITE = _IMPORTS + "from plant.hub import Hub\n" + _USE
HUB = _IMPORTS + _OWN + _USE.replace("log = logging.getLogger(__name__)\nrouter = APIRouter()\n\n\n", "")
BASES = {"site": SITE, "hub": HUB}
"Module -> text."


def _swap(*pairs):
    """Replace texts that must be there, in the module that uses the class."""

    def change(text):
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return change


def _everywhere(text):
    """Put a comment wherever one may stand: behind each line, between all lines, at both ends."""
    lines = [f"{line}  # c{number}" if line else "# c" for number, line in enumerate(text.splitlines())]
    return "# first\n" + "\n    # between\n".join(lines) + "\n# last"


def _inside(head, indent="    "):
    """Put the using function into a block of its own."""

    def change(text):
        at = text.index("async def use")
        return text[:at] + head + "\n" + re.sub(r"(?m)^(?=.)", indent, text[at:])

    return change


def _added(code):
    return lambda text: text + "\n\n" + code


SITE_ONLY = {
    "aliased import": _swap(("import Hub\n", "import Hub as H\n"), ("h: Hub", "h: H"), ('"Hub |', '"H |')),
    "import a.b as c": _swap(
        ("from plant.hub import Hub", "import plant.hub as p"), ("h: Hub", "h: p.Hub"), ('"Hub', '"p.Hub')
    ),
    "star import": _swap(("import Hub", "import *")),
    "relative import": _swap(("from plant.hub", "from .hub")),
    "conditional import": _swap(
        ("from plant.hub import Hub\n", "try:\n    from plant.hub import Hub\nexcept ImportError:\n    Hub = None\n"),
        ("h: Hub", "h: 'Hub'"),
    ),
    "import under TYPE_CHECKING": _swap(
        (
            "from plant.hub import Hub\n",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plant.hub import Hub\n",
        ),
        ("h: Hub", "h: 'Hub'"),
    ),
    "import in a function": _swap(
        ("from plant.hub import Hub\n", ""),
        ('h: Hub, other: "Hub | None"', "h: 'Hub', other: 'Hub | None'"),
        ("    try:\n        await h.ping(1)", "    from plant.hub import Hub\n    try:\n        await h.ping(1)"),
        ("route(h: Hub)", "route(h)"),
    ),
    "parenthesised import": _swap(("import Hub\n", "import (  # those\n    Hub,  # this\n)\n")),
    "continued import": _swap(("from plant.hub import Hub", "from plant.hub \\\n    import Hub")),
    "imports on one line": _swap(("from plant.hub import Hub\n", "from plant.hub import Hub; import os\n")),
}
"Ways to import: only where the class is imported."

BIG = "20,000 lines"
ANYWHERE = {
    "plain": lambda text: text,
    "docstring and future": lambda text: '"""Doc."""\nfrom __future__ import annotations\n' + text,
    "shebang, cookie, licence": lambda text: "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# (c)\n\n" + text,
    "comments everywhere": _everywhere,
    "no final newline": lambda text: text.rstrip("\n"),
    "blank lines at the end": lambda text: text + "\n\n   \n\n",
    "form feeds": lambda text: text.replace("\n\n\n", "\n\x0c\n"),
    "tabs": lambda text: text.replace("    ", "\t"),
    "two blanks": lambda text: text.replace("    ", "  "),
    "one blank": lambda text: text.replace("    ", " "),
    "semicolons": _swap(("    try:\n        await h.ping(1)", "    try:\n        a = 1; await h.ping(1)")),
    "semicolon behind": _swap(
        ("await h.ping(1)\n", "await h.ping(1);\n"), ("asyncio.create_task(x())\n", "asyncio.create_task(x());\n")
    ),
    "handler on one line": _swap((':\n        log.debug("lost %s", error)', ': log.debug("lost %s", error)')),
    "guard on one line": _swap(("if other:\n        await", "if other: await")),
    "wide characters": _swap(("        await h.ping(1)", "        s = 'é€😀'; await h.ping(1)  # 漢字")),
    "parenthesised call": _swap(
        ("await h.ping(1)", "(await (\n            h\n            .ping\n        )(  # c\n            1,\n        ))")
    ),
    "awaited in parentheses": _swap(("await h.ping(1)", "await (h.ping(1))"), ("await h.ping(2)", "(await h.ping(2))")),
    "chained": _swap(("await h.ping(1)", "await h.ping(await h.ping(await h.push(3)))")),
    "keyword unpacking": _swap(("h.ping(1)", "h.ping(*[1], **{})")),
    "a string of several lines": _swap(("h.ping(2)", "h.ping('''a\n  b\n    ''')")),
    "line continuation": _swap(
        ("await h.ping(1)", "await h \\\n            .ping(1)"), ("if other:", "if other \\\n            :")
    ),
    "walrus": _swap(("await h.ping(1)", "(got := await h.ping(1))"), ("if other:", "if (o := other):")),
    "except star": _swap(("except Exception as error", "except* Exception as error")),
    "except of several": _swap(("    except Exception as error", "    except (OSError, Exception) as error")),
    "bare except": _swap(
        ('    except Exception as error:\n        log.debug("lost %s", error)', "    except:\n        log.debug(1)")
    ),
    "try with else and finally": _swap(
        (
            '        log.debug("lost %s", error)\n',
            '        log.debug("lost %s", error)\n    else:\n        x()\n    finally:\n        x()\n',
        )
    ),
    "match": _inside("match log:\n    case {'a': [1, *_]} | 2 if log:", "        "),
    "in a class in a function": _inside("def outer():\n  class C:", "    "),
    "in if and else": lambda text: text.replace("async def use(", "if log:\n    pass\nelse:\n    pass\nasync def use("),
    "parenthesised with": _added("with (open('a') as a, open('b') as b):\n    pass\n"),
    "decorators": _swap(("async def use", "@print\n@(lambda f: f)\n# c\n\n@print  # d\nasync def use")),
    "decorated route": _swap(('@router.get("/use")\n', '@router.get(\n    "/use",  # c\n)\n@print\n\n# d\n')),
    "PEP 604 and 612": _added(
        "from typing import Callable, ParamSpec\nP = ParamSpec('P')\ndef g(f: Callable[P, int | None]) -> None: ...\n"
    ),
    "PEP 646": _added("def g(*args: *tuple[int, ...]) -> tuple[*tuple[int]]: ...\n"),
    "positional only": _added("def g(a, /, b, *, c): ...\n"),
    "f-strings": _swap(("h.ping(1)", "h.ping(f'{h!r:>{10}} {{}} {log.name=}')")),
    "lambda and comprehension": _added("y = [lambda h=i: h for i in (z for z in 'ab' if z)]\n"),
    "string mentions": _added(
        "z = 'await h.ping(1) except Exception: return False @router.get(1) asyncio.create_task'\n"
    ),
    "global and nonlocal": _swap(
        ("    asyncio.create_task(x())", "    global z\n    z = 1\n    asyncio.create_task(x())")
    ),
    "names of ours in use": lambda text: "delivered = missing = escalate = boundary = spawn = LoudFailure = 1\n" + text,
    "generated": lambda text: "# @generated by protoc. DO NOT EDIT.\n# fmt: off\n# flake8: noqa\n" + text,
    "del and star targets": _added("a, *b = 1, 2\ndel a, (b)\n"),
    "ellipsis body": _added("class E: ...\ndef g(): ...\nasync def k(): pass\n"),
    "nested blocks": _added("def g():\n" + "".join(" " * n + "if 1:\n" for n in range(1, 60)) + " " * 60 + "pass\n"),
    "deep brackets": _added("b = " + "(" * 60 + "1" + ")" * 60 + "\n"),
    BIG: _added(
        "".join(
            f"def g{n}(a):\n    '''Doc.\n{chr(10) * 12}    '''\n    # c\n    return a + {n}\n\n" for n in range(1_111)
        )
    ),
}
"Ways to write the text, whatever it imports."

RAW = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "mixed line ends": lambda text: text.replace("\n\n", "\r\n\n").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "byte order mark and crlf": lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    "latin-1": lambda text: b"# coding: latin-1\nS = '\xe9'\n" + text.encode(),
    "cp1252 on the second line": lambda text: b"#!/x\n# vim: set fileencoding=cp1252 :\nS = '\x80'\n" + text.encode(),
    "no final newline, crlf": lambda text: text.rstrip("\n").replace("\n", "\r\n").encode(),
}
"Ways to encode it."

VARIANTS = {name: (lambda text, change=change: change(text).encode()) for name, change in ANYWHERE.items()} | RAW
"Name -> the bytes of a base text written that way."

NEWER = {
    "f-string of 3.12": 'X = f"{\'a\' + f"{1}"}"\n',
    "generic function": "def g[T: int, *Ts, **P](x: T) -> T: return x\n",
    "generic class": "class G[T]: ...\n",
    "type statement": "type Pair[T] = tuple[T, T]\n",
}
"Syntax of 3.12, which 3.11 must take as well."

REFUSED = {
    "syntax error": b"def ping(:\n",
    "bytes that are no utf-8": b"X = 'ping \xe9'\n",
    "unknown cookie": b"# coding: klingon\nping = 1\n",
    "null byte": b"ping = 1\x00\n",
    "cookie against a mark": b"\xef\xbb\xbf# coding: latin-1\nping = 1\n",
    "python 2": b"print 'ping'\n",
    "tabs against blanks": b"if ping:\n        x = 1\n\ty = 1\n",
    "merge conflict": b"<<<<<<< HEAD\nping = 1\n=======\nping = 2\n>>>>>>> x\n",
    "nested too deep": b"ping = " + b"-" * 200_000 + b"1\n",
    "too many brackets": b"ping = " + b"(" * 9_000 + b"1" + b")" * 9_000 + b"\n",
    "a long chain": b"ping = " + b"+".join([b"1"] * 50_000) + b"\n",
}
"What no codemod can read. Each names a contracted method, so that it is looked into."
