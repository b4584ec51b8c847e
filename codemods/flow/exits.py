"""The ways out of a handler: the exception goes on, another takes its place, or it ends here."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from codemods.flow.facts import UNKNOWN_TYPE, Way
from codemods.tree import name_of

__all__ = ["Asks", "leaves", "ways_of"]

_FALLS = Way(kind="falls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What a handler's text means in its module."""

    type_of: Callable[[ast.expr], str]
    "The type key of an exception class or of a new exception."
    raises: Callable[[ast.Call], bool]
    "Whether a call is of a helper that always raises."
    verb: Callable[[ast.expr], str]
    "The name of ours that an expression means, empty for any other."


@dataclass(slots=True)
class _Block:
    """One walk. `name` is what the exception is called; `known` the helper's questions."""

    name: str | None
    known: Asks
    seen: bool = False
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    ended: list[Way] = field(default_factory=list)

    def inside(self, *, only: tuple[str, ...] = (), never: tuple[str, ...] = ()) -> _Block:
        return _Block(self.name, self.known, self.seen, self.only or only, (*self.never, *never), self.ended)

    def way(self, kind: str, node: ast.AST, raised: str = "") -> Way:
        return Way(kind, raised, getattr(node, "lineno", 0), self.only, self.never)


def ways_of(handler: ast.ExceptHandler, known: Asks, later: Iterable[ast.Raise] = ()) -> tuple[Way, ...]:
    """Give the ways out of a handler, each once. Calls in it are taken to return, but for helpers that always raise.

    `later` are the `raise` statements of the function behind it: one may raise what the handler has kept.
    """
    block = _Block(handler.name, known)
    falls = _walk(handler.body, block)
    last = _kept(handler, block, later) or block.way("seen" if block.seen else "end", handler.body[-1])
    return tuple(dict.fromkeys([*block.ended, *([last] if falls else [])]))


def _kept(handler: ast.ExceptHandler, block: _Block, later: Iterable[ast.Raise]) -> Way | None:
    """Give the `raise` behind a handler of what it has put into a name, or into an attribute of one."""
    for node in handler.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == handler.name:
            target = node.targets[0]
            owner = target.value if isinstance(target, ast.Attribute) else target
            for one in later:
                if isinstance(owner, ast.Name) and isinstance(one.exc, ast.Name) and one.exc.id == owner.id:
                    return block.way("same" if owner is target else "other", one, UNKNOWN_TYPE)
    return None


def leaves(body: list[ast.stmt]) -> bool:
    """Tell whether a `finally` body leaves by itself: return, or break and continue of a loop outside it."""
    return any(_leaving(node, in_loop=False) for node in body)


def _leaving(node: ast.AST, *, in_loop: bool) -> bool:
    if isinstance(node, ast.Return):
        return True
    if isinstance(node, ast.Break | ast.Continue):
        return not in_loop
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return False
    inner = in_loop or isinstance(node, ast.For | ast.AsyncFor | ast.While)
    return any(_leaving(child, in_loop=inner) for child in ast.iter_child_nodes(node))


def _walk(body: list[ast.stmt], block: _Block) -> bool:  # noqa: C901, PLR0911, PLR0912  # one case per statement
    """Walk a block; say whether control may come out at its end. Other ways out go to `ended`."""
    for node in body:
        match node:
            case ast.Raise():
                block.ended.append(_raised(node, block))
                return False
            case ast.Return() | ast.Break() | ast.Continue():
                block.ended.append(block.way("seen" if _told(node, block) else "end", node))
                return False
            case ast.If():
                if not _branches(node, block):
                    return False
            case ast.Match():
                outs = [_walk(case.body, block.inside()) for case in node.cases]
                if not any(outs) and any(_takes_all(case) for case in node.cases):
                    return False
            case ast.With() | ast.AsyncWith() if _suppresses(node):
                _suppressed(node, block)
            case ast.With() | ast.AsyncWith():
                if not _same(node.body, block):
                    return False
            case ast.Try() | ast.TryStar():
                if not _tried(node, block):
                    return False
            case ast.For() | ast.AsyncFor() | ast.While():
                _looped(node, block)
            case ast.Expr() if _always_raises(node.value, block):
                block.ended.append(block.way("other", node, UNKNOWN_TYPE))
                return False
            case _:
                block.seen |= _told(node, block)
    return True


def _same(body: list[ast.stmt], block: _Block) -> bool:
    inner = block.inside()
    falls = _walk(body, inner)
    block.seen |= inner.seen and falls
    return falls


