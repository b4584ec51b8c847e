"""One table of hostile texts through every rule: a place is found in each dress, and nothing that only looks so."""

from __future__ import annotations

import sys

import pytest
from rule_case import NAMES, analysed, found_in, rule

from codemods.finding import Finding

PLACES = {
    "missing_guard": "if not h:\n    return None\nawait h.ping(1)\n",
    "swallowed_exception": "try:\n    work()\nexcept Exception:\n    pass\n",
    "log_and_return_false": "try:\n    return work()\nexcept Exception:\n    logger.error('x')\n    return False\n",
    "failure_logged_low": "try:\n    work()\nexcept Exception:\n    logger.debug('x')\n",
    "lost_task": "asyncio.create_task(work())\n",
    "raise_caught_by_own_method": "try:\n    raise OSError('x')\nexcept Exception:\n    pass\n",
    "phantom_call": "await h.vanished()\n",
    "test_of_none": "if await h.tell(1):\n    work()\n",
    "unread_callback": "loop.call_soon(h.hush)\n",
}
"One place for each rule, as the body of a function with a `Hub` called h."
AT = {"missing_guard": 0, "lost_task": 0, "raise_caught_by_own_method": 1, "phantom_call": 0, "test_of_none": 0}
AT |= {"unread_callback": 0}
"Line of the finding in its place; 2, the `except` line, for the others."

HEAD = "from plant.hub import Hub\n"
DRESSES = {
    "plain": "{head}async def f(h: Hub):\n{one}",
    "method": "{head}class C:\n async def f(self, h: Hub):\n{one}",
    "nested function": "{head}async def g():\n  async def f(h: Hub):\n{one}  return f\n",
    "class in a function": "{head}def g():\n  class C:\n   async def f(self, h: Hub):\n{one}  return C\n",
    "decorators": "{head}@print\n@(lambda g: g)\nasync def f(h: Hub):\n{one}",
    "match": "{head}async def f(h: Hub, k):\n  match k:\n   case {{'a': x, **rest}} if x:\n{one}   case _:\n    pass\n",
    "walrus": "{head}async def f(h: Hub, k):\n  while (n := k()):\n{one}",
    "async with, parenthesised": "{head}async def f(h: Hub, k):\n  async with (k as a, k as b):\n{one}",
    "async for": "{head}async def f(h: Hub, k):\n  async for n in k:\n{one}",
    "beside a group": ("{head}async def f(h: Hub):\n  try:\n   go()\n  except* OSError:\n   raise\n  else:\n{one}"),
    "beside comprehensions and lambdas": (
        "{head}async def f(h: Hub, k):\n    y = [i async for i in k if (lambda: i)()]\n{one}"
    ),
    "comments in odd places": "{head}async def f(  # a\n    h: Hub,  # b\n):  # c\n    # d\n{one}    # e\n",
    "a wide line before": "{head}S = 'é€😀'; T = 'except Exception: pass'\nasync def f(h: Hub):\n{one}",
    "continued line": "{head}async def f(h: \\\n    Hub):\n{one}",
    "form feed": "{head}\x0c\nasync def f(h: Hub):\n{one}",
}
QUIET = {
    "empty": "",
    "only comments": "# except Exception: pass\n# asyncio.create_task(x())\n",
    "only texts": "X = '''\ntry:\n    pass\nexcept Exception:\n    pass\nasyncio.create_task(h.ping())\n'''\n",
    "types alone": "from plant.hub import Hub\n\n\ndef f(h: Hub) -> 'Hub | None': ...\n",
    "try without except": "try:\n    x = 1\nfinally:\n    y = 2\n",
    "names alone": "suppress = create_task = ensure_future = None\nif suppress:\n    ping = create_task\n",
    "a lambda that awaits nothing": "f = lambda h: h.ping if h else None\n",
    "match alone": "match x:\n    case None:\n        pass\n    case [*_]:\n        pass\n",
    "groups that raise": "try:\n    x()\nexcept* OSError as e:\n    raise\n",
    "async comprehension": "async def f(k):\n    return {i: j async for i, j in k if await i}\n",
    "generator of errors": "def f():\n    yield from (ValueError(i) for i in [1])\n",
}
NEWER = {
    "PEP 695": "\n\ndef g[T: int](x: T) -> T:\n    return x\n\n\ntype Pair[T] = tuple[T, T]\n",
    "PEP 701": '\nX = f"{\'a\' + f"{1}"}"\n',
}
if sys.version_info >= (3, 13):
    NEWER["PEP 696, a default"] = "\n\nclass D[T = int]: ...\n"


