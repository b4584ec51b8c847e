"""Shapes of calls: how a contracted method may be named, called, handed over, spawned; one row for each, never none.

A row is `method kind use verdict`, with `awaited` behind it where the result is awaited.
"""

from __future__ import annotations

import pytest
from migration_case import check_noop, check_transformed, make_tree, scan_of

HEAD = """\
import asyncio, functools, operator
from dataclasses import dataclass
from typing import Dict
from plant.hub import Hub, get_hub, make_hub
from plant.other import Hub as Other
"""

SHAPES = [
    (
        "partial called later",
        "def f(h: Hub):\n    p = functools.partial(h.ping, 1)\n    return p()",
        "ping bound_reference returned target",
    ),
    (
        "partial handed",
        "def f(h: Hub, run): run(functools.partial(h.ping, 1))",
        "ping callback_reference passed_on target",
    ),
    (
        "partial returned",
        "def f(h: Hub): return functools.partial(h.ping, 1)",
        "ping callback_reference passed_on target",
    ),
    (
        "map",
        "async def f(h: Hub, xs): await asyncio.gather(*map(h.ping, xs))",
        "ping callback_reference passed_on target",
    ),
    (
        "list bound called",
        "async def f(h: Hub):\n    for m in [h.ping, h.push]: await m(1)",
        "ping bound_reference ignored target awaited; push bound_reference ignored target awaited",
    ),
    (
        "list assigned",
        "async def f(h: Hub):\n    ms = [h.ping]\n    for m in ms: await m(1)",
        "ping bound_reference ignored target awaited",
    ),
    (
        "dict bound",
        "async def f(h: Hub, k):\n    ms = {'a': h.ping}\n    await ms[k](1)",
        "ping bound_reference ignored target awaited",
    ),
    ("dict inline", "async def f(h: Hub, k): await {'a': h.ping}[k](1)", "ping bound_reference ignored target awaited"),
    ("tuple bound", "async def f(h: Hub): await (h.ping, 1)[0](1)", "ping bound_reference ignored unknown awaited"),
    (
        "tuple unpack",
        "async def f(h: Hub):\n    a, b = h.ping, h.push\n    await a(1)",
        "ping bound_reference ignored target awaited",
    ),
    ("set", "async def f(h: Hub): return {h.ping}", "ping callback_reference passed_on target"),
    (
        "gather two",
        "async def f(h: Hub): await asyncio.gather(h.ping(1), h.push(2))",
        "ping call gathered target; push call gathered target",
    ),
    (
        "gather comp",
        "async def f(h: Hub, xs): await asyncio.gather(*[h.ping(x) for x in xs])",
        "ping call gathered target",
    ),
    (
        "gather kept",
        "async def f(h: Hub, xs):\n    ts = [h.ping(x) for x in xs]\n    await asyncio.gather(*ts)",
        "ping call gathered target",
    ),
    (
        "gather appended",
        "async def f(h: Hub, xs):\n    ts = []\n    ts.append(h.ping(1))\n    await asyncio.gather(*ts)",
        "ping call gathered target",
    ),
    (
        "gather with exceptions returned",
        "async def f(h: Hub): await asyncio.gather(h.ping(1), return_exceptions=True)",
        "ping call gathered target",
    ),
    ("wait", "async def f(h: Hub): await asyncio.wait([h.ping(1)])", "ping call gathered target"),
    (
        "as_completed",
        "async def f(h: Hub):\n    for t in asyncio.as_completed([h.ping(1)]): await t",
        "ping call gathered target",
    ),
    (
        "task kept",
        "async def f(h: Hub):\n    t = asyncio.create_task(h.ping(1))\n    return t",
        "ping call task_spawned target",
    ),
    ("task awaited", "async def f(h: Hub): await asyncio.create_task(h.ping(1))", "ping call ignored target awaited"),
    (
        "task kept awaited later",
        "async def f(h: Hub):\n    t = asyncio.create_task(h.ping(1))\n    await t",
        "ping call task_spawned target",
    ),
    ("coroutine awaited later", "async def f(h: Hub):\n    c = h.ping(1)\n    await c", "ping call passed_on target"),
    (
        "coroutine awaited later checked",
        "async def f(h: Hub):\n    c = h.ping(1)\n    if await c: print()",
        "ping call passed_on target",
    ),
    ("coroutine never awaited", "async def f(h: Hub):\n    c = h.ping(1)", "ping call missing_await target"),
    ("coroutine tested", "async def f(h: Hub):\n    if h.ping(1): print()", "ping call missing_await target"),
    (
        "coroutine to create_task later",
        "async def f(h: Hub):\n    c = h.ping(1)\n    asyncio.create_task(c)",
        "ping call task_spawned target",
    ),
    (
        "coroutine to gather later",
        "async def f(h: Hub):\n    c = h.ping(1)\n    await asyncio.gather(c)",
        "ping call gathered target",
    ),
    (
        "task list",
        "async def f(h: Hub, xs):\n    ts = [asyncio.create_task(h.ping(x)) for x in xs]\n    await asyncio.wait(ts)",
        "ping call task_spawned target",
    ),
    (
        "taskgroup",
        "async def f(h: Hub):\n    async with asyncio.TaskGroup() as g: g.create_task(h.ping(1))",
        "ping call task_spawned target",
    ),
    ("anyio start_soon", "async def f(h: Hub, g): g.start_soon(h.ping, 1)", "ping callback_reference passed_on target"),
    ("ensure_future", "async def f(h: Hub): asyncio.ensure_future(h.ping(1))", "ping call task_spawned target"),
    (
        "run_coroutine_threadsafe",
        "def f(h: Hub, loop): asyncio.run_coroutine_threadsafe(h.ping(1), loop)",
        "ping call task_spawned target",
    ),
    ("asyncio.run", "def f(h: Hub): asyncio.run(h.ping(1))", "ping call ignored target awaited"),
    (
        "asyncio.run checked",
        "def f(h: Hub):\n    if asyncio.run(h.ping(1)): print()",
        "ping call in_condition target awaited",
    ),
    (
        "run_until_complete",
        "def f(h: Hub, loop): return loop.run_until_complete(h.ping(1))",
        "ping call returned target awaited",
    ),
    ("call_soon", "def f(h: Hub, loop): loop.call_soon(h.hush)", "hush callback_reference passed_on target"),
    ("add_done_callback", "def f(h: Hub, t): t.add_done_callback(h.hush)", "hush callback_reference passed_on target"),
    (
        "executor",
        "async def f(h: Hub, loop): await loop.run_in_executor(None, h.hush)",
        "hush bound_reference ignored target awaited",
    ),
    (
        "to_thread",
        "async def f(h: Hub): await asyncio.to_thread(h.hush)",
        "hush bound_reference ignored target awaited",
    ),
    (
        "to_thread checked",
        "async def f(h: Hub):\n    ok = await asyncio.to_thread(h.hush)\n    if not ok: print()",
        "hush bound_reference assigned_checked target awaited",
    ),
    ("to_thread lambda", "async def f(h: Hub): await asyncio.to_thread(lambda: h.hush())", "hush call returned target"),
    ("lambda", "def f(h: Hub): return lambda: h.ping(1)", "ping call returned target"),
    ("lambda ref", "def f(h: Hub): return lambda: h.ping", "ping callback_reference passed_on target"),
    ("lambda param", "def f(h: Hub): return lambda h: h.ping(1)", "ping call returned unknown"),
    ("getattr const", "async def f(h: Hub): await getattr(h, 'ping')(1)", "ping getattr ignored target awaited"),
    (
        "getattr constant name",
        "NAME = 'ping'\nasync def f(h: Hub): await getattr(h, NAME)(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "getattr local constant",
        "async def f(h: Hub):\n    n = 'ping'\n    await getattr(h, n)(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "getattr loop tuple",
        "async def f(h: Hub):\n    for n in ('ping', 'push'): await getattr(h, n)(1)",
        "ping getattr ignored target awaited; push getattr ignored target awaited",
    ),
    (
        "getattr joined",
        "async def f(h: Hub):\n    for n in ('ing', 'ush'): await getattr(h, f'p{n}')(1)  # ping, push",
        "ping getattr ignored target awaited; push getattr ignored target awaited",
    ),
    (
        "getattr added",
        "P = 'pi'\nasync def f(h: Hub): await getattr(h, P + 'ng')(1)  # ping",
        "ping getattr ignored target awaited",
    ),
    (
        "getattr dict of names",
        "NAMES = {'a': 'ping'}\nasync def f(h: Hub, k): await getattr(h, NAMES[k])(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "getattr dict get",
        "NAMES = {'a': 'ping'}\nasync def f(h: Hub, k):\n    n = NAMES.get(k)\n    await getattr(h, n)(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "getattr conditional",
        "async def f(h: Hub, k): await getattr(h, 'ping' if k else 'push')(1)",
        "ping getattr ignored target awaited; push getattr ignored target awaited",
    ),
    (
        "getattr held",
        "async def f(h: Hub):\n    m = getattr(h, 'ping', None)\n    if m: await m(1)",
        "ping bound_reference ignored target awaited",
    ),
    (
        "methodcaller",
        "def f(h: Hub): return operator.methodcaller('ping', 1)(h)",
        "ping string_dispatch returned target",
    ),
    (
        "methodcaller map",
        "def f(hs): return map(operator.methodcaller('ping', 1), hs)",
        "ping callback_reference passed_on unknown",
    ),
    ("attrgetter", "def f(h: Hub): return operator.attrgetter('ping')(h)", "ping callback_reference passed_on target"),
    ("walrus", "async def f(h: Hub):\n    if (ok := await h.ping(1)): print(ok)", "ping call passed_on target awaited"),
    (
        "walrus ref",
        "async def f(h: Hub):\n    if (m := h.ping): await m(1)",
        "ping bound_reference ignored target awaited",
    ),
    (
        "await in comp",
        "async def f(h: Hub, xs): return [await h.ping(x) for x in xs]",
        "ping call passed_on target awaited",
    ),
    (
        "comprehension as a statement",
        "async def f(h: Hub, xs): [await h.ping(x) for x in xs]",
        "ping call ignored target awaited",
    ),
    (
        "comprehension filter",
        "async def f(h: Hub, xs): return [x for x in xs if await h.ping(x)]",
        "ping call in_condition target awaited",
    ),
    (
        "all of a list",
        "async def f(h: Hub, xs): return all([await h.ping(x) for x in xs])",
        "ping call passed_on target awaited",
    ),
    ("async for", "async def f(h: Hub):\n    async for x in h.ping(1): print(x)", "ping call passed_on target"),
    (
        "conditional body",
        "async def f(h: Hub, c):\n    ok = (await h.ping(1)) if c else False\n    return ok",
        "ping call passed_on target awaited",
    ),
    (
        "conditional dropped",
        "async def f(h: Hub, c): await h.ping(1) if c else None",
        "ping call ignored target awaited",
    ),
    (
        "conditional test",
        "async def f(h: Hub): return 1 if await h.ping(1) else 2",
        "ping call in_condition target awaited",
    ),
    (
        "conditional callee",
        "async def f(h: Hub, c): await (h.ping if c else h.push)(1)",
        "ping bound_reference ignored target awaited; push bound_reference ignored target awaited",
    ),
    ("or dropped", "async def f(h: Hub, c): c and await h.ping(1)", "ping call ignored target awaited"),
    ("or callee", "async def f(h: Hub, c): await (c or h.ping)(1)", "ping bound_reference ignored unknown awaited"),
    (
        "boolop assigned",
        "async def f(h: Hub, c):\n    ok = c and await h.ping(1)\n    return ok",
        "ping call in_condition target awaited",
    ),
    ("assert", "async def f(h: Hub): assert await h.ping(1)", "ping call in_condition target awaited"),
    (
        "match",
        "async def f(h: Hub):\n    match await h.ping(1):\n        case True: print()",
        "ping call passed_on target awaited",
    ),
    ("fstring", "async def f(h: Hub): print(f'{await h.ping(1)}')", "ping call passed_on target awaited"),
    (
        "default arg",
        "def f(h: Hub):\n    def g(m=h.ping): return m(1)\n    return g",
        "ping callback_reference passed_on target",
    ),
    ("default arg call", "HUB = Hub()\ndef g(x=HUB.hush()): ...", "hush call passed_on target"),
    (
        "decorator",
        "def f(h: Hub, retry):\n    @retry\n    async def g(): await h.ping(1)\n    return g",
        "ping call ignored target awaited",
    ),
    ("as decorator", "H = Hub()\n@H.hush\ndef g(): ...", "hush callback_reference passed_on target"),
    (
        "super",
        "class C(Hub):\n    async def ping(self, k): return await super().ping(k)",
        "ping call returned target awaited",
    ),
    (
        "super args",
        "class C(Hub):\n    async def ping(self, k): return await super(C, self).ping(k)",
        "ping call returned target awaited",
    ),
    (
        "type self",
        "class C(Hub):\n    async def f(self): await type(self).ping(self, 1)",
        "ping call ignored target awaited",
    ),
    (
        "__class__",
        "class C(Hub):\n    async def f(self): await self.__class__.ping(self, 1)",
        "ping call ignored target awaited",
    ),
    ("class level", "async def f(h: Hub): await Hub.ping(h, 1)", "ping call ignored target awaited"),
    (
        "dataclass",
        "@dataclass\nclass C:\n    h: Hub\nclass D:\n    c: C\n    async def f(self): await self.c.h.ping(1)",
        "ping call ignored target awaited",
    ),
    ("walrus receiver", "async def f(): await (h := get_hub()).ping(1)", "ping call ignored target awaited"),
    ("chained", "async def f(): await get_hub().ping(1)", "ping call ignored target awaited"),
    ("await chained", "async def f(): await (await make_hub()).ping(1)", "ping call ignored target awaited"),
    (
        "dict attr",
        "class C:\n    hubs: dict[str, Hub]\n    async def f(self, k): await self.hubs[k].ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "dict init annotated",
        "class C:\n    def __init__(self): self.x: Dict[int, Hub] = {}\n    async def f(self): await self.x[0].ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "dict get",
        "class C:\n    hubs: dict[str, Hub]\n    async def f(self, k): await self.hubs.get(k).ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "list for",
        "async def f(hubs: list[Hub]):\n    for h in hubs: await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "dict values",
        "async def f(hubs: dict[str, Hub]):\n    for h in hubs.values(): await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "dict items",
        "async def f(hubs: dict[str, Hub]):\n    for k, h in hubs.items(): await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "dict keys loop",
        "async def f(hubs: dict[str, Hub]):\n    for h in hubs: await h.ping(1)",
        "ping call ignored unknown awaited",
    ),
    (
        "comprehension over list",
        "async def f(hubs: list[Hub]): return [await h.ping(1) for h in hubs]",
        "ping call passed_on target awaited",
    ),
    ("list slice", "async def f(hubs: list[Hub]): return hubs[1:].ping(1)", "ping call returned unknown"),
    ("list.ping", "async def f(hubs: list[Hub]): return await hubs.ping(1)", "ping call returned unknown awaited"),
    (
        "list of dict",
        "async def f(x: dict[str, list[Hub]], k):\n    for h in x[k]: await h.ping(1)",
        "ping call ignored target awaited",
    ),
    ("unannot subscript", "async def f(hubs, k): await hubs[k].ping(1)", "ping call ignored unknown awaited"),
    ("with as", "async def f(ctx):\n    with Hub() as h: await h.ping(1)", "ping call ignored target awaited"),
    (
        "except",
        "async def f(h: Hub):\n    try: print()\n    except ValueError: await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "finally",
        "async def f(h: Hub):\n    try: print()\n    finally: await h.ping(1)",
        "ping call ignored target awaited",
    ),
    ("class body", "class C:\n    ok = Hub().hush()", "hush call passed_on target"),
    ("class body ref", "class C:\n    m = Hub().hush", "hush callback_reference passed_on target"),
    ("module", "H = Hub()\nH.hush()", "hush call ignored target"),
    ("module ref", "H = Hub()\nm = H.hush\nm()", "hush bound_reference ignored target"),
    ("module partial", "H = Hub()\nm = functools.partial(H.hush)\nm()", "hush bound_reference ignored target"),
    (
        "nested",
        "async def f(h: Hub):\n    def g():\n        async def i(): await h.ping(1)\n        return i\n    return g",
        "ping call ignored target awaited",
    ),
    (
        "nested uses ref",
        "def f(h: Hub):\n    m = h.ping\n    async def g(): await m(1)\n    return g",
        "ping bound_reference ignored target awaited",
    ),
    ("star", "async def f(h: Hub, a, k): await h.ping(*a, **k)", "ping call ignored target awaited"),
    ("return await", "async def f(h: Hub): return await h.ping(1)", "ping call returned target awaited"),
    ("return coroutine", "def f(h: Hub): return h.ping(1)", "ping call returned target"),
    ("yield await", "async def f(h: Hub): yield await h.ping(1)", "ping call passed_on target awaited"),
    ("yield", "def f(h: Hub): yield h.hush()", "hush call passed_on target"),
    ("yield from", "def f(h: Hub): yield from h.hush()", "hush call passed_on target"),
    ("wait_for", "async def f(h: Hub): await asyncio.wait_for(h.ping(1), 1)", "ping call ignored target awaited"),
    ("shield", "async def f(h: Hub): return await asyncio.shield(h.ping(1))", "ping call returned target awaited"),
    (
        "timeout",
        "async def f(h: Hub):\n    async with asyncio.timeout(1): await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "wait_for keyword",
        "async def f(h: Hub): await asyncio.wait_for(fut=h.ping(1), timeout=1)",
        "ping call ignored target awaited",
    ),
    (
        "self attr ref",
        "class C:\n    def __init__(self, h: Hub): self.m = h.ping\n    async def f(self): await self.m(1)",
        "ping callback_reference passed_on target",
    ),
    ("reference, yield", "def f(h: Hub): yield h.ping", "ping callback_reference passed_on target"),
    (
        "reference, default or",
        "def f(h: Hub, m=None):\n    m = m or h.ping\n    return m(1)",
        "ping bound_reference returned unknown",
    ),
    ("reference, starred", "def f(h: Hub, run): run(*(h.ping, 1))", "ping callback_reference passed_on target"),
    ("reference, augassign list", "def f(h: Hub, ms): ms += [h.ping]", "ping callback_reference passed_on target"),
    (
        "reference, in comp",
        "def f(hs: list[Hub]): return [h.ping for h in hs]",
        "ping callback_reference passed_on target",
    ),
    ("reference, global attr", "def f(h: Hub, x): x.on = h.ping", "ping callback_reference passed_on target"),
    ("reference, subscript store", "def f(h: Hub, x): x['a'] = h.ping", "ping callback_reference passed_on target"),
    ("reference, await", "async def f(h: Hub): await h.ping", "ping callback_reference passed_on target"),
    (
        "keywordonly default",
        "def f(h: Hub):\n    def g(*, m=h.ping): return m(1)\n    return g",
        "ping callback_reference passed_on target",
    ),
    ("unbound call", "def f(h: Hub): return h.ping.__call__(1)", "ping bound_reference returned target"),
    (
        "if target rebind",
        "async def f(h: Hub, c):\n    if c: m = h.ping\n    else: m = h.push\n    await m(1)",
        "ping bound_reference ignored target awaited; push bound_reference ignored target awaited",
    ),
    ("async with call", "async def f(h: Hub):\n    async with h.ping(1): print()", "ping call passed_on target"),
    ("raise call", "async def f(h: Hub): raise ValueError(await h.ping(1))", "ping call passed_on target awaited"),
    ("print(coroutine)", "async def f(h: Hub): print(h.ping(1))", "ping call passed_on target"),
    ("compare", "async def f(h: Hub): return (await h.ping(1)) is True", "ping call in_condition target awaited"),
    (
        "tuple assign",
        "async def f(h: Hub):\n    a, b = await h.ping(1), 2\n    return a",
        "ping call passed_on target awaited",
    ),
    ("aug", "async def f(h: Hub, n):\n    n += await h.ping(1)\n    return n", "ping call passed_on target awaited"),
    ("result attr", "async def f(h: Hub): return (await h.setup()).success", "setup call passed_on target awaited"),
    ("result attr dropped", "async def f(h: Hub): (await h.setup()).success", "setup call passed_on target awaited"),
    ("underscore", "async def f(h: Hub): _ = await h.ping(1)", "ping call assigned_unused target awaited"),
    (
        "tg kept",
        "async def f(h: Hub, g):\n    t = g.create_task(h.ping(1))\n    t.add_done_callback(print)",
        "ping call task_spawned target",
    ),
    (
        "attribute holds a reference",
        "class C:\n    def __init__(self, h: Hub): self.m = h.ping\n    async def f(self): await self.m(1)",
        "ping callback_reference passed_on target",
    ),
    (
        "a name bound twice",
        "async def f(h: Hub, g):\n    m = h.ping\n    m = g\n    await m(1)",
        "ping bound_reference ignored unknown awaited",
    ),
    (
        "receivers of two classes",
        "async def f(h: Hub, o: Other, c): await (h.ping if c else o.ping)(1)",
        "ping bound_reference ignored unknown awaited",
    ),
    (
        "receivers of one class",
        "async def f(h: Hub, o: Hub, c): await (h.ping if c else o.ping)(1)",
        "ping bound_reference ignored target awaited",
    ),
    (
        "a list with something else",
        "async def f(h: Hub, g):\n    for m in [h.ping, g]: await m(1)",
        "ping bound_reference ignored unknown awaited",
    ),
    (
        "partial of an unsure one",
        "def f(h: Hub, g, c):\n    m = functools.partial(h.ping if c else g, 1)\n    return m()",
        "ping bound_reference returned unknown",
    ),
    (
        "handed on by its local name",
        "def f(h: Hub, run):\n    m = h.ping\n    run(m)",
        "ping callback_reference passed_on target",
    ),
    (
        "called and handed on",
        "def f(h: Hub, run):\n    m = h.hush\n    m()\n    run(m)",
        "hush callback_reference passed_on target; hush bound_reference ignored target",
    ),
    (
        "names that are no method of ours",
        "async def f(h: Hub):\n    for n in ('ping', 'other'): await getattr(h, n)(1)",
        "ping getattr ignored unknown awaited",
    ),
    (
        "names by values()",
        "NAMES = {'a': 'ping'}\nasync def f(h: Hub):\n    for n in NAMES.values(): await getattr(h, n)(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "names by items()",
        "async def f(h: Hub):\n    for k, n in {'a': 'ping'}.items(): await getattr(h, n)(1)",
        "ping getattr ignored target awaited",
    ),
    (
        "names in a comprehension",
        "async def f(h: Hub): await asyncio.gather(*[getattr(h, n)(1) for n in ('ping',)])",
        "ping getattr gathered target",
    ),
    (
        "comprehension name shadows a parameter",
        "async def f(h: Hub, xs): return [await h.ping(1) for h in xs]",
        "ping call passed_on unknown awaited",
    ),
    (
        "list of another class",
        "async def f(xs: list[Other]):\n    for h in xs: await h.ping(1)",
        "ping call ignored other awaited",
    ),
    (
        "list of two classes",
        "async def f(xs: list[Hub | Other]):\n    for h in xs: await h.ping(1)",
        "ping call ignored target_mixed awaited",
    ),
    (
        "optional dict, deeper",
        "async def f(xs: 'dict[str, list[Hub]] | None', k):\n    for h in sorted(xs[k]): await h.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "enumerate",
        "async def f(xs: list[Hub]):\n    for i, h in enumerate(xs): await h.ping(i)",
        "ping call ignored target awaited",
    ),
    ("create_task dropped", "async def f(h: Hub): asyncio.create_task(h.ping(1))", "ping call task_spawned target"),
    (
        "property receiver",
        "class C:\n    @property\n    def hub(self) -> Hub: ...\n    async def f(self): await self.hub.ping(1)",
        "ping call ignored target awaited",
    ),
    (
        "decorator around",
        "def retry(g): return g\nclass C:\n    @retry\n    async def f(self, h: Hub): return await h.ping(1)",
        "ping call returned target awaited",
    ),
]

