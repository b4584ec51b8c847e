"""What else can find, or rewrite, the calls of some names whose result is dropped. Each is a command of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Peer", "finders", "rewriters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One command over a tree; `count` reads the number of sites from its output, `needs` says what is absent."""

    name: str
    command: tuple[str, ...]
    count: Callable[[str], int] | None = None
    needs: str = ""


_AST = """
import ast, os, sys
names, found = tuple(sys.argv[2:]), 0
words = tuple(name.encode() for name in names)
for folder, _, files in os.walk(sys.argv[1]):
    for file in files:
        if not file.endswith(".py"):
            continue
        with open(os.path.join(folder, file), "rb") as text:
            raw = text.read()
        if not any(word in raw for word in words):
            continue
        for node in ast.walk(ast.parse(raw)):
            if isinstance(node, ast.Expr):
                call = node.value.value if isinstance(node.value, ast.Await) else node.value
                func = getattr(call, "func", None) if isinstance(call, ast.Call) else None
                found += getattr(func, "attr", getattr(func, "id", "")) in names
print(found)
"""
"The least that Python can do: one process, nothing reported."
_BOWLER = """
import sys, logging
from pathlib import Path
from bowler import Query
logging.disable(logging.CRITICAL)
root, names = Path(sys.argv[1]), sys.argv[2:]
words = [name.encode() for name in names]
files = [str(p) for p in root.rglob("*.py") if any(w in p.read_bytes() for w in words)]
hits = []
query = Query(files)
for name in names:
    query.select_method(name).is_call().modify(lambda node, capture, file: hits.append(file))
query.execute(interactive=False, write=False, silent=True, in_process=True)
print(len(hits))
"""
"All calls of the names, dropped or not: Bowler has no pattern for the difference."


def _rule(names: tuple[str, ...], fix: str = "") -> str:
    regex = f"^({'|'.join(names)})$"
    function = {
        "any": [
            {"kind": "attribute", "has": {"field": "attribute", "regex": regex}},
            {"kind": "identifier", "regex": regex},
        ]
    }
    call = {"kind": "call", "has": {"field": "function", **function}}
    rule = {"any": [call, {"kind": "await", "has": call}], "inside": {"kind": "expression_statement"}}
    document = {"id": "dropped", "language": "python", "rule": {"all": [rule, {"pattern": "$VALUE"}]}}
    return json.dumps(document | ({"fix": fix} if fix else {}))


def _semgrep(names: tuple[str, ...], folder: Path) -> Path:
    """Write the rule; an empty ignore file beside it, or `tests` would be left out."""
    where = {"metavariable": "$M", "regex": f"^({'|'.join(names)})$"}
    either = [{"pattern": "await $X.$M(...)"}, {"pattern": "$X.$M(...)"}]
    outside = ["$Y = $X.$M(...)", "$Y = await $X.$M(...)", "return $X.$M(...)", "return await $X.$M(...)"]
    patterns = [
        {"pattern-either": either},
        {"metavariable-regex": where},
        *({"pattern-not-inside": o} for o in outside),
    ]
    rule = {"id": "dropped", "languages": ["python"], "severity": "INFO", "message": "dropped", "patterns": patterns}
    path = folder / "semgrep.json"
    path.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    return path


def finders(tree: Path, names: tuple[str, ...], work: Path) -> tuple[Peer, ...]:
    """Give all ways to find the sites, ours first; the others are measured against ast-grep alone."""
    python, root = sys.executable, str(tree)
    beside = Path(python).parent
    grep, semgrep, rg = (shutil.which(name, path=f"{beside}:{_path()}") for name in ("ast-grep", "semgrep", "rg"))
    lines = lambda out: len(out.splitlines())  # noqa: E731  # a reader of one word
    dropped = [word for name in names for word in ("--dropped", name)]
    ours = (python, "-m", "shim.cli", "calls", root, *dropped, "--jobs", "2", "--json")
    scan = (grep or "", "scan", "--inline-rules", _rule(names), "--json=stream")
    piped = " ".join(f"-e {name}" for name in names)
    listed = f"{rg} -l0 -t py {piped} {root} | xargs -0 {grep} scan --inline-rules '{_rule(names)}' --json=stream"
    rule = ("--metrics=off", "--disable-version-check", "-j2", "--json", "--quiet", "--x-ignore-semgrepignore-files")
    config = str(_semgrep(names, work))
    return (
        Peer(name="failloud", command=ours, count=lambda out: len(json.loads(out)["dropped"])),
        Peer(name="ast-grep", command=(*scan, root), count=lines, needs="" if grep else "ast-grep-cli"),
        Peer(name="ast, 1 process", command=(python, "-c", _AST, root, *names), count=int),
        Peer(name="rg, ast-grep", command=("sh", "-c", listed), count=lines, needs="" if rg and grep else "ripgrep"),
        Peer(
            name="semgrep",
            command=(semgrep or "", "scan", *rule, "--config", config, root),
            count=lambda out: len(json.loads(out)["results"]),
            needs="" if semgrep else "semgrep",
        ),
        Peer(
            name="bowler, all calls",
            command=(python, "-c", _BOWLER, root, *names),
            count=lambda out: int(out.split()[-1]),
            needs="" if find_spec("bowler") else "bowler",
        ),
    )


def rewriters(tree: Path, names: tuple[str, ...], host_file: Path, calling: list[str]) -> tuple[Peer, ...]:
    """Give all ways to rewrite the sites in place; LibCST gets only the files that have one."""
    python = sys.executable
    grep = shutil.which("ast-grep", path=f"{Path(python).parent}:{_path()}")
    migrate = (python, "-m", "shim.cli", "migrate", "check-results", str(tree), "--host", str(host_file))
    libcst = (python, "-m", "libcst.tool", "codemod", "-x", "benchmarks.codemods_libcst.Wrap", "-j", "2", "--no-format")
    return (
        Peer(name="failloud", command=(*migrate, "--write", "--allow-dirty", "--jobs", "2")),
        Peer(
            name="ast-grep",
            command=(grep or "", "scan", "--inline-rules", _rule(names, "delivered($VALUE)"), "-U", str(tree)),
            needs="" if grep else "ast-grep-cli",
        ),
        Peer(name="libcst, the files", command=(*libcst, "--hide-progress", *calling)),
    )


def _path() -> str:
    return os.environ.get("PATH", "")
