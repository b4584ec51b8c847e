"""`failloud check`, FL105 and FL106: loud code that is loud no more by its text alone."""

from __future__ import annotations

import pytest
from check_case import check, drift, make

HEAD = "from mill.loud import LoudFailure, WebSocketBufferOverflowError, escalate\n"
OWN = """
class Stuck(Exception):
    def __init__(self, gear, *, teeth=0, **more):
        super().__init__(gear)


class Jam(Stuck):
    pass


class Plain(ValueError):
    pass


class Loose(LoudFailure):
    pass


class Strict(LoudFailure):
    def __init__(self, reason, *, gear):
        super().__init__(reason)
"""
WRONG = {
    "a builtin with the old keywords": (
        "ValueError(message='x', user='u')",
        "ValueError takes no keyword message, user",
    ),
    "a builtin with one of each": ("RuntimeError('x', run_id=1)", "RuntimeError takes no keyword run_id"),
    "a builtin whose keywords are others": ("ImportError('x', nam='y')", "ImportError takes no keyword nam"),
    "a loud one, misspelt": ("LoudFailure('x', componnt='b')", "LoudFailure takes no keyword componnt"),
    "a loud one, another's keyword": ("WebSocketBufferOverflowError('x', grain=1)", "takes no keyword grain"),
    "a loud one, two positions": ("WebSocketBufferOverflowError('x', 1)", "takes 1 positional arguments, 2 are given"),
    "a loud one, twice": ("LoudFailure('x', reason='y')", "LoudFailure gets reason twice"),
    "one of the tree, missing": ("Stuck(teeth=2)", "Stuck needs gear"),
    "one of the tree, inherited": ("Jam()", "Jam needs gear"),
    "one of the tree, of a builtin": ("Plain(gear='x')", "Plain takes no keyword gear"),
    "one of the tree, of a loud one": ("Loose(gear='x')", "Loose takes no keyword gear"),
    "one of the tree with its own": ("Strict('x')", "Strict needs gear"),
}