LOOKS = [
    ("hasattr compare", "def f(h: Hub): return h.ping is None"),
    ("callable", "def f(h: Hub): return callable(h.ping)"),
    ("attr of method", "def f(h: Hub): return h.ping.__name__"),
    ("reference in if", "async def f(h: Hub):\n    if h.ping: print()"),
    ("reference match", "def f(h: Hub):\n    match h.ping:\n        case None: ..."),
    ("reference fstring", "def f(h: Hub): print(f'{h.ping}')"),
    ("reference expr", "def f(h: Hub): h.ping"),
    ("an inner function has the name", "def f(h: Hub):\n    m = h.hush\n    def g(m): m()\n    return g"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Scan one tree with a module for each shape; give the rows by module."""
    cases = [*SHAPES, *LOOKS]
    tree = make_tree(
        tmp_path_factory.mktemp("shapes"), **{f"site{at}": HEAD + c[1] + "\n" for at, c in enumerate(cases)}
    )
    result = scan_of(tree)
    assert result.unreadable == []
    return {case[0]: [r for r in result.rows if r.path == f"plant/site{at}.py"] for at, case in enumerate(cases)}


@pytest.mark.parametrize(("name", "expected"), [(case[0], case[2]) for case in SHAPES])
def test_shape(found, name, expected):
    shown = [
        f"{row.method} {row.kind} {row.result_use} {row.verdict}{' awaited' * row.awaited}"
        for row in sorted(found[name], key=lambda row: (row.line, row.col, row.method))
    ]
    assert sorted(shown) == sorted(expected.split("; "))


@pytest.mark.parametrize("name", [case[0] for case in LOOKS])
def test_a_reference_that_is_only_looked_at_is_no_call(found, name):
    assert found[name] == []


def test_names_of_the_table_are_apart():
    names = [case[0] for case in [*SHAPES, *LOOKS]]
    assert len(set(names)) == len(names) >= 45


WRAPPED = [
    (
        "thread",
        "async def f(h: Hub):\n    await asyncio.to_thread(h.hush)\n",
        "await asyncio.to_thread(h.hush)",
        "hub.hush",
    ),
    ("run", "def f(h: Hub):\n    asyncio.run(h.ping(1))\n", "asyncio.run(h.ping(1))", "hub.ping"),
    (
        "task",
        "async def f(h: Hub):\n    await asyncio.create_task(h.ping(1))\n",
        "await asyncio.create_task(h.ping(1))",
        "hub.ping",
    ),
    (
        "element",
        "async def f(hubs: list[Hub]):\n    for h in hubs:\n        await h.ping(1)\n",
        "await h.ping(1)",
        "hub.ping",
    ),
    ("comprehension", "async def f(h: Hub, xs):\n    [await h.ping(x) for x in xs]\n", "await h.ping(x)", "hub.ping"),
    ("or", "async def f(h: Hub, c):\n    c and await h.ping(1)\n", "await h.ping(1)", "hub.ping"),
]


@pytest.mark.parametrize(("source", "result", "key"), [case[1:] for case in WRAPPED], ids=[case[0] for case in WRAPPED])
def test_a_dropped_result_is_wrapped_where_it_is(tmp_path, source, result, key):
    after = (
        f"from plant.loud import delivered\n{source.replace(result, f'delivered({result}, {chr(34)}{key}{chr(34)})')}"
    )
    head = "import asyncio\nfrom plant.hub import Hub\n"
    check_transformed(tmp_path, ("check-results",), head + source, head + after)


LEFT = [
    ("two methods", "async def f(h: Hub, c):\n    await (h.ping if c else h.push)(1)\n", "may call any of ping, push"),
    ("two names", "async def f(h: Hub):\n    for n in ('ping', 'push'): await getattr(h, n)(1)\n", "may call any of"),
    ("never awaited", "async def f(h: Hub):\n    c = h.ping(1)\n", "never awaited"),
]


@pytest.mark.parametrize(("source", "reason"), [case[1:] for case in LEFT], ids=[case[0] for case in LEFT])
def test_a_call_of_several_methods_is_left_with_the_reason(tmp_path, source, reason):
    left = check_noop(tmp_path, ("check-results",), f"from plant.hub import Hub\n{source}").sites
    assert left
    assert all(reason in one.reason for one in left)
