"""Modules imported after the install: covered when they come, without the import system noticing."""

from __future__ import annotations

import importlib
import importlib.resources
import importlib.util
import inspect
import logging
import pickle
import pkgutil
import runpy
import subprocess
import sys
import textwrap
import threading
import zipfile

import pytest

import shim
from shim.contracts import Contract, Host, HostClass, Shows
from shim.errors import LoudFailure
from shim.guard import own_failures
from shim.host import HostMismatchError, install, installed
from shim.places import Kind

SENDER = '''
    """The sender."""
    import importlib.resources

    TEXT = importlib.resources.files("lazyhost").joinpath("data.txt").read_text()
    LOADER = type(__loader__).__name__, type(__spec__.loader).__name__

    class Sender:
        def send(self, event):
            """Send."""
            return False
'''
USER = """
    from lazyhost.sender import Sender

    MADE = Sender()
"""
OTHER = """
    def post(event):
        return None
"""
ROW = Contract(
    component="one", target="lazyhost.sender:Sender", method="send", signature="(self, event)", is_async=False,
    shows=Shows.FALSY, error=LoudFailure, reason="not sent",
)  # fmt: skip
POST = Contract(
    component="two", target="lazyhost.other", method="post", signature="(event)", is_async=False,
    shows=Shows.FALSY, error=LoudFailure, reason="not posted",
)  # fmt: skip


