r"""`numbers.tex`: a `\newcommand` for every cell and claim, whose name is made of its labels.

`kept[only(cir)]` is `\etKeptOnlyCir`; its interval stands in `\etKeptOnlyCirLow` and `\etKeptOnlyCirHigh`. A claim is
called after its sentence, `\etClaimTheCircuitIsFaithful`; what fresh prompts said of a certified one stands in
`\etClaimTheCircuitIsFaithfulVerdict` and the like. Names have letters only, so digits are written out. Where two
things would have one name, the later has a letter more, and the file says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count, product
from string import ascii_uppercase
from typing import TYPE_CHECKING

from attrs import field

from entrack.frozen import frozen
from entrack.results.claims import Claim, claim_decimals, fresh_edges, shown_interval
from entrack.results.interval import Interval
from entrack.results.numbers import decimals_for, decimals_that_tell, number
from entrack.results.text_table import latex, latex_number
from entrack.results.values import Measure

if TYPE_CHECKING:
    from entrack.results.whole import Results

DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
LONGEST = 80
"""Letters that a name is made of, before it is told apart."""
PREFIX = "et"
FRESH = ("FreshLow", "FreshHigh", "FreshN", "FreshLevel")
"""How macros of a certified claim end: the limits on fresh prompts, after how many, and how likely these hold."""
MOST_CELLS = 2_000
"""Cells up to which a measure has macros: LaTeX keeps all of them."""
OURS = re.compile(rf"{PREFIX}[A-Z][A-Za-z]*+")
"""Names that these macros may have."""
_WRITTEN = re.compile(rf"\\newcommand\{{\\({OURS.pattern})\}}\{{(.*)\}}")
_PLAIN = re.compile(r"\d{1,20}(?:\.\d{1,20})?")


@frozen
class Number:
    """A number, what it is in words, and the name that it would have by itself."""

    name: str
    words: str
    value: float
    interval: Interval | None
    decimals: int
    more: Mapping[str, str] = field(factory=dict)
    """What else is said of it, as LaTeX, by the end of the macro's name."""


def numbers_tex(results: Results) -> str:
    """The text of `numbers.tex`."""
    small = [measure for measure in results.measures if len(measure.cells) <= MOST_CELLS]
    large = [measure for measure in results.measures if len(measure.cells) > MOST_CELLS]
    numbers = [*(each for measure in small for each in _cells(measure)), *map(_claim, results.claims)]
    lines = [f"% The numbers of {latex(results.title or results.provenance.spec)}, written by entrack run --out."]
    lines += [f"% {latex(each.name)} has {len(each.cells)} cells, and so no macros" for each in large]
    taken: dict[str, str] = {}
    for each in numbers:
        name = next(made for made in _longer(each.name) if not taken.keys() & _names(made, each))
        lines += [f"% {latex(each.words)}{_note(each, name, taken)}", *_commands(name, each)]
        taken.update(dict.fromkeys(_names(name, each), each.words))
    return "\n".join(lines) + "\n"


def defined(text: str) -> Mapping[str, str]:
    """The macros of a `numbers.tex` by name, as they are written; other lines are passed over."""
    found = map(_WRITTEN.fullmatch, text.splitlines())
    return {line[1]: line[2] for line in found if line is not None}


def plain_value(written: str) -> Decimal | None:
    """The number of a macro without its sign; None where it is not finite, or no number."""
    number = written.removeprefix(r"\ensuremath{-}")
    return Decimal(number) if _PLAIN.fullmatch(number) else None


def _cells(measure: Measure) -> Iterator[Number]:
    free = [place for place, axis in enumerate(measure.axes) if len(axis.labels) > 1]
    decimals = decimals_for(cell.interval for cell in measure.cells)
    for cell in measure.cells:
        labels = [cell.labels[place] for place in free]
        words = f"{measure.name}[{', '.join(labels)}]" if labels else measure.name
        yield Number(_name((measure.name, *labels)), words, cell.value, cell.interval, decimals)


def _claim(claim: Claim) -> Number:
    words = f"claim {claim.text}: {claim.expression}"
    name, decimals = _name(("claim", claim.text)), claim_decimals(claim)
    return Number(name, words, claim.value, shown_interval(claim), decimals, _fresh(claim))


def _fresh(claim: Claim) -> Mapping[str, str]:
    """What fresh prompts said of a claim; nothing of one that is not certified."""
    certificate = claim.certificate
    if certificate is None:
        return {}
    low, high = certificate.interval.low, certificate.interval.high
    ends = (number(end, decimals_that_tell(end, certificate.interval, fresh_edges(claim))) for end in (low, high))
    told = zip(FRESH, (*ends, f"{certificate.prompts}", f"{certificate.level:g}"), strict=True)
    return {"Verdict": certificate.verdict.value, **{ending: latex_number(text) for ending, text in told}}


def _commands(name: str, each: Number) -> Iterator[str]:
    ends = (("Low", each.interval.low), ("High", each.interval.high)) if each.interval else ()
    for suffix, value in (("", each.value), *ends):
        yield _command(f"{name}{suffix}", latex_number(number(value, each.decimals)))
    yield from (_command(f"{name}{suffix}", text) for suffix, text in each.more.items())


def _command(name: str, text: str) -> str:
    return f"\\newcommand{{\\{name}}}{{{text}}}"


def _name(words: Sequence[str]) -> str:
    plain = unicodedata.normalize("NFKD", " ".join(words)).encode("ascii", "ignore").decode()
    spelt = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", plain)
    parts = re.findall(r"[A-Za-z]+", spelt)
    return PREFIX + "".join(part[0].upper() + part[1:] for part in parts)[:LONGEST]


def _names(name: str, each: Number) -> set[str]:
    """A name, those of the ends of its interval, and of what else is said."""
    return {name, f"{name}Low", f"{name}High", *(f"{name}{ending}" for ending in each.more)}


def _longer(name: str) -> Iterator[str]:
    """The name, then it with more letters: B, C, ..., BB, BC, ..."""
    yield name
    for many in count(1):
        yield from (f"{name}{''.join(letters)}" for letters in product(ascii_uppercase[1:], repeat=many))


def _note(each: Number, name: str, taken: dict[str, str]) -> str:
    """Whose name it would have."""
    other = next((taken[made] for made in sorted(_names(each.name, each)) if made in taken), "")
    return f", which would be called as {latex(other)} is" if name != each.name else ""
