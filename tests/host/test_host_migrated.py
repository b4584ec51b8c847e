"""Every function of the real host that a codemod changes: off, the old and the new text do the same, call for call.

The other half of "safe to land": `make units-host` runs the host's own tests, which execute a part of the new lines.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import sys
import warnings
from collections import Counter
from types import ModuleType

import driving
import pytest
import twins

import shim
from codemods import registry
from codemods.layout import find_layout, walk
from codemods.pool import default_jobs
from codemods.runner import prepare
from codemods.wanted import Wanted
from shim.guard import own_failures
from shim.hosts.netra import HOST

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore")]  # the host's own warnings


def tell(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


@pytest.fixture(scope="module")
def changes(host_tree):
    """Work out what every codemod that is the same when off would change; nothing is written."""
    wanted = Wanted.of(HOST)
    layout = find_layout(host_tree.joinpath(*HOST.package.split(".")), HOST.package)
    found = walk(layout.root)
    names = [name for name in registry.names() if "log lines" not in getattr(registry.load(name), "APART", "")]
    made = prepare(layout, wanted, tuple(names), found, found.files, default_jobs())
    assert made.facade is not None
    facade = ModuleType(HOST.facade)
    exec(compile(made.facade.after, HOST.facade, "exec"), vars(facade))  # noqa: S102  # the façade as it would be made
    modules = {layout.module_of(layout.root / one.path): one for one in made.changed}
    assert modules
    return facade, modules


@pytest.fixture(scope="module")
def driven(installed, changes):
    """Drive all changed functions, the shims installed and off; gives them by module, and what went wrong beside."""
    facade, modules = changes
    before, found, broken = own_failures(), {}, {}
    loop = asyncio.new_event_loop()
    with warnings.catch_warnings(), shim.recording() as records:
        warnings.simplefilter("ignore")  # stand-ins leave coroutines lying about
        for name, one in modules.items():
            real, why = driving.module_of(name, one.before)
            if why:
                broken[name] = why
            verbs = twins.facade_names(one.after, HOST.facade)
            world = driving.World(name, real, HOST.facade, facade, verbs)
            found[name] = list(twins.twins_of(one.before, one.after, verbs))
            for twin in found[name]:
                driving.drive(twin, world, loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        gc.collect()
    own = {name: n for name, n in own_failures().items() if n != before.get(name)}
    return found, broken, records, own


def test_every_changed_function_does_the_same(driven):
    shown = [
        f"{module}:{twin.name} under {choices}: {twins.first_difference(*seen)}"
        for module, each in driven[0].items()
        for twin in each
        for choices, seen in twin.differences
    ]
    assert not shown, "\n".join(shown[:20])


def test_nothing_is_recorded_and_nothing_fails_beside(driven):
    _, _, records, own = driven
    assert (records, own) == ([], {})


def test_nine_of_ten_new_statements_are_executed(driven, changes):
    found, broken, _, _ = driven
    every = [(module, twin) for module, each in found.items() for twin in each]
    decorated = [twin for _, twin in every if twin.only_decorated]
    lines, loud, reached, ran = (
        sum(len(getattr(twin, part)) for _, twin in every) for part in ("lines", "loud_only", "reachable", "done")
    )
    edits = Counter()
    for one in changes[1].values():
        edits.update(one.edits)
    tell(f"\nplaces {dict(edits)} in {len(found)} modules")
    tell(f"functions {len(every)}, of them {len(decorated)} only decorated; scripts {sum(t.runs for _, t in every)}")
    tell(f"new statements {lines}: {loud} behind a loud failure, which off there is none of; of the other {reached}:")
    tell(f"executed {ran} ({ran / reached:.1%}); beside them {len(found)} imports from the façade")
    for module, twin in every:
        for line in twin.missed:
            tell(f"  not executed: {module}:{line} in {twin.name}: {twin.why(line)}")
    for module, why in broken.items():
        tell(f"  cannot be imported, driven by the names of its own imports: {module}: {why.splitlines()[0][:120]}")
    tell(json.dumps({"statements": lines, "loud only": loud, "reachable": reached, "executed": ran}))
    assert ran > 0.9 * reached
    assert all(twin.runs > 0 for _, twin in every)


def test_what_the_new_texts_import_is_in_the_facade(changes):
    facade, modules = changes
    for module, one in modules.items():
        assert one.edits.keys() == {"use-shims"} or twins.facade_names(one.after, HOST.facade), module
        for name in twins.facade_names(one.after, HOST.facade).values():
            assert hasattr(facade, name), (module, name)


def test_kind_and_parameters_are_the_same(changes):
    for module, one in changes[1].items():
        old, new = (twins.functions_of(ast.parse(text)) for text in (one.before, one.after))
        assert old.keys() == new.keys()
        for key, function in old.items():
            assert outside(function) == outside(new[key]), (module, key)


def outside(function):
    names = [each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)]
    defaults = [ast.dump(each) for each in (*function.args.defaults, *filter(None, function.args.kw_defaults))]
    return type(function).__name__, names, defaults, ast.get_docstring(function), twins.generates(function)
