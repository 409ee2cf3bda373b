"""What the pages have on a forge and MkDocs has not: links to files above `docs/`, words after ```et, a folder in the
navigation. The pages are left as they are; what is changed is what MkDocs reads.

MkDocs calls `on_config`, `on_files`, `on_page_markdown` and `on_page_content`, in this order.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

import notebook_page  # beside this file
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ABOVE = (
    *("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "editors/README.md"),
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("editors/*/README.md"))),
)
"""Pages that stand above `docs/`, and are pages of the site."""
PARTED = "<!-- all pages -->\n"
"""Where `docs/index.md` goes on as a page of its own."""
ALL_PAGES = "all-pages.md"
UNFOUND = "---\nsearch:\n  exclude: true\n---\n"
"""Before a page that the search leaves out."""
HIDDEN = {"index.md": ["navigation", "toc"], "studies/index.md": ["navigation", "toc"]}
FOUND = {"tutorial.md": 2, "language.md": 2, "semantics.md": 2, "glossary.md": 2, "errors": 0.5, "decisions": 0.3}
"""How far up the search puts a page, or the pages of a folder; others count 1."""
FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(rf"{FENCED.pattern}|(?<=\n\n)(?: {{4}}[^\n]*\n)+", re.MULTILINE | re.DOTALL)
"""What stands for itself: a fenced block, or lines that are indented."""
OPENING = re.compile(
    r"^(?:<!-- output of: (?P<command>.+?) -->\n)?(?P<ticks>`{3,})(?P<language>\w+)(?P<words>[^`\n]*)\n", re.MULTILINE
)
LINK = re.compile(r"(?<=\]\()(?!#|[a-z]+:)([^)#\s]+)(#[^)\s]*)?(?=\))")
NAMED = re.compile(
    r"(?P<heading>^#.*$)|(?P<link>\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)]*\))"
    r"|`(?P<spec>specs/[\w/.-]+\.et)`|(?P<code>`[EW]\d{3}`|\b[EW]\d{3}\b)|(?P<other>`[^`\n]*`)",
    re.MULTILINE,
)
"""What may be a link though the page has none, the path of a spec or the code of an error, or has to stay as it is."""

CELL = re.compile(r"<t[dh][ >].*?</t[dh]>", re.DOTALL)
WORD = re.compile(r"(?<=<code>)[^<>]{16,}(?=</code>)")
JOINT = re.compile(r"(?<=[\w)\]][._/,(])(?=[\w'\[])(?!(?:py|et|md|csv|json)\b)")
"""Where a long word of code in a table may be broken: after a dot, a stroke, a bracket, and not before `.py`."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A folder in the navigation, written with `/` at its end, is its pages in the order of their names."""
    config.nav = _with_folders(config.nav)
    return config


def _with_folders(nav: Any) -> Any:
    if isinstance(nav, dict):
        return {title: _with_folders(part) for title, part in nav.items()}
    if isinstance(nav, list):
        return [each for part in nav for each in (_pages(part) if _is_folder(part) else [_with_folders(part)])]
    return nav


def _is_folder(part: Any) -> bool:
    return isinstance(part, str) and part.endswith("/")


