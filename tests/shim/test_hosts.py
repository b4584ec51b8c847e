"""A host file is found by short name, dotted module or path; each way to fail has its own text."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest
from courier_host import HOST

from shim.contracts import ContractError, Host
from shim.hosts import HostFileError, load_host, shipped_hosts

HEAD = "from shim.contracts import *\nfrom shim.errors import LoudFailure\n"
MINIMAL = (
    HEAD
    + """
HOST = Host(
    name="mini", package="mini", facade="mini.loud", components=("one",),
    classes=(HostClass(component="one", target="mini:One"),),
    contracts=(Contract(component="one", target="mini:One", method="send", signature="(self)", is_async=False,
        shows=Shows.FALSY, error=LoudFailure, reason="not sent"),),
)
"""
)


@pytest.fixture
def host_file(tmp_path, monkeypatch):
    """Write a host file; give its path. The folder is importable too."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(text, name="some_host_file.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make


@pytest.mark.parametrize("name", shipped_hosts())
def test_by_short_name(name):
    assert load_host(name).name == name
    assert load_host(f"shim.hosts.{name}") is load_host(name)


def test_the_shipped_ones():
    assert "netra" in shipped_hosts()
    assert list(shipped_hosts()) == sorted(shipped_hosts())


def test_by_dotted_module():
    assert load_host("courier_host") is HOST


def test_by_path(host_file):
    found = load_host(host_file(MINIMAL))
    assert isinstance(found, Host)
    assert found.name == "mini"


NEXT = "next: name one of "


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("nettra", "no module of that name (did you mean 'netra'?)"),
        ("shim.hosts.nettra", "no module of that name (did you mean 'netra'?)"),
        ("no.such.module", "no module of that name"),
        ("nowhere/host.py", "no such file"),
        ("dir/host.txt", "no module of that name"),
        ("", "not a module name"),
        (".relative", "not a module name"),
        ("shim.console", "it defines no HOST of type shim.contracts.Host"),
    ],
)
def test_what_cannot_be_found(spec, reason):
    with pytest.raises(HostFileError) as caught:
        load_host(spec)
    assert caught.value.spec == spec
    assert caught.value.reason.startswith(reason)
    assert str(caught.value).startswith(f"host {spec!r}: {reason}")
    assert NEXT in str(caught.value)
    assert "netra" in str(caught.value)


@pytest.mark.parametrize("by", ["path", "module"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n", "it defines no HOST of type shim.contracts.Host"),
        ("HOST = 'netra'\n", "it defines no HOST of type shim.contracts.Host"),
        ("HOST = (\n", "does not parse"),
        ("import no_such_thing_at_all\n", "no_such_thing_at_all"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("from shim.contracts import Hots\n", "Hots"),
    ],
)
def test_a_file_that_holds_no_host_says_why(host_file, by, text, reason):
    name = f"bad_host_{abs(hash((by, text)))}"
    path = host_file(text, f"{name}.py")
    with pytest.raises(HostFileError) as caught:
        load_host(path if by == "path" else name)
    assert reason in str(caught.value)
    assert NEXT in str(caught.value)


@pytest.mark.parametrize("by", ["path", "module"])
def test_a_malformed_row_passes_through(host_file, by):
    path = host_file(MINIMAL.replace('reason="not sent"', 'reason=""'), "empty_reason.py")
    with pytest.raises(ContractError, match=r"contract one\.send: reason is empty"):
        load_host(path if by == "path" else "empty_reason")


def test_a_file_is_run_once_until_it_says_something_else(host_file):
    path = host_file(MINIMAL)
    first = load_host(path)
    assert first.name == "mini"
    assert load_host(path) is first
    host_file(MINIMAL.replace('name="mini"', 'name="midi"'))
    assert load_host(path).name == "midi"


OWN = MINIMAL.replace("HOST =", "class LostError(LoudFailure):\n    pass\n\nHOST =").replace(
    "=LoudFailure", "=LostError"
)


def test_a_path_and_the_module_name_give_one_set_of_exceptions_that_pickle(host_file, monkeypatch):
    path = host_file(OWN, "own_errors_host.py")
    by_path = load_host(path)
    try:
        module = importlib.import_module("own_errors_host")
        assert load_host("own_errors_host") is by_path
        assert module.LostError is by_path.contracts[0].error
        assert type(pickle.loads(pickle.dumps(module.LostError("x")))) is module.LostError  # noqa: S301  # our own
    finally:
        sys.modules.pop("own_errors_host", None)


def test_a_file_in_a_package_that_cannot_be_imported_here_keeps_its_dotted_name_and_takes_no_place(tmp_path):
    package = tmp_path / "elsewhere"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('the host is never imported')\n")
    (package / "hostfile.py").write_text(OWN)
    found = load_host(str(package / "hostfile.py"))
    assert found.contracts[0].error.__module__ == "elsewhere.hostfile"
    assert load_host(str(package / "hostfile.py")) is found
    assert "elsewhere.hostfile" not in sys.modules
    assert "elsewhere" not in sys.modules
