"""A malformed row is refused with the row and the reason; a signature has one plain spelling."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from shim.contracts import (
    Collaborator,
    Contract,
    ContractError,
    Hook,
    Host,
    HostClass,
    Named,
    Needs,
    Shows,
    plain_signature,
)
from shim.errors import LoudFailure, WebSocketSendFailureError

TARGET = "pack.mod:Cls"
ROW = Contract(
    component="one", target=TARGET, method="send", signature="(self, run_id)", is_async=True, shows=Shows.FALSY,
    error=WebSocketSendFailureError, reason="not sent",
)  # fmt: skip
CLS = HostClass(component="one", target=TARGET)
GOOD = {
    "name": "h", "package": "pack", "facade": "pack.loud", "components": ("one",), "classes": (CLS,),
    "contracts": (ROW,), "naming": (Named(pattern="x", target=TARGET),), "versions": ">=1,<2",
    "version_attribute": "pack:VERSION",
}  # fmt: skip
NEED = Needs(attribute="wire", error=LoudFailure, reason="none")
WATCH = Collaborator(
    attribute="wire", methods=("push",), shows=Shows.FALSY, error=LoudFailure, raised_error=LoudFailure, reason="no"
)
HOOK = Hook(method="_ok", shows=Shows.FALSY, error=LoudFailure, reason="no")


class StubbornError(LoudFailure):
    """Takes nothing it does not know: it could not be raised where it is declared."""

    def __init__(self, job):
        super().__init__(f"job {job}")


class JobError(LoudFailure):
    context_keys = ("job",)

    def __init__(self, reason="", *, job="", **common):
        super().__init__(reason, context={"job": job}, **common)


def row(**fields):
    return {"contracts": (replace(ROW, **fields),)}


def cls(**fields):
    return {"classes": (replace(CLS, **fields),)}


MALFORMED = [
    # header
    ({"package": "pack age"}, "host 'h'", "package 'pack age' is not a dotted name"),
    ({"package": ""}, "host 'h'", "package '' is not a dotted name"),
    ({"facade": "other.loud"}, "host 'h'", "facade 'other.loud' is not a module inside package 'pack'"),
    ({"facade": "pack"}, "host 'h'", "facade 'pack' is not a module inside package 'pack'"),
    ({"facade": "pack.loud-er"}, "host 'h'", "facade 'pack.loud-er' is not a module inside package 'pack'"),
    ({"components": ("one", "one")}, "host 'h'", "a component is named twice: one, one"),
    ({"components": ("one", "Two")}, "host 'h'", "component 'Two' must be lower case letters, digits and underscores"),
    ({"components": ("one", "t-o")}, "host 'h'", "component 't-o' must be lower case letters, digits and underscores"),
    ({"components": ("one", "two")}, "component 'two'", "no class and no contract belongs to it"),
    ({"versions": "about 2"}, "host 'h'", "versions 'about 2' is not a version specifier such as '>=1,<2'"),
    ({"version_attribute": ""}, "host 'h'", "versions needs version_attribute, 'package.module:NAME'"),
    ({"version_attribute": "pack.VERSION"}, "host 'h'", "versions needs version_attribute, 'package.module:NAME'"),
    (
        {"naming": (Named(pattern="x", target="pack.mod:No"),)},
        "naming rule 'x'",
        "target 'pack.mod:No' is not a declared class",
    ),
    ({"naming": (Named(pattern="(", target=TARGET),)}, "naming rule '('", "pattern is not a regular expression"),
    # classes
    (cls(component="two"), "class 'pack.mod:Cls'", "component 'two' is not one of one"),
    (cls(target="pack.mod.Cls"), "class 'pack.mod.Cls'", "target must read 'package.module:Class'"),
    (cls(target="pack.mod:Cls.x"), "class 'pack.mod:Cls.x'", "target must read 'package.module:Class'"),
    (cls(mixin="pack.Mixin"), "class 'pack.mod:Cls'", "mixin 'pack.Mixin' must read 'package.module:Class'"),
    (
        cls(hooks=(replace(HOOK, error=ValueError),)),
        "class 'pack.mod:Cls', hook _ok",
        "error <class 'ValueError'> is not a subclass of LoudFailure",
    ),
    ({"classes": (CLS, CLS)}, "class 'pack.mod:Cls'", "declared twice"),
    (
        cls(identity={"rnu_id": "run_id", "user": "self.user_id"}),
        "class 'pack.mod:Cls'",
        "identity names no field of a record: rnu_id, user",
    ),
    (row(error=JobError) | cls(identity={"jbo": "job"}), "class 'pack.mod:Cls'", "names no field of a record: jbo"),
    (row(error=StubbornError), "contract one.send", "cannot be made from a reason and the common fields: TypeError"),
    # contracts
    (row(component="two"), "contract two.send", "component 'two' is not one of one"),
    (row(target="pack.mod:Other"), "contract one.send", "target 'pack.mod:Other' is not a declared class"),
    (row(method="send it"), "contract one.send it", "method 'send it' is not an identifier"),
    (row(target="pack mod"), "contract one.send", "target 'pack mod' must read 'package.module' for a function"),
    (row(target="pack.mod", needs=(NEED,)), "contract one.send", "a function has no attributes to need or to watch"),
    (row(target="pack.mod", watches=(WATCH,)), "contract one.send", "a function has no attributes to need or to watch"),
    (
        row(target="pack.mod", identity={"run_id": "job.id|self.id"}),
        "contract one.send",
        "identity 'job.id|self.id': a function has no self",
    ),
    (row(identity={"run_id": "job.id"}), "contract one.send", "identity belongs to the class of a method"),
    (row(category=8), "contract one.send", "category 8 is not 0 to 7"),
    (row(category=-1), "contract one.send", "category -1 is not 0 to 7"),
    (row(reason=""), "contract one.send", "reason is empty; say what a failure of this row means"),
    (row(error=RuntimeError), "contract one.send", "error <class 'RuntimeError'> is not a subclass of LoudFailure"),
    (row(error=LoudFailure("x")), "contract one.send", "is not a subclass of LoudFailure"),
    (row(error="LoudFailure"), "contract one.send", "error 'LoudFailure' is not a subclass of LoudFailure"),
    (row(needs=(replace(NEED, error=None),)), "contract one.send, need wire", "error None is not a subclass"),
    (row(needs=(replace(NEED, attribute=""),)), "contract one.send, need ", "names either an attribute or an argument"),
    (row(needs=(replace(NEED, argument="run_id"),)), "contract one.send, need wire", "names either an attribute or an"),
    (
        row(needs=(replace(NEED, attribute="", argument="run_id|job.run_id"),)),
        "contract one.send, need run_id|job.run_id",
        "'job' is no argument of (self, run_id)",
    ),
    (
        row(needs=(replace(NEED, attribute="", argument="self.wire"),)),
        "contract one.send, need self.wire",
        "'self' is no argument of (self, run_id)",
    ),
    (
        row(needs=(replace(NEED, attribute="", argument="run_id", methods=("push",)),)),
        "contract one.send, need run_id",
        "methods and unset are said of an attribute",
    ),
    (row(watches=(replace(WATCH, error=OSError),)), "contract one.send, collaborator wire", "error <class 'OSError'>"),
    (row(watches=(replace(WATCH, raised_error=OSError),)), "contract one.send, collaborator wire", "error <class 'OS"),
    (row(signature="self, run_id"), "contract one.send", "does not parse; write it as '(self, run_id, context=None)'"),
    (row(signature="(self, run_id"), "contract one.send", "signature '(self, run_id' does not parse"),
    ({"contracts": (ROW, ROW)}, "contract one.send", "declared twice; one row per component and method"),
]  # fmt: skip


def test_the_good_one_is_good():
    host = Host(**GOOD)
    assert host.contract("one.send") is ROW
    assert host.methods() == {"send"}
    with pytest.raises(KeyError):
        host.contract("one.gone")


@pytest.mark.parametrize(
    ("fields", "where", "reason"), MALFORMED, ids=[f"{row[1]}: {row[2]}"[:70] for row in MALFORMED]
)
def test_a_malformed_row_is_refused(fields, where, reason):
    with pytest.raises(ContractError) as caught:
        Host(**{**GOOD, **fields})
    assert caught.value.row == where
    assert reason in caught.value.reason
    assert str(caught.value) == f"malformed host declaration, {where}: {caught.value.reason}"


def test_one_method_name_in_two_classes_of_one_component_is_refused_not_mixed_up():
    other = HostClass(component="one", target="pack.mod:Other")
    with pytest.raises(ContractError, match="declared twice"):
        Host(**{**GOOD, "classes": (CLS, other), "contracts": (ROW, replace(ROW, target="pack.mod:Other"))})


def plain(self, run_id: str, context: dict[str, int] | None = None) -> bool:
    return bool(context)


def kinds(self, a, /, b, *rest: int, c: str = "x", d=1.5, **more: object): ...


def literals(self, a=True, b=-1, c="it's", d=None, e=()): ...  # noqa: FBT002  # a literal


def objects(self, a=Shows.FALSY, b=Path(), c=object()): ...  # noqa: B008  # a default that is no literal is the point


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (plain, "(self, run_id, context=None)"),
        (kinds, "(self, a, /, b, *rest, c='x', d=1.5, **more)"),
        (literals, '(self, a=True, b=-1, c="it\'s", d=None, e=Ellipsis)'),
        (objects, "(self, a=Ellipsis, b=Ellipsis, c=Ellipsis)"),
        (lambda: None, "()"),
    ],
)
def test_plain_signature(function, text):
    found = plain_signature(inspect.signature(function))
    assert found == text
    Host(**{**GOOD, **row(signature=found)})


def test_identity_may_name_what_the_host_s_own_exceptions_carry():
    found = Host(**{**GOOD, **row(error=JobError), **cls(identity={"job": "job", "connection_id": "self.id"})})
    assert found.classes[0].identity["job"] == "job"