def _pages(folder: str) -> list[str]:
    return [f"{folder}{path.name}" for path in sorted((DOCS / folder).glob("*.md")) if path.name != "index.md"]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages above `docs/`, a page for each spec and notebook, and what `index.md` has after its marker."""
    for name in ABOVE:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    for path in sorted((ROOT / "specs").rglob("*.et")):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, f"{name}.md", content=_spec_page(name, path.read_text(encoding="utf-8"))))
    for notebook in sorted(DOCS.glob("*.ipynb")):
        files.append(File.generated(config, f"{notebook.stem}.md", content=notebook_page.page(notebook)))
    listed = (DOCS / "index.md").read_text(encoding="utf-8").partition(PARTED)[2]
    files.append(File.generated(config, ALL_PAGES, content=f"{UNFOUND}# All pages\n{listed}"))
    return files


def _spec_page(name: str, text: str) -> str:
    return f"{UNFOUND}# {PurePosixPath(name).name}\n\n```et title={name}\n{text}```\n"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text as MkDocs reads it. Raises PluginError for a link to what is no page of the site."""
    name = page.file.src_uri
    if name in HIDDEN:
        page.meta["hide"] = HIDDEN[name]
    if boost := FOUND.get(name, FOUND.get(name.partition("/")[0])):
        page.meta["search"] = {"boost": boost}
    if name == "index.md":
        markdown = markdown.partition(PARTED)[0]
    if name.startswith("errors/"):
        code = PurePosixPath(name).stem
        markdown = (
            f"{_told_apart(markdown)}\n---\n\nOn the terminal: `entrack explain {code}`. [All errors](../errors.md)\n"
        )
    parts, end = [], 0
    for code in CODE.finditer(markdown):
        parts += [_linked(markdown[end : code.start()], name), code.group()]
        end = code.end()
    return OPENING.sub(_titled, "".join([*parts, _linked(markdown[end:], name)]))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page of a notebook with its outputs; others with tables whose code fits its column."""
    notebook = (DOCS / page.file.src_uri).with_suffix(".ipynb")
    if notebook.is_file():
        return notebook_page.with_outputs(html, notebook)
    return CELL.sub(lambda cell: WORD.sub(lambda word: JOINT.sub("<wbr>", word[0]), cell[0]), html)


def _told_apart(markdown: str) -> str:
    """The page of an error, whose two specs name the lines in which they differ."""
    wrong, right = (fence.group().split("\n")[1:-1] for fence in FENCED.finditer(markdown))
    same = SequenceMatcher(None, wrong, right, autojunk=False).get_matching_blocks()
    lines = iter(
        (_but(wrong, [(each.a, each.size) for each in same]), _but(right, [(each.b, each.size) for each in same]))
    )
    return re.sub(r"^```et$", lambda _: f"```et lines={next(lines)}", markdown, flags=re.MULTILINE)


def _but(text: list[str], same: list[tuple[int, int]]) -> str:
    """The numbers of a text's lines, from 1, but for those that begin at a number from 0 and are so many."""
    kept = {start + line for start, size in same for line in range(size)}
    return ",".join(str(number + 1) for number in range(len(text)) if number not in kept)


def _titled(opening: re.Match[str]) -> str:
    """The opening of a block, with the file, the command or the error that it is about above it."""
    words = opening["words"].split()
    named = dict(word.split("=", 1) for word in words if "=" in word)
    title = _shown(opening["command"]) if opening["command"] else None
    title = title or named.get("title") or named.get("file") or named.get("add") or named.get("source")
    if words[:1] == ["wrong"]:
        title = " ".join(["wrong:", *words[1:]])
    marked = f' hl_lines="{named["lines"].replace(",", " ")}"' if named.get("lines") else ""
    quote = "'" if title and '"' in title else '"'
    return f"{opening['ticks']}{{ .{opening['language']}{f' title={quote}{title}{quote}' if title else ''}{marked} }}\n"


def _shown(command: str) -> str:
    """A command as its reader would type it: what the page leaves out of its output is only said."""
    typed, left_out, _ = command.partition(" | ")
    return f"$ {typed.removesuffix(' 2>&1')}{' (a part of its output)' if left_out else ''}"


def _linked(text: str, page: str) -> str:
    """The text of a page with links that hold on the site, and more of them: specs, and codes of errors."""
    text = LINK.sub(lambda link: _target(link[1], page) + (link[2] or ""), text)
    return NAMED.sub(lambda named: _named(named, page), text)


def _named(named: re.Match[str], page: str) -> str:
    """A path or a code as a link, where there is a page for it and it is another."""
    code = (named["code"] or "").strip("`")
    target = f"{named['spec']}.md" if named["spec"] else f"errors/{code}.md"
    exists = (ROOT / (named["spec"] or "")).is_file() or (DOCS / target).is_file()
    if not exists or target == page:
        return named[0]
    return f"[{named[0]}]({relpath(target, str(PurePosixPath(page).parent))})"


def _target(link: str, page: str) -> str:
    """Where a link leads on the site, from the page."""
    place = PurePosixPath(page) if page in ABOVE else "docs" / PurePosixPath(page)
    name = normpath(place.parent / link)
    return relpath(_on_the_site(name, page), str(PurePosixPath(page).parent))


def _on_the_site(name: str, page: str) -> str:
    """A file of the repository as a page of the site."""
    if name.startswith("docs/"):
        return re.sub(r"\.ipynb$", ".md", name.removeprefix("docs/"))
    if name == "README.md":
        return "index.md"
    if name.startswith("specs/") and name.endswith(".et") and (ROOT / name).exists():
        return f"{name}.md"
    if name in ABOVE:
        return name
    raise PluginError(f"{page}: {name} is no page of the site")
