"""The host's own unit tests: unchanged twice, with the shims installed and off, and on a migrated copy twice.

`make units-host` runs it (ten minutes and more). Outcomes that differ between two runs of the same code are random:
they are counted and set aside; all others must be the same everywhere. Says also how many migrated lines are executed.
Exit code: 0 the same, 1 not.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TESTS = "netra_backend/tests/unit"
OPT_IN = {"raise-log-level"}
"Codemods that say they change log lines with every flag off: not part of the claim."
INI = """\
[pytest]
asyncio_mode = auto
addopts = -p no:cacheprovider -p no:randomly -q --tb=no --disable-warnings --continue-on-collection-errors --timeout=120
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def copied(tree: Path, to: Path) -> Path:
    """Copy the host, so that its tests may write where they like."""
    if not to.exists():
        shutil.copytree(tree, to, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def migrated(copy: Path, host: str) -> list[str]:
    """Migrate a copy with every codemod that is safe to land; gives their names."""
    command = [str(Path(sys.executable).parent / "failloud"), "migrate"]
    listed = subprocess.run([*command, "list", "--json"], check=True, capture_output=True, text=True)
    names = [row["name"] for row in json.loads(listed.stdout)["codemods"] if row["name"] not in OPT_IN]
    ran = subprocess.run(
        [*command, *names, "--host", host, "--write", "--allow-dirty", str(copy / "netra_backend")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    say("\n".join(ran.stdout.splitlines()[-4:]))
    assert ran.returncode in (0, 2), ran.stdout[-2000:] + ran.stderr[-2000:]
    return names


def run(copy: Path, name: str, work: Path, *, shims: str = "", cover: list[str] | None = None) -> dict[str, str]:
    """Run the host's tests once; gives what became of each."""
    ini, out = work / "pytest.ini", work / f"{name}.json"
    ini.write_text(INI, encoding="utf-8")
    if not out.exists():
        command = [sys.executable, "-m", "pytest", "-c", str(ini), "--rootdir", str(copy), "-p", "outcomes", TESTS]
        if cover is not None:
            rc = work / "coverage.ini"  # our own: the host's has other sources, and a data file for each process
            rc.write_text("[run]\ninclude =\n" + "".join(f"    {each}\n" for each in cover), encoding="utf-8")
            data = f"--data-file={work / f'{name}.coverage'}"
            command[1:2] = ["-m", "coverage", "run", f"--rcfile={rc}", data, "-m"]
        env = os.environ | {
            "TESTING": "1", "OUTCOMES": str(out), "SHIMS": shims, "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join([str(copy), str(HERE), str(ROOT)]),
        }  # fmt: skip
        with (work / f"{name}.log").open("w", encoding="utf-8") as log:
            subprocess.run(command, cwd=copy, env=env, stdout=log, stderr=subprocess.STDOUT, check=False)
    found: dict[str, str] = json.loads(out.read_text(encoding="utf-8"))
    say(f"{name:16}{len(found):>6} outcomes: {dict(Counter(found.values()))}")
    return found


def same_environment(work: Path) -> None:
    """Refuse to go on where the packages are others than when the first run was made: outcomes would differ by them."""
    found = sorted(f"{each.name}=={each.version}\n" for each in metadata.distributions())
    kept = work / "packages.txt"
    if not kept.exists():
        kept.write_text("".join(found), encoding="utf-8")
    old = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    if changed := sorted(set(old) ^ set(found)):
        say(f"the packages have changed since the first run ({', '.join(changed)}); next: take another --work folder")
        raise SystemExit(1)


def unstable(first: dict[str, str], second: dict[str, str]) -> set[str]:
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def migrated_lines(before: Path, after: Path) -> Iterator[tuple[str, set[int]]]:
    """Give each changed file with the numbers of its new lines."""
    for file in sorted(after.rglob("*.py")):
        old, new = before / file.relative_to(after), file.read_bytes()
        if not old.exists() or old.read_bytes() == new:
            continue
        texts = [each.decode("utf-8", "replace").splitlines() for each in (old.read_bytes(), new)]
        matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
        yield str(file), {n + 1 for op, _, _, lo, hi in matcher.get_opcodes() if op != "equal" for n in range(lo, hi)}


def executed(work: Path, changed: dict[str, set[int]]) -> tuple[int, int]:
    """Count migrated statements, and those that the covered run has executed."""
    from coverage import Coverage

    coverage = Coverage(data_file=str(work / "after-2.coverage"), config_file=str(work / "coverage.ini"))
    coverage.load()
    assert coverage.get_data().measured_files(), "the covered run has measured no file"
    ran = total = 0
    for file, lines in changed.items():
        _, statements, _, missing, _ = coverage.analysis2(file)
        ours = lines & set(statements)
        total, ran = total + len(ours), ran + len(ours - set(missing))
    return total, ran


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--tree", type=Path, default=os.environ.get("FAILLOUD_HOST_TREE"))
    asked.add_argument("--work", type=Path, required=True, help="an empty folder; a run that stopped goes on there")
    given = asked.parse_args()
    if given.tree is None or not Path(given.tree).is_dir():
        asked.error("FAILLOUD_HOST_TREE names no directory")
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    same_environment(work)
    before, after = copied(given.tree, work / "before"), work / "after"
    if not after.exists():
        say(f"migrated by {', '.join(migrated(copied(given.tree, after), 'netra'))}")
    changed = dict(migrated_lines(before, after))
    runs = {name: run(before, name, work) for name in ("before-1", "before-2")}
    runs["shims-off"] = run(before, "shims-off", work, shims="netra")
    runs["after-1"] = run(after, "after-1", work)
    runs["after-2"] = run(after, "after-2", work, cover=sorted(changed))
    aside = unstable(runs["before-1"], runs["before-2"]) | unstable(runs["after-1"], runs["after-2"])
    say(f"random, set aside: {len(aside)}")
    differs = 0
    for name in ("shims-off", "after-1"):
        wrong = sorted(unstable(runs["before-1"], runs[name]) - aside)
        differs += len(wrong)
        say(f"{name}: {len(wrong)} outcomes differ from the unchanged host's, of {len(runs[name])}")
        for each in wrong[:20]:
            say(f"  {each}: {runs['before-1'].get(each)} -> {runs[name].get(each)}")
    total, ran = executed(work, changed)
    say(f"migrated statements: {total} in {len(changed)} files, {ran} of them executed by these tests")
    return int(differs > 0)


if __name__ == "__main__":
    sys.exit(main())
