"""`failloud flow`: the report, the document, one site in words, exit codes, and every file accounted for."""

from __future__ import annotations

import pytest
from flow_case import SITE, make_tree
from migration_case import make_host_file, run_cli

SILENT = """
from plant.hub import Hub


async def quiet(h: Hub) -> None:
    try:
        await h.ping(1)
    except Exception:
        pass
"""
HEARD = """
from fastapi import FastAPI

from plant.hub import Hub

app = FastAPI()


@app.get("/ping")
async def ping(h: Hub) -> None:
    await h.ping(1)
"""
CALLER = """
from plant.asks import ask


async def ask_all(hubs) -> None:
    try:
        await ask(hubs[0])
    except Exception:
        pass
"""
SITE_KEYS = ["path", "line", "col", "function", "receiver", "contract", "evidence", "raised", "verdict", "ends"]
END_KEYS = ["fate", "path", "line", "function", "why", "effects", "frames"]


@pytest.fixture
def flow(tmp_path, capsys):
    """Give a function that writes modules and runs the command on them."""

    def run(*words: object, **modules: str | bytes):
        tree = make_tree(tmp_path / "t", **modules)
        return run_cli(capsys, "flow", tree, "--host", make_host_file(tmp_path), "--jobs", "1", *words)

    return run


def test_what_is_silent_is_listed_and_the_rest_is_counted(flow):
    ended = flow(silent=SILENT, heard=HEARD)
    assert ended.code == 1
    assert "plant/silent.py:7 h [hub.ping] swallowed" in ended.out
    assert "swallowed at plant/silent.py:8: except Exception keeps it: does nothing" in ended.out
    assert "plant/heard.py:11" not in ended.out
    assert "1 call sites are not listed: --verdict names the verdicts to list" in ended.out
    assert "2 call sites: where a failure ends in enforce" in ended.out
    assert "6 files: 6 read, 0 kept from the last run" in ended.out


def test_a_verdict_is_listed_on_demand(flow):
    ended = flow("--verdict", "reaches_boundary", silent=SILENT, heard=HEARD)
    assert "plant/heard.py:11 h [hub.ping] reaches_boundary" in ended.out
    assert "reaches_boundary at plant/heard.py:10: route boundary" in ended.out
    assert "plant/silent.py:7" not in ended.out
    assert ended.code == 1, "the exit code is about all sites"


def test_nothing_silent_is_exit_0(flow):
    ended = flow(heard=HEARD)
    assert (ended.code, ended.err) == (0, "")


def test_the_document(flow):
    ended = flow("--json", silent=SILENT, heard=HEARD)
    assert ended.code == 1
    document = ended.json
    assert list(document) == ["schema", "files", "totals", "sites"]
    assert document["schema"] == 1
    assert document["files"]["found"] == document["files"]["scanned"] == 6
    assert document["totals"]["sites"] == 2
    assert document["totals"]["verdicts"] == {
        "swallowed": 1, "restarts_work": 0, "unknown": 0, "wrapped": 0, "reaches_boundary": 1, "escalated": 0,
        "carried": 0,
    }  # fmt: skip
    heard, silent = document["sites"]
    assert list(silent) == SITE_KEYS
    assert (silent["path"], silent["line"], silent["col"]) == ("plant/silent.py", 7, 14)
    assert silent["raised"] == "shim.failure:LoudFailure"
    (end,) = silent["ends"]
    assert list(end) == END_KEYS
    assert end | {"frames": []} == {
        "fate": "swallowed", "path": "plant/silent.py", "line": 8, "function": "plant.silent:quiet",
        "why": "except Exception keeps it: does nothing", "effects": ["does nothing"], "frames": [],
    }  # fmt: skip
    assert end["frames"] == [
        {
            "function": "plant.silent:quiet",
            "path": "plant/silent.py",
            "line": 7,
            "evidence": "annotation",
            "met": [{"line": 8, "kind": "except Exception", "does": "does nothing"}],
        }
    ]
    assert heard["ends"][0]["fate"] == "reaches_boundary"


def test_one_site_in_plain_words(flow):
    ended = flow("--site", "plant/silent.py:7", silent=SILENT, heard=HEARD)
    assert ended.out.splitlines() == [
        "plant/silent.py:7 h: hub.ping",
        "If this call fails in enforce, LoudFailure comes up here; ends it may have: 1; where somebody hears it: 0.",
        "1. It is swallowed at plant/silent.py:8: except Exception keeps it: does nothing.",
        "   It comes up in quiet, plant/silent.py:7.",
        "      There, line 8, except Exception does nothing.",
    ]
    assert ended.code == 1


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("plant/silent.py:6", "no contracted call at plant/silent.py:6; call sites there: line 7"),
        ("plant/nowhere.py:6", "no contracted call at plant/nowhere.py:6; no call site in that file"),
        ("plant/silent.py", "--site reads FILE:LINE, not 'plant/silent.py'"),
    ],
)
def test_a_site_that_is_none(flow, site, said):
    ended = flow("--site", site, silent=SILENT)
    assert ended.code == 64
    assert said in ended.err


def test_a_module_limits_the_sites_and_not_the_callers(flow):
    ended = flow("--module", "plant.asks", "--json", asks=SITE, caller=CALLER, silent=SILENT)
    (site,) = ended.json["sites"]
    assert site["path"] == "plant/asks.py"
    assert [(end["fate"], end["path"]) for end in site["ends"]] == [("swallowed", "plant/caller.py")]


def test_a_file_that_cannot_be_parsed_is_named_and_the_rest_is_done(flow):
    ended = flow(silent=SILENT, broken=b"def ping(:\n")
    assert ended.code == 2
    assert "failed: plant/broken.py: does not parse, line 1: invalid syntax" in ended.out
    assert "plant/silent.py:7" in ended.out
    document = flow("--json", silent=SILENT, broken=b"def ping(:\n").json
    assert document["files"]["found"] == document["files"]["scanned"] + 1 == 6
    assert [one["path"] for one in document["files"]["unreadable"]] == ["plant/broken.py"]


def test_two_files_of_one_module_name_are_both_reported(flow, tmp_path):
    package = tmp_path / "t" / "plant" / "twin"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SILENT, encoding="utf-8")
    ended = flow("--json", "--no-cache", twin=SILENT)
    assert {site["path"] for site in ended.json["sites"]} == {"plant/twin.py", "plant/twin/__init__.py"}


def test_workers_say_the_same(flow):
    modules = {f"m{number}": SILENT for number in range(12)}
    one = flow("--json", "--no-cache", **modules)
    two = flow("--json", "--no-cache", "--jobs", "2", **modules)
    assert one.json == two.json
    assert len(one.json["sites"]) == 12


def test_no_host_file_is_said(tmp_path, capsys):
    ended = run_cli(capsys, "flow", make_tree(tmp_path / "t"))
    assert ended.code == 64
    assert "no host file: pass --host" in ended.err


def test_help_tells_the_exit_codes(capsys):
    ended = run_cli(capsys, "flow", "--help")
    assert ended.code == 0
    assert "Exit code: 0 every failure is heard" in " ".join(ended.out.split())
