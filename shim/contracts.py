"""The one declaration: what a host's methods promise, and how a broken promise shows. Data types only.

A host file (`shim/hosts/<name>.py`, a dotted module, or any path) builds one `Host`; shim, codemods and
rollout all read that. A malformed row is refused when the host is built, with the row and the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shim.errors import LoudFailure

__all__ = [
    "Collaborator",
    "Contract",
    "ContractError",
    "Delivery",
    "Hook",
    "Host",
    "HostClass",
    "Legacy",
    "Named",
    "Needs",
    "Shows",
    "Work",
]


class Shows(StrEnum):
    """How a failure shows to the caller."""

    FALSY = "falsy"
    "The result is false: False, or a None passed through."
    UNSUCCESSFUL = "unsuccessful"
    "The result is an object whose `.success` is false."
    RAISES = "raises"
    "The host raises; a handler further up may swallow it."
    NEVER = "never"
    "The result says nothing (declared None): only hooks and collaborators tell."


class Work(StrEnum):
    """Where the work stands when the failure is known; it decides between raise and escalate."""

    NONE = "none"
    "The call is the notification itself: raise once the host has returned."
    FOLLOWS = "follows"
    "The call starts work: a failing need raises before the host is called, anything later escalates."
    PRECEDES = "precedes"
    "The work is done when the failure is known: escalate, give the result back."


class ContractError(ValueError):
    """Raised when a row of a host file is malformed; `row` says which, `reason` why."""

    def __init__(self, row: str, reason: str) -> None:
        super().__init__(row, reason)
        self.row, self.reason = row, reason

    def __str__(self) -> str:
        return f"malformed host declaration, {self.row}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """State that must hold before the call: `attribute` of the instance, or `argument` of the call, is there."""

    attribute: str = ""
    "Must not be None; must be false where `unset`."
    argument: str = ""
    """Where to find what the caller must give, as in `HostClass.identity`: `kwargs.context`, `run_id|state.run_id`.
    None and the empty text are missing."""
    methods: tuple[str, ...] = ()
    "What the object in `attribute` must have."
    error: type[LoudFailure]
    reason: str
    hint: str = ""
    unset: bool = False
    "The attribute is a flag that must not be set, such as `closed`."

    @property
    def place(self) -> str:
        """The attribute or the argument."""
        return self.attribute or self.argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An own method whose failure the host swallows on the way up: seen by an override, never changed."""

    method: str
    shows: Shows
    error: type[LoudFailure]
    reason: str
    hint: str = ""
    code: str = ""
    "Reason code, where it is more precise than the error's own."
    check: str = ""
    """A mixin's method that is told each answer before it is judged, `(call, answer, *args, **kwargs)`: it can note
    what the answer alone does not say, or a doubt about a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborator:
    """Methods of the object held in `attribute`, watched by a proxy during a contracted call.

    An exception (`raised_error`), or an answer that is false in the sense of `shows` (`error`), is noted, and counts
    even where the host then reports success: hosts ignore what their collaborators answer.
    """

    attribute: str
    methods: tuple[str, ...]
    shows: Shows
    error: type[LoudFailure]
    raised_error: type[LoudFailure]
    reason: str
    hint: str = ""
    recipient: str = ""
    "Record field that the first argument of these methods is, such as `thread_id`."
    writes: bool = False
    "These methods write to connections; the mapping after the recipient is the event as the client would get it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One row: a public method, how failure shows, what is raised, where the work stands."""

    component: str
    target: str
    "`package.module:Class`, or `package.module` for a function."
    method: str
    signature: str
    "As `plain_signature` prints it: no annotations, `self` included, `Ellipsis` for a default that is no literal."
    is_async: bool
    shows: Shows
    error: type[LoudFailure]
    "Raised when nothing more precise was noted."
    reason: str
    work: Work = Work.NONE
    event_type: str = ""
    "The notification's own name; a name of an argument in braces takes that argument: `{event_type}`."
    category: int = 0
    "Audit category, 1 to 7; 0 = none."
    needs: tuple[Needs, ...] = ()
    watches: tuple[Collaborator, ...] = ()
    hint: str = ""
    writes: bool = False
    "It writes to connections: where it fails, those that are there have failed the event."
    for_user: bool = True
    "Its event is one a user waits for, and the ledger counts it; False for bookkeeping such as a mapping."
    identity: Mapping[str, str] = field(default_factory=dict)
    "For a function; the methods of a class share their class's, which is described there."

    @property
    def is_function(self) -> bool:
        """Whether the row is about a function of a module."""
        return ":" not in self.target

    @property
    def key(self) -> str:
        """`component.method`: how call sites, records and reports name the row."""
        return f"{self.component}.{self.method}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostClass:
    """A class that gets a shim: where it is, how its instances name their run, what is hooked."""

    component: str
    target: str
    identity: Mapping[str, str] = field(default_factory=dict)
    """Record field -> where it comes from: an argument (`run_id`), `self.user_id`, or a dotted path from an argument
    (`user_context.run_id`); alternatives are separated by `|`. The field `subject` (an agent) goes into `operation`."""
    hooks: tuple[Hook, ...] = ()
    mixin: str = ""
    "`package.module:Class` of a mixin for paths that cannot be seen from outside."


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A naming rule for receivers nothing else resolves: lowest evidence, reported apart."""

    pattern: str
    "Regular expression searched in the receiver's text, lower case."
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """An old name, `package.module:Name`, and the declared class that takes its place; read by `use-shims`.

    Either a second name of that class, or a class of its own that it can stand in for: same constructor and methods.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How events that could not be delivered reach their users later; read by `shim.delivery`."""

    outlet: str
    "`package.module:Class` of the adapter that knows the host's open connections (`shim.delivery.outlet.Outlet`)."
    shown: frozenset[str] = frozenset()
    """Arguments of contracted calls that a user may see as they are. An event that fails before the host has worded it
    is worded from these alone: what the host's own sanitizers would have taken out is not among them."""
    critical: frozenset[str] = frozenset()
    "Event types that are kept longer than others, beside the terminal ones."


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host platform. Building it checks every row; `ContractError` names the first bad one."""

    name: str
    package: str
    "Dotted package the host's code lives in."
    facade: str
    "Dotted module that migrated code imports verbs and exceptions from."
    components: tuple[str, ...]
    classes: tuple[HostClass, ...]
    contracts: tuple[Contract, ...]
    naming: tuple[Named, ...] = ()
    legacy: tuple[Legacy, ...] = ()
    versions: str = ""
    "`packaging` specifier of supported versions; empty = any."
    version_attribute: str = ""
    "`package.module:NAME` that holds the version; required with `versions`."
    terminal: frozenset[str] = frozenset()
    "Event types that end a run: what a user has to see for the run to count as visible."
    boundaries: tuple[str, ...] = ()
    """Functions where a loud failure may end, `package.module:Class.function`, beside the routes, start-up handlers and
    done-callbacks that `failloud flow` knows by their frameworks."""
    delivery: Delivery | None = None
    "None: what cannot be delivered is recorded, and not kept."
    traffic: str = ""
    "`package.module:Class` of the adapter by which `failloud drive` puts load on this host."

    def __post_init__(self) -> None:
        from shim.validate import validate_host

        validate_host(self)

    def contract(self, key: str) -> Contract:
        """Find a row by its `component.method` key; raises KeyError."""
        for row in self.contracts:
            if row.key == key:
                return row
        raise KeyError(key)

    def errors(self) -> frozenset[type[LoudFailure]]:
        """Exception classes that the rows name."""
        hooks = [hook for declared in self.classes for hook in declared.hooks]
        watches = [watch for row in self.contracts for watch in row.watches]
        needs = [need for row in self.contracts for need in row.needs]
        named = [
            *(row.error for row in self.contracts),
            *(hook.error for hook in hooks),
            *(need.error for need in needs),
        ]
        return frozenset([*named, *(error for watch in watches for error in (watch.error, watch.raised_error))])

    def methods(self) -> frozenset[str]:
        """Names of all contracted methods: what a scan looks for."""
        return frozenset(row.method for row in self.contracts)


def plain_signature(signature: inspect.Signature) -> str:
    """Render a signature by names, kinds and defaults: no annotations, and `...` for a default that is no literal."""
    bare = [_plain(parameter) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    if default is not inspect.Parameter.empty and type(default) not in (type(None), bool, int, float, str):
        default = ...
    return parameter.replace(annotation=inspect.Parameter.empty, default=default)
