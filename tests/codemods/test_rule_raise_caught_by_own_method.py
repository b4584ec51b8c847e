"""raise-caught-by-own-method: a raise its own `try` swallows is found, and a builtin called with keywords it lacks."""

from __future__ import annotations

import builtins
from textwrap import indent

import pytest
from rule_case import check, rule

FOUND = {
    "logs and returns False": (
        "try:\n    if x:\n        raise OverflowError('full')  # !\n    return True\n"
        "except Exception as e:\n    logger.error(e)\n    return False\n"
    ),
    "passes": "try:\n    raise RuntimeError  # !\nexcept Exception:\n    pass\n",
    "bare": "try:\n    raise OSError('x')  # !\nexcept:\n    pass\n",
    "by a base among builtins": "try:\n    raise ConnectionError('x')  # !\nexcept OSError:\n    logger.debug('x')\n",
    "by a base of the module": "try:\n    raise Narrow('x')  # !\nexcept Wide:\n    logger.warning('x')\n",
    "its own class, returned as nothing": (
        "try:\n    raise ValueError('x')  # !\nexcept ValueError:\n    return None\nreturn x\n"
    ),
    "its own class, logged low": "try:\n    raise ValueError('x')  # !\nexcept ValueError:\n    logger.info('x')\n",
    "a class from elsewhere": "try:\n    raise lib.Gone('x')  # !\nexcept Exception:\n    return None\n",
    "through a narrow one that cannot catch it": (
        "try:\n    raise KeyError('x')  # !\nexcept OSError:\n    raise\nexcept Exception:\n    pass\n"
    ),
    "by the outer try": (
        "try:\n    try:\n        raise KeyError('x')  # !\n    except OSError:\n        pass\n"
        "except Exception:\n    pass\n"
    ),
    "with a cause": "try:\n    raise OSError('x') from x  # !\nexcept Exception:\n    logger.debug('x')\n",
    "in a loop in the try": (
        "try:\n    for i in x:\n        raise OSError(i)  # !\nexcept Exception:\n    return None\n"
    ),
}
NOT_FOUND = {
    "raised on": "try:\n    raise OSError('x')\nexcept Exception:\n    raise\n",
    "wrapped": "try:\n    raise OSError('x')\nexcept Exception as e:\n    raise RuntimeError from e\n",
    "let through by name": "try:\n    raise OSError('x')\nexcept OSError:\n    raise\nexcept Exception:\n    pass\n",
    "let through by a base": ("try:\n    raise Narrow('x')\nexcept Wide:\n    raise\nexcept Exception:\n    pass\n"),
    "a class from elsewhere may be let through": (
        "try:\n    raise lib.Gone('x')\nexcept lib.Error:\n    raise\nexcept Exception:\n    pass\n"
    ),
    "handed on": "try:\n    raise OSError('x')\nexcept Exception as e:\n    return Result(error=e)\n",
    "not caught": "try:\n    raise KeyError('x')\nexcept OSError:\n    pass\n",
    "a jump that is told": "try:\n    raise ValueError('x')\nexcept ValueError:\n    logger.error('x')\n",
    "a jump": "try:\n    raise ValueError('x')\nexcept ValueError:\n    pass\n",
    "a jump to other work": "try:\n    raise ValueError('x')\nexcept ValueError:\n    other()\n",
    "in the handler": "try:\n    work()\nexcept OSError:\n    raise ValueError('x')\n",
    "in the else": "try:\n    work()\nexcept Exception:\n    logger.error('x')\nelse:\n    raise ValueError('x')\n",
    "in a function of its own": (
        "try:\n    def g():\n        raise ValueError\nexcept Exception:\n    logger.error('x')\n"
    ),
    "what was caught before": "try:\n    raise problem\nexcept Exception:\n    logger.error('x')\n",
    "a plain raise": "try:\n    raise\nexcept Exception:\n    logger.error('x')\n",
    "cancellation": "try:\n    raise asyncio.CancelledError\nexcept Exception:\n    logger.error('x')\n",
    "an exit": "try:\n    raise SystemExit(1)\nexcept Exception:\n    logger.error('x')\n",
    "attempts, then a raise": (
        "for i in x:\n    try:\n        raise OSError('x')\n    except Exception:\n"
        "        logger.debug('x')\nraise OSError\n"
    ),
    "no try": "raise OSError('x')\n",
}


def in_function(body):
    classes = "class Wide(Exception): ...\n\n\nclass Narrow(Wide): ...\n\n\n"
    return f"{classes}async def f(self, x):\n{indent(body, '    ')}"


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, contracts):
    (one,) = check(tmp_path, "raise_caught_by_own_method", in_function(body), contracts=contracts)
    assert "never leaves" in one.message


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body, contracts):
    check(tmp_path, "raise_caught_by_own_method", in_function(body), contracts=contracts)


WRONG = {
    "keywords": "raise OverflowError('x', buffer_size=1)  # !\n",
    "not raised at once": "e = ValueError(code=1)  # !\n",
    "one of two": "raise ImportError('x', name='a', code=1)  # !\n",
    "in its own try: one finding": "try:\n    raise ValueError(code=1)  # !\nexcept Exception:\n    return False\n",
}
RIGHT = {
    "no keywords": "raise OverflowError('x', 1)\n",
    "name of an import": "raise ModuleNotFoundError('x', name='a', path='b')\n",
    "an attribute": "raise AttributeError('x', name='a', obj=x)\n",
    "unpacked": "raise ValueError(**x)\n",
    "a class of its own": "raise Narrow(code=1)\n",
    "no exception": "print('x', end='')\n",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_finds_keywords_a_builtin_does_not_take(tmp_path, body):
    (one,) = check(tmp_path, "raise_caught_by_own_method", in_function(body), contracts=False)
    assert "TypeError" in one.message


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_leaves_keywords_that_are_right(tmp_path, body):
    check(tmp_path, "raise_caught_by_own_method", in_function(body), contracts=False)


SHADOWS = (
    "from errors import OverflowError\n",
    "from errors import *\n",
    "class OverflowError(Exception): ...\n",
    "try:\n    from errors import OverflowError\nexcept ImportError:\n    raise\n",
)


@pytest.mark.parametrize("shadow", SHADOWS)
def test_a_name_that_may_be_another_class_is_left(tmp_path, shadow):
    source = shadow + "\n\ndef f():\n    raise OverflowError(buffer_size=1)\n"
    check(tmp_path, "raise_caught_by_own_method", source, contracts=False)


def test_the_table_of_keywords_is_pythons_own():
    taken = rule("raise_caught_by_own_method")._KEYWORDS
    for name, found in vars(builtins).items():
        if not isinstance(found, type) or not issubclass(found, Exception) or "Group" in name:
            continue
        allowed = next((words for kind, words in taken.items() if issubclass(found, kind)), frozenset())
        for word in ("name", "path", "obj", "code", "name_from"):
            try:
                found("x", **{word: None})
            except TypeError:
                accepted = False
            else:
                accepted = True
            assert not accepted or word in allowed, (name, word)
