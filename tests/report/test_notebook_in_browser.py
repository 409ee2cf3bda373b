"""What a notebook shows, in a real browser: on light and on dark themes, with Jupyter's own style for tables, narrow
and wide. Skipped where there is no Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium, chromium, program

from entrack.diagnostics import Diagnostic
from entrack.diagnostics.render_html import render_html
from entrack.highlight.shown import html_of, mixed_style_sheet
from entrack.report.html import item_html
from entrack.report.html.notebook import boxed
from entrack.results import Results
from entrack.source import Source, Span

pytestmark = pytest.mark.skipif(program() is None, reason="there is no Chromium on this machine")
WIDTHS = (380, 1280)
THEMES = {"light": ("rgba(0,0,0,.87)", "#ffffff", "#f5f5f5"), "dark": ("rgba(255,255,255,1)", "#111111", "#212121")}
"""Of JupyterLab: the text, what is behind it, and behind every other row of its tables."""
SPEC = '# <script>window.pwned = 1</script>\nmodel base = builtin("boxes-base")\nclaim "a" kept[nothing] >= 0.5 * 2\n'
LAB = """
.jp table{border-collapse:collapse;table-layout:fixed;margin-left:auto;margin-right:auto;font-size:13px}
.jp td,.jp th,.jp tr{vertical-align:middle;padding:.5em;line-height:normal;white-space:normal;max-width:none}
:not(.markdown).jp td,:not(.markdown).jp th,:not(.markdown).jp tr{text-align:right}
.jp tbody tr:nth-child(2n+1){background:BEHIND} .jp tbody tr:nth-child(2n){background:EVEN}
.lab .jp pre,.lab .jp code{background:BEHIND;color:TEXT;margin:0;padding:0;white-space:pre-wrap}"""
"""The rules of JupyterLab 4 that lay hold of a display's tables and code, as particular as they are there."""
LAID = """
(() => {
  const all = selector => [...document.querySelectorAll(selector)].map(e => getComputedStyle(e));
  return JSON.stringify({
    names: [...new Set(all('.jp th:not(.number)').map(style => style.textAlign))],
    numbers: [...new Set(all('.jp td.number').map(style => style.textAlign))],
    rows: [...new Set(all('.jp tbody tr').map(style => style.backgroundColor))],
    tables: [...new Set(all('.jp table').map(style => style.tableLayout))],
  });
})()
"""
POOR = """
(() => {
  const colour = text => {
    const n = text.match(/[\\d.e-]+/g).map(Number);
    return text.startsWith('color(') ? [255 * n[0], 255 * n[1], 255 * n[2], n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
  };
  const light = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; }
    return [255, 255, 255];
  };
  const poor = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || e.tagName === 'STYLE' || !e.getClientRects().length) continue;
    const under = behind(e), own = colour(getComputedStyle(e).color);
    const ink = own.slice(0, 3).map((v, i) => own[3] * v + (1 - own[3]) * under[i]);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    seen += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([e.tagName, e.className, walker.currentNode.textContent.slice(0, 30)]);
  }
  return JSON.stringify({seen, poor, wide: document.documentElement.scrollWidth, pwned: window.pwned ?? null});
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as page:
        yield page


@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read(theme: str, browser: Chromium, results: Results, hostile: Results, tmp_path: Path) -> None:
    text, behind, even = THEMES[theme]
    problem = Diagnostic(
        "E201", "no circuit is called `cri`", Span("cell 2", 5, 11), "used here", "did you mean `cir`?"
    )
    folded = f"<details><summary>cell 2</summary><pre><code>{html_of(SPEC)}</code></pre></details>"
    said = boxed(render_html([problem], {"cell 2": Source("cell 2", SPEC)}))
    shown = [item_html(results), item_html(hostile), boxed(folded, mixed_style_sheet()), said]
    style = LAB.replace("EVEN", even).replace("BEHIND", behind).replace("TEXT", text)
    page = tmp_path / "page.html"
    style = f"{style} body{{background:{behind};color:{text};margin:8px}}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{style}</style>'
    body = "".join(f'<div class="jp">{one}</div>' for one in shown).replace("<details", "<details open")
    page.write_text(f'{head}<div class="lab">{body}</div>', encoding="utf-8")
    for width in WIDTHS:
        browser.open(page, width)
        found = json.loads(browser.evaluate(POOR))
        assert found["seen"] > 100 and found["poor"] == [] and found["pwned"] is None
        assert found["wide"] <= width
        assert json.loads(browser.evaluate(LAID)) == {
            "names": ["left"],
            "numbers": ["right"],
            "rows": ["rgba(0, 0, 0, 0)"],
            "tables": ["auto"],
        }
