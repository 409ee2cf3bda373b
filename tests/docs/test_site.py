"""The site is built without a warning, all its links lead somewhere, and it asks nothing of another server; the cards
of the studies say what their pages say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from site_pages import CONFIG, article, asked_elsewhere, broken, built, pages, parts
from test_docs import DOCS, ROOT

from docs import error_pages, gallery

INTERVAL = re.compile(r"-?\d*\.?\d+(?: %)? \[-?[\d.]+, -?[\d.]+\]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site."""
    return built(tmp_path_factory.mktemp("site"))


def test_every_link_leads_somewhere(site: Path) -> None:
    assert len(pages(site)) > 250
    assert broken(site) == []


def test_nothing_is_asked_of_another_server(site: Path) -> None:
    assert asked_elsewhere(site) == []


def test_every_image_is_described(site: Path) -> None:
    images = [image for page in pages(site) for image in re.findall("<img [^>]*>", article(page))]
    assert len(images) > 50
    assert [image[:80] for image in images if not re.search(r'alt="[^"]+"', image)] == []


def test_code_is_shown_as_it_is_written(site: Path) -> None:
    """No link is put into it, also where it is only indented."""
    page = re.sub("<[^>]*>", "", article(site / "for-authors.html"))
    assert "entrack explain E413  " in page and "[E413]" not in page


def test_long_words_of_code_in_tables_may_be_broken(site: Path) -> None:
    table, text = article(site / "coming-from.html"), article(site / "architecture.html")
    assert "<code>TransformerBridge.<wbr>boot_<wbr>transformers</code>" in table
    assert "<code>entrack/<wbr>spec_<wbr>files.py</code>" in text
    assert "<code>tests/docs/test_walk.py</code>" in text, "outside of a table"


def test_specs_are_in_colours(site: Path) -> None:
    page = (site / "tutorial.html").read_text(encoding="utf-8")
    assert '<span class="kd">discover</span>' in page
    assert '<span class="filename">circuit.et</span>' in page
    assert 'class="err"' not in page
    assert '<span class="kd">measure</span>' in (site / "specs/knockout/smollm2.et.html").read_text(encoding="utf-8")


def test_the_specs_of_an_error_are_told_apart(site: Path) -> None:
    marked = re.findall(r'<span class="hll">(.*?)\n</span>', (site / "errors/E201.html").read_text(encoding="utf-8"))
    assert [re.sub("<[^>]*>", "", line) for line in marked] == [
        "measure first = accuracy(bse) on 20 t",
        "measure first = accuracy(base) on 20 t",
    ]


def test_codes_and_specs_in_the_text_are_links(site: Path) -> None:
    page = article(site / "language.html")
    assert '<a href="errors/E101.html">E101</a>' in page
    assert '<a href="../specs/ioi/smollm2.et.html"><code>specs/ioi/smollm2.et</code></a>' in article(
        site / "studies/ioi.html"
    )


def test_the_site_has_the_parts_that_a_forge_shows(site: Path) -> None:
    """Lists, tables and blocks: what CommonMark nests by two spaces, Python-Markdown nests by four."""
    forge = MarkdownIt("commonmark").enable("table")
    shown = [page for page in DOCS.rglob("*.md") if "errors" not in page.parts and page != DOCS / "index.md"]
    assert len(shown) > 80
    for page in shown:
        built_page = (site / page.relative_to(DOCS)).with_suffix(".html")
        assert parts(article(built_page)) == parts(forge.render(page.read_text(encoding="utf-8"))), page.name


def test_a_bad_site_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text('<h1 id="here">There</h1>')
    (tmp_path / "page.html").write_text(
        '<p id="top"><a href="#top"></a> <a href="there.html#here"></a> <a href="https://example.org"></a>'
        '<a href="gone.html"></a> <a href="there.html#gone"></a> <a href="#gone"></a> <img alt="x" src="gone.png">'
        '<script src="https://example.org/a.js"></script><link rel="stylesheet" href="//example.org/b.css">'
    )
    (tmp_path / "style.css").write_text("a { background: url(https://example.org/c.png) } b { color: url(d.png) }")
    gone = ["gone.html", "there.html#gone", "#gone", "gone.png"]
    assert broken(tmp_path) == [f"page.html: {link}" for link in gone]
    assert [each.rpartition("/")[2] for each in asked_elsewhere(tmp_path)] == ["a.js", "b.css", "c.png"]


