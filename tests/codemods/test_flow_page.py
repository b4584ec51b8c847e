"""`failloud flow --html`: all of a run in one document that needs nothing else."""

from __future__ import annotations

import os
import re

import pytest
from flow_page_case import BROKEN, EVIL, EXAMPLE, HEAD, MANY, SENDS, example_page, mixed_page, plant
from migration_case import make_host_file, make_tree, run_cli
from page_case import parsed

from codemods.flow.ends import Fate
from codemods.flow.excerpts import AFTER, BEFORE, Excerpts
from codemods.flow.markup import Html, tag, text
from codemods.flow.page import page
from codemods.flow.run import Flow
from codemods.source import SourceError

OURS = {
    "html", "head", "meta", "title", "style", "script", "body", "header", "main", "section", "h1", "h2", "p", "b", "i",
    "code", "time", "svg", "g", "rect", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "ul", "ol",
    "li", "span", "small", "a", "pre", "form", "fieldset", "legend", "label", "input", "button", "kbd",
}  # fmt: skip


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return example_page(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return mixed_page(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(params=["example", "mixed"])
def made(request):
    """Each of the two: the run and the document."""
    run, file = request.getfixturevalue(request.param)
    return run, parsed(file.read_text(encoding="utf-8"))


# --- content


def test_every_site_every_end_every_frame_and_every_net_is_there(made):
    run, document = made
    drawn = list(document.all("details", "site"))
    assert len(drawn) == len(run.sites) > 0
    known = {}
    for site in run.sites:
        known.setdefault(f"{site.start.path}:{site.start.line}", []).append(site)
    for one in drawn:
        site = known[one.one("summary").one("code", "at").text].pop(0)
        assert one.attributes["data-verdict"] == str(site.verdict)
        assert site.start.contract in one.one("p").text
        assert one.one("summary").one("b").text.endswith(site.start.contract.partition(".")[2])
        assert one.one("summary").one("b").text.startswith(site.start.receiver)
        ways = list(one.all("li", "way"))
        assert [(way.one("span", "chip").text, shown(way)) for way in ways] == [
            (str(way.end.fate), way.end.why) for way in site.ways
        ]
        for drawn_way, way in zip(ways, site.ways, strict=True):
            frames = list(drawn_way.all("li", "frame"))
            assert [one.one("code", "at").text for one in frames] == [
                f"{frame.path}:{frame.line}" for frame in way.frames
            ]
            nets = [[net.text for net in one.all("li", "net")] for one in frames]
            assert nets == [[f"{met.kind} line {met.line}: {met.does}" for met in frame.met] for frame in way.frames]
            (end,) = drawn_way.all("li", "end")
            assert str(way.end.fate) in end.classes
            assert f"{way.end.path}:{way.end.line}" in end.text


def shown(way):
    return way.one("p").text.partition(" ")[2]


def test_the_net_at_which_a_failure_ends_is_marked(mixed):
    _, file = mixed
    document = parsed(file.read_text(encoding="utf-8"))
    marked = [net for net in document.all("li", "net") if "swallowed" in net.classes]
    assert len(marked) == 9
    assert all(net.text.startswith("except Exception line") for net in marked)


def test_links_lead_to_the_line_they_name(made):
    run, document = made
    ids = {one.attributes["id"]: one for one in document.all() if "id" in one.attributes}
    assert len(ids) == sum("id" in one.attributes for one in document.all()), "an id twice"
    links = list(document.all("a"))
    assert links
    for link in links:
        assert ids[link.attributes["href"].removeprefix("#")].name == "span"
    handlers = [net for net in document.all("li", "net") if net.text.startswith("except ")]
    assert len(handlers) == sum(
        met.kind.startswith("except ")
        for site in run.sites
        for way in site.ways
        for one in way.frames
        for met in one.met
    )
    for net in handlers:
        line = ids[net.one("a").attributes["href"][1:]]
        number = re.search(r" line (\d+): ", net.text)[1]
        assert re.match(rf"{number} +except ", line.text) or "except body" in net.text, net.text
    for box in document.all("li", "frame"):
        line = ids[box.one("a").attributes["href"][1:]]
        assert box.one("code", "at").text.endswith(f":{line.one('i').text}")


def test_each_line_of_an_excerpt_is_the_file_s_and_stands_once(example):
    _, file = example
    document = parsed(file.read_text(encoding="utf-8"))
    for one in document.all("details", "file"):
        lines = (EXAMPLE / one.one("summary").text).read_text(encoding="utf-8").split("\n")
        rows = list(one.all("span", "line"))
        numbers = [int(row.one("i").text) for row in rows]
        assert numbers == sorted(set(numbers))
        assert [row.text for row in rows] == [f"{number}{lines[number - 1]}\n" for number in numbers]


def test_nothing_is_fetched(made):
    _, document = made
    for one in document.all():
        links = {
            key: value for key, value in one.attributes.items() if key in {"src", "href", "action", "data", "srcset"}
        }
        assert all(value.startswith("#") for value in links.values()), one
    style = document.one("style").text
    assert not re.search(r"url\(|@import|https?:", style + document.one("script").text)
    policy = next(one.attributes["content"] for one in document.all("meta") if "http-equiv" in one.attributes)
    assert "default-src 'none'" in policy


def test_the_worst_comes_first(example):
    run, file = example
    document = parsed(file.read_text(encoding="utf-8"))
    order = list(Fate)
    counts = []
    for module in document.all("section", "module"):
        verdicts = [Fate(one.attributes["data-verdict"]) for one in module.all("details", "site")]
        assert verdicts == sorted(verdicts, key=order.index)
        counts.append([-verdicts.count(fate) for fate in Fate])
    assert counts == sorted(counts)
    assert len(counts) == len({site.start.path for site in run.sites})


def test_more_than_five_ends_are_folded(mixed):
    _, file = mixed
    document = parsed(file.read_text(encoding="utf-8"))
    site = next(one for one in document.all("details", "site") if "many.py" in one.one("summary").text)
    (more,) = site.all("details", "more")
    assert "open" not in more.attributes
    assert len(list(site.all("li", "way"))) == 8
    assert len(list(more.all("li", "way"))) == 3
    assert more.one("summary").text == "3 more ends"
    assert more.one("ol").attributes["start"] == "6"


def test_the_head_tells_of_what_when_and_how_much(mixed):
    run, file = mixed
    raw = file.read_text(encoding="utf-8")
    document = parsed(raw)
    head = document.one("header")
    assert "Host plant, tree tree, 2026-03-01 12:30 UTC, failloud " in head.text
    assert head.one("time").attributes["datetime"] == "2026-03-01T12:30:00+00:00"
    assert f"Files: {len(run.files)} found, {len(run.files) - 1} read, 1 unreadable." in head.text
    bad = head.one("details", "unreadable")
    assert bad.one("li").text.startswith("plant/bad.py: does not parse, line 1")
    rows = {row.one("th").text: [cell.text for cell in row.all("td")][:2] for row in head.one("tbody").all("tr")}
    ends = [way.end.fate for site in run.sites for way in site.ways]
    expected = {str(fate): [str(run.totals[str(fate)]), str(ends.count(fate))] for fate in Fate}
    assert rows == expected | {"all": [str(len(run.sites)), str(len(ends))]}
    widths = [int(one.attributes["width"]) for one in head.one("svg").all("rect")]
    assert widths == [number for number in run.totals.values() if number]
    assert str(file.parent) not in raw


# --- text is text


def test_hostile_text_makes_no_element_and_no_attribute(mixed):
    run, file = mixed
    document = parsed(file.read_text(encoding="utf-8"))
    assert any("<script>" in site.start.path for site in run.sites)
    assert any("<img" in way.end.why for site in run.sites for way in site.ways)
    assert {one.name for one in document.all()} <= OURS
    assert not [key for one in document.all() for key in one.attributes if key.startswith("on") or key == "style"]
    assert EVIL in document.one("section").text + "".join(one.text for one in document.all("pre"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a < b && c > \"d\" 'e'", "a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#x27;e&#x27;"),
        ("right\u202eleft", "right\\u202eleft"),
        ("\x1b[31m\x00", "\\x1b[31m\\x00"),
        ("a\udcffb", "a\\udcffb"),
        ("tab\tstays, é too", "tab\tstays, é too"),
    ],
)
def test_text(given, expected):
    assert text(given) == expected


def test_only_what_was_made_as_markup_stays_markup():
    assert tag("p", "<b>", tag("i", "x"), Html("<hr>"), class_='"', data_x=1, hidden=True, open=False, id="") == (
        '<p class="&quot;" data-x="1" hidden>&lt;b&gt;<i>x</i><hr></p>'
    )


# --- excerpts


def test_a_file_that_changed_or_went_meanwhile_is_told_where_its_lines_would_be(tmp_path):
    run, _ = plant(tmp_path, many=MANY)

    def gone(_path):
        raise SourceError("cannot be read: No such file or directory")

    for lines, why in ((gone, "cannot be read: No such file"), (lambda _path: ["x = 1"], "become shorter")):
        document = parsed(page(run, HEAD, lines))
        ids = {one.attributes.get("id") for one in document.all("span", "line")}
        assert {link.attributes["href"][1:] for link in document.all("a")} <= ids
        assert why in "".join(one.text for one in document.all("details", "file"))


def test_excerpts_join_where_they_touch(tmp_path):
    run, lines = plant(tmp_path, many=MANY)
    (file,) = [one for one in map(str, Excerpts(run, lines).drawn()) if "many.py" in one]
    numbers = [int(one) for one in re.findall(r"<i>(\d+)</i>", file)]
    assert numbers == list(range(1, len(MANY.splitlines()) + 2))
    assert file.count("<pre") == 1
    assert (BEFORE, AFTER) == (4, 7)


def test_a_big_run_stays_small(tmp_path):
    run, lines = plant(tmp_path, many=MANY)
    (site,) = run.sites
    many = Flow(sites=(site,) * 165, files=run.files, skipped_directories=(), read=0)
    assert sum(len(one.ways) for one in many.sites) == 1320
    assert len(page(many, HEAD, lines)) < 3_000_000


# --- command line


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "tree", many=MANY), make_host_file(tmp_path)


