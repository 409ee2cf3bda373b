"""`report.html` in a real browser, on a telephone, a screen and paper. Skipped where there is no Chromium: `apt install
chromium`, or ENTRACK_CHROMIUM says where it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from chromium import Chromium, chromium, program

from entrack.report.figures import draw_all, drawings, in_folder
from entrack.report.html import Written, report_html
from entrack.results import Results
from entrack.source import Source

pytestmark = pytest.mark.skipif(program() is None, reason="there is no Chromium on this machine")
WIDTHS = (360, 1280)
HOSTILE = (
    '</style><script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">&lt;b&gt;&#x202e;',
    "</title><svg onload=window.pwned=1> \u202e\u2066 --><base href='https://example.org/'>",
)
SPEC = 'entrack 1\n# with <script>window.pwned = 1</script> and </code></pre>\nclaim "שלום & <b>" k[nothing] >= 0.5\n'
CONTRAST = """
(() => {
  const number = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = number(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    if (['title', 'desc'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = number(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < 4.5) poor.push([ratio.toFixed(2), element.tagName, walker.currentNode.textContent.trim().slice(0, 40)]);
  }
  return [seen, poor];
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as page:
        yield page


@pytest.fixture(params=["results", "study", "hostile"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The page of some results, in its folder."""
    found: Results = request.getfixturevalue(request.param)
    if request.param == "hostile":
        found = evolve(found, title=HOSTILE[0], figures=tuple(evolve(each, title=HOSTILE[1]) for each in found.figures))
    return page_of(found, tmp_path)


def page_of(results: Results, folder: Path) -> Path:
    draw_all(results, folder)
    about = {"title": results.title, "authors": HOSTILE[1], "note": "a note"}
    written = Written((Source("small.et", SPEC), Source("data/<b>.et", SPEC)), about)
    path = folder / "report.html"
    path.write_text(report_html(results, written, drawings(results, in_folder(folder))), encoding="utf-8")
    return path


def said(page: Chromium) -> list[Any]:
    """What stands on the console, and what the browser complains of."""
    methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    return [event["params"] for event in page.events if event.get("method") in methods]


def asked_for(page: Chromium) -> list[str]:
    wanted = [
        event["params"]["request"]["url"] for event in page.events if event.get("method") == "Network.requestWillBeSent"
    ]
    return [url for url in wanted if not url.startswith("data:")]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_asked_for_and_nothing_is_said(browser: Chromium, page: Path, width: int) -> None:
    browser.open(page, width)
    assert asked_for(browser) == [page.resolve().as_uri()]
    assert said(browser) == []
    assert browser.evaluate("window.pwned") is None
    assert (
        browser.evaluate("document.scripts.length + document.querySelectorAll('base, iframe, object, form').length")
        == 0
    )


def test_a_page_that_asks_is_seen(browser: Chromium, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<img src='no.png'><script>console.log(1)</script>", encoding="utf-8")
    browser.open(tmp_path / "bad.html", 360)
    assert len(asked_for(browser)) > 1 and said(browser)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_to_the_side(browser: Chromium, page: Path, width: int) -> None:
    browser.open(page, width)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("dark", [False, True])
def test_the_contrast_is_enough(browser: Chromium, page: Path, dark: bool) -> None:
    browser.open(page, 1280, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    seen, poor = browser.evaluate(CONTRAST)
    assert seen > 40 and poor == []


def test_what_a_screen_reader_is_told(browser: Chromium, page: Path) -> None:
    browser.open(page, 1280)
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert {"banner", "navigation", "main", "contentinfo"} <= set(roles)
    images = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ("image", "img")]
    assert len(images) == browser.evaluate("document.querySelectorAll('svg[role=img]').length") > 0
    for image in images:
        described = image.get("description", {}).get("value", "")
        assert image["name"]["value"] and len(f"{image['name']['value']}{described}") > 20
    levels = browser.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(each => Number(each.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - level <= 1 for level, later in pairwise(levels))
    assert browser.evaluate("[...document.querySelectorAll('th')].every(each => each.scope)")
    assert (
        browser.evaluate("document.activeElement === document.body && document.querySelector('a').className") == "skip"
    )


def test_every_link_leads_somewhere_and_names_are_given_once(browser: Chromium, page: Path) -> None:
    browser.open(page, 1280)
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    links = browser.evaluate("[...document.querySelectorAll('a')].map(each => each.getAttribute('href'))")
    assert links and {link.removeprefix("#") for link in links} <= set(ids)
    uses = browser.evaluate("[...document.querySelectorAll('use')].map(each => each.getAttribute('href').slice(1))")
    assert uses and set(uses) <= set(ids)


def test_it_can_be_printed(browser: Chromium, page: Path, tmp_path: Path) -> None:
    browser.open(page, 1280)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.printed(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
