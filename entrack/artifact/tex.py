"""A paper in LaTeX as it is read: its file, and those that it includes, from its own folder and from nowhere else.

A paper may be anybody's. Files are bounded in number and bytes, each is read once whatever includes it, links that lead
out of the folder are not followed, and no pattern below goes back over what it has read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from entrack.artifact.errors import PaperRefused
from entrack.diagnostics.escape import clip
from entrack.error_text import reason
from entrack.files import NoFile, beginning
from entrack.frozen import frozen

MOST_FILES, MOST_BYTES, MOST_BYTES_IN_ALL = 500, 4 << 20, 16 << 20
_HIDES = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|comment|filecontents\*?)\}.*?(?:\\end\{\1\}|\Z)"
    r"|\\(?:verb\*?|lstinline)([^\sA-Za-z*\[{])[^\n]{0,500}?\2"
    r"|\\end\{document\}.*"
    r"|(?P<pair>\\.)|%[^\n]*",
    re.DOTALL,
)
"""What LaTeX does not set as text, and pairs such as `\\%`, which do not begin a comment."""
_INCLUDES = re.compile(
    r"\\(?:input|include|subfile|InputIfFileExists)(?![A-Za-z@])\s*+"
    r"(?:\{\s*+([^{}\n]{1,300}?)\s*+\}|([^\s{}\\]{1,300}))"
)
_OPTIONS = re.compile(
    r"\\(?!et[A-Z])[A-Za-z@]++\*?(?:\{[A-Za-z]++\*?\})?\[[^\[\]]*+\](?=\s*+\{)|\\begin\{\w++\*?\}\[[^\[\]]*+\]"
)
_NO_TEXT = re.compile(
    r"\\(?:label|[A-Za-z]{0,12}ref|[A-Za-z]{0,12}cite[A-Za-z]{0,12}|bibliography|bibliographystyle|bibitem|input|include"
    r"|includegraphics|url|href|path|hspace|vspace|linespread|scalebox|resizebox|raisebox|parbox|color|textcolor"
    r"|tikzset|pgfplotsset|hypersetup|sisetup|lstset|geometry|captionsetup"
    r"|(?P<all>setlength|addtolength|rule|fontsize|definecolor|renewcommand\*?\s*+\{\\(?:arraystretch|baselinestretch)\}))"
    r"(?![A-Za-z])\*?\s*+(?:\[[^\[\]]*+\]\s*+)*+(?:\{(?:[^{}]|\{[^{}]*+\})*+\})(?(all)(?:\{[^{}]*+\})*+)"
)
"""Commands whose first argument, or of some all, is no text."""
_NO_TEXT_WITHIN = re.compile(
    r"\\begin\{(thebibliography|tikzpicture|picture|axis)\}.*?(?:\\end\{\1\}|\Z)|\A.*\\begin\{document\}", re.DOTALL
)


@frozen
class TexFile:
    """A file of a paper by its name in the paper's folder. `code` has blanks where LaTeX does not look (comments,
    verbatim text), with all lines in their places."""

    name: str
    code: str

    @property
    def text(self) -> str:
        """`code` with blanks for what is no text of the paper: its preamble, bibliography and drawings, options,
        labels, citations, lengths in commands."""
        text = self.code
        for pattern in (_NO_TEXT_WITHIN, _NO_TEXT, _OPTIONS):
            text = pattern.sub(_blank, text)
        return text

    def line(self, place: int) -> int:
        return self.code.count("\n", 0, place) + 1


@frozen
class Unread:
    """What a paper includes and was not read, and why."""

    name: str
    why: str


@frozen
class Paper:
    """All files of a paper, its own first."""

    files: tuple[TexFile, ...]
    unread: tuple[Unread, ...]


def paper_read(path: Path) -> Paper:
    """The paper of this file. Raises PaperRefused."""
    try:
        main = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise PaperRefused(f"{clip(str(path), 300)} cannot be read: {reason(error)}") from None
    folder, waiting, seen = main.parent, [main], {main}
    files, unread, left = list[TexFile](), dict[str, Unread](), MOST_BYTES_IN_ALL
    while waiting:
        each = waiting.pop()
        data = _bytes(each, min(MOST_BYTES, left))
        left -= len(data)
        file = TexFile(each.relative_to(folder).as_posix(), _HIDES.sub(_hidden, data.decode("utf-8", "replace")))
        files.append(file)
        found = [_found(name, folder) for name in _included(file.code)]
        unread.update({one.name: one for one in found if isinstance(one, Unread)})
        new = [one for one in dict.fromkeys(found) if isinstance(one, Path) and one not in seen]
        seen.update(new)
        waiting += reversed(new)
        if len(seen) > MOST_FILES:
            raise PaperRefused(f"the paper has more than {MOST_FILES} files")
    return Paper(tuple(files), tuple(unread.values()))


def _included(code: str) -> Iterator[str]:
    return ((braced or bare).strip('"') for braced, bare in _INCLUDES.findall(code))


def _found(name: str, folder: Path) -> Path | Unread:
    """The file of the paper's folder that LaTeX would take for a name."""
    if re.search(r"[\\#~\x00]", name):
        return Unread(name, "its name is made by a macro")
    for ending in ("",) if name.endswith(".tex") else (".tex", ""):
        try:
            path = (folder / f"{name}{ending}").resolve()
            if not path.is_relative_to(folder):
                return Unread(name, "it lies outside of the paper's folder")
            if path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            return Unread(name, "no file can have this name, or links go in a circle")
    return Unread(name, "it is not in the paper's folder")


def _bytes(path: Path, most: int) -> bytes:
    """Raises PaperRefused for what is no file, cannot be read, or has more bytes."""
    try:
        data = beginning(path, most, through_links=False)
    except NoFile:
        raise PaperRefused(f"{clip(str(path), 300)} is no file") from None
    except OSError as error:
        raise PaperRefused(f"{clip(str(path), 300)} cannot be read: {reason(error)}") from None
    if len(data) > most:
        raise PaperRefused(
            f"{clip(str(path), 300)} is too large: a file of a paper has {MOST_BYTES:,} bytes at most, and all have "
            f"{MOST_BYTES_IN_ALL:,}"
        )
    return data


def _hidden(found: re.Match[str]) -> str:
    return found[0] if found["pair"] else _blank(found)


def _blank(found: re.Match[str]) -> str:
    """As many characters, all blank but for ends of lines."""
    return re.sub(r"[^\n]+", lambda run: " " * len(run[0]), found[0])
