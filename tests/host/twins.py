"""The two versions of a function that a codemod changed, driven through the same scripts of stand-ins.

Scripts are grown, not drawn: a run says what it asked, and each other answer makes the next script. What a run of the
new version executes is traced; scripts that reach new lines are grown first.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import copy
import difflib
import importlib
import inspect
import itertools
import sys
from collections import deque
from dataclasses import dataclass, field
from types import ModuleType

from standins import Script, Standin, Stop, builtins_for, render, told

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
RUNS, FEW, MOST, ENOUGH = 400, 60, 2500, 3
"Scripts for a function whose body changed, for one only decorated, while lines are wanting; differences shown."


@dataclass
class Twin:
    """One function, before and after."""

    name: str
    before: ast.AST
    after: ast.AST
    lines: frozenset
    "Lines of the new text that hold a new statement of this function."
    loud_only: frozenset
    "Those of them that only a loud failure reaches: with every flag off there is none."
    executed: set = field(default_factory=set)
    runs: int = 0
    differences: list = field(default_factory=list)

    @property
    def reachable(self):
        return self.lines - self.loud_only

    @property
    def done(self):
        return self.reachable & self.executed

    @property
    def only_decorated(self):
        return self.lines <= {one.lineno for one in self.after.decorator_list}

    def why(self, line):
        """Say why a line was not executed."""
        for node in ast.walk(self.after):
            for _, block in ast.iter_fields(node):
                if isinstance(block, list) and all(isinstance(each, ast.stmt) for each in block):
                    ends = next((one.end_lineno for one in block if isinstance(one, ast.Return | ast.Raise)), None)
                    if ends is not None and ends < line <= block[-1].end_lineno:
                        return "stands behind a return or raise"
        return f"not reached by {self.runs} scripts"

    @property
    def missed(self):
        return sorted(self.reachable - self.executed)


def first_difference(one, other):
    """Show where two tellings part."""
    for n, (old, new) in enumerate(itertools.zip_longest(one, other)):
        if old != new:
            return f"step {n}: before {old!r}, after {new!r}"
    return ""


def generates(function):
    """Tell a generator."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def _own(function):
    inner = {id(each) for child in ast.walk(function) if child is not function and isinstance(child, FUNCTIONS)
             for each in ast.walk(child)}  # fmt: skip
    return [one for one in ast.walk(function) if id(one) not in inner]


def functions_of(tree):
    """Give each function of a module by its path and number among those of the same path, with what it stands in."""
    found = {}

    def look(node, path):
        for child in ast.iter_child_nodes(node):
            inner = path
            if isinstance(child, FUNCTIONS | ast.ClassDef):
                inner = f"{path}.{child.name}".lstrip(".")
                if isinstance(child, FUNCTIONS):
                    n = sum(1 for name, _ in found if name == inner)
                    found[inner, n] = child
            look(child, inner)

    look(tree, "")
    return found


def twins_of(before, after, verbs):
    """Give the innermost functions that differ. `verbs`: local names of the façade in the new text, by meaning."""
    old, new = functions_of(ast.parse(before)), functions_of(ast.parse(after))
    assert list(old) == list(new), "a codemod made or removed a function"
    fresh = new_lines(before, after)
    loud = {local for local, meant in verbs.items() if meant not in VERBS}
    for key, node in new.items():
        own = _own(node)
        lines = {one.lineno for one in own if isinstance(one, ast.stmt | ast.ExceptHandler)} & fresh
        lines |= {one.lineno for one in node.decorator_list} & fresh
        if not lines:
            continue
        behind = {
            line.lineno for one in own
            if isinstance(one, ast.ExceptHandler) and isinstance(one.type, ast.Name) and one.type.id in loud
            for line in one.body
        }  # fmt: skip
        yield Twin(key[0], old[key], node, frozenset(lines), frozenset(lines & behind))


VERBS = frozenset({"boundary", "delivered", "escalate", "handled", "missing", "spawn"})


def new_lines(before, after):
    """Number the lines of the new text that are not in the old one; a line that was only moved in is."""
    texts = [[line.strip() for line in each.decode().splitlines()] for each in (before, after)]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    return {n + 1 for op, _, _, lo, hi in matcher.get_opcodes() if op != "equal" for n in range(lo, hi)}


def facade_names(after, facade):
    """Give what the new text calls each name of the façade."""
    nodes = [one for one in ast.walk(ast.parse(after)) if isinstance(one, ast.ImportFrom) and one.module == facade]
    return {alias.asname or alias.name: alias.name for node in nodes for alias in node.names}


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
            found = real if self.world.is_exception(real) else Standin(self.script, name, real)
        self[name] = found
        return found


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
    names = [one for node in ast.walk(twin.before) if isinstance(node, ast.ExceptHandler) and node.type
             for one in ast.walk(node.type) if isinstance(one, ast.Name | ast.Attribute)]  # fmt: skip
    raises = {"raises": RuntimeError, "cancelled": asyncio.CancelledError}
    for node in names:
        name = node.id if isinstance(node, ast.Name) else node.attr
        found = _resolved(node, world)
        if found is None and isinstance(node, ast.Name):
            found = world.made.setdefault(name, type(name, (Exception,), {}))
        if World.is_exception(found) and found is not Exception and found is not BaseException:
            raises[f"raises {name}"] = found
    awaited = {_last(one.value.func) for one in ast.walk(twin.before)
               if isinstance(one, ast.Await) and isinstance(one.value, ast.Call)}  # fmt: skip
    codes = [_compiled(node, kind) for node, kind in ((twin.before, "<before>"), (twin.after, "<after>"))]
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


class Growing:
    """Makes scripts of what earlier ones asked."""

    def __init__(self):
        self.asked, self._waiting, self._tried = {}, deque([{}]), set()
        self._telling, self._pairs = [], set()

    def scripts(self, most, wanting):
        """Give scripts, first each answer once; then, while lines are wanting, each on top of those that found some."""
        done = 0
        while self._waiting and done < most:
            done += 1
            yield self._waiting.popleft()
        known = [(key, option) for key, options in self.asked.items() for option in options[1:]]
        for base in self._telling:  # grows as we go
            for key, option in known:
                choices = {**base, key: option}
                mark = frozenset(choices.items())
                if done >= MOST or not wanting():
                    return
                if key not in base and mark not in self._tried:
                    done += 1
                    self._tried.add(mark)
                    self.asked = {}
                    yield choices
                    known += [each for each in self._new() if each not in known]

    def _new(self):
        return [(key, option) for key, options in self.asked.items() for option in options[1:]]

    def learn(self, choices, *, fresh):
        """Grow what a script asked for the first time; first what comes of one that reached new lines."""
        grown = [
            {**choices, key: option} for key, option in self._new()
            if key not in choices and (key, option) not in self._pairs
        ]  # fmt: skip
        self._pairs |= {(key, option) for each in grown for key, option in each.items()}
        self._tried |= {frozenset(each.items()) for each in grown}
        if fresh:
            self._telling.append(choices)
        if fresh and choices:
            self._waiting.extendleft(reversed(grown))
        else:
            self._waiting.extend(grown)


def _resolved(node, world):
    if isinstance(node, ast.Name):
        return getattr(builtins, node.id, None) or world.known(node.id)
    return getattr(_resolved(node.value, world), node.attr, None) if isinstance(node.value, ast.Name) else None


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


def _compiled(node, filename):
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
        given[each.arg] = script.value(script.choose(("parameter", each.arg), options), each.arg)
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
