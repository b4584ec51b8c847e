"""Write a report where it is asked for, in the format it is asked for: the same for `audit` and `check`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from codemods.audited import Conclusion
from codemods.blocks import Block, plain, show
from codemods.github import github_lines
from codemods.sarif import sarif
from shim.console import Refused

__all__ = ["Told", "told", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a command says for people, and as one JSON document."""

    blocks: Callable[[Conclusion], Iterable[Block]]
    document: Callable[[Conclusion], dict[str, object]]


def told(made: Conclusion, shape: str, output: Path | None, how: Told) -> None:
    """Write the report to a file or to standard output. Raises Refused where the file cannot be written."""
    if output is None and shape == "text":
        show(how.blocks(made))
        return
    text = "".join(f"{line}\n" for line in _lines(made, shape, how))
    if output is not None:
        written(output, text, Path.write_bytes)
        click.echo(f"{output}: {len(made.new)} findings, {len(made.audit.failed)} failures", err=True)
    else:
        click.echo(text, nl=False)


def _lines(made: Conclusion, shape: str, how: Told) -> Iterator[str]:
    way = Path(os.path.relpath(made.audit.folder)).as_posix()
    prefix = "" if way == "." else f"{way}/"
    match shape:
        case "json":
            yield json.dumps(how.document(made), indent=2, ensure_ascii=False)
        case "sarif":
            yield json.dumps(sarif(made, prefix), indent=2, ensure_ascii=False)
        case "github":
            yield from github_lines(made, prefix)
        case _:
            yield from plain(how.blocks(made))


def written(path: Path, text: str, write: Callable[[Path, bytes], object]) -> None:
    """Write one file. Raises Refused."""
    try:
        write(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; next: name another file", 2) from error
