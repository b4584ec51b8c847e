"""swallowed-exception: a broad handler after which nobody knows is found; one that tells anybody is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from rule_case import HEAD, check

FOUND = {
    "pass": "try:\n    work()\nexcept Exception:  # !\n    pass\n",
    "bare": "try:\n    work()\nexcept:  # !\n    x = 1\n",
    "BaseException": "try:\n    work()\nexcept BaseException:  # !\n    return True\n",
    "a tuple that holds one": "try:\n    work()\nexcept (ValueError, Exception):  # !\n    ...\n",
    "returns False": "try:\n    return work()\nexcept Exception:  # !\n    return False\n",
    "returns None, bound": "try:\n    return work()\nexcept Exception as e:  # !\n    return None\n",
    "a fall-back value": "try:\n    n = work()\nexcept Exception:  # !\n    n = 0\nreturn n\n",
    "continue": "for i in x:\n    try:\n        work()\n    except Exception:  # !\n        continue\n",
    "looks at it and goes on": (
        "try:\n    work()\nexcept Exception as e:  # !\n    if isinstance(e, OSError):\n        x = 1\n"
    ),
    "kept in a name nobody reads": "try:\n    work()\nexcept Exception as e:  # !\n    last = str(e)\n",
    "except star": "try:\n    work()\nexcept* Exception:  # !\n    pass\n",
    "after a narrow one": "try:\n    work()\nexcept OSError:\n    raise\nexcept Exception:  # !\n    pass\n",
    "another call, not for the same input": "try:\n    return fast(x)\nexcept Exception:  # !\n    return default(1)\n",
    "suppress": "import contextlib\nwith contextlib.suppress(Exception):  # !\n    work()\n",
    "suppress by name, among others": "with open(x), suppress(ValueError, BaseException):  # !\n    work()\n",
    "suppress on an exit stack": "stack.enter_context(suppress(Exception))  # !\nwork()\n",
    "return in finally": "try:\n    work()\nfinally:\n    return 1  # !\n",
    "break in finally": "for i in x:\n    try:\n        work()\n    finally:\n        break  # !\n",
    "a raise that waits in a nested function": (
        "try:\n    work()\nexcept Exception:  # !\n    def g():\n        raise ValueError\n"
    ),
    "a fall-back that may fail as well": "try:\n    work()\nexcept Exception:  # !\n    other()\n",
    "a loop that ends without a raise": (
        "for i in range(3):\n    try:\n        return work()\n    except Exception:  # !\n"
        "        sleep()\nreturn None\n"
    ),
}
NOT_FOUND = {
    "raises": "try:\n    work()\nexcept Exception:\n    raise\n",
    "raises on some path": "try:\n    work()\nexcept Exception:\n    if x:\n        raise\n",
    "raises another": "try:\n    work()\nexcept Exception as e:\n    raise ValueError from e\n",
    "narrow": "try:\n    work()\nexcept OSError:\n    pass\n",
    "logs at error": "try:\n    work()\nexcept Exception:\n    logger.error('x')\n",
    "logs low: another rule": "try:\n    work()\nexcept Exception:\n    logger.debug('x')\n",
    "logs the trace": "try:\n    work()\nexcept Exception:\n    logger.exception('x')\n",
    "prints the trace": "try:\n    work()\nexcept Exception:\n    traceback.print_exc()\n",
    "prints to standard error": "try:\n    work()\nexcept Exception:\n    print('x', file=sys.stderr)\n",
    "prints the exception": "try:\n    work()\nexcept Exception as e:\n    print(f'x: {e}')\n",
    "exits": "try:\n    work()\nexcept Exception:\n    sys.exit(1)\n",
    "exit code": "try:\n    work()\nexcept Exception:\n    return 2\n",
    "stored": "try:\n    work()\nexcept Exception as e:\n    x.problem = e\n",
    "appended": "try:\n    work()\nexcept Exception as e:\n    x.append(str(e))\n",
    "handed to a call": "try:\n    work()\nexcept Exception as e:\n    x.tell(e)\n",
    "given to a future": "try:\n    work()\nexcept Exception as e:\n    future.set_exception(e)\n",
    "returned": "try:\n    work()\nexcept Exception as e:\n    return None, e\n",
    "returned in a dictionary": "try:\n    work()\nexcept Exception as e:\n    return {'why': f'{e}'}\n",
    "yielded": "try:\n    work()\nexcept Exception as e:\n    yield str(e)\n",
    "kept in a name that is read": "try:\n    work()\nexcept Exception as e:\n    last = e\nreturn last\n",
    "kept in a name of the outer function": (
        "last = None\ndef g():\n    nonlocal last\n    try:\n        work()\n"
        "    except Exception as e:\n        last = e\n"
    ),
    "kept in a name an inner function reads": (
        "last = None\ntry:\n    work()\nexcept Exception as e:\n    last = e\ndef g():\n    return last\n"
    ),
    "kept, then handed on": "try:\n    work()\nexcept Exception as e:\n    text = str(e)\n    x.tell(text)\n",
    "its trace is handed on": "try:\n    work()\nexcept Exception:\n    x.tell(traceback.format_exc())\n",
    "the value says so": "try:\n    work()\nexcept Exception:\n    return Result(success=False)\n",
    "the state says so": "try:\n    work()\nexcept Exception:\n    x.status = 'failed'\n",
    "counted": "try:\n    work()\nexcept Exception:\n    x.errors += 1\n",
    "a function of its own": "try:\n    work()\nexcept Exception:\n    x.handle_error()\n",
    "alerted": "try:\n    work()\nexcept Exception:\n    report('x')\n",
    "clean-up": "try:\n    x.close()\nexcept Exception:\n    pass\n",
    "clean-up, awaited": (
        "try:\n    if x:\n        await asyncio.wait_for(x.aclose(), 1)\nexcept Exception:\n    pass\n"
    ),
    "clean-up under suppress": "with suppress(Exception):\n    await x.disconnect()\n",
    "a task that was cancelled": "x.cancel()\ntry:\n    await x\nexcept Exception:\n    pass\n",
    "attempts, then a raise": (
        "for i in range(3):\n    try:\n        return work()\n    except Exception:\n        sleep()\nraise OSError\n"
    ),
    "another way for the same input": "try:\n    return fast(x)\nexcept Exception:\n    return slow(x)\n",
    "another way, kept": "try:\n    y = fast(x)\nexcept Exception:\n    y = await slow(1, to=x)\nreturn y\n",
    "attempts, then an error log": (
        "for i in range(3):\n    try:\n        return work()\n    except Exception:\n        sleep()\n"
        "logger.error('x')\n"
    ),
    "suppress of something narrow": "with suppress(OSError):\n    work()\n",
    "finally without leaving": "try:\n    work()\nfinally:\n    x = 1\n",
    "continue of a loop inside finally": "try:\n    work()\nfinally:\n    for i in x:\n        continue\n",
    "return of a function inside finally": "try:\n    work()\nfinally:\n    def g():\n        return 1\n",
    "no try at all": "work()\n",
}


def in_function(body, name="f"):
    return f"async def {name}(x, h: 'Hub'):\n{indent(body, '    ')}"


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", FOUND.values(), ids=FOUND)
def test_finds(tmp_path, body, contracts):
    (one,) = check(tmp_path, "swallowed_exception", in_function(body), contracts=contracts)
    assert (one.evidence, one.contract, one.fix, one.function) == ("shape", "", "", "f")


@pytest.mark.parametrize("contracts", [True, False])
@pytest.mark.parametrize("body", NOT_FOUND.values(), ids=NOT_FOUND)
def test_leaves(tmp_path, body, contracts):
    check(tmp_path, "swallowed_exception", in_function(body), contracts=contracts)


@pytest.mark.parametrize("name", ["close", "__del__", "shutdown_all"])
def test_a_function_that_cleans_up_is_left(tmp_path, name):
    body = "try:\n    work()\nexcept Exception:\n    pass\n"
    check(tmp_path, "swallowed_exception", in_function(body, name), contracts=False)


@pytest.mark.parametrize("name", ["is_valid", "readable", "isatty", "_exists", "validate_url"])
def test_a_question_is_left_unless_it_awaits(tmp_path, name):
    asked = "try:\n    return bool(work())\nexcept Exception:\n    return False\n"
    check(tmp_path, "swallowed_exception", in_function(asked, name), contracts=False)
    awaited = asked.replace("bool(work())", "await work()").replace("Exception:", "Exception:  # !")
    check(tmp_path, "swallowed_exception", in_function(awaited, name), contracts=False)


def test_what_a_module_keeps_at_its_top_level_others_may_read(tmp_path):
    source = "try:\n    import yaml\nexcept Exception as e:\n    NO_YAML = e\n"
    check(tmp_path, "swallowed_exception", source, contracts=False)


def test_a_question_that_gives_no_answer_is_found(tmp_path):
    source = in_function("try:\n    work()\nexcept Exception:  # !\n    pass\n", "validate")
    check(tmp_path, "swallowed_exception", source, contracts=False)


@pytest.mark.parametrize("name", ["ping", "health_check", "is_alive", "check_connectivity"])
def test_whether_something_is_alive_is_a_question_for_which_any_failure_is_an_answer(tmp_path, name):
    asked = "try:\n    await work()\n    return True\nexcept Exception:\n    return False\n"
    check(tmp_path, "swallowed_exception", in_function(asked, name), contracts=False)


CALL = "try:\n    await h.ping(1)\n"
CONTRACTED = {
    "though it logs at error": (CALL + "except Exception:  # !\n    logger.error('x')\n", "reraise-loud"),
    "low": (CALL + "except Exception:  # !\n    logger.debug('x')\n", "reraise-loud"),
    "in silence": (CALL + "except Exception:  # !\n    pass\n", "reraise-loud"),
    "though it hands it on": (CALL + "except Exception as e:  # !\n    x.tell(e)\n", "reraise-loud"),
    "in a loop that must go on": (
        "for i in x:\n    try:\n        await h.ping(i)\n    except Exception:  # !\n        logger.error('x')\n",
        "catch-specific",
    ),
    "suppress": ("with suppress(Exception):  # !\n    await h.ping(1)\n", ""),
    "except star": (CALL + "except* Exception:  # !\n    logger.error('x')\n", ""),
    "two calls, one handler": (
        "try:\n    await h.ping(1)\n    await h.push(1)\nexcept Exception:  # !\n    logger.error('x')\n",
        "reraise-loud",
    ),
}
CONTRACTED_LOUD = {
    "raises": CALL + "except Exception:\n    raise\n",
    "no handler": "await h.ping(1)\n",
    "narrow": CALL + "except OSError:\n    pass\n",
    "let through already": CALL + "except LoudFailure:\n    raise\nexcept Exception:\n    logger.error('x')\n",
    "kept by a clause of its own": CALL
    + "except LoudFailure as e:\n    x.tell(e)\nexcept Exception:\n    x.tell()\n    raise\n",
    "the caller is told by False": (
        "try:\n    return await h.ping(1)\nexcept Exception:\n    logger.error('x')\n    return False\n"
    ),
    "in the handler, not in the body": (
        "try:\n    work()\nexcept Exception:\n    logger.error('x')\n    await h.ping(1)\n"
    ),
    "another class": "try:\n    await x.ping(1)\nexcept Exception:\n    logger.error('x')\n",
}


def with_hub(body):
    return HEAD + "from plant.loud import LoudFailure\n" + in_function(body).replace("'Hub'", "Hub")


@pytest.mark.parametrize(("body", "fix"), CONTRACTED.values(), ids=CONTRACTED)
def test_finds_where_a_loud_failure_ends(tmp_path, body, fix):
    (one,) = check(tmp_path, "swallowed_exception", with_hub(body), contracts=True)
    assert (one.contract, one.evidence, one.fix) == ("hub.ping", "annotation", fix)
    assert "the caller goes on unaware" in one.message


@pytest.mark.parametrize("body", CONTRACTED_LOUD.values(), ids=CONTRACTED_LOUD)
def test_leaves_where_a_loud_failure_is_heard(tmp_path, body):
    check(tmp_path, "swallowed_exception", with_hub(body), contracts=True)


def test_without_contracts_an_error_log_is_enough(tmp_path):
    body = CONTRACTED["though it logs at error"][0].replace("  # !", "")
    check(tmp_path, "swallowed_exception", with_hub(body), contracts=False)


def test_each_level_that_would_stop_it_is_found(tmp_path):
    body = (
        "try:\n    try:\n        await h.ping(1)\n    except Exception:  # !\n        logger.error('x')\n"
        "except Exception:  # !\n    logger.error('y')\n"
    )
    check(tmp_path, "swallowed_exception", with_hub(body), contracts=True)