def _suppresses(node: ast.With | ast.AsyncWith) -> bool:
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(name_of(call.func) == "suppress" for call in calls)


def _suppressed(node: ast.With | ast.AsyncWith, block: _Block) -> None:
    """Walk a `with suppress(...)`: what is raised in its place ends there; what goes on as it is may not."""
    inner = block.inside()
    inner.ended = []
    falls = _walk(node.body, inner)
    block.ended += [way for way in inner.ended if way.kind != "other"]
    block.seen |= inner.seen and falls


def _branches(node: ast.If, block: _Block) -> bool:
    asked, negated = _asked(node.test, block)
    yes = block.inside(never=asked) if negated else block.inside(only=asked)
    no = block.inside(only=asked) if negated else block.inside(never=asked)
    if not asked:
        yes, no = block.inside(), block.inside()
    falls_yes, falls_no = _walk(node.body, yes), _walk(node.orelse, no)
    if asked and not falls_yes and falls_no:  # what comes after is for the rest
        if negated:
            block.only = block.only or asked
        else:
            block.never = (*block.never, *asked)
    if (
        asked and yes.seen and not no.seen and falls_yes and falls_no
    ):  # told, if it is one of these; then on with the rest
        block.ended.append(Way("seen", "", node.lineno, asked, block.never))
        block.never = (*block.never, *asked)
    block.seen |= all(one.seen for one, falls in ((yes, falls_yes), (no, falls_no)) if falls) and (
        falls_yes or falls_no
    )
    return falls_yes or falls_no


def _asked(test: ast.expr, block: _Block) -> tuple[tuple[str, ...], bool]:
    """Give the types an `isinstance(error, ...)` asks for, and whether it is negated."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    call = test.operand if isinstance(test, ast.UnaryOp) else test
    if not (isinstance(call, ast.Call) and name_of(call.func) == "isinstance" and len(call.args) == 2):
        return (), False
    if not (isinstance(call.args[0], ast.Name) and call.args[0].id == block.name):
        return (), False
    kinds = call.args[1]
    types = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return tuple(block.known.type_of(one) for one in types), negated


def _tried(node: ast.Try | ast.TryStar, block: _Block) -> bool:
    """Walk a `try` of the handler: what its body raises may end in its own clauses, so both ways count."""
    if leaves(node.finalbody):
        block.ended.append(block.way("end", node.finalbody[-1]))
        return False
    inner = block.inside()
    inner.ended = []
    falls = _walk([*node.body, *node.orelse], inner)
    caught = bool(node.handlers)
    stays = [way for way in inner.ended if not (caught and way.kind in {"same", "other"})]
    thrown = [way for way in inner.ended if way.kind in {"same", "other"}]
    block.ended += stays
    for handler in node.handlers:
        own = block.inside()
        own.name = handler.name if thrown else block.name
        falls |= _walk(handler.body, own)
    if not caught:
        block.ended += thrown
    block.seen |= inner.seen
    return _walk(node.finalbody, block) and falls


def _looped(node: ast.For | ast.AsyncFor | ast.While, block: _Block) -> None:
    inner = block.inside()
    inner.ended = []
    _walk([*node.body, *node.orelse], inner)
    block.ended += [way for way in inner.ended if way.kind in {"same", "other"} or _is_return(node, way.line)]


def _is_return(loop: ast.AST, line: int) -> bool:
    return any(isinstance(node, ast.Return) and node.lineno == line for node in ast.walk(loop))


def _takes_all(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


def _raised(node: ast.Raise, block: _Block) -> Way:
    if node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == block.name):
        return block.way("same", node)
    if isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Attribute):
        inner = node.exc.func
        if inner.attr == "with_traceback" and isinstance(inner.value, ast.Name) and inner.value.id == block.name:
            return block.way("same", node)
    return block.way("other", node, block.known.type_of(node.exc))


def _always_raises(value: ast.expr, block: _Block) -> bool:
    inner = value.value if isinstance(value, ast.Await) else value
    return isinstance(inner, ast.Call) and block.known.raises(inner)


def _told(node: ast.AST, block: _Block) -> bool:
    """Tell whether a statement hands the exception to one of our verbs that see it."""
    return block.seen or any(block.known.verb(call.func) in {"escalate", "handled"} for call in _calls(node))


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    yield from _of_kind(ast.walk(node))


def _of_kind(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    return (one for one in nodes if isinstance(one, ast.Call))