@pytest.mark.parametrize(
    ("written", "warned"),
    [("[one](gone.md)", "gone.md"), ("[one](index.md#gone)", "gone"), ("[one](../cache/x)", "no page of the site")],
)
def test_a_bad_link_stops_the_build(tmp_path: Path, written: str, warned: str) -> None:
    """With the hooks and the settings of the site, on one page."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n{written}\n")
    config = CONFIG.read_text(encoding="utf-8")
    kept = config[config.index("validation:") : config.index("nav:\n")]
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: one\nstrict: true\nuse_directory_urls: false\nhooks: ['{CONFIG.parent / 'hooks.py'}']\n{kept}"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", str(tmp_path / "mkdocs.yml")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    assert warned in done.stderr


def test_a_notebook_is_a_page(tmp_path: Path) -> None:
    """Its text, specs and code as Markdown, its outputs as HTML that no Markdown touches."""
    script = spec_from_file_location("notebook_page", CONFIG.with_name("notebook_page.py"))
    assert script is not None and script.loader is not None
    notebook_page = module_from_spec(script)
    script.loader.exec_module(notebook_page)
    output = {
        "output_type": "display_data",
        "data": {"text/html": ["<b>E201</b>\n", "\n<i>*x*</i>"], "text/plain": "E201"},
    }
    said = {"output_type": "stream", "name": "stdout", "text": ["\x1b[1m1 < 2\x1b[0m\n"]}
    image = {"output_type": "display_data", "data": {"image/png": "iVBO\n"}, "metadata": {}}
    told = {**image, "metadata": {"image/png": {"alt": 'Bars: "a" < 1'}}}
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "A word."]},
        {"cell_type": "code", "source": "%%entrack --n 4\nentrack 1", "outputs": [output]},
        {"cell_type": "code", "source": ["print(1)"], "outputs": [said]},
        {"cell_type": "code", "source": "drawn", "outputs": [told, image], "metadata": {"alt": "Two panels"}},
    ]
    path = tmp_path / "one.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    page = notebook_page.page(path)
    assert page == (
        "# Title\n\nA word.\n\n```{ .et title='%%entrack --n 4' }\nentrack 1\n```\n\n<div class=\"output\">0</div>\n\n"
        '```python\nprint(1)\n```\n\n<div class="output">1</div>\n\n'
        '```python\ndrawn\n```\n\n<div class="output">2</div>\n\n<div class="output">3</div>\n'
    )
    filled = notebook_page.with_outputs(page, path)
    assert '<div class="output"><b>E201</b>\n\n<i>*x*</i></div>' in filled
    assert '<div class="output"><pre><code>1 &lt; 2\n</code></pre></div>' in filled
    assert '<img alt="Bars: &quot;a&quot; &lt; 1" src="data:image/png;base64,iVBO">' in filled
    assert '<img alt="Two panels" src="data:image/png;base64,iVBO">' in filled


def test_every_page_is_in_the_navigation() -> None:
    nav = CONFIG.read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages_there = [f"{page.stem}.md" for page in sorted(DOCS.glob("*")) if page.suffix in (".md", ".ipynb")]
    missing = [name for name in pages_there if f": {name}\n" not in nav]
    assert missing == [], f"give it a place in {CONFIG.relative_to(ROOT)}"


def test_the_made_pages_are_as_they_are_made() -> None:
    assert gallery.page() == gallery.PAGE.read_text(encoding="utf-8"), "run `make docs`"
    assert error_pages.index() == error_pages.INDEX.read_text(encoding="utf-8"), "run `make docs`"


def test_every_code_is_listed_once() -> None:
    assert re.findall(r"\(errors/(\w+)\.md\)", error_pages.index()) == error_pages.codes()


def test_every_study_has_a_card() -> None:
    assert sorted(gallery.FIGURES) == sorted(page.stem for page in gallery.STUDIES.glob("*.md") if page.stem != "index")


@pytest.mark.parametrize("name", [name for name in gallery.FIGURES if name != "paper"])
def test_the_number_of_a_card_is_a_number_of_its_page(name: str) -> None:
    said = gallery.study(name).said
    page = (gallery.STUDIES / f"{name}.md").read_text(encoding="utf-8").replace(said["Number"], "")
    shown = INTERVAL.findall(said["Number"])
    assert shown and re.search(r"\(n = \d+\)$", said["Number"])
    assert set(map(_short, shown)) <= set(map(_short, INTERVAL.findall(" ".join(page.replace("**", "").split()))))
    assert re.fullmatch(r"\[(specs/\S+\.et)\]\(\.\./\.\./\1\)", said["Spec"])


def _short(number: str) -> str:
    """`0.66 [0.62, 0.70]` as `.66 [.62, .70]`."""
    return re.sub(r"\b0\.", ".", number)


def test_a_study_says_what_its_card_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "STUDIES", tmp_path)
    (tmp_path / "one.md").write_text("# One\n\n| | |\n|---|---|\n| **Model** | gpt2 |\n\n## More\n")
    with pytest.raises(ValueError, match=r"studies/one\.md does not say at its head: Question, Number, Spec"):
        gallery.study("one")
