"""The site built, and its pages: what is wrong with their links, and what they would ask of other servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

CONFIG = Path(__file__).parents[2] / "docs" / "site" / "mkdocs.yml"
ID = re.compile(r'\s(?:id|name)="([^"]+)"')
LINK = re.compile(r'<a\s[^>]*?\bhref="([^"]*)"')
LOADED = re.compile(
    r'<(?:script|img|iframe|embed|source|video|audio|input)\s[^>]*?\bsrc="([^"]*)"|<link\s[^>]*?\bhref="([^"]*)"'
)
IN_STYLES = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
PARTS = ("li", "ol", "ul", "table", "tr", "blockquote", "pre", "h1", "h2", "h3", "h4", "img", "strong", "em")
SCRIPTED = ('class="mermaid"', 'data-md-component="source"', "math/tex")
"""What the theme's scripts would ask other servers about, were it on a page."""


def built(folder: Path) -> Path:
    """The folder, with the whole site in it, built as `make site` does. Raises RuntimeError when that warns."""
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(CONFIG), "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    if done.returncode or "WARNING" in done.stderr:
        raise RuntimeError(done.stderr)
    return folder


@cache
def ids(page: Path) -> frozenset[str]:
    """The names of the places of a page."""
    return frozenset(ID.findall(page.read_text(encoding="utf-8")))


def broken(site: Path) -> list[str]:
    """Links and images that lead nowhere inside of the site, each with its page."""
    return [
        f"{page.relative_to(site)}: {link}" for page in pages(site) for link in _links(page) if not _leads(page, link)
    ]


def pages(site: Path) -> list[Path]:
    """All pages of a site but the one for what is not found, whose links are from the root of a server."""
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


def _links(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    yield from LINK.findall(text)
    yield from (one or other for one, other in LOADED.findall(text))


def _leads(page: Path, link: str) -> bool:
    path, _, place = link.partition("#")
    if re.match(r"[a-z]+:", link) or ELSEWHERE.match(link):
        return True
    target = (page.parent / unquote(path)).resolve() if path else page
    if target.is_dir():
        return False
    return target.is_file() and (not place or target.suffix != ".html" or unquote(place) in ids(target))


def parts(html: str) -> dict[str, int]:
    """How many there are of each kind of part in a text."""
    return {part: len(re.findall(f"<{part}[ >]", html)) for part in PARTS}


def article(page: Path) -> str:
    """What a page has beside navigation and contents."""
    return page.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]


def asked_elsewhere(site: Path) -> list[str]:
    """What the pages and styles of a site would load from other servers."""
    texts = [(path, path.read_text(encoding="utf-8")) for path in [*pages(site), site / "404.html"] if path.exists()]
    loaded = [(path, each) for path, text in texts for pair in LOADED.findall(text) for each in pair]
    styles = [(path, path.read_text(encoding="utf-8")) for path in site.rglob("*.css")]
    loaded += [(path, each) for path, text in [*styles, *texts] for pair in IN_STYLES.findall(text) for each in pair]
    scripted = [f"{path.relative_to(site)}: {mark}" for path, text in texts for mark in SCRIPTED if mark in text]
    return [f"{path.relative_to(site)}: {each}" for path, each in loaded if ELSEWHERE.match(each)] + scripted
