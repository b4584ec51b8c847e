"""`failloud flow --html` in a real browser: filters, keys, no scripts, hostile text, narrow, dark, printed."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from browser import browsing
from flow_page_case import example_page, mixed_page

from codemods.flow.ends import Fate
from codemods.flow.excerpts import AFTER, BEFORE


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return example_page(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return mixed_page(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@contextmanager
def opened(browser, file, *, width=1200, scripts=True, **how):
    """Open a page; at the end nothing was asked of any network, and nothing was complained about."""
    browser.errors.clear()
    browser.requests.clear()
    browser.size(width, **how)
    browser.scripts(run=scripts)
    browser.open(file.as_uri())
    yield browser
    assert browser.errors == []
    assert browser.requests == [file.as_uri()]


VISIBLE = "[...document.querySelectorAll('.site')].filter(one => one.checkVisibility()).length"


def test_verdicts_filter(browser, example):
    run, file = example
    with opened(browser, file) as on:
        assert on.evaluate(VISIBLE) == len(run.sites)
        on.click("input[value=carried]")
        left = len(run.sites) - run.totals["carried"]
        assert on.evaluate(VISIBLE) == left
        assert on.evaluate("document.getElementById('shown').textContent") == f"{left} of {len(run.sites)} call sites"
        modules = {site.start.path for site in run.sites if site.verdict is not Fate.CARRIED}
        heads = on.evaluate(
            "[...document.querySelectorAll('h2')].filter(one => one.checkVisibility()).map(one => one.textContent)"
        )
        assert set(heads) - {"Source"} == modules
        on.click("input[value=carried]")
        assert on.evaluate(VISIBLE) == len(run.sites)


def test_text_filters_from_the_keyboard(browser, example):
    run, file = example
    fits = [site for site in run.sites if site.start.path == "supervisor.py"]
    with opened(browser, file) as on:
        on.press("/", "/")
        assert on.evaluate("document.activeElement.id") == "words"
        assert on.evaluate("document.activeElement.value") == ""
        on.write("SUPERVISOR.py:")
        assert len(fits) <= on.evaluate(VISIBLE) < len(run.sites)
        on.write("  no-such-word")
        assert on.evaluate(VISIBLE) == 0, "every word must be there"


def test_a_site_opens_and_a_handler_shows_its_source_in_place(browser, example):
    _, file = example
    with opened(browser, file) as on:
        on.click(".site > summary")
        assert on.evaluate("document.querySelector('.site').open") is True
        on.click(".site[open] .net a")
        here = on.evaluate("document.querySelector('.peek .here').textContent")
        assert re.match(r"\d+ +except ", here)
        assert on.evaluate("document.querySelectorAll('.peek .line').length") == BEFORE + 1 + AFTER
        assert on.evaluate("document.querySelectorAll('.peek [id]').length") == 0
        place = on.evaluate("document.querySelector('.peek .at').textContent")
        assert place == on.evaluate("document.querySelector('.site .end .at').textContent")


def test_the_keyboard_alone_opens_and_closes_a_source(browser, example):
    _, file = example
    with opened(browser, file) as on:
        on.evaluate("document.querySelector('.site summary').focus()")
        on.press("Enter", "\r")
        assert on.evaluate("document.querySelector('.site').open") is True
        on.evaluate("document.querySelector('.site .net a').focus()")
        on.press("Enter", "\r")
        assert on.evaluate("document.querySelectorAll('.peek').length") == 1
        assert on.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        on.press("Escape")
        assert on.evaluate("document.querySelectorAll('.peek').length") == 0
        assert on.evaluate("document.activeElement.closest('.net') !== null") is True


def test_without_scripts_all_is_there_and_a_link_opens_the_source(browser, example):
    run, file = example
    with opened(browser, file, scripts=False) as on:
        assert on.evaluate("document.getElementById('filter').checkVisibility()") is False
        assert on.evaluate(VISIBLE) == len(run.sites)
        on.click(".site > summary")
        on.click(".site[open] .net a")
        assert on.evaluate("document.querySelectorAll('.peek').length") == 0
        assert (
            on.evaluate("document.querySelector('.line:target').checkVisibility({contentVisibilityAuto: true})") is True
        )
        assert re.match(r"\d+ +except ", on.evaluate("document.querySelector('.line:target').textContent"))
    browser.scripts(run=True)


def test_hostile_text_runs_nothing(browser, mixed):
    _, file = mixed
    with opened(browser, file) as on:
        on.click("#open")
        on.evaluate("document.querySelectorAll('.more').forEach(one => one.open = true)")
        on.evaluate("document.querySelectorAll('.site a.source').forEach(one => one.click())")
        on.evaluate("new Promise(done => setTimeout(done, 200))")
        assert on.evaluate("document.title") == "plant, tree: where a loud failure ends"
        assert on.evaluate("document.querySelectorAll('img, script:not(body > script)').length") == 0
        assert on.evaluate("document.querySelectorAll('.peek').length") > 0


def test_the_page_s_policy_would_stop_a_script_that_got_in(browser, mixed):
    _, file = mixed
    browser.open(file.as_uri())
    got_in = '<img src=x onerror="document.title=\'hacked\'"><iframe src="https://example.invalid/"></iframe>'
    browser.evaluate(f"document.body.insertAdjacentHTML('beforeend', {got_in!r})")
    browser.evaluate("new Promise(done => setTimeout(done, 200))")
    assert browser.evaluate("document.title") == "plant, tree: where a loud failure ends"
    assert any("Content Security Policy" in one for one in browser.errors)
    browser.errors.clear()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(browser, request, width):
    for name in ("example", "mixed"):
        _, file = request.getfixturevalue(name)
        with opened(browser, file, width=width) as on:
            on.click("#open")
            on.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert on.evaluate("document.documentElement.scrollWidth") <= width
            on.evaluate("window.right = (one) => one.getBoundingClientRect().right, 0")
            out = """[...document.querySelectorAll('.chain > li')].flatMap(box =>
                [...box.querySelectorAll('*')].filter(one => right(one) > right(box) + 1).map(one => one.outerHTML))"""
            assert on.evaluate(out) == []


CONTRAST = """(() => {
    const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (text) => rgb(text).map((one) => one / 255)
        .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const back = (node) => {
        for (let one = node; one; one = one.parentElement) {
            const found = getComputedStyle(one).backgroundColor;
            if (found !== "rgba(0, 0, 0, 0)") return found;
        }
        return "rgb(255, 255, 255)";
    };
    const ratio = (node) => {
        const [low, high] = [light(getComputedStyle(node).color), light(back(node))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const seen = [...document.querySelectorAll("p, b, code, small, span, a, summary, th, td, label, button, i")];
    return seen.filter((one) => one.checkVisibility() && ratio(one) < 4.5)
        .map((one) => `${one.outerHTML.slice(0, 60)} ${ratio(one).toFixed(2)}`);
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_in_light_and_in_dark(browser, mixed, dark):
    _, file = mixed
    with opened(browser, file, dark=dark) as on:
        on.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        back = on.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") is not dark
        assert on.evaluate(CONTRAST) == []


def test_print_shows_every_chain_and_no_controls(browser, mixed):
    run, file = mixed
    with opened(browser, file, width=800, media="print", dark=True) as on:
        ends = sum(len(site.ways) for site in run.sites)
        seen = "[...document.querySelectorAll('.end')].filter(one => one.getBoundingClientRect().height > 0).length"
        assert on.evaluate(seen) == ends
        assert on.evaluate("document.getElementById('filter').checkVisibility()") is False
        assert on.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_link_to_a_call_site_opens_it(browser, example, tmp_path):
    _, file = example
    browser.errors.clear()
    browser.open(f"{file.as_uri()}#site-3")
    assert browser.evaluate("[...document.querySelectorAll('.site[open]')].map(one => one.id)") == ["site-3"]
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert browser.errors == []
