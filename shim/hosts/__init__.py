"""Host files: data that declares one platform's contracts. Found by short name, dotted module, or path."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from shim.contracts import ContractError, Host

__all__ = ["HostFileError", "load_host", "shipped_hosts"]


class HostFileError(Exception):
    """Raised when a host file cannot be found, imported, or holds no `HOST`; `spec` as given, `reason` why."""

    def __init__(self, spec: str, reason: str) -> None:
        super().__init__(spec, reason)
        self.spec, self.reason = spec, reason

    def __str__(self) -> str:
        return (
            f"host {self.spec!r}: {self.reason}; "
            f"next: name one of {', '.join(shipped_hosts())}, a module, or a path to a .py file that defines HOST"
        )


def shipped_hosts() -> tuple[str, ...]:
    """Give the short names of the host files in this package."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")))


def load_host(spec: str) -> Host:
    """Load the `HOST` of a host file. Raises HostFileError; ContractError for a malformed row passes through."""
    try:
        module = _load_path(Path(spec), spec) if spec.endswith(".py") else _load_module(spec)
    except (HostFileError, ContractError):
        raise
    except SyntaxError as error:
        raise HostFileError(spec, f"does not parse: {error}") from error
    except Exception as error:  # the file is somebody's code: whatever it raises is told, chained
        raise HostFileError(spec, f"cannot be imported: {type(error).__name__}: {error}") from error
    found = getattr(module, "HOST", None)
    if not isinstance(found, Host):
        raise HostFileError(spec, "it defines no HOST of type shim.contracts.Host")
    return found


def _load_module(spec: str) -> ModuleType:
    name = f"{__name__}.{spec}" if spec in shipped_hosts() else spec
    if not name or name.startswith("."):
        raise HostFileError(spec, "not a module name")
    if not all(part.isidentifier() for part in name.split(".")):
        raise HostFileError(spec, "no module of that name")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise  # found, but something that it imports is missing: that error says more
        near = difflib.get_close_matches(spec.rpartition(".")[2], shipped_hosts(), n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise HostFileError(spec, f"no module of that name{hint}") from error


def _load_path(path: Path, spec: str) -> ModuleType:
    """Run a host file once per content, under the name by which host code would import it: one set of exceptions."""
    if not path.is_file():
        raise HostFileError(spec, "no such file")
    path = path.resolve()
    text = path.read_bytes()
    name, is_importable = _name_of(path)
    key = name if is_importable else f"failloud_host_{path.stem}"
    for known in (sys.modules.get(name), sys.modules.get(key)):
        if known is not None and getattr(known, "__file__", None) == str(path) and _texts.get(path, text) == text:
            return known
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise HostFileError(spec, "not a Python file")
    module = importlib.util.module_from_spec(found)
    before = sys.modules.get(key)
    sys.modules[key] = module  # dataclasses look their module up by name, pickle does
    try:
        exec(compile(text, str(path), "exec"), vars(module))  # noqa: S102  # the file is code; this very text of it
    except BaseException:
        if before is None:
            del sys.modules[key]
        else:
            sys.modules[key] = before
        raise
    _texts[path] = text
    return module


_texts: dict[Path, bytes] = {}
"What was run of a file: its module is as good as long as the file says the same."


def _name_of(path: Path) -> tuple[str, bool]:
    """Give the dotted name of a file, and whether an import of that name would find it. Nothing is imported."""
    parts, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    importable = any(Path(entry or ".").resolve() == folder for entry in sys.path)
    return ".".join(parts), importable and all(part.isidentifier() for part in parts)
