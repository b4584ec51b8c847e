"""Both versions of a changed function, driven through the same scripts of stand-ins.

Scripts are grown, not drawn: a run says what it asked, and each other answer makes the next script. What a run of the
new version executes is traced; scripts that reach new lines are grown first.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import copy
import importlib
import inspect
import sys
from dataclasses import dataclass, field
from types import ModuleType

from scripts import Growing, Script, Stop
from standins import builtins_for, render, told, value_of

RUNS, FEW, ENOUGH = 400, 60, 3
"Scripts for a function whose body changed, and for one only decorated; differences after which no more are sought."


class Globals(dict):
    """A module's names: the façade's are real, exceptions are real, everything else is a stand-in."""

    def __init__(self, world, script):
        super().__init__(__name__=world.module, __package__=world.module.rpartition(".")[0])
        self.world, self.script = world, script
        self["__builtins__"] = builtins_for(script, world.facade, world.facade_module)

    def __missing__(self, name):
        if name in self.world.verbs:
            found = getattr(self.world.facade_module, self.world.verbs[name])
        else:
            real = self.world.known(name)
            if real is None and hasattr(builtins, name):
                raise KeyError(name)
            found = real if self.world.is_exception(real) else self._stand_in(name, real)
        self[name] = found
        return found

    def _stand_in(self, name, real):
        is_always_there = callable(real) or isinstance(real, ModuleType) or hasattr(real, "warning")
        options = ("there",) if is_always_there else ("there", "none")
        return value_of(self.script, self.script.choose(("global", name), options), name, real)


def module_of(name, text):
    """Import a module of the host; where it cannot be, give what its own imports give, and why."""
    try:
        return importlib.import_module(name), ""
    except Exception as error:  # noqa: BLE001  # the host has modules that cannot be imported: they are reported
        found = ModuleType(name)
        found.__package__ = name.rpartition(".")[0]
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                with contextlib.suppress(ImportError):
                    exec(compile(ast.Module([node], []), name, "exec"), vars(found))  # noqa: S102  # one import
        return found, f"{type(error).__name__}: {error}"


@dataclass
class World:
    """What the functions of one module live in."""

    module: str
    real: object
    facade: str
    facade_module: object
    verbs: dict
    made: dict = field(default_factory=dict)
    "Exception classes that the module names and nobody could import."

    def known(self, name):
        return self.made.get(name, getattr(self.real, name, None))

    @staticmethod
    def is_exception(value):
        return inspect.isclass(value) and issubclass(value, BaseException)


def drive(twin, world, loop):
    """Run both versions through script after script; what was found is kept in the twin."""
    raises, awaited = raised_in(twin.before, world), awaited_in(twin.before)
    codes = [compiled(node, kind) for node, kind in ((twin.before, "<before>"), (twin.after, "<after>"))]
    growing = Growing()
    for choices in growing.scripts(FEW if twin.only_decorated else RUNS, lambda: bool(twin.missed)):
        twin.runs += 1
        seen, hit = [], set()
        for code in codes:
            script = Script(choices, awaited, raises)
            outcome = run(twin.after, code, Globals(world, script), script, loop, hit)
            seen.append([*script.calls, outcome])
            growing.asked |= script.asked
        if seen[0] != seen[1]:
            twin.differences.append((choices, seen))
        growing.learn(choices, fresh=bool(hit - twin.executed))
        twin.executed |= hit
        if len(twin.differences) >= ENOUGH:
            return


def raised_in(function, world):
    """Give what a stand-in may raise: anything, and each type that a handler of the function names."""
    names = [one for node in ast.walk(function) if isinstance(node, ast.ExceptHandler) and node.type
             for one in ast.walk(node.type) if isinstance(one, ast.Name | ast.Attribute)]  # fmt: skip
    raises = {"raises": RuntimeError, "cancelled": asyncio.CancelledError}
    for node in names:
        name = node.id if isinstance(node, ast.Name) else node.attr
        found = _resolved(node, world)
        if found is None and isinstance(node, ast.Name):
            found = world.made.setdefault(name, type(name, (Exception,), {}))
        if World.is_exception(found) and found is not Exception and found is not BaseException:
            raises[f"raises {name}"] = found
    return raises


def awaited_in(function):
    """Name what a function awaits, or starts as a task."""
    return {_last(one.func) for node in ast.walk(function) for one in _coroutines(node)}


def _resolved(node, world):
    if isinstance(node, ast.Name):
        return getattr(builtins, node.id, None) or world.known(node.id)
    return getattr(_resolved(node.value, world), node.attr, None) if isinstance(node.value, ast.Name) else None


def _coroutines(node):
    """Give calls that a node awaits or starts as a task."""
    found = []
    if isinstance(node, ast.Await):
        found = [node.value]
    elif isinstance(node, ast.Call) and _last(node.func) in ("create_task", "ensure_future"):
        found = node.args[:1]
    return [one for one in found if isinstance(one, ast.Call)]


def _last(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


class _Plain(ast.NodeTransformer):
    """Drop what has nothing to do with a call: annotations; `nonlocal` becomes `global`, there is no outer function."""

    def visit_Nonlocal(self, node):
        return ast.copy_location(ast.Global(names=node.names), node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)


def compiled(node, filename):
    """Compile a function alone. Of its decorators ours stay: the host's own would hand it to a framework."""
    fresh = _Plain().visit(copy.deepcopy(node))
    fresh.decorator_list = [one for one in fresh.decorator_list if "boundary" in ast.unparse(one)]
    fresh.returns = None
    fresh.args.defaults, fresh.args.kw_defaults = [], [None] * len(fresh.args.kwonlyargs)
    return compile(ast.fix_missing_locations(ast.Module([fresh], [])), filename, "exec")


