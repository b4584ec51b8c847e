"""The example's page in a real browser: what failed, what happens next, and a way on where there is one."""

from __future__ import annotations

import time

import pytest
from browser import browsing
from missed_case import COMPONENTS, serving_missed

import shim
from shim.delivery.store import Limits

PANE = "document.querySelectorAll('.pane')[0]"
BEN = "document.querySelectorAll('.pane')[1]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(browser, tmp_path):
    """Give the page of a server that enforces and keeps what is missed; nothing was complained about at the end."""
    made = shim.install("example")
    try:
        with (
            shim.override(**dict.fromkeys(COMPONENTS, "enforce")),
            serving_missed(tmp_path / "m.sqlite", limits=Limits(inline_bytes=20_000)) as server,
        ):
            browser.errors.clear()
            browser.size(1200)
            browser.open(server.url)
            until(browser, f"{PANE}.querySelector('.status').textContent === 'connected'")
            browser.server = server
            yield browser
            assert browser.errors == []
            browser.open("about:blank")
    finally:
        made.uninstall()


def until(browser, expression, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not (found := browser.evaluate(expression)):
        assert time.monotonic() < deadline, (expression, browser.evaluate("document.body.innerText"))
        time.sleep(0.05)
    return found


def ask_under(browser, fault):
    """Ask under a fault; gives the notice. A connection that may have failed is not used again: the user comes back."""
    browser.server.ask("POST", f"/faults/{fault}")
    browser.click(".ask button")
    until(browser, f"/completed|failed/.test({PANE}.querySelector('.status').textContent)")
    browser.server.ask("DELETE", "/faults")
    if fault == "send_raises":
        time.sleep(0.5)  # one that the pump had not seen yet is taken for untried, and gets it at once
        if not browser.evaluate(f"{PANE}.querySelector('.notice')"):
            browser.click(".who button")
    return until(browser, f"{PANE}.querySelector('.notice')?.innerText")


def test_a_notice_says_what_failed_and_what_happens_next_and_what_is_late_says_so(page):
    text = ask_under(page, "bridge_without_manager")
    assert "Live updates are interrupted" in text
    assert "What you miss is kept, and follows" in text
    assert "WS_BRIDGE_UNAVAILABLE" in text
    until(page, f"{PANE}.querySelectorAll('.late').length > 2")
    assert page.evaluate(f"{PANE}.querySelectorAll('.notice button').length") == 0, (
        "nothing to press: it comes by itself"
    )
    assert page.evaluate(f"{BEN}.querySelectorAll('.timeline li').length") == 0, "another user sees nothing of it"


def test_where_asking_again_may_help_the_page_offers_it_and_it_works(page):
    text = ask_under(page, "bridge_raises")
    assert "The agent cannot report to you" in text
    assert "Ask again" in text
    page.click(".notice button")
    until(page, f"{PANE}.querySelectorAll('li[data-type=agent_completed]').length >= 3")
    assert page.evaluate(f"{PANE}.querySelector('.notice button').disabled") is True


def test_a_large_result_is_fetched_when_it_is_asked_for(page):
    text = ask_under(page, "oversize_message")
    assert "A result is too large to show live" in text
    until(page, "document.querySelector('.timeline li button')?.textContent.startsWith('Show it (')")
    page.click(".timeline li button")
    assert '"type": "tool_completed"' in until(page, f"{PANE}.querySelector('pre')?.textContent")


def test_text_of_an_agent_is_text_and_a_notice_fits_a_narrow_window(page):
    page.size(360)
    hostile = "<img src=x onerror=alert(1)> & <b>tides</b>"
    page.evaluate(f"{PANE}.querySelector('.ask input').value = {hostile!r}")
    ask_under(page, "send_raises")
    assert page.evaluate("document.querySelectorAll('.timeline img, .timeline li b b').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_delivered_twice_is_shown_once(page):
    ask_under(page, "send_raises")
    count = until(page, f"{PANE}.querySelectorAll('.timeline li').length")
    store = page.server.store
    for stream, _, _ in store.streams():
        store.replay(stream).result(10)
    page.server.service.pump.wake()
    until(page, "true")
    deadline = time.monotonic() + 10
    while not page.server.service.counts().get("duplicate"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    assert page.evaluate(f"{PANE}.querySelectorAll('.timeline li').length") == count
