"""A spec with its colours, as HTML, as LaTeX (fancyvrb and xcolor) and for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from html import escape
from typing import assert_never

from entrack.diagnostics.colours import mixed
from entrack.diagnostics.escape import visible
from entrack.frozen import frozen
from entrack.highlight.pieces import Kind, Piece, pieces


@frozen
class Colour:
    """How a kind of piece looks: on white paper and on a dark screen, as six hexadecimal digits, and on a terminal as
    the numbers of an escape sequence."""

    paper: str
    dark: str
    terminal: str
    bold: bool = False
    italic: bool = False

    @property
    def middle(self) -> str:
        """The colour between both."""
        both = zip(bytes.fromhex(self.paper), bytes.fromhex(self.dark), strict=True)
        return bytes((one + other) // 2 for one, other in both).hex()


COLOURS: Mapping[Kind, Colour] = {
    Kind.COMMENT: Colour("65655F", "A3A39B", "2;3", italic=True),
    Kind.ITEM: Colour("8A2F1B", "F0A68F", "1;31", bold=True),
    Kind.WORD: Colour("1F4E8C", "93BBF2", "34"),
    Kind.GIVEN: Colour("6B3FA0", "C6AAF2", "35"),
    Kind.DECLARED: Colour("00573F", "84D8B9", "1;32", bold=True),
    Kind.CALLED: Colour("5F4B00", "DDC47E", "33"),
    Kind.SITE: Colour("8A4510", "E9B27A", "36"),
    Kind.NUMBER: Colour("8A4510", "E9B27A", "36"),
    Kind.STRING: Colour("2E6430", "A3D5A4", "32"),
    Kind.ESCAPE: Colour("8C1D6F", "F0A6DA", "35"),
    Kind.HOLE: Colour("8C1D6F", "F0A6DA", "35"),
    Kind.SIGN: Colour("55554F", "B5B5AD", ""),
    Kind.OTHER: Colour("B00020", "FF9C9C", "7;31"),
}
"""Each has a contrast of at least 4.5 with its background. Kinds without a colour are in the text's own."""
IN_LATEX = {"\\": r"\etbackslash{}", "{": r"\etopen{}", "}": r"\etclose{}"}
"""What `Verbatim` reads as a command."""


class Form(Enum):
    """In what colours are written."""

    TERMINAL = "terminal"
    HTML = "html"
    LATEX = "latex"


def shown_as(text: str, form: Form) -> str:
    """A spec's text in colours."""
    match form:
        case Form.TERMINAL:
            return to_terminal(text)
        case Form.HTML:
            return to_html(text)
        case Form.LATEX:
            return to_latex(text)
    assert_never(form)


def to_html(text: str) -> str:
    """A `pre` with a span a piece, and the style sheet that it needs."""
    return f'<style>\n{style_sheet()}</style>\n<pre class="entrack"><code>{html_of(text)}</code></pre>\n'


def to_latex(text: str) -> str:
    r"""A `Verbatim` with a command a piece, after the definitions that it needs: `\usepackage{fancyvrb,xcolor}`."""
    body = _by_lines(text, _latex)
    return f"{_definitions()}\\begin{{Verbatim}}[commandchars=\\\\\\{{\\}}]\n{body.rstrip()}\n\\end{{Verbatim}}\n"


def to_terminal(text: str) -> str:
    """The text with escape sequences."""
    return _by_lines(text, _on_a_terminal)


def html_of(text: str) -> str:
    """Escaped text with a span a piece, of class `et-` and its kind."""
    return _by_lines(text, _html)


def style_sheet() -> str:
    """The colours of `html_of`, on paper and on a dark screen."""
    light = "".join(f".et-{kind.value} {{ {_css(look, '#' + look.paper)} }}\n" for kind, look in COLOURS.items())
    dark = "".join(f"  .et-{kind.value} {{ color: #{look.dark} }}\n" for kind, look in COLOURS.items())
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


def mixed_style_sheet() -> str:
    """The same on any background."""
    return "".join(f".et-{kind.value} {{ {_css(look, mixed(look.middle))} }}\n" for kind, look in COLOURS.items())


def _by_lines(text: str, shown: Callable[[Piece], str]) -> str:
    """Every piece shown, with what nobody sees made visible; no piece goes over the end of a line."""
    return "".join(
        "\n" if part == "\n" else shown((kind, _seen(part)))
        for kind, piece in pieces(text)
        for part in _lines(piece.replace("\r\n", "\n"))
    )


def _lines(piece: str) -> Iterator[str]:
    first, *rest = piece.split("\n")
    if first:
        yield first
    for line in rest:
        yield "\n"
        if line:
            yield line


def _seen(text: str) -> str:
    return "\t".join(map(visible, text.split("\t")))


def _html(piece: Piece) -> str:
    kind, text = piece
    return f'<span class="et-{kind.value}">{escape(text)}</span>' if kind in COLOURS else escape(text)


def _latex(piece: Piece) -> str:
    kind, text = piece
    written = "".join(IN_LATEX.get(letter, letter) for letter in text)
    return f"\\et{kind.value}{{{written}}}" if kind in COLOURS else written


def _on_a_terminal(piece: Piece) -> str:
    kind, text = piece
    look = COLOURS.get(kind)
    return f"\x1b[{look.terminal}m{text}\x1b[0m" if look and look.terminal else text


def _css(look: Colour, colour: str) -> str:
    bold, italic = "; font-weight: 600" * look.bold, "; font-style: italic" * look.italic
    return f"color: {colour}{bold}{italic}"


def _definitions() -> str:
    signs = (("backslash", "\\char`\\\\"), ("open", "\\char`\\{"), ("close", "\\char`\\}"))
    return "".join(
        [
            "% needs \\usepackage{fancyvrb,xcolor} and, for text other than English, UTF-8\n",
            *(f"\\providecommand{{\\et{name}}}{{{code}}}\n" for name, code in signs),
            *(f"\\providecommand{{\\et{kind.value}}}[1]{{{_command(look)}}}\n" for kind, look in COLOURS.items()),
        ]
    )


def _command(look: Colour) -> str:
    inside = "\\textbf{#1}" if look.bold else "\\textit{#1}" if look.italic else "#1"
    return f"\\textcolor[HTML]{{{look.paper}}}{{{inside}}}"
