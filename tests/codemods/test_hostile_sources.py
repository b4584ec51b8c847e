"""Every codemod there is, over one table of hostile sources: right, or refused with a reason; never half right."""

from __future__ import annotations

import sys

import pytest
from hostile import BASES, BIG, NEWER, REFUSED, SITE_ONLY, VARIANTS
from migration_case import REPLACING, check_untouched, make_host_file, make_tree, rewrite, run_cli

from codemods import registry
from codemods.outcome import Changed, Failed, Outcome, Unchanged
from codemods.source import parse_bytes

CODEMODS = registry.names()
WRITTEN = [(name, module) for name in VARIANTS for module in BASES if (name, module) != (BIG, "site")]


def ran(tmp_path, codemods: tuple[str, ...], raw: bytes, module: str) -> Outcome:
    """Rewrite one module; what was changed is right in itself, and a second run finds nothing more."""
    make_tree(tmp_path, **{module: raw})
    outcome = rewrite(tmp_path, codemods, module)
    path = tmp_path / "plant" / f"{module}.py"
    assert path.read_bytes() == raw, "written"
    if not isinstance(outcome, Changed):
        return outcome
    assert outcome.before == raw
    parse_bytes(outcome.after)
    check_untouched(outcome, inserts=REPLACING.isdisjoint(codemods))
    check_text(raw, outcome.after)
    path.write_bytes(outcome.after)
    again = rewrite(tmp_path, codemods, module)
    assert isinstance(again, Unchanged), again
    assert len(again.sites) == len(outcome.sites)
    return outcome


def check_text(before: bytes, after: bytes) -> None:
    """The encoding, the line ends in use, the mark and the end of the file are what they were."""
    assert after.endswith(b"\n") == before.endswith(b"\n")
    assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    assert parse_bytes(after).encoding == parse_bytes(before).encoding
    for ending in (b"\r\n", b"\n"):
        if ending not in before.replace(b"\r\n", b"" if ending == b"\n" else b"\r\n"):
            assert ending not in after.replace(b"\r\n", b"" if ending == b"\n" else b"\r\n")


def places(outcome: Outcome) -> int:
    """Count what a codemod found: changed, and left with a reason."""
    sites = outcome.sites if isinstance(outcome, Changed | Unchanged) else ()
    assert all(site.reason for site in sites)
    return len(sites) + sum(outcome.edits.values() if isinstance(outcome, Changed) else ())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What each codemod finds in the plain text."""
    folder = tmp_path_factory.mktemp("plain")
    return {
        (name, module): places(ran(folder, (name,), text.encode(), module))
        for name in CODEMODS
        for module, text in BASES.items()
    }


def test_the_plain_text_has_something_for_each_codemod(plain):
    assert {name for name in CODEMODS if plain[name, "site"] or plain[name, "hub"]} >= {
        "catch-specific", "check-results", "guard-missing", "loud-returns", "mark-boundaries", "raise-log-level",
        "reraise-loud", "track-tasks",
    }  # fmt: skip


@pytest.mark.parametrize("codemod", CODEMODS)
@pytest.mark.parametrize(("name", "module"), WRITTEN)
def test_each_place_is_changed_or_left_with_a_reason(tmp_path, plain, codemod, module, name):
    outcome = ran(tmp_path, (codemod,), VARIANTS[name](BASES[module]), module)
    assert not isinstance(outcome, Failed), outcome
    assert places(outcome) >= plain[codemod, module], outcome


@pytest.mark.parametrize("codemod", CODEMODS)
@pytest.mark.parametrize("name", SITE_ONLY)
def test_however_the_class_is_imported(tmp_path, plain, codemod, name):
    outcome = ran(tmp_path, (codemod,), SITE_ONLY[name](BASES["site"]).encode(), "site")
    assert not isinstance(outcome, Failed), outcome
    assert places(outcome) >= plain[codemod, "site"], outcome


@pytest.mark.parametrize(("name", "module"), WRITTEN)
def test_all_at_once(tmp_path, module, name):
    outcome = ran(tmp_path, CODEMODS, VARIANTS[name](BASES[module]), module)
    assert isinstance(outcome, Changed), outcome


@pytest.mark.parametrize("codemod", CODEMODS)
@pytest.mark.parametrize("name", NEWER)
def test_syntax_of_a_newer_python(tmp_path, plain, codemod, name):
    raw = (BASES["hub"] + NEWER[name]).encode()
    outcome = ran(tmp_path, (codemod,), raw, "hub")
    assert not isinstance(outcome, Failed), outcome
    assert places(outcome) >= plain[codemod, "hub"]
    if isinstance(outcome, Changed):
        assert outcome.after.decode().endswith(NEWER[name])
        assert bool(parse_bytes(outcome.after).hidden) == (sys.version_info < (3, 12))


NOTHING = {
    "string only": "X = 'ping'\n",
    "comment only": "# ping\n",
    "empty": "",
    "blank": "\n\n\x0c\n",
    "keyword of the same name": "print(ping=1)\n",
    "attribute of the same name": "class C:\n    ping: int = 1\n",
}


@pytest.mark.parametrize("codemod", CODEMODS)
@pytest.mark.parametrize("name", NOTHING)
def test_nothing_to_do(tmp_path, codemod, name):
    assert ran(tmp_path, (codemod,), NOTHING[name].encode(), "site") == Unchanged(path="plant/site.py")


# use-shims opens no file that has no legacy name in it; what it refuses in those is in test_bowler_guards.py
@pytest.mark.parametrize("codemod", [name for name in CODEMODS if not getattr(registry.load(name), "LEGACY", False)])
@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, codemod, name):
    outcome = ran(tmp_path, (codemod,), REFUSED[name], "site")
    assert isinstance(outcome, Failed)
    assert outcome.error


def test_the_command_names_each_file_it_cannot_do_and_does_the_rest(tmp_path, capsys):
    bad = {f"bad{number}": raw for number, raw in enumerate(REFUSED.values())}
    tree = make_tree(tmp_path / "own", site=BASES["site"], **bad)
    ended = run_cli(capsys, "migrate", *CODEMODS, tree, "--host", make_host_file(tmp_path), "--write", "--json")
    assert ended.code == 2
    failed = {row["path"] for row in ended.json["outcomes"] if row["outcome"] == "failed"}
    assert failed == {f"plant/{name}.py" for name in bad}
    assert (tree / "plant" / "site.py").read_text(encoding="utf-8") != BASES["site"]
    assert {name: (tree / "plant" / f"{name}.py").read_bytes() for name in bad} == bad