def dressed(name, dress):
    one = "".join(f"     {line}\n" for line in PLACES[name].splitlines())
    if dress in ("plain", "decorators", "beside comprehensions and lambdas", "comments in odd places"):
        one = "".join(f"    {line}\n" for line in PLACES[name].splitlines())
    text = DRESSES[dress].format(head=HEAD, one=one)
    begins = PLACES[name].splitlines()[0]
    *_, first = (at for at, line in enumerate(text.split("\n"), 1) if line.strip() == begins)
    return text, first + AT.get(name, 2)


def one_of(found: list[Finding], line: int) -> Finding:
    assert [one.line for one in found] == [line], found
    return found[0]


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("name", PLACES)
def test_found_in_every_dress(tmp_path, name, dress):
    text, line = dressed(name, dress)
    one = one_of(found_in(tmp_path, name, text.encode(), contracts=True), line)
    assert one.function.split(".")[-1] == "f"


ENCODINGS = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "tabs": lambda text: text.replace("    ", "\t").encode(),
    "latin-1": lambda text: ("# -*- coding: latin-1 -*-\n" + text + "S = 'é'\n").encode("latin-1"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "no final newline": lambda text: text.rstrip("\n").encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", PLACES)
def test_found_in_every_encoding(tmp_path, name, encoding):
    text, line = dressed(name, "plain")
    raw = ENCODINGS[encoding](text)
    one_of(found_in(tmp_path, name, raw, contracts=True), line + (encoding == "latin-1"))


@pytest.mark.parametrize("newer", NEWER)
@pytest.mark.parametrize("name", PLACES)
def test_found_beside_syntax_of_a_newer_python(tmp_path, name, newer):
    text, line = dressed(name, "plain")
    one_of(found_in(tmp_path, name, (text + NEWER[newer]).encode(), contracts=True), line)


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("quiet", QUIET)
def test_nothing_that_only_looks_so(tmp_path, quiet, contracts):
    looked = analysed(tmp_path, QUIET[quiet].encode(), contracts=contracts)
    assert [found for name in NAMES for found in rule(name).check(looked)] == []


def test_every_rule_has_a_place_in_the_table():
    assert set(PLACES) == set(NAMES)


def test_codes_are_unique_and_in_form():
    codes = [rule(name).CODE for name in NAMES]
    assert sorted(codes) == [f"FL{number:03}" for number in range(2, 2 + len(NAMES))]
    for name in NAMES:
        assert rule(name).SUMMARY
        assert not rule(name).SUMMARY.endswith(".")


def test_one_place_has_one_code_but_for_a_swallowed_contract(tmp_path):
    text = "\n\n".join(
        dressed(name, "plain")[0].replace("async def f", f"async def f{at}") for at, name in enumerate(PLACES)
    )
    looked = analysed(tmp_path, text.encode(), contracts=False)
    places = [(found.line, found.col) for name in NAMES for found in rule(name).check(looked)]
    assert len(set(places)) == len(places) >= 5


BODY = (
    "    if not x:\n        return None\n    try:\n        x.send({i})\n"
    "    except Exception as e:\n        y{i} = str(e)\n    x.send(2)\n"
)
LONG = {
    "many functions": lambda copies: "".join(f"def f{i}(x):\n{BODY.format(i=i)}\n\n" for i in range(copies)),
    "one long function": lambda copies: "def f(x):\n" + "".join(BODY.format(i=i) for i in range(copies)),
}


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_a_long_module_takes_time_in_proportion(tmp_path, make):
    """Twice the text costs twice the calls, not four times: counted, not timed."""

    def calls(copies):
        looked = analysed(tmp_path, make(copies).encode(), contracts=False)
        count = 0

        def tracer(frame, event, arg):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(tracer)
        try:
            found = [one for name in NAMES for one in rule(name).check(looked)]
        finally:
            sys.setprofile(None)
        assert len(found) == 2 * copies
        return count

    assert calls(400) < 2.2 * calls(200)
