"""Objects that answer by a script: every attribute, call and test of one is an answer, and every call is written down.

A `Script` says what is not as usual: `{("call", "self.hub.ping", 1): "false"}`. What was asked is kept, so that the
next script can choose otherwise. The same script gives two versions of a function the same world.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import sys
from types import ModuleType

LOGS = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log"})


def value_of(script, choice, path, real=None):
    """Turn a choice into what the code gets."""
    return Standin(script, path, real) if choice == "there" else {"none": None, "true": True, "false": False}[choice]


class Standin:
    """Stands for anything. `real` is what it stands for, where that is known: its exception classes stay real."""

    def __init__(self, script, path, real=None):
        vars(self).update(_script=script, _path=path, _real=real, _kids={})

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        kids = self._kids
        if name not in kids:
            real = _static(self._real, name)
            if _is_exception(real) or (self._real is asyncio and name in ("create_task", "ensure_future")):
                kids[name] = real
            else:
                key = ("attribute", f"{self._path}.{name}")
                found = self._script.choose(key, ("there",) if name in LOGS else ("there", "none", "absent"))
                kids[name] = found if found == "absent" else value_of(self._script, found, f"{self._path}.{name}", real)
        if kids[name] == "absent":
            raise AttributeError(f"{self._path} has no {name}")
        return kids[name]

    def __setattr__(self, name, value):
        self._script.calls.append(("set", self._path, name, render(value)))
        self._kids[name] = value

    def __delattr__(self, name):
        self._script.calls.append(("delete", self._path, name))
        self._kids[name] = "absent"

    def __call__(self, *args, **kwargs):
        script, path = self._script, self._path
        script.calls.append(("call", path, render(args), render(kwargs)))
        name, n = path.rpartition(".")[2], script.time("call", path)
        options = ("there",) if name in LOGS else ("there", "false", "none", "true", *script.raises)
        choice = script.choose(("call", path, n), options)
        if choice in script.raises:
            raise _made(script.raises[choice], f"{path} failed")
        value = value_of(script, choice, f"{path}()")
        return Answer(script, f"{path}()", value) if name in script.awaited else value

    def __await__(self):
        yield from ()
        return self

    def __bool__(self):
        return self._script.choose(("true", self._path), (True, False))

    def _asks(self, what, other=None, options=(False, True)):
        return self._script.choose((what, self._path, render(other)), options)

    def __eq__(self, other):
        return self is other or self._asks("equals", other)

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._path)

    def __lt__(self, other):
        return self._asks("less", other)

    def __gt__(self, other):
        return self._asks("greater", other)

    __le__, __ge__ = __lt__, __gt__

    def __contains__(self, other):
        return self._asks("contains", other)

    def __instancecheck__(self, other):
        return self._asks("instance", other, (True, False))

    def __subclasscheck__(self, other):
        return self._asks("subclass", other, (True, False))

    def __len__(self):
        return self._asks("length", options=(1, 0, 3))

    def _items(self):
        return [Standin(self._script, f"{self._path}[{n}]") for n in range(self._asks("items", options=(1, 0, 2)))]

    def __iter__(self):
        return iter(self._items())

    async def __aiter__(self):
        for each in self._items():
            yield each

    def __getitem__(self, key):
        return self._derived(f"[{render(key)}]")

    def __setitem__(self, key, value):
        self._script.calls.append(("set item", self._path, render(key), render(value)))
        self._kids[f"[{render(key)}]"] = value

    def __delitem__(self, key):
        self._script.calls.append(("delete item", self._path, render(key)))

    def _derived(self, suffix):
        if suffix not in self._kids:
            self._kids[suffix] = Standin(self._script, self._path + suffix)
        return self._kids[suffix]

    def _sum(self, other=None):
        return self._derived(f"~{render(other)}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __mod__ = _sum
    __floordiv__ = __or__ = __ror__ = __and__ = __neg__ = __abs__ = __round__ = __pow__ = __rmod__ = _sum

    def __int__(self):
        return 1

    __index__ = __int__

    def __float__(self):
        return 1.0

    def __enter__(self):
        self._script.calls.append(("enter", self._path))
        return self._derived(" entered")

    def __exit__(self, kind, error, traceback):
        self._script.calls.append(("exit", self._path, render(error)))
        return False

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *given):
        return self.__exit__(*given)

    def __str__(self):
        return f"<{self._path}>"

    def __format__(self, spec):
        return f"<{self._path}:{spec}>"

    __repr__ = __str__


class Answer(Standin):
    """What a call gives whose result is awaited: a coroutine, as far as a task can tell."""

    def __init__(self, script, path, value):
        super().__init__(script, path)
        vars(self)["_value"] = value

    def __await__(self):
        yield from ()
        return self._value

    def send(self, _value):
        raise StopIteration(self._value)

    def throw(self, error, *_more):
        raise error

    def close(self):
        pass


def builtins_for(script, facade, facade_module):
    """Give the builtins of code under test: no import, file or process-wide fact that is not by the script."""

    def isinstance_(value, kind):
        if isinstance(value, Standin) and not isinstance(kind, Standin):
            return script.choose(("instance", str(value), render(kind)), (False, True))
        return isinstance(value, kind)

    def import_(name, globals_=None, _locals=None, fromlist=(), level=0):
        base = (globals_ or {}).get("__package__", "")
        parts = base.split(".")
        full = ".".join([*parts[: len(parts) - level + 1], *filter(None, [name])]) if level else name
        if full == facade:
            return facade_module
        if fromlist:
            return Standin(script, full, sys.modules.get(full))
        return Standin(script, full.partition(".")[0], sys.modules.get(full.partition(".")[0]))

    changed = {name: Standin(script, name) for name in ("open", "print", "id", "hash", "super", "input")}
    return vars(builtins) | changed | {"isinstance": isinstance_, "__import__": import_}


def render(value):
    """Show a value the same in both versions."""
    if isinstance(value, Standin):
        return f"<{value._path}>"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{render(key)}: {render(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"{type(value).__name__}({', '.join(map(render, value))})"
    if value is None or isinstance(value, str | int | float | bytes):
        return repr(value)
    if isinstance(value, BaseException):
        return told(value)
    name = getattr(value, "__qualname__", "")
    return f"{type(value).__name__} {name.replace('<locals>.', '').rpartition('.')[2]}".strip()


def _static(real, name):
    if isinstance(real, ModuleType) or inspect.isclass(real):
        try:
            return getattr(real, name, None)
        except Exception:  # noqa: BLE001  # a lazy module that cannot give it: then nothing is known of it
            return None
    return None


def _is_exception(value):
    return inspect.isclass(value) and issubclass(value, BaseException)


def _made(kind, text):
    """Make an exception of a class whose constructor may want anything: the text for each parameter, or no call."""
    try:
        known = inspect.signature(kind).parameters.values()
        names = [one.name for one in known if one.kind <= one.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):  # a builtin's constructor: it takes a text
        names = []
    for given in ((text,), (text,) * len(names)):
        try:
            return kind(*given)
        except Exception:  # noqa: BLE001, S112  # not how this one is made: the next way
            continue
    return kind.__new__(kind, text)


def told(error):
    """Show an exception: its type and what it was made of; its own text may need what it was not given."""
    return error and f"{type(error).__name__}{render(error.args)}"
