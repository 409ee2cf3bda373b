"""Every page of the site in a real browser, on a telephone and on a screen, by day and by night, and its search. It
takes minutes: `make browser-test` asks for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from chromium import Chromium, chromium, program
from site_pages import built, pages

pytestmark = [
    pytest.mark.skipif(program() is None, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(not os.environ.get("ENTRACK_SITE"), reason="`make browser-test` looks at every page"),
]
WIDTHS = (360, 1280)
MAIN = (
    *("index", "studies/index", "tutorial", "errors", "errors/E201", "reference", "semantics", "language"),
    *("coming-from", "for-authors", "studies/knockout", "specs/knockout/smollm2.et", "CHANGELOG", "all-pages"),
)
SAID = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
CONTRAST = """
(() => {
  const number = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (front, back) => front.slice(0, 3).map((v, i) => v * (front[3] ?? 1) + back[i] * (1 - (front[3] ?? 1)));
  const light = rgb => rgb.map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    if (!element) return [255, 255, 255];
    const colour = number(getComputedStyle(element).backgroundColor);
    return (colour[3] ?? 1) === 1 ? colour : over(colour, behind(element.parentElement));
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (['SCRIPT', 'STYLE', 'TITLE', 'NOSCRIPT'].includes(element.tagName.toUpperCase())) continue;
    const ground = behind(element);
    const [a, b] = [light(over(number(getComputedStyle(element).color), ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    const text = walker.currentNode.textContent.trim().slice(0, 40);
    if (ratio < 4.5) poor.push([ratio.toFixed(2), element.tagName, element.className, text]);
  }
  return [seen, poor];
})()
"""
SEARCH = """
(async () => {
  const field = document.querySelector('.md-search__input');
  field.focus();
  field.value = '%s';
  field.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true, key: 'a'}));
  for (let left = 200; left; left--) {
    await new Promise(done => setTimeout(done, 50));
    const found = document.querySelector('.md-search-result__item > .md-search-result__link');
    if (found) return found.href.split(/[?#]/)[0];
  }
  return 'nothing';
})()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site."""
    return built(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as page:
        yield page


@pytest.fixture
def server(site: Path) -> Iterator[str]:
    """The site on a server of this machine, by its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def asked(browser: Chromium) -> list[str]:
    wanted = [
        each["params"]["request"]["url"] for each in browser.events if each.get("method") == "Network.requestWillBeSent"
    ]
    return [url for url in wanted if not url.startswith(("data:", "blob:"))]


def said(browser: Chromium) -> list[object]:
    return [each["params"] for each in browser.events if each.get("method") in SAID]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_to_the_side_or_says_anything(browser: Chromium, site: Path, width: int) -> None:
    wrong: list[object] = []
    for page in pages(site):
        browser.open(page, width)
        browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        if (wide := browser.evaluate("document.documentElement.scrollWidth")) != width:
            wrong.append((page.name, wide))
        wrong += [(page.name, each) for each in said(browser)]
        wrong += [(page.name, url) for url in asked(browser) if not url.startswith(site.resolve().as_uri())]
    assert wrong == []


def test_a_bad_page_is_seen(browser: Chromium, site: Path) -> None:
    browser.open(site / "index.html", 360)
    browser.evaluate("document.querySelector('h1 + p').style = 'width: 900px; color: rgb(0 0 0 / 40%)'")
    assert browser.evaluate("document.documentElement.scrollWidth") > 360
    assert [tag for _, tag, *_ in browser.evaluate(CONTRAST)[1]] == ["P"]
    browser.evaluate("console.log('a word')")
    assert said(browser)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", MAIN)
def test_the_contrast_is_enough(browser: Chromium, site: Path, name: str, dark: bool) -> None:
    browser.open(site / f"{name}.html", 1280, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    scheme = browser.evaluate("document.body.dataset.mdColorScheme")
    seen, poor = browser.evaluate(CONTRAST)
    assert scheme == ("slate" if dark else "default")
    assert seen > 20 and poor == []


WORDS = (
    ("knockout", "studies/knockout.html"),
    ("E413", "errors/E413.html"),
    ("path patching", "semantics.html"),
    ("slurm", "cluster.html"),
)


@pytest.mark.parametrize(("words", "page"), WORDS)
def test_the_search_finds_the_page_from_a_folder(browser: Chromium, site: Path, words: str, page: str) -> None:
    browser.open(site / "index.html", 1280)
    assert browser.evaluate(SEARCH % words) == (site / page).resolve().as_uri()
    assert said(browser) == []


@pytest.mark.parametrize(("words", "page"), WORDS)
def test_the_search_finds_the_page_on_a_server(browser: Chromium, server: str, words: str, page: str) -> None:
    browser.open(f"{server}/studies/index.html", 1280)
    assert browser.evaluate(SEARCH % words) == f"{server}/{page}"
    assert said(browser) == []