@pytest.mark.parametrize(("made", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_found(tmp_path, capsys, made, said):
    folder = make(tmp_path, site=f"{HEAD}{OWN}\ndef f():\n    raise {made}\n")
    rows = drift(capsys, folder)
    assert [code for code, _, _ in rows] == ["FL105"]
    assert said in rows[0][2]
    assert "a TypeError is raised instead" in rows[0][2]


@pytest.mark.parametrize("made", [one for one, _ in WRONG.values() if not one.startswith("Import")])
def test_what_is_reported_is_a_type_error_when_it_runs(made):
    from shim.errors import LoudFailure, WebSocketBufferOverflowError

    names = {"LoudFailure": LoudFailure, "WebSocketBufferOverflowError": WebSocketBufferOverflowError}
    exec(OWN, names)  # noqa: S102  # the table's own text
    with pytest.raises(TypeError):
        eval(made, names)  # noqa: S307  # the table's own text


RIGHT = {
    "builtins by position": "ValueError('x', 1, 2)",
    "builtins with their keywords": "ImportError('x', name='y', path='z')",
    "loud ones with theirs": "WebSocketBufferOverflowError('x', buffer_size=1, message_size=2, run_id='r', hint='h')",
    "context for the root": "LoudFailure('x', context={'a': 1})",
    "spread": "WebSocketBufferOverflowError(*words, **more)",
    "spread over what is needed": "Strict('x', **more)",
    "open keywords": "Stuck('x', anything=1)",
    "a class, not a call": "ValueError",
}


@pytest.mark.parametrize("made", RIGHT.values(), ids=RIGHT)
def test_what_a_class_takes_is_no_finding(tmp_path, capsys, made):
    text = f"{HEAD}{OWN}\ndef f(words, more):\n    raise {made}\n"
    assert drift(capsys, make(tmp_path, site=text)) == []


HIDDEN = {
    "a parameter": "def f(ValueError):\n    raise ValueError(a=1)\n",
    "an import in the function": "def f():\n    from zoo import ValueError\n    raise ValueError(a=1)\n",
    "an import at the top": "from zoo import ConnectionError\ndef f():\n    raise ConnectionError(a=1)\n",
    "a class of the module": (
        "class TimeoutError(Exception):\n    def __init__(self, a): ...\ndef f():\n    raise TimeoutError(a=1)\n"
    ),
    "a star import from outside": "from zoo import *\ndef f():\n    raise ValueError(a=1)\n",
    "a class made by a decorator": (
        "@dataclass\nclass LostError(Exception):\n    a: int\ndef f():\n    raise LostError(a=1)\n"
    ),
    "a class with a base outside": (
        "import zoo\nclass LostError(zoo.Base, Exception):\n    pass\ndef f():\n    raise LostError(a=1)\n"
    ),
    "no exception at all": "def f():\n    return Error(a=1)\n",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_what_cannot_be_told_is_no_finding(tmp_path, capsys, text):
    assert drift(capsys, make(tmp_path, site=text)) == []


def test_the_accident_is_told_whole(tmp_path, capsys):
    """Loud exceptions were replaced by builtins and kept their keywords; the method's handler made it False again."""
    folder = make(
        tmp_path,
        store="""
        class Store:
            def put(self, item, size):
                try:
                    if size > 10:
                        raise OverflowError(buffer_size=10, message_size=size)
                    return True
                except Exception as error:
                    print(error)
                    return False
        """,
    )
    (row,) = drift(capsys, folder)
    assert row[0] == "FL105"
    assert "OverflowError takes no keyword buffer_size, message_size: a TypeError is raised instead" in row[2]
    assert row[2].endswith("and the handler on line 8 swallows it")


def body(text):
    return HEAD + "\ndef f():\n" + "".join(f"    {line}\n" for line in text.splitlines())


TRIES = {
    "own broad handler": ("try:\n    raise LoudFailure('x')\nexcept Exception:\n    return False", 1),
    "bare": ("try:\n    raise LoudFailure\nexcept:\n    pass", 1),
    "suppress": ("with suppress(Exception):\n    raise LoudFailure('x')", 1),
    "two levels up": (
        "try:\n    try:\n        raise LoudFailure('x')\n    except KeyError:\n        g()\nexcept Exception:\n    g()",
        1,
    ),
    "finally returns": ("try:\n    raise LoudFailure('x')\nfinally:\n    return 1", 1),
    "caught by name, dropped": ("try:\n    g()\nexcept LoudFailure:\n    return False", 1),
    "caught in a tuple, dropped": ("try:\n    g()\nexcept (KeyError, LoudFailure) as error:\n    pass", 1),
    "both": ("try:\n    raise LoudFailure('x')\nexcept LoudFailure:\n    return False", 1),
    "raised on": (
        "try:\n    raise LoudFailure('x')\nexcept LoudFailure:\n    raise\nexcept Exception:\n    return False",
        0,
    ),
    "raised as another": (
        "try:\n    raise LoudFailure('x')\nexcept Exception as e:\n    raise LoudFailure('y') from e",
        0,
    ),
    "escalated": ("try:\n    raise LoudFailure('x')\nexcept LoudFailure as failure:\n    escalate(failure)", 0),
    "narrow": ("try:\n    raise LoudFailure('x')\nexcept KeyError:\n    return False", 0),
    "in the handler, not the try": ("try:\n    g()\nexcept Exception:\n    raise LoudFailure('x')", 0),
    "no try": ("raise LoudFailure('x')", 0),
    "another function's handler": (
        "try:\n    def g():\n        raise LoudFailure('x')\nexcept Exception:\n    pass",
        0,
    ),
    "not loud": ("try:\n    raise KeyError('x')\nexcept Exception:\n    return False", 0),
}


@pytest.mark.parametrize(("text", "count"), TRIES.values(), ids=TRIES)
def test_a_raise_or_a_clause_that_nobody_hears(tmp_path, capsys, text, count):
    rows = drift(capsys, make(tmp_path, site=body(text)))
    assert [code for code, _, _ in rows] == ["FL106"] * count


def test_a_host_s_own_exception_counts_by_the_facade_and_by_its_class(tmp_path, capsys):
    folder = make(tmp_path, loud="from the_mill import GrainLostError\nfrom shim.errors import LoudFailure\n")
    text = "from mill.loud import GrainLostError\n"
    text += "def f():\n    try:\n        raise GrainLostError({0})\n    except Exception:\n        pass\n"
    (folder / "mill" / "site.py").write_text(text.format("'x', grain='rye'"), encoding="utf-8")
    assert [code for code, _, _ in drift(capsys, folder)] == ["FL106"]
    (folder / "mill" / "site.py").write_text(text.format("'x', corn='rye'"), encoding="utf-8")
    assert sorted(code for code, _, _ in drift(capsys, folder)) == ["FL105", "FL106"]


def test_a_bare_raise_in_the_file_of_a_syntax_error_is_exit_2(tmp_path, capsys):
    ended = check(capsys, make(tmp_path, site="def f(:\n    raise ValueError(a=1)\n"))
    assert ended.code == 2
    assert "failed: site.py: does not parse" in ended.out
