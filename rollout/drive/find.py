"""Find the adapter that puts load on a host: the one its host file names, or the one that was asked for."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from shim.console import USAGE, Refused
from shim.contracts import ContractError
from shim.hosts import HostFileError, load_host
from shim.traffic import Target

__all__ = ["find_target"]

CHECKOUT = Path(__file__).resolve().parents[2] / "examples"


def find_target(host: str, given: str) -> Callable[[], Target]:
    """Give the maker of a target. Raises Refused: no such host, no adapter, or one that cannot be imported."""
    try:
        named = given or load_host(host).traffic
    except (HostFileError, ContractError) as error:
        raise Refused(str(error), USAGE) from error
    if not named:
        raise Refused(
            f"host {host!r} names no adapter for load; next: set Host.traffic to 'module:Class', or give --target",
            USAGE,
        )
    place, _, attribute = named.partition(":")
    try:
        module = _load_path(Path(place)) if place.endswith(".py") else _load_module(place)
    except ModuleNotFoundError as error:
        raise Refused(f"adapter {named!r} needs {error.name}; next: {_missing(error.name or '')}", USAGE) from error
    except Exception as error:  # the adapter is somebody's code: whatever it raises is told, chained
        text = f"adapter {named!r} cannot be imported: {type(error).__name__}: {error}"
        raise Refused(f"{text}; next: name a module, or a path to a .py file, that defines Target", USAGE) from error
    made = getattr(module, attribute or "Target", None)
    if not callable(made):
        raise Refused(
            f"adapter {place!r} defines no {attribute or 'Target'}; see docs/drive.md for what it must do", USAGE
        )
    found: Callable[[], Target] = made
    return found


def _missing(name: str) -> str:
    from shim.cli import EXTRA_OF

    extra = EXTRA_OF.get(name.partition(".")[0])
    if extra is not None:
        return f"pip install 'failloud[{extra}]'"
    return "run this in a source checkout, or name the adapter's file with --target"


def _load_module(name: str) -> ModuleType:
    """Import a module; that of the example host lies in a source checkout only."""
    if CHECKOUT.is_dir() and str(CHECKOUT) not in sys.path:
        sys.path.append(str(CHECKOUT))
    return importlib.import_module(name)


def _load_path(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"failloud_traffic_{path.stem}", path)
    if found is None or found.loader is None or not path.is_file():
        raise FileNotFoundError(f"no Python file at {path}")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses look their module up by name
    found.loader.exec_module(module)
    return module
