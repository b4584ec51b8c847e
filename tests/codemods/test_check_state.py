"""`failloud check`, FL107 to FL111: what the state file records as loud, after the code has changed."""

from __future__ import annotations

import json

import pytest
from check_case import MIGRATED, check, drift, edit, make, put

from codemods.statecompare import losses, moves
from codemods.statefile import Recorded


@pytest.fixture
def mill(tmp_path, capsys):
    """Give a migrated mill whose state is recorded."""
    folder = make(tmp_path, miller=MIGRATED)
    ended = check(capsys, folder, "--state", folder / "state.json", "--write-state")
    assert ended.code == 0, ended.out
    return folder


def state(folder):
    return "--state", folder / "state.json"


def test_what_is_recorded(mill):
    data = json.loads((mill / "state.json").read_text())
    assert {row["function"]: row["marks"] for row in data["functions"]} == {
        "Miller.later": {"spawn": 1},
        "Miller.start": {"delivered bell.ring": 1, "missing bell.ring": 1},
        "Miller.stop": {"catch": 1, "escalate": 1},
        "Miller.work": {"reraise": 1},
    }
    assert all(row["calls"] == {"ring": 1} for row in data["functions"] if row["function"] != "Miller.later")
    assert "line" not in (mill / "state.json").read_text().partition('"functions"')[2]


def test_unchanged_is_clean_and_counted(mill, capsys):
    ended = check(capsys, mill, *state(mill))
    assert ended.code == 0
    assert "6 marks in 4 functions: 6 kept, 0 silent again, 0 moved" in ended.out


VERB = 'delivered(await self.bell.ring(run_id), "bell.ring", run_id=run_id)'
GUARD = '            missing("bell", "ring", run_id=run_id)\n'
CLAUSE = "        except LoudFailure:\n            raise\n"
CATCH = """        try:
            done = await self.bell.ring(run_id)
        except LoudFailure as failure:
            escalate(failure)
            done = False
"""
SILENT = {
    "the verb": (VERB, "await self.bell.ring(run_id)", 'delivered(..., "bell.ring") is gone', "check-results"),
    "the verb, receiver unknown": (
        VERB,
        "await get().ring(run_id)",
        'delivered(..., "bell.ring") is gone',
        "check-results",
    ),
    "the guard's report": (GUARD, "", "missing(bell.ring) is gone", "guard-missing"),
    "the clause": (CLAUSE, "", "'except LoudFailure: raise' is gone", "reraise-loud"),
    "the escalation": (
        "            escalate(failure)",
        "            print(failure)",
        "escalate(...) is gone",
        "catch-specific",
    ),
    "the whole catch": (
        CATCH,
        "        done = await self.bell.ring(run_id)\n",
        "escalate(...) is gone",
        "catch-specific",
    ),
    "a try of its own around the call": (
        VERB,
        f"try:\n            {VERB}\n        except Exception:\n            pass",
        "the call of bell.ring was loud",
        "reraise-loud",
    ),
    "spawn": (
        'spawn(self.work(run_id), name="work")',
        "asyncio.create_task(self.work(run_id))",
        "spawn(...) is gone",
        "track-tasks",
    ),
}


@pytest.mark.parametrize(("old", "new", "said", "fix"), SILENT.values(), ids=SILENT)
def test_a_migrated_site_that_is_silent_again(mill, capsys, old, new, said, fix):
    edit(mill, "miller", old, new)
    found = check(capsys, mill, *state(mill), "--json").json
    rows = [one for one in found["findings"] if one["code"] == "FL107"]
    assert [said in one["message"] for one in rows] == [True], found["findings"]
    assert rows[0]["fix"] == fix
    assert rows[0]["path"] == "miller.py"
    assert "next: failloud migrate" in rows[0]["message"]
    assert all(one["code"] == "FL107" for one in found["findings"]), "one finding for one loss"
    assert check(capsys, mill, *state(mill)).code == 1