def test_the_page_takes_the_place_of_the_text_and_the_exit_code_stays(tree, tmp_path, capsys):
    folder, host = tree
    file = tmp_path / "flow.html"
    ended = run_cli(capsys, "flow", folder, "--host", host, "--no-cache", "--html", file)
    assert (ended.code, ended.out) == (1, "")
    assert f"{file}: 1 call sites, 1 swallowed, 0 restarts_work, 0 unknown, 0 files unreadable" in ended.err
    document = parsed(file.read_text(encoding="utf-8"))
    assert "tree tree, " in document.one("header").text
    assert not list(document.all("p", "notice"))
    assert str(tmp_path) not in file.read_text(encoding="utf-8")


def test_json_is_printed_beside_the_page(tree, tmp_path, capsys):
    folder, host = tree
    words = ("flow", folder, "--host", host, "--no-cache", "--json")
    plain = run_cli(capsys, *words)
    beside = run_cli(capsys, *words, "--html", tmp_path / "flow.html")
    assert (beside.code, beside.json) == (plain.code, plain.json)


def test_a_page_of_some_call_sites_says_so(tree, tmp_path, capsys):
    folder, host = tree
    file = tmp_path / "flow.html"
    where = folder / "plant" / "many.py"
    words = ("--module", where, "--site", f"{where}:5")
    run_cli(capsys, "flow", folder, "--host", host, "--no-cache", "--html", file, *words)
    notice = parsed(file.read_text(encoding="utf-8")).one("p", "notice").text
    assert notice == "Not all call sites: --module plant/many.py --site plant/many.py:5"


