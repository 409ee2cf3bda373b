"""Rerun the commands whose output the pages show, and put what they print where it stands; write the reference of the
Python interface from the docstrings (docs/reference.py), the pages of errors from their cases (docs/error_pages.py),
and the cards of the studies from their pages (docs/gallery.py). `make docs` does all of it.

A page holds files and commands, and is worked through from top to bottom in an empty folder:

    ```et file=boxes.et            the block is the file from here on (so is ```python file=look.py)
    ```et add=boxes.et             the block is added at the end of the file
    <!-- output of: COMMAND -->    the block below is what COMMAND prints there
    ```python source=a/b.py        the block is that file, beside the page (and may be `file=` as well)
    ![Title](img/NAME.png)         the image is figures/NAME.png, where a command has drawn that

A page is rewritten only when all its commands have run. Exit status 1 when one of them crashed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"<!-- output of: (.+?) -->\n\Z")
IMAGE = re.compile(r"!\[[^]]*\]\(img/([\w-]+\.png)\)")
CRASHED = ("Traceback (most recent call last)", "error: internal: ")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, what stands in it, and the command whose output it is."""

    language: str
    words: tuple[str, ...]
    body: str
    start: int
    end: int
    command: str | None

    def named(self, word: str) -> str | None:
        """The value of `word=value` among the words."""
        return next((each.partition("=")[2] for each in self.words if each.startswith(f"{word}=")), None)


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for match in FENCE.finditer(text):
        language, *words = match.group(2).split() or [""]
        command = COMMAND.search(text, 0, match.start())
        yield Block(
            language, tuple(words), match.group(3), match.start(), match.end(), command.group(1) if command else None
        )


def put(block: Block, folder: Path) -> Path | None:
    """Write the file that a block stands for; None where it stands for none."""
    name = block.named("file") or block.named("add")
    if name is None:
        return None
    path = folder / name
    before = path.read_text(encoding="utf-8") + "\n" if block.named("add") else ""
    path.write_text(before + block.body, encoding="utf-8")
    return path


def built(text: str, folder: Path) -> str:
    """The page with the output of its commands; its images are put beside it. Raises RuntimeError when one of them
    crashes."""
    parts, end = [], 0
    for block in blocks(text):
        put(block, folder)
        if block.command is not None:
            parts += [text[end : block.start], "```text\n", output(block.command, folder), "```"]
            end = block.end
        elif (source := block.named("source")) is not None:
            opening = f"```{' '.join((block.language, *block.words))}\n"
            parts += [text[end : block.start], opening, (DOCS / source).read_text(encoding="utf-8"), "```"]
            end = block.end
    for name in IMAGE.findall(text):
        if (folder / "figures" / name).exists():
            shutil.copyfile(folder / "figures" / name, DOCS / "img" / name)
    return "".join([*parts, text[end:]])


def output(command: str, folder: Path) -> str:
    """What a command prints on stdout, as a reader would see it on a terminal of 100 columns."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    world = {
        **os.environ,
        "PATH": path,
        "ENTRACK_STORE": "cache",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=world, capture_output=True, text=True, timeout=900)
    if any(words in done.stdout + done.stderr for words in CRASHED):
        raise RuntimeError(f"{command}\n{done.stderr}")
    return "".join(line.rstrip() + "\n" for line in done.stdout.strip("\n").split("\n"))


def made() -> None:
    """Write the reference of the Python interface, the pages of errors, and the cards of the studies."""
    import gallery  # beside this file
    from error_pages import write
    from reference import PAGE, page

    PAGE.write_text(page(), encoding="utf-8")
    gallery.PAGE.write_text(gallery.page(), encoding="utf-8")
    write()


def main(names: list[str]) -> int:
    """Build these pages, or all that show the output of a command and those that are made whole."""
    failed = 0
    if not names:
        made()
    for page in [Path(name) for name in names] or sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if "<!-- output of:" not in text and " source=" not in text:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                new = built(text, Path(folder))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{page.name}: {error}", file=sys.stderr)
                failed = 1
                continue
        if new != text:
            page.write_text(new, encoding="utf-8")
        print(f"{page.name}: {'rewritten' if new != text else 'unchanged'}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
