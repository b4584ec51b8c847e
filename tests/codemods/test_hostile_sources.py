"""One table of sources that break codemods, run over every fixer: right, or refused with a reason; never half right."""

from __future__ import annotations

import ast
import sys

import pytest
from migration_case import check_bytes, make_tree, rewrite

from codemods import registry
from codemods.outcome import Changed, Failed
from codemods.source import parse_bytes

TRY = "    try:\n        await {0}.ping(1)\n    except Exception:\n        pass\n"
BOTH = ("check-results", "reraise-loud")


def body(receiver="h"):
    return TRY.format(receiver)


CHANGED = {
    "aliased import": "from plant.hub import Hub as H\nasync def f(h: H):\n" + body(),
    "import a.b as c": "import plant.hub as ph\nasync def f():\n" + body("ph.get_hub()"),
    "star import": "from plant.hub import *\nasync def f():\n" + body("get_hub()"),
    "relative import": "from .hub import Hub\nasync def f(h: Hub):\n" + body(),
    "parenthesised call": "from plant.hub import Hub\nasync def f(h: Hub):\n" + body("(\n            h\n        )"),
    "keyword unpacking": "from plant.hub import Hub\nasync def f(h: Hub, **kw):\n"
    + body().replace("ping(1)", "ping(**kw)"),
    "decorators": "from plant.hub import Hub\n@print\n@(lambda g: g)\nasync def f(h: Hub):\n" + body(),
    "semicolons": "from plant.hub import Hub; import os\nasync def f(h: Hub):\n"
    + body().replace("await", "x = 1; await"),
    "conditional import": (
        "try:\n    from plant.hub import Hub\nexcept ImportError:\n    Hub = None\nasync def f(h: 'Hub'):\n"
    )
    + body(),
    "tabs": ("from plant.hub import Hub\nasync def f(h: Hub):\n" + body()).replace("    ", "\t"),
    "match": "from plant.hub import Hub\nasync def f(h: Hub, k):\n    match k:\n        case {'a': x}:\n"
    + body().replace("\n    ", "\n            ").replace("    try", "            try", 1),
    "no final newline": ("from plant.hub import Hub\nasync def f(h: Hub):\n" + body()).rstrip("\n"),
    "crlf": ("from plant.hub import Hub\nasync def f(h: Hub):\n" + body()).replace("\n", "\r\n"),
    "mixed line ends": ("from plant.hub import Hub\nasync def f(h: Hub):\n" + body()).replace("pass\n", "pass\r\n", 1)
    + "x = 1\n",
    "form feed": "from plant.hub import Hub\n\x0c\nasync def f(h: Hub):\n" + body(),
    "line of wide characters": "from plant.hub import Hub\nasync def f(h: Hub):\n"
    + body().replace("await", "s = 'é€😀'; await"),
    "string mention": "from plant.hub import Hub\nX = 'await h.ping(1) except Exception'\nasync def f(h: Hub):\n"
    + body(),
    "line continuation": "from plant.hub \\\n    import Hub\nasync def f(h: Hub):\n" + body(),
    "nested function": "from plant.hub import Hub\nasync def g(h: Hub):\n  async def f():\n" + body() + "  return f\n",
    "class in a function": "from plant.hub import Hub\ndef g(h: Hub):\n  class C:\n   async def f(self):\n"
    + body()
    + "  return C\n",
}
LATIN = "# -*- coding: latin-1 -*-\nfrom plant.hub import Hub\nS = 'é'\nasync def f(h: Hub):\n" + body()
ENCODED = {name: source.encode() for name, source in CHANGED.items()} | {
    "latin-1 cookie": LATIN.encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf" + CHANGED["relative import"].encode(),
    "utf-8 cookie after shebang": b"#!/usr/bin/env python\n# coding: utf-8\n" + CHANGED["relative import"].encode(),
}
NOTHING = {
    "await in a comprehension": (
        "from plant.hub import Hub\nasync def f(h: Hub):\n    return [await h.ping(i) for i in 'ab']\n"
    ),
    "string only": "X = 'ping'\n",
    "comment only": "# ping\n",
    "keyword of the same name": "print(ping=1)\n",
    "attribute of the same name": "class C:\n    ping: int = 1\n",
}
REFUSED = {
    "syntax error": b"def ping(:\n",
    "bytes that are no utf-8": b"X = 'ping \xe9'\n",
    "unknown cookie": b"# coding: klingon\nping = 1\n",
    "null byte": b"ping = 1\x00\n",
    "cookie against a mark": b"\xef\xbb\xbf# coding: latin-1\nping = 1\n",
    "python 2": b"print 'ping'\n",
    "nested too deep": b"ping = " + b"-" * 200_000 + b"1\n",
    "too many brackets": b"ping = " + b"(" * 9_000 + b"1" + b")" * 9_000 + b"\n",
    "a long chain": b"ping = " + b"+".join([b"1"] * 50_000) + b"\n",
}


@pytest.mark.parametrize("codemod", BOTH)
@pytest.mark.parametrize("name", ENCODED)
def test_changed(tmp_path, codemod, name):
    raw = ENCODED[name]
    make_tree(tmp_path, site=raw)
    outcome = rewrite(tmp_path, (codemod,))
    assert isinstance(outcome, Changed), outcome
    assert outcome.edits == {codemod: 1}
    check_bytes(tmp_path, (codemod,), raw, outcome.after)
    text = parse_bytes(outcome.after)
    ast.parse(text.utf8.decode())
    for ending in (b"\r\n", b"\n"):
        bare = raw.replace(b"\r\n", b"")
        if ending not in (bare if ending == b"\n" else raw):
            assert ending not in (outcome.after.replace(b"\r\n", b"") if ending == b"\n" else outcome.after)
    assert outcome.after.endswith(b"\n") == raw.endswith(b"\n")


@pytest.mark.parametrize("codemod", BOTH)
@pytest.mark.parametrize("name", NOTHING)
def test_nothing_to_do(tmp_path, codemod, name):
    make_tree(tmp_path, site=NOTHING[name])
    assert type(rewrite(tmp_path, (codemod,))).__name__ == "Unchanged"


@pytest.mark.parametrize("codemod", BOTH)
@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, codemod, name):
    make_tree(tmp_path, site=REFUSED[name])
    outcome = rewrite(tmp_path, (codemod,))
    assert isinstance(outcome, Failed)
    assert outcome.error
    assert (tmp_path / "plant" / "site.py").read_bytes() == REFUSED[name]


def test_the_table_covers_every_codemod():
    assert set(BOTH) <= set(registry.names())


NEWER = {
    "f-string of 3.12": 'X = f"{\'a\' + f"{1}"}"\n',
    "generic function": "def g[T](x: T) -> T: return x\n",
    "type statement": "type Pair = tuple[int, int]\n",
}


@pytest.mark.parametrize("codemod", BOTH)
@pytest.mark.parametrize("name", NEWER)
def test_syntax_of_a_newer_python(tmp_path, codemod, name):
    make_tree(tmp_path, site=CHANGED["relative import"] + NEWER[name])
    outcome = rewrite(tmp_path, (codemod,))
    assert isinstance(outcome, Changed), outcome
    assert outcome.after.decode().endswith(NEWER[name])
    assert bool(parse_bytes(outcome.after).hidden) == (sys.version_info < (3, 12))