LOUD = {
    "lines move": ("class Miller:", "# a line\n\n\nclass Miller:\n    x = 1\n"),
    "the call goes with its verb": (f"        {VERB}\n", "        return\n"),
    "the try goes with its clause": (
        MIGRATED[MIGRATED.index("        try:\n") : MIGRATED.index("        return done") + len("        return done")],
        "        return await self.bell.ring(run_id)",
    ),
    "escalate becomes raise": ("            escalate(failure)", "            raise"),
    "the catch goes with its call": (CATCH, "        done = 1\n"),
    "spawn becomes await": ('spawn(self.work(run_id), name="work")', "await self.work(run_id)"),
    "another verb's name": (
        "LoudFailure, delivered, escalate",
        "LoudFailure, delivered as told_of, escalate, delivered",
    ),
    "formatted anew": (
        VERB,
        VERB.replace("await", "\n            await").replace(", ", ",\n            "),
    ),
}


@pytest.mark.parametrize(("old", "new"), LOUD.values(), ids=LOUD)
def test_a_change_that_stays_loud_is_no_finding(mill, capsys, old, new):
    edit(mill, "miller", old, new)
    assert drift(capsys, mill, *state(mill)) == []


def test_marks_that_went_with_their_calls_are_counted(mill, capsys):
    edit(mill, "miller", f"        {VERB}\n", "        return\n")
    edit(mill, "miller", GUARD, "")
    counts = check(capsys, mill, *state(mill), "--json").json["state"]
    assert counts["gone_with_their_call"] == 2, "its verb, and the guard that spoke for it"
    assert (counts["silent_again"], counts["kept"]) == (0, 4)


def test_a_loud_raise_replaced_by_a_builtin(tmp_path, capsys):
    text = "from mill.loud import LoudFailure\n\n\ndef f(x):\n    if x:\n        raise LoudFailure('x')\n    return 1\n"
    folder = make(tmp_path, site=text)
    check(capsys, folder, *state(folder), "--write-state")
    edit(folder, "site", "LoudFailure('x')", "ConnectionError('x')")
    (row,) = drift(capsys, folder, *state(folder))
    assert row[0] == "FL108"
    assert "raise LoudFailure was replaced by a builtin (ConnectionError)" in row[2]
    put(folder, "site", text.replace("    if x:\n        raise LoudFailure('x')\n", ""))
    assert [code for code, _, _ in drift(capsys, folder, *state(folder))] == ["FL107"]
    put(folder, "site", text.replace("LoudFailure", "WebSocketBufferOverflowError"))
    assert drift(capsys, folder, *state(folder)) == [], "another loud one is as loud"


def test_a_boundary_that_lost_its_mark(tmp_path, capsys):
    folder = make(tmp_path, site="from mill.loud import boundary\n\n\n@boundary()\ndef route(x):\n    return x\n")
    check(capsys, folder, *state(folder), "--write-state")
    edit(
        folder,
        "site",
        "@boundary()\ndef route(x):\n    return x",
        "def route(x):\n    with boundary():\n        return x",
    )
    assert drift(capsys, folder, *state(folder)) == [], "another form of the same mark"
    edit(folder, "site", "    with boundary():\n        return x", "    return x")
    (row,) = drift(capsys, folder, *state(folder))
    assert row[0] == "FL107"
    assert "the boundary() is gone (none left); next: failloud migrate mark-boundaries" in row[2]


MOVES = {
    "renamed": (lambda folder: edit(folder, "miller", "async def start", "async def begin"), "miller.py"),
    "its class renamed": (lambda folder: edit(folder, "miller", "class Miller:", "class Grinder:"), "miller.py"),
    "its file renamed": (
        lambda folder: (folder / "mill" / "miller.py").rename(folder / "mill" / "grinder.py"),
        "grinder.py",
    ),
}


@pytest.mark.parametrize(("change", "path"), MOVES.values(), ids=MOVES)
def test_a_function_that_moved_with_its_marks_is_followed(mill, capsys, change, path):
    change(mill)
    rows = drift(capsys, mill, *state(mill))
    assert {(code, where) for code, where, _ in rows} == {("FL111", path)}
    ended = check(capsys, mill, *state(mill))
    assert ended.code == 0, "a notice fails nothing"
    assert "0 silent again" in ended.out


