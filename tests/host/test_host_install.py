"""Install on the real host before and after its modules are imported, with the modules that capture its names.

Needs FAILLOUD_HOST_TREE. Each case is a process of its own: what is imported when is the point.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.host

PROGRAM = r"""
import importlib, json, logging, re, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
tree, when = sys.argv[1:]
sys.path.insert(0, tree)
import shim
from shim.fits import find, targets
from shim.host import census
from shim.hosts.netra import HOST
from shim.places import Kind

names = re.compile(r"import[^\n]*\b(" + "|".join(target.partition(":")[2] for target in targets(HOST)) + r")\b")
def captures():
    imported, refused = [], []
    for path in sorted(Path(tree, *HOST.package.split(".")).rglob("*.py")):
        name = ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__")
        if "test" in name or not names.search(path.read_text(encoding="utf-8")):
            continue
        try:
            importlib.import_module(name)
            imported.append(name)
        except BaseException as error:
            refused.append(f"{name}: {type(error).__name__}")
    return imported, refused

def bare():
    held = [(target, find(target)) for target in targets(HOST)]
    return {target: getattr(cls, "__failloud_host__", cls) for target, cls in held}

if when == "after":
    imported, refused = captures()
    instances = [cls() for cls in bare().values() if cls.__name__ == "AgentWebSocketBridge"]
start = time.perf_counter()
made = shim.install(HOST, lazy=when == "lazy")
install_s = time.perf_counter() - start
loaded = sorted(name for name in sys.modules if name.startswith(HOST.package))
if when != "after":
    imported, refused = captures()
    instances = []
awaited = [place.where for place in census() if place.kind is Kind.AWAITED]
for target in targets(HOST):
    find(target)
told = [str(place) for place in census() if place.kind not in (Kind.LOCAL, Kind.OVERRIDE)]
over = [str(place) for place in census() if place.kind is Kind.OVERRIDE]
classes = bare()
held = [
    f"{name}.{key}" for name, module in list(sys.modules.items()) if name.startswith(HOST.package.partition(".")[0])
    for key, value in list(getattr(module, "__dict__", {}).items()) if any(value is cls for cls in classes.values())
]
shimmed = [target for target in targets(HOST) if "__failloud_host__" in vars(find(target))]
moved = [type(each) is find(target) for each in instances for target in targets(HOST)
         if target.endswith(":AgentWebSocketBridge")]
start = time.perf_counter()
left = made.uninstall()
print(json.dumps({
    "imported": len(imported), "refused": refused, "loaded": len(loaded), "awaited": awaited, "held": held,
    "told": told, "over": over, "targets": len(targets(HOST)), "shimmed": len(shimmed), "moved": moved, "left": left,
    "rebound": len(made.rebound), "back": all(find(target) is cls for target, cls in classes.items()),
    "kinds": sorted({str(place.kind) for place in made.rebound}), "modules": len(sys.modules),
    "install_s": round(install_s, 3), "uninstall_s": round(time.perf_counter() - start, 3),
}))
"""


@pytest.mark.parametrize("when", ["before", "lazy", "after"])
def test_nothing_that_can_be_reached_still_holds_an_old_class(host_tree: Path, when: str) -> None:
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(host_tree), when], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(root), "TESTING": "1"}, timeout=300,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-3000:]
    told = json.loads(found.stdout.splitlines()[-1])
    print(when, told)  # noqa: T201  # `pytest -s` shows the figures
    assert told["imported"] >= 10
    assert told["held"] == []
    assert told["told"] == []
    assert told["awaited"] == []
    assert told["shimmed"] == told["targets"]
    assert told["left"] == []
    assert told["back"]
    assert told["moved"] == ([True] if when == "after" else [])
    if when == "lazy":
        assert told["loaded"] == 0
