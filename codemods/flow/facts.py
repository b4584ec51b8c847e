"""What one file says about the way of an exception, as plain tuples: they go between processes and into the cache."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ANY",
    "UNKNOWN_TYPE",
    "Clause",
    "Decorated",
    "Edge",
    "FileFacts",
    "Function",
    "Names",
    "Net",
    "Open",
    "Start",
    "Way",
]

ANY = "*"
"The type of a clause without one: it catches everything."
UNKNOWN_TYPE = "?"
"A type that the text does not tell: a variable, a call."


class Way(NamedTuple):
    """One way out of a handler."""

    kind: str
    "`same` (the exception goes on), `other` (another is raised), `seen` (escalated or handled by ours), `end`."
    raised: str = ""
    "For `other`: the type that is raised."
    line: int = 0
    only: tuple[str, ...] = ()
    "Types this way is kept to: the handler asks `isinstance`."
    never: tuple[str, ...] = ()
    "Types it is closed to."


class Clause(NamedTuple):
    """One `except` clause."""

    types: tuple[str, ...]
    line: int
    ways: tuple[Way, ...]
    effects: tuple[str, ...] = ()
    "What it does with a failure it keeps, as DESIGN names it: `log`, `return False`, `retry`, ..."


class Net(NamedTuple):
    """Something an exception meets on its way out of a function."""

    kind: str
    """`try`, `finally` (leaves, and drops it), `suppress`, `context` (a manager of the tree), `exit` (an
    `__exit__` that drops it), `group` (wrapped in a group), `gather` (kept as a value), `boundary` (ours),
    `handling` (an except body: a loud failure is escalated there, not raised). A `?` at the end: it may."""
    line: int
    clauses: tuple[Clause, ...] = ()
    name: str = ""
    "Of the context manager."
    holds: str = ""
    "What a raise through here would destroy; empty where nothing is known to."


class Edge(NamedTuple):
    """One place from which functions may be called, and what stands around it in its function."""

    callees: tuple[str, ...]
    "Keys `module:Class.name`; `parameter|function key|name` for what a function calls that it was handed."
    caller: str
    line: int
    form: str
    """How an exception of the callee arrives: `call`; `returned` (by the caller's caller, where it is a coroutine);
    `task lost`, `task kept`, `done-callback`, `thread`, `spawned`, `handed` (over to who knows whom)."""
    nets: tuple[Net, ...] = ()
    "Around the place where it comes up: the `await`, the loop, the `gather`."
    direct: tuple[Net, ...] = ()
    "Around the call itself: where a function that is no coroutine raises."
    evidence: str = ""
    receivers: tuple[str, ...] = ()
    "Classes the receiver may have by its type: an override in a subclass of one may be what is called."
    awaited: bool = False
    iterated: bool = False
    "The value is looped over: a generator's body runs here."
    given: tuple[str, ...] = ()
    "Parameters of the tree that a coroutine is handed to, as in `callees`."
    detail: str = ""
    "What it is handed to, or the way its task goes."


class Open(NamedTuple):
    """A call of a name nobody can tell the owner of: it may be any function of that name."""

    name: str
    caller: str
    line: int
    positional: int
    words: tuple[str, ...]
    loose: bool
    "Stars among the arguments: any number fits."
    bare: bool = False
    "By its name alone: no method then."


class Decorated(NamedTuple):
    """One decorator of a function, innermost first."""

    name: str
    line: int
    kind: str
    "`plain` (nothing changes), `boundary`, `tree` (a function of the tree: `through`), `unknown`."
    through: str = ""
    "The parameter the function goes into: `parameter|function key|name`."


class Function(NamedTuple):
    """One function, lambda or module body."""

    key: str
    path: str
    line: int
    kind: str
    "`function`, `coroutine`, `generator`, `property`, `lambda`, `module`."
    boundary: str = ""
    "Why a failure may end here: `route`, `start-up`, `done-callback`, `declared`, `process`."
    decorated: tuple[Decorated, ...] = ()
    arity: tuple[int, int, tuple[str, ...], bool] = (0, -1, (), True)
    "Fewest and most positional arguments (-1: any), words it takes, whether it takes any word. `self` not counted."
    is_inner: bool = False
    "Defined in another function: only that one can name it."


class Start(NamedTuple):
    """One contracted call site."""

    path: str
    line: int
    col: int
    edge: Edge
    is_async: bool
    receiver: str
    contract: str
    raised: tuple[str, ...]
    "The exception and the classes above it, as type keys; empty where the contract escalates and nothing is raised."
    why: str = ""
    "Why nothing is raised."
    ends: bool = False
    "The event says that work is finished: a raise would lose its result."
    migration: str = ""
    "What is to be done at the call itself, as in `calls`."

    @property
    def caller(self) -> str:
        """Key of the function it stands in."""
        return self.edge.caller

    @property
    def evidence(self) -> str:
        """By which its receiver was resolved."""
        return self.edge.evidence


class Names(NamedTuple):
    """Names that the functions and classes of some files have, and those among them that are properties."""

    defined: frozenset[str]
    properties: frozenset[str]


class FileFacts(NamedTuple):
    """All of one file."""

    path: str
    module: str
    functions: tuple[Function, ...] = ()
    edges: tuple[Edge, ...] = ()
    opens: tuple[Open, ...] = ()
    starts: tuple[Start, ...] = ()
    contexts: dict[str, tuple[tuple[Net, ...], ...]] = {}  # noqa: RUF012  # never changed
    """Context managers of this file: what an exception of a `with` body meets, for each `yield` or `__exit__`."""
    types: dict[str, tuple[str, ...]] = {}  # noqa: RUF012  # never changed
    "For each class named here by a clause or a raise: all its bases."
    classes: dict[str, tuple[str, ...]] = {}  # noqa: RUF012  # never changed
    "For each class of this file: where its attributes are looked up, itself first."
    error: str = ""
    imports: tuple[str, ...] = ()
    "Modules this one names in an import, those of the tree and others."
    surface: str = ""
    "A digest of what other files may ask of this one: its signatures, bases, assignments and returns."