@pytest.mark.parametrize(("change", "path"), MOVES.values(), ids=MOVES)
def test_a_function_that_moved_and_lost_a_mark_is_found(mill, capsys, change, path):
    edit(mill, "miller", VERB, "await self.bell.ring(run_id)")
    change(mill)
    rows = [one for one in drift(capsys, mill, *state(mill)) if one[0] != "FL111"]
    assert [(code, where) for code, where, _ in rows] == [("FL107", path)]


def test_a_function_that_moved_to_a_file_that_was_not_given_is_followed(mill, capsys):
    text = (mill / "mill" / "miller.py").read_text()
    put(mill, "grinder", text)
    put(mill, "miller", "from mill.grinder import Miller\n")
    rows = drift(capsys, mill, *state(mill), path=mill / "mill" / "miller.py")
    assert {code for code, _, _ in rows} == {"FL111"}


def test_a_function_that_is_gone_with_all_its_calls_is_told(mill, capsys):
    text = (mill / "mill" / "miller.py").read_text()
    put(mill, "miller", text[: text.index("    async def later")])
    ended = check(capsys, mill, *state(mill))
    assert ended.code == 0
    assert "note: gone with their marks and calls, found nowhere else: mill.miller Miller.later" in ended.out


def test_an_extracted_helper_takes_its_marks_along(mill, capsys):
    text = (mill / "mill" / "miller.py").read_text()
    put(
        mill,
        "miller",
        text.replace(GUARD, "            self.alone(run_id)\n") + f"\n    def alone(self, run_id):\n{GUARD[4:]}",
    )
    assert drift(capsys, mill, *state(mill)) == []


def test_a_new_silent_call_in_a_migrated_module(mill, capsys):
    text = (mill / "mill" / "miller.py").read_text()
    new = "\n    async def more(self):\n        try:\n            return 1\n"
    new += "        except KeyError:\n            return [await self.bell.ring(7)]\n"
    put(mill, "miller", text + new)
    (row,) = drift(capsys, mill, *state(mill))
    assert row[0] == "FL109"
    assert "a new call of bell.ring is silent" in row[2]
    assert "next: failloud migrate catch-specific PATH --module mill.miller --write" in row[2]


def test_a_new_call_whose_result_is_dropped_is_told_by_the_audit_s_rule_alone(mill, capsys):
    edit(mill, "miller", VERB, f"{VERB}\n        await self.bell.ring(2)")
    assert [code for code, _, _ in drift(capsys, mill, *state(mill))] == ["FL001"]


def test_the_same_call_in_a_module_that_nobody_migrated_is_left_to_the_audit(mill, capsys):
    put(
        mill, "rest", "from mill.bell import Bell\nasync def f(b: Bell):\n    try:\n        g()\n    except KeyError:\n"
    )
    with (mill / "mill" / "rest.py").open("a") as file:
        file.write("        return [await b.ring(7)]\n")
    assert drift(capsys, mill, *state(mill)) == []


def test_a_new_swallowed_call_is_told_once(mill, capsys):
    with (mill / "mill" / "miller.py").open("a") as file:
        file.write("\n    async def more(self):\n        try:\n            return [await self.bell.ring(7)]\n")
        file.write("        except Exception:\n            return 0\n")
    assert [code for code, _, _ in drift(capsys, mill, *state(mill))] == ["FL003"]


def test_a_report_is_suppressed_by_its_code_alone(mill, capsys):
    silent = "        await self.bell.ring(run_id)"
    for comment, codes in {
        "# failloud: ok done elsewhere": ["FL107"],
        "# failloud: ok FL107 done elsewhere": [],
    }.items():
        put(mill, "miller", MIGRATED.replace(f"        {VERB}", f"{silent}  {comment}"))
        assert [code for code, _, _ in drift(capsys, mill, *state(mill))] == codes
    found = check(capsys, mill, *state(mill), "--json").json
    assert [(one["code"], one["reason"]) for one in found["suppressed"]] == [("FL107", "done elsewhere")]


