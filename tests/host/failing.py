"""A function of the host whose contracted call fails: its real text, run with stand-ins, and who stops the failure.

The failure is recorded as raised in enforce, as the shim's is; the swallow detector tells where it died.
"""

from __future__ import annotations

import ast
import copy
import sys
from dataclasses import dataclass, field

import driving
import twins
from scripts import Growing, Script

from shim.recorder import Action, record
from shim.snapshot import Mode
from shim.swallowed import Fate, counts, flush

RUNS = 400
"Scripts for one call site, until one of them has made it fail."
LEAVES = "leaves"
"No handler of the function kept it: it, or what was raised in its place, came out."
SEEN = "seen"
"It was escalated, or came to a boundary of ours in the function itself."
_AS_IS = "boundary_of_nothing"


@dataclass
class Failing:
    """One call site, and what became of its failure: the lines of handlers that stopped it, or `LEAVES`."""

    line: int
    contract: str
    error: type
    function: ast.AST
    file: str
    runs: int = 0
    ended: set = field(default_factory=set)

    @property
    def method(self):
        return self.contract.rpartition(".")[2]


def function_of(caller, line, text):
    """Give the function of that key that holds a line."""
    name = caller.partition(":")[2]
    named = [node for (path, _), node in twins.functions_of(ast.parse(text)).items() if path == name]
    return next((one for one in named if one.lineno <= line <= one.end_lineno), None)


def fail(failing, world, loop, swallows):
    """Run script after script; whatever asks for the site's method runs once more, and there that call fails."""
    function = _on_its_line(failing.function)
    code = driving.compiled(function, failing.file)
    raises, awaited = driving.raised_in(function, world), driving.awaited_in(function)
    lines = []
    loud = {**raises, "loud": _loud(failing, lines)}
    growing, tried = Growing(), set()

    def asked_in(choices, raises):
        failing.runs += 1
        script = Script(choices, awaited, raises)
        names = driving.Globals(world, script)
        names[_AS_IS] = lambda function: function
        seen = _seen()
        lines.clear()
        outcome = driving.run(function, code, names, script, loop, set())
        failing.ended |= set(_ends(failing, swallows, leaves=outcome[0] == "raises"))
        if lines == [failing.line] and _seen() > seen:
            failing.ended.add(SEEN)
        return script.asked

    for choices in growing.scripts(RUNS, lambda: not failing.ended):
        asked = asked_in(choices, raises)
        growing.asked |= asked
        for key in [key for key in asked if key[0] == "call" and key[1].rpartition(".")[2] == failing.method]:
            if (key, *choices.items()) not in tried:
                tried.add((key, *choices.items()))
                asked_in({**choices, key: "loud"}, loud)
        if failing.ended:
            return
        growing.learn(choices, fresh=False)


def _on_its_line(function):
    """Let a decorated function begin in the line where it does in its file: the detector looks for it there."""
    alone = copy.deepcopy(function)
    alone.decorator_list = [ast.copy_location(ast.Name(_AS_IS, ast.Load()), one) for one in alone.decorator_list[:1]]
    return alone


def _seen():
    return sum(n for (_, _, fate), n in counts().items() if fate is Fate.SEEN)


def _loud(failing, lines):
    """Make the site's exception one that is recorded as it is made; the record's user is the line that asked for it."""

    def made(self, text=""):
        frame = sys._getframe()
        while frame and frame.f_code.co_filename != failing.file:
            frame = frame.f_back
        component, _, method = failing.contract.partition(".")
        lines.append(frame and frame.f_lineno)
        failing.error.__init__(self, text, component=component, method=method, user_id=str(lines[-1]))
        record(self, mode=Mode.ENFORCE, action=Action.RAISED, cause_known=True)

    return type(failing.error.__name__, (failing.error,), {"__init__": made})


def _ends(failing, swallows, *, leaves):
    """Say what became of failures of the site's own line, and forget them.

    One that is the cause of what left the function never left it itself: nothing stopped it, its place is unknown.
    """
    flush()
    for one in swallows:
        if one.failure.user_id == str(failing.line):
            file, _, line = one.place.partition(" in ")[0].rpartition(":")
            yield int(line) if file == failing.file else LEAVES if leaves else one.place
    swallows.clear()