def run(node, code, names, script, loop, hit):
    """Call one version once; gives how it ended. Lines of the new version go to `hit`."""

    def trace(frame, event, _argument):
        if frame.f_code.co_filename != "<after>":
            return None
        if event == "line":
            hit.add(frame.f_lineno)
        return trace

    tasks = []

    def make_task(on, coro, **given):
        if main:
            script.calls.append(("task", render(coro)))
        task = asyncio.Task(coro, loop=on, **given)
        (tasks if main else main).append(task)
        return task

    main = []
    loop.set_task_factory(make_task)
    given = arguments(node, script)
    old = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, names)  # noqa: S102  # the function's own definition
        ended = loop.run_until_complete(_called(names[node.name], given, script))
    except Stop:
        ended = "stopped: it asks for ever"
    finally:
        sys.settrace(old)
        loop.set_task_factory(None)
        _put_away(tasks, loop)
    return ended


def arguments(node, script):
    """Give a stand-in, or None, for each parameter."""
    spec, given = node.args, {}
    for each in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]:
        options = ("there",) if each.arg in ("self", "cls") else ("there", "none")
        given[each.arg] = value_of(script, script.choose(("parameter", each.arg), options), each.arg)
    positional = [given.pop(each.arg) for each in spec.posonlyargs]
    return positional, given


async def _called(function, given, script):
    try:
        result = function(*given[0], **given[1])
        if inspect.iscoroutine(result):
            result = await result
        elif inspect.isasyncgen(result):
            result = [each async for each in _taken(result, script)]
        elif inspect.isgenerator(result):
            result = list(result)
    except Stop:
        raise
    except BaseException as error:  # noqa: BLE001  # how it ends is what is compared
        return ("raises", *(told(each) for each in (error, error.__cause__, error.__context__)))
    return ("returns", render(result))


async def _taken(generator, script):
    async for each in generator:
        yield each
        if script.choose(("throw into",), (False, True)):
            yield await generator.athrow(RuntimeError("thrown in"))
            return


def _put_away(tasks, loop):
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
