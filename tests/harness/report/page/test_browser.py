"""The page in a real browser: nothing leaves it, nothing hostile runs, keys are enough."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.report.forms import html
from tests.browser import Browser, browsing
from tests.stories import hostile, story

HOSTILE = (
    """<script>window.hit=1</script><img src=x onerror="window.hit=1">"""
    """'"><svg onload=window.hit=1>]]></style></title><a href="javascript:window.hit=1">"""
)


_OWN = "CONNECT accounts.google.com:443 "
"""What the browser asks by itself some time after its start, with no page open too: who is signed
in. Were it a page that asks, the protocol would tell it, which `hosts` looks at."""


class Proxy(BaseHTTPRequestHandler):
    """Counts what it is asked for by pages, and answers nothing."""

    asked: ClassVar[list[str]] = []

    def handle_one_request(self) -> None:
        line = self.rfile.readline().decode("latin-1")
        if not line.startswith(_OWN):
            self.asked.append(line.strip())
        self.wfile.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.close_connection = True


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with browsing(tmp_path_factory.mktemp("profile"), address) as page:
            yield page
        server.shutdown()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return html.write(story(), tmp_path_factory.mktemp("plain"))[0]


@pytest.fixture
def page(browser: Browser, path: Path) -> Browser:
    browser.open(path)
    return browser


def hosts(browser: Browser) -> list[str]:
    """Of everything that the page asked for, but what it holds itself."""
    urls = [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")]
    return [url for url in urls if not url.startswith("data:")]


def test_the_page_asks_for_nothing_but_itself(page: Browser, path: Path) -> None:
    Proxy.asked.clear()
    page.open(path)
    page.value("window.scrollTo(0, document.body.scrollHeight)")
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert hosts(page) == [path.as_uri()]
    assert Proxy.asked == []


def test_a_page_that_does_ask_is_seen(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "asks.html").write_text('<img src="http://example.invalid/seen.png">')
    Proxy.asked.clear()
    browser.open(tmp_path / "asks.html")
    assert Proxy.asked == ["GET http://example.invalid/seen.png HTTP/1.1"]


def test_its_policy_forbids_what_a_script_might_ask(page: Browser) -> None:
    Proxy.asked.clear()
    page.value("document.body.append(Object.assign(new Image(), {src: 'http://example.invalid/'}))")
    page.value("document.body.insertAdjacentHTML('beforeend', '<p onclick=window.hit=1>x</p>')")
    page.value("document.body.lastChild.click()")
    assert page.value("window.hit") is None
    assert Proxy.asked == []


def test_the_page_breaks_no_rule_of_its_own_policy(page: Browser) -> None:
    assert page.told("Log.entryAdded") == []
    assert page.told("Runtime.exceptionThrown") == []


def test_hostile_names_stay_text(browser: Browser, tmp_path: Path) -> None:
    browser.open(html.write(hostile(HOSTILE), tmp_path)[0])
    assert browser.value("window.hit") is None
    counted = {
        element: browser.value(f"document.querySelectorAll('{element}').length")
        for element in (
            "script",
            "style",
            "img",
            "iframe",
            "[onerror]",
            "[onload]",
            'a:not([href^="#"])',
        )
    }
    assert counted == {"script": 1, "style": 1} | dict.fromkeys([*counted][2:], 0)
    assert browser.value("document.querySelector('h1').textContent") == HOSTILE
    assert browser.value("document.title") == f"{HOSTILE}: series report"
    assert "<script>window…" in browser.value("document.querySelector('figure svg').textContent")


COLUMN = (
    "[...document.querySelector('#scores table').tBodies[0].rows].map(r => r.cells[{}].textContent)"
)
SORTED = "document.querySelector('#scores thead').rows[0].cells[{}].getAttribute('aria-sort')"


def test_columns_sort_by_keyboard_both_ways(page: Browser) -> None:
    page.value("document.querySelectorAll('#scores thead button')[1].focus()")
    page.press("Tab")
    page.press("Tab")
    page.press("Enter", "\r")
    assert page.value(SORTED.format(3)) == "ascending"
    assert page.value(COLUMN.format(0)) == ["base", "iter1", "iter2", "iter3"]
    page.press(" ", " ")
    assert page.value(SORTED.format(3)) == "descending"
    assert page.value(COLUMN.format(0)) == ["iter3", "iter2", "iter1", "base"]


def test_only_one_column_is_sorted_and_empty_cells_stand_last(page: Browser) -> None:
    press = "document.querySelectorAll('#scores thead button')[{}].click()"
    page.value(press.format(1))
    for first in ("sppo", "sppo"):
        page.value(press.format(2))
        column = page.value(COLUMN.format(2))
        assert (column[0], column[-1]) == (first, "")
    assert page.value(SORTED.format(1)) == "none"


def test_what_is_focused_is_seen_to_be(page: Browser) -> None:
    page.value("document.querySelector('nav a').focus()")
    page.press("Tab")
    style = "getComputedStyle(document.activeElement).{}"
    assert page.value(style.format("outlineStyle")) == "solid"


@pytest.mark.parametrize(("scheme", "is_light"), [("light", True), ("dark", False)])
def test_it_is_light_or_dark_as_the_reader_prefers(
    page: Browser, scheme: str, *, is_light: bool
) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.call("Emulation.setEmulatedMedia", features=[feature])
    paper = page.value("getComputedStyle(document.body).backgroundColor")
    ink = page.value("getComputedStyle(document.querySelector('figure svg text')).fill")
    assert (brightness(paper) > 200, brightness(ink) < 100) == (is_light, is_light)


def brightness(colour: str) -> float:
    """The mean of "rgb(r, g, b)"."""
    channels: list[Any] = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return sum(map(float, channels)) / 3


@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_screen_scrolls_tables_and_not_the_page(page: Browser, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **metrics)
    assert page.value("document.documentElement.scrollWidth") <= width
    page.call("Emulation.clearDeviceMetricsOverride")


def test_paper_shows_what_was_closed(page: Browser) -> None:
    page.call("Page.printToPDF")
    assert page.value("[...document.querySelectorAll('details')].every(d => d.open)") is True