def host(*rows, **fields):
    return Host(
        name="lazyhost", package="lazyhost", facade="lazyhost.loud", components=("one", "two"),
        classes=(HostClass(component="one", target="lazyhost.sender:Sender"),), contracts=rows or (ROW, POST), **fields,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Write a host; import nothing of it."""
    package = tmp_path / "lazyhost"
    package.mkdir()
    (package / "__init__.py").write_text("VERSION = '1.0'\n")
    (package / "data.txt").write_text("hello")
    for name, text in (("sender", SENDER), ("user", USER), ("other", OTHER)):
        (package / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    yield package
    for made in installed():
        if made.host.name == "lazyhost":
            made.uninstall()
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazyhost"]:
        del sys.modules[name]
    assert sys.meta_path == before


def test_lazy_imports_nothing_and_covers_what_comes(tree):
    made = install(host(), lazy=True)
    assert "lazyhost" not in sys.modules
    assert {(place.kind, place.where) for place in made.census()} == {
        (Kind.AWAITED, "lazyhost.sender"),
        (Kind.AWAITED, "lazyhost.other"),
    }
    user = importlib.import_module("lazyhost.user")
    assert type(user.MADE) is user.Sender is sys.modules["lazyhost.sender"].Sender
    with shim.override(one="observe", two="observe"), shim.recording() as records:
        user.MADE.send("x")
        importlib.import_module("lazyhost.other").post("y")
    assert [record.component for record in records] == ["one", "two"]
    assert made.census() == []
    bare = user.Sender.__failloud_host__
    assert made.uninstall() == []
    assert type(user.MADE) is user.Sender is bare


def test_a_module_imported_after_an_eager_install_gets_the_shim_and_gives_it_back(tree):
    made = install(host())
    user = importlib.import_module("lazyhost.user")
    assert hasattr(user.Sender, "__failloud_host__")
    made.uninstall()
    assert not hasattr(user.Sender, "__failloud_host__")
    assert not hasattr(type(user.MADE), "__failloud_host__")


def test_the_module_and_its_loader_are_what_they_are_without_us(tree):
    bare = importlib.import_module("lazyhost.sender")
    face = bare.TEXT, bare.LOADER, type(bare.__loader__), type(bare.__spec__.loader), bare.__file__, bare.__cached__
    del sys.modules["lazyhost.sender"]
    made = install(host(), lazy=True)
    probed = importlib.util.find_spec("lazyhost.sender")
    assert isinstance(probed.loader, type(bare.__loader__))
    assert "class Sender" in probed.loader.get_source("lazyhost.sender")
    found = importlib.import_module("lazyhost.sender")
    assert (found.TEXT, found.LOADER, type(found.__loader__), type(found.__spec__.loader)) == face[:4]
    assert (found.__file__, found.__cached__) == face[4:]
    assert type(found.__loader__) is type(bare.__loader__)
    assert "class Sender" in inspect.getsource(found.Sender)
    assert type(pickle.loads(pickle.dumps(found.Sender()))) is found.Sender  # noqa: S301  # our own bytes
    assert (importlib.resources.files("lazyhost") / "data.txt").read_text() == "hello"
    assert pkgutil.get_data("lazyhost", "data.txt") == b"hello"
    made.uninstall()


def test_a_reload_makes_new_classes_which_are_covered_too(tree):
    made = install(host())
    module = sys.modules["lazyhost.sender"]
    first, old = module.Sender, module.Sender()
    module = importlib.reload(module)
    assert module.Sender is not first
    with shim.override(one="observe"), shim.recording() as records:
        old.send("x")
        module.Sender().send("x")
    assert len(records) == 2
    bare = module.Sender.__failloud_host__
    assert made.uninstall() == []
    assert module.Sender is bare
    assert type(old) is first.__failloud_host__


def test_a_difference_found_late_breaks_no_import_and_is_told(tree, caplog):
    caplog.set_level(logging.CRITICAL, "failloud")
    wrong = host(Contract(**{**{f: getattr(ROW, f) for f in ROW.__dataclass_fields__}, "signature": "(self)"}), POST)
    before = own_failures().get("install.later", 0)
    made = install(wrong, lazy=True)
    module = importlib.import_module("lazyhost.sender")
    assert not hasattr(module.Sender, "__failloud_host__")
    assert own_failures()["install.later"] == before + 1
    line = "lazyhost.sender:Sender.send: signature is (self, event), declared (self)"
    assert [place.where for place in made.census() if place.kind is Kind.DIFFERS] == [line]
    assert hasattr(importlib.import_module("lazyhost.other").post, "__wrapped__")


@pytest.mark.parametrize("loaded", [False, True])
def test_a_version_found_late_to_be_unsupported_covers_nothing(tree, caplog, loaded):
    caplog.set_level(logging.CRITICAL, "failloud")
    if loaded:
        (tree / "__init__.py").write_text("from lazyhost.sender import Sender\nVERSION = '1.0'\n")
        (tree / "sender.py").write_text("class Sender:\n    def send(self, event):\n        return False\n")
    made = install(host(versions=">=2", version_attribute="lazyhost:VERSION"), lazy=True)
    module = importlib.import_module("lazyhost.sender")
    assert not hasattr(module.Sender, "__failloud_host__")
    assert any("version 1.0 is not in the supported range" in place.where for place in made.uncovered)


def test_what_is_there_already_is_compared_at_once(tree):
    importlib.import_module("lazyhost.sender")
    wrong = host(Contract(**{**{f: getattr(ROW, f) for f in ROW.__dataclass_fields__}, "signature": "(self)"}), POST)
    with pytest.raises(HostMismatchError, match="declared"):
        install(wrong, lazy=True)
    assert installed() == ()


def test_an_eager_install_completes_a_lazy_one(tree):
    made = install(host(), lazy=True)
    assert install(host()) is made
    assert made.census() == []
    assert hasattr(sys.modules["lazyhost.other"].post, "__wrapped__")


def test_a_module_that_raises_while_it_is_imported_raises_that(tree):
    (tree / "sender.py").write_text("1 / 0\n")
    made = install(host(), lazy=True)
    with pytest.raises(ZeroDivisionError):
        importlib.import_module("lazyhost.sender")
    (tree / "sender.py").write_text("class Sender:\n    def send(self, event):\n        return False\n# repaired\n")
    importlib.invalidate_caches()
    assert hasattr(importlib.import_module("lazyhost.sender").Sender, "__failloud_host__")
    assert made.uninstall() == []


def test_beside_another_import_hook(tree):
    class Chatty:
        def find_spec(self, name, path=None, target=None):
            if name != "lazyhost.sender" or self.busy:
                return None
            self.busy = True
            try:
                return importlib.util.find_spec(name)  # as wrapt's finder does
            finally:
                self.busy = False

        busy = False

    for first in (True, False):
        hook = Chatty()
        if first:
            sys.meta_path.insert(0, hook)
        made = install(host(), lazy=True)
        if not first:
            sys.meta_path.insert(0, hook)
        try:
            module = importlib.import_module("lazyhost.sender")
            assert len(module.Sender.__mro__) == 3
        finally:
            sys.meta_path.remove(hook)
            made.uninstall()
            del sys.modules["lazyhost.sender"]


def test_from_a_zip(tree, tmp_path, monkeypatch):
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("lazyhost/__init__.py", "")
        out.writestr("lazyhost/sender.py", "class Sender:\n    def send(self, event):\n        return False\n")
    monkeypatch.setattr(sys, "path", [str(archive), *(each for each in sys.path if each != str(tmp_path))])
    made = install(host(), lazy=True)
    module = importlib.import_module("lazyhost.sender")
    assert ".zip" in module.__file__
    assert type(module.__loader__).__name__ == "zipimporter"
    assert hasattr(module.Sender, "__failloud_host__")
    made.uninstall()


def test_in_a_namespace_package(tree):
    (tree / "__init__.py").unlink()
    made = install(host(), lazy=True)
    module = importlib.import_module("lazyhost.sender")
    assert sys.modules["lazyhost"].__file__ is None
    assert hasattr(module.Sender, "__failloud_host__")
    made.uninstall()


def test_many_threads_import_at_once(tree):
    made = install(host(), lazy=True)
    found = []

    def load():
        found.append(importlib.import_module("lazyhost.user").Sender)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(found)) == 1
    assert hasattr(found[0], "__failloud_host__")
    made.uninstall()


def test_run_as_a_module(tree, capsys):
    made = install(host(), lazy=True)
    names = runpy.run_module("lazyhost.user")
    assert hasattr(names["Sender"], "__failloud_host__")
    made.uninstall()


FROZEN = """
import sys
sys.modules.pop("__hello__", None)
from shim.later import when_executed
seen = []
when_executed("__hello__", seen.append)
when_executed("_csv", seen.append)
sys.modules.pop("_csv", None)
import __hello__, _csv
print([each.__name__ for each in seen], __hello__.__loader__, __hello__.__spec__.loader)
"""


def test_frozen_and_compiled_modules(tmp_path):
    found = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, check=True)
    assert "['__hello__', '_csv']" in found.stdout
    assert found.stdout.count("FrozenImporter") == 2