def test_write_state_accepts_what_is_there_and_says_how_much(mill, capsys):
    edit(mill, "miller", VERB, "print(await self.bell.ring(run_id))")
    assert check(capsys, mill, *state(mill)).code == 1
    ended = check(capsys, mill, *state(mill), "--write-state")
    assert ended.code == 0
    assert "5 marks; of 6 before, 1 are gone: 1 of them silent again, and accepted" in ended.err
    assert check(capsys, mill, *state(mill)).code == 0


def test_write_state_of_some_files_leaves_the_rest(mill, capsys):
    put(mill, "second", MIGRATED)
    check(capsys, mill, *state(mill), "--write-state", "--module", "mill.second")
    rows = json.loads((mill / "state.json").read_text())["functions"]
    assert {row["module"] for row in rows} == {"mill.miller", "mill.second"}
    (mill / "mill" / "second.py").unlink()
    check(capsys, mill, *state(mill), "--write-state")
    rows = json.loads((mill / "state.json").read_text())["functions"]
    assert {row["module"] for row in rows} == {"mill.miller"}


def test_writing_twice_gives_the_same_bytes(mill, capsys):
    before = (mill / "state.json").read_bytes()
    check(capsys, mill, *state(mill), "--write-state")
    assert (mill / "state.json").read_bytes() == before


def test_a_file_that_does_not_parse_loses_nothing(mill, capsys):
    put(mill, "miller", "def (:\n")
    found = check(capsys, mill, *state(mill), "--json")
    assert found.code == 2
    assert found.json["state"]["not_looked_at"] == 6
    check(capsys, mill, *state(mill), "--write-state")
    assert len(json.loads((mill / "state.json").read_text())["functions"]) == 4


BAD = {
    "no JSON": ("{", "no JSON"),
    "a conflict": ("<<<<<<< a\n{}\n", "merge conflict marks"),
    "another file": ('{"schema": 1}', "it is no loud state"),
    "another schema": ('{"failloud": "loud state", "schema": 2}', "schema 2 is not 1"),
    "no list": ('{"failloud": "loud state", "schema": 1, "functions": {}}', '"functions" is no list'),
    "no object": ('{"failloud": "loud state", "schema": 1, "functions": [1]}', "function 1 is no object"),
    "a wrong count": (
        '{"failloud": "loud state", "schema": 1, "functions": [{"module": "m", "function": "f", "marks": {"a": "1"}}]}',
        "marks cannot be",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_state_file_that_cannot_be_read_is_refused(mill, capsys, text, said):
    (mill / "state.json").write_text(text)
    ended = check(capsys, mill, *state(mill))
    assert ended.code == 64
    assert said in ended.err


def test_counts_alone_decide():
    before = Recorded(module="m", function="f", marks={"delivered a.x": 2}, calls={"x": 2})
    table = {(2, 2): [], (1, 1): [False], (1, 2): [True], (0, 2): [True], (0, 0): [False], (2, 5): []}
    for (marks, calls), silent in table.items():
        now = Recorded(module="m", function="f", marks={"delivered a.x": marks}, calls={"x": calls})
        assert [one.silent for one in losses(before, now, {})] == silent, (marks, calls)


def test_the_closest_of_several_functions_is_followed():
    old = Recorded(module="m", function="A.f", marks={"reraise": 1}, calls={"x": 1})
    near = Recorded(module="m", function="B.f", marks={"reraise": 1}, calls={"x": 1})
    far = Recorded(module="m", function="g", marks={"reraise": 1}, calls={"y": 1})
    other = Recorded(module="n", function="h", marks={"spawn": 1}, calls={"y": 1})
    assert moves([old], [far, near, other]) == {near.key: old.key}
    assert moves([old], [other]) == {}
