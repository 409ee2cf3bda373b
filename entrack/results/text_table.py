"""A result as a long table - a row a number, with its labels, its interval and n - and that as CSV, LaTeX or Markdown.

CSV has every row and every digit, for programs. LaTeX and Markdown are for readers: as many decimals as the intervals
support, the interval in brackets, and no column in which nothing differs. Names and labels are anybody's text, so all
three are escaped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from math import isfinite

from entrack.frozen import frozen
from entrack.results.interval import Interval
from entrack.results.numbers import decimals_for, estimate, number

Entry = str | float | int | bool | None
Row = Mapping[str, Entry]
Shown = tuple[bool, str]
"""Whether it is a number, and its text."""
ENDS = ("low", "high")
"""Columns that a reader sees beside the value."""
APART = ("sd", "fresh_low", "fresh_high")
"""Columns of numbers beside the value, with its decimals and three at least."""
FORMULA = re.compile(r"[=+@\t\r]|-(?![\d.])")
"""How a text begins that a spreadsheet would work out."""
IN_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "⟨": r"\textlangle{}",
    "⟩": r"\textrangle{}",
}
"""Also what ends a row in another way when it begins one, and what makes one sign of two."""
IN_MARKDOWN = re.compile(r"[\\`*_\[\]<>|&~$#!@]|(?<=www)\.|:(?=//)")
"""What would be read as markup, or as a link."""


@frozen
class TextTable:
    """Rows by column. `name` is of the result, `caption` says what the numbers are; `shown` are the places of the rows
    that a reader sees, all where it is None; `decimals` are those of each of them, where they are not alike. A column
    that a row lacks is empty there."""

    name: str
    caption: str
    rows: tuple[Row, ...]
    shown: tuple[int, ...] | None = None
    decimals: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all rows, in the order in which they come."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row))

    @property
    def words(self) -> str:
        """The caption, with what is alike in all rows that are shown."""
        rows = self._rows()
        left_out = [name for name in self.columns if name not in ENDS and not _tells(name, rows)]
        alike = ((name, next((row.get(name) for row in rows), None)) for name in left_out)
        facts = (f"{name}: {_shown({name: entry}, name, 0)[1]}" for name, entry in alike if entry is not None)
        return "; ".join([f"{self.name}: {self.caption}", *facts])

    def to_csv(self) -> str:
        """Every row. Floats in their shortest exact form, nothing for a number that does not exist; lines end as in
        RFC 4180. A text that a spreadsheet would take for a formula has a `'` before it."""
        out, columns = io.StringIO(), self.columns
        written = csv.writer(out)
        written.writerow(map(_in_csv, columns))
        written.writerows([_in_csv(row.get(column)) for column in columns] for row in self.rows)
        return out.getvalue()

    def to_latex(self) -> str:
        r"""A `tabular` for `\usepackage{booktabs}`, with its caption in a comment before it."""
        columns, rows = self._for_readers()
        sides = "".join("r" if self._of_numbers(column) else "l" for column in columns)
        head = " & ".join(map(latex, columns))
        body = (" & ".join(latex_number(each) if right else latex(each) for right, each in row) for row in rows)
        return (
            f"% {latex(self.words)}\n"
            f"\\begin{{tabular}}{{{sides}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
            f"{''.join(f'{line} {chr(92) * 2}{chr(10)}' for line in body)}\\bottomrule\n\\end{{tabular}}\n"
        )

    def to_markdown(self) -> str:
        """A table as GitHub and Pandoc read it, with its caption below."""
        columns, rows = self._for_readers()
        rule = ["---:" if self._of_numbers(column) else "---" for column in columns]
        lines = [[*map(markdown, columns)], rule, *([markdown(each) for _, each in row] for row in rows)]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{body}\n\n{markdown(self.words)}\n"

    def _for_readers(self) -> tuple[list[str], list[list[Shown]]]:
        """Columns in which something differs, and the rows that are shown."""
        rows = self._rows()
        kept = [column for column in self.columns if _tells(column, rows)]
        alike = decimals_for(map(_interval, rows))
        decimals = self.decimals or (alike,) * len(rows)
        return kept, [[_shown(row, column, many) for column in kept] for row, many in zip(rows, decimals, strict=True)]

    def _rows(self) -> list[Row]:
        """Those that readers see."""
        return [self.rows[place] for place in (range(len(self.rows)) if self.shown is None else self.shown)]

    def _of_numbers(self, column: str) -> bool:
        """Whether a column's entries are numbers, which stand to the right."""
        return not any(isinstance(row.get(column), str | bool) for row in self.rows)


@frozen
class Tabular:
    """What can be a long table: a measure, a discovery."""

    def text_table(self) -> TextTable:
        """A row a number, with its labels, its interval and n."""
        raise NotImplementedError

    def to_csv(self) -> str:
        """All numbers as CSV, with every digit."""
        return self.text_table().to_csv()

    def to_latex(self) -> str:
        r"""A `tabular` for `\usepackage{booktabs}`."""
        return self.text_table().to_latex()

    def to_markdown(self) -> str:
        """A table in Markdown."""
        return self.text_table().to_markdown()


def latex(text: str) -> str:
    """Text that LaTeX sets as it is."""
    written = "".join(IN_LATEX.get(letter, letter) for letter in _seen(text))
    return written.replace("--", "-{-}").replace(",,", ",{,}")


def markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return IN_MARKDOWN.sub(r"\\\g<0>", _seen(text))


def latex_number(text: str) -> str:
    """A number, or one with its interval, as LaTeX sets it: with a minus that is one."""
    return re.sub(r"-(?=[\d.i])", r"\\ensuremath{-}", text).replace("infinite", r"\ensuremath{\infty}")


def _in_csv(entry: Entry) -> str:
    match entry:
        case None:
            return ""
        case bool():
            return "yes" if entry else "no"
        case str():
            return f"'{entry}" if FORMULA.match(entry) else entry
        case float():
            return repr(entry) if isfinite(entry) else ""
        case int():
            return str(entry)


def _tells(column: str, rows: Sequence[Row]) -> bool:
    """Whether a reader needs a column."""
    entries = {row.get(column) for row in rows}
    return column not in ENDS and entries != {None} and (column == "value" or len(entries) > 1 or len(rows) == 1)


def _shown(row: Row, column: str, decimals: int) -> Shown:
    entry = row.get(column)
    if isinstance(entry, str | bool) or entry is None:
        return False, _in_csv(entry)
    if column == "value":
        return True, estimate(entry, _interval(row), decimals)
    return True, number(entry, max(decimals, 3)) if column in APART else f"{entry:g}"


def _interval(row: Row) -> Interval | None:
    low, high = row.get("low"), row.get("high")
    return Interval(low, high) if isinstance(low, float) and isinstance(high, float) else None


def _seen(text: str) -> str:
    """In one line, with what nobody sees made visible; LaTeX's fonts lack the pictures of controls."""
    from entrack.diagnostics.escape import visible

    line = text.replace("\n", " ")
    return "".join(f"⟨U+{ord(letter):04X}⟩" if "\u2400" <= letter <= "\u243f" else letter for letter in visible(line))
