"""What the audit's tests share: rules of their own beside the package's, and a small tree."""

from __future__ import annotations

from pathlib import Path

from migration_case import Ended, run_cli

HEAD = '''
"""{name}: a rule of the tests."""

import ast

from codemods.finding import Cause, finding_at

CODE = "{code}"
SUMMARY = "a rule of the tests"
CAUSE = Cause.{cause}
WORDS = {words}


def check(looked):
'''
PASSES = """
    for node in ast.walk(looked.around.module.tree):
        if isinstance(node, ast.ExceptHandler) and isinstance(node.body[0], ast.Pass):
            yield finding_at(node, looked, code=CODE, message="passed over", fix="reraise-loud")
"""
CALLS = """
    for node in ast.walk(looked.around.module.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lose":
            yield finding_at(node, looked, code=CODE, message="lost")
"""
RAISES = """
    yield from ()
    if "boom" in looked.path:
        raise LookupError("no such thing")
"""


def add_rule(folder, name, code, body, *, words='(b"except",)', cause="EXCEPTION_SWALLOWED"):
    text = HEAD.format(name=name.replace("_", "-"), code=code, words=words, cause=cause) + body
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def write(folder, **modules):
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def audit(capsys, path: Path, *words: object) -> Ended:
    """Run the audit in one process, so that a test's rules need no worker."""
    return run_cli(capsys, "audit", path, "--jobs", 1, *words)