def test_verdicts_are_what_the_filter_begins_with_and_nothing_is_left_out(tmp_path, capsys):
    escalates = SENDS.replace("await h.ping(1)", "try:\n        pass\n    except Exception:\n        await h.ping(1)")
    folder, host = make_tree(tmp_path / "tree", many=MANY, quiet=escalates), make_host_file(tmp_path)
    file = tmp_path / "flow.html"
    run_cli(capsys, "flow", folder, "--host", host, "--no-cache", "--html", file, "--verdict", "escalated")
    document = parsed(file.read_text(encoding="utf-8"))
    assert len(list(document.all("details", "site"))) == 2
    boxes = {one.attributes["value"]: "checked" in one.attributes for one in document.one("form").all("input")
             if one.attributes["type"] == "checkbox"}  # fmt: skip
    assert boxes == {"swallowed": False, "escalated": True}


def test_an_unreadable_file_is_named_and_ends_with_2(tmp_path, capsys):
    folder = make_tree(tmp_path / "tree", many=MANY, bad=BROKEN)
    ended = run_cli(
        capsys, "flow", folder, "--host", make_host_file(tmp_path), "--no-cache", "--html", tmp_path / "flow.html"
    )
    assert ended.code == 2
    assert "1 files unreadable\nfailed: plant/bad.py: does not parse" in ended.err


def test_a_page_that_cannot_be_written_is_refused_with_its_cause(tree, tmp_path, capsys):
    folder, host = tree
    file = tmp_path / "no folder" / "flow.html"
    ended = run_cli(capsys, "flow", folder, "--host", host, "--no-cache", "--html", file)
    assert ended.code == 2
    assert f"{file} cannot be written: No such file or directory; next: name another file" in ended.err


def test_a_failed_write_leaves_the_old_page(tree, tmp_path, capsys, monkeypatch):
    folder, host = tree
    file = tmp_path / "flow.html"
    file.write_text("old", encoding="utf-8")

    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("codemods.write.os.fsync", full)
    ended = run_cli(capsys, "flow", folder, "--host", host, "--no-cache", "--html", file)
    assert ended.code == 2
    assert "No space left on device" in ended.err
    assert file.read_text(encoding="utf-8") == "old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["flow.html", "the_host.py", "tree"]
