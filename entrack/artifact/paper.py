"""A paper held against a pack: the macros of `numbers.tex` that it uses, those that the pack does not have or has with
another number, and the numbers typed into its text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any

from attrs import field

from entrack.artifact.errors import PaperRefused
from entrack.artifact.names import NUMBERS
from entrack.artifact.tex import Paper, TexFile, Unread
from entrack.diagnostics.escape import clip
from entrack.diagnostics.suggest import nearest
from entrack.frozen import frozen
from entrack.results.macros import OURS, defined, plain_value

MOST_DIGITS = 20
MOST_SUGGESTED, MOST_COMPARED = 5, 200
MOST_TYPED = 20_000
"""Numbers in the text of one file."""
_COMMAND = re.compile(r"\\(?:([A-Za-z@]++)|.)", re.DOTALL)
_DEFINITION = re.compile(
    r"\\(?:new|renew|provide)command\*?\s*+\{?\s*+\\(et[A-Z][A-Za-z]*+)\s*+\}?\s*+(?:\{((?:[^{}\n]|\{[^{}\n]{0,80}\}){0,200})\})?"
    r"|\\g?def\s*+\\(et[A-Z][A-Za-z]*+)\s*+(?:\{((?:[^{}\n]|\{[^{}\n]{0,80}\}){0,200})\})?"
)
_NUMBER = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)(?P<digits>(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?+|\.\d++)(?!\w|\.\d)"
    r"(?P<power>\s*+\\(?:times|cdot)\s*+10\s*+\^\s*+\{?(?P<exponent>-?\d{1,2})\}?)?"
    r"(?P<percent>(?:[\s~$]|\\[,;:! ]|\{\})*+(?:\\%|\\textpercent|\bper\s?cent\b))?"
)
_LENGTH = re.compile(r"\s*+\\[a-z]*(?:width|height|skip|sep|size)\b|\s(?:pt|em|ex|cm|mm|bp|pc)\b")
_LEVEL = re.compile(r"interval|confiden|credib|\bCIs?\b")
_NAME_BEFORE = re.compile(r"([A-Za-z]++)\.?[\s~\-]*+$")
_NAMES = re.compile(
    "v|version|release|sections?|sec|figures?|fig|tables?|tab|equations?|eq|chapter|appendix|theorem|lemma|definition|"
    "algorithm|python|pytorch|torch|cuda|numpy|scipy|matplotlib|transformers|nnsight|entrack|linux|ubuntu|macos|gpt|"
    "llama|gemma|qwen|phi|pythia|olmo|mistral|mixtral|by|apache|licen[cs]e|crate",
    re.IGNORECASE,
)
"""Words behind which a number is a name: `Python 3.11`, `Section 4.2`, `CC BY 4.0`."""
_NOT_TOLD = frozenset({"outcomes", "ranges", "draws", "draw_intervals", "provenance"})
"""Of results.json: what numbers are made of, prompt by prompt, and what are no results."""


@frozen(order=True)
class Place:
    """Where something stands in a paper; lines from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@frozen
class Used:
    """A macro that the paper uses. `value` is the pack's, as LaTeX; None where the pack has no such macro, and `near`
    is one that may be meant."""

    name: str
    value: str | None
    places: tuple[Place, ...]
    near: str | None = None


@frozen
class Stale:
    """A macro whose definition in the paper's folder is not the pack's; None where one of them has it not."""

    file: str
    name: str
    old: str | None
    new: str | None


@frozen
class Typed:
    """A number in the text. `known`: one of the pack is equal, at the precision that is typed; `macros` are such."""

    text: str
    place: Place
    known: bool
    macros: tuple[str, ...] = ()


@frozen
class PaperCheck:
    """All that was found; `wrong` where a macro is unknown or stale."""

    files: tuple[str, ...]
    unread: tuple[Unread, ...]
    used: tuple[Used, ...]
    stale: tuple[Stale, ...]
    typed: tuple[Typed, ...]

    @property
    def known(self) -> tuple[Used, ...]:
        return tuple(each for each in self.used if each.value is not None)

    @property
    def unknown(self) -> tuple[Used, ...]:
        return tuple(each for each in self.used if each.value is None)

    @property
    def from_nowhere(self) -> tuple[Typed, ...]:
        return tuple(each for each in self.typed if not each.known)

    @property
    def wrong(self) -> bool:
        return bool(self.unknown or self.stale)


def _ordered(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({abs(value) for value in values}))


@frozen(slots=False)
class PackNumbers:
    """The numbers of a pack: macros by name, as LaTeX, and all values, without their signs."""

    macros: Mapping[str, str]
    values: tuple[float, ...] = field(converter=_ordered)

    @cached_property
    def of_macros(self) -> tuple[tuple[float, str, Decimal], ...]:
        """The macros that stand for finite numbers, by these."""
        found = ((name, plain_value(text)) for name, text in self.macros.items())
        return tuple(sorted((float(value), name, value) for name, value in found if value is not None))

    @cached_property
    def coarsest(self) -> int:
        """The exponent of the macro with the fewest digits."""
        return max((_exponent(value) for *_, value in self.of_macros), default=0)

    def has(self, number: Decimal) -> bool:
        """Whether a value is this number, when it is rounded as it is."""
        low, high = _ends(number, _exponent(number))
        place = bisect_left(self.values, low)
        return place < len(self.values) and self.values[place] <= high

    def named(self, number: Decimal) -> Iterator[str]:
        """The macros that say this number, with more digits or fewer."""
        least, most = _ends(number, max(_exponent(number), self.coarsest))
        for value, name, written in self.of_macros[bisect_left(self.of_macros, (least,)) :]:
            if value > most:
                return
            low, high = _ends(number, max(_exponent(number), _exponent(written)))
            if low <= value <= high:
                yield name


def numbers_of(numbers: str, results: Mapping[str, Any], specs: Iterable[str]) -> PackNumbers:
    """The numbers of a pack: of numbers.tex, results.json, and of what its specs say."""
    written = (float(found["digits"].replace(",", "")) for text in specs for found in _NUMBER.finditer(text))
    said = tuple(value for value in written if value < 1e15)
    macros = defined(numbers)
    values = (*_values(results), *said, *(each / 100 for each in said))
    return PackNumbers(macros, (*values, *(value for value, *_ in PackNumbers(macros, ()).of_macros)))


def held(paper: Paper, numbers: PackNumbers) -> PaperCheck:
    """What of a paper is the pack's, and what is not. Raises PaperRefused."""
    return PaperCheck(
        tuple(file.name for file in paper.files),
        paper.unread,
        tuple(_used(paper, numbers)),
        tuple(stale for file in paper.files for stale in _stale(file, numbers.macros)),
        tuple(typed for file in paper.files for typed in _typed(file, numbers)),
    )


def _values(told: Any) -> Iterator[float]:
    """All numbers of a JSON document that are results."""
    waiting = [told]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [value for key, value in each.items() if key not in _NOT_TOLD]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, int | float) and not isinstance(each, bool) and abs(each) < 1e15:
            yield each


def _used(paper: Paper, numbers: PackNumbers) -> Iterator[Used]:
    places: dict[str, list[Place]] = {}
    for file in paper.files:
        definitions = {found.start(1) if found[1] else found.start(3) for found in _DEFINITION.finditer(file.code)}
        line, at = 1, 0
        for found in _COMMAND.finditer(file.code):
            if found[1] and OURS.fullmatch(found[1]) and found.start(1) not in definitions:
                line, at = line + file.code.count("\n", at, found.start()), found.start()
                places.setdefault(found[1], []).append(Place(file.name, line))
    for name, where in sorted(places.items()):
        value = numbers.macros.get(name)
        near = nearest(name, numbers.macros) if value is None else None
        yield Used(name, value, tuple(sorted(where)), near)


def _stale(file: TexFile, macros: Mapping[str, str]) -> Iterator[Stale]:
    """The definitions in a file that are not the pack's; in a copy of numbers.tex, also those that it lacks."""
    old = {found[1] or found[3]: found[2] or found[4] or "" for found in _DEFINITION.finditer(file.code)}
    copy = file.name.rpartition("/")[2] == NUMBERS and old
    for name in sorted({*old, *(macros if copy else ())}):
        if old.get(name) != macros.get(name):
            yield Stale(file.name, name, old.get(name), macros.get(name))


def _typed(file: TexFile, numbers: PackNumbers) -> Iterator[Typed]:
    text = _DEFINITION.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), file.text)
    line, at = 1, 0
    many = 0
    for found in _NUMBER.finditer(text):
        if _is_result(found, text):
            many += 1
            if many > MOST_TYPED:
                raise PaperRefused(f"{clip(file.name, 300)} has more than {MOST_TYPED:,} numbers in its text")
            number = _number(found)
            line, at = line + text.count("\n", at, found.start()), found.start()
            macros = tuple(sorted(islice(numbers.named(number), MOST_COMPARED), key=_suits)[:MOST_SUGGESTED])
            said = re.sub(r"\s+", " ", found[0])
            yield Typed(said, Place(file.name, line), numbers.has(number), macros)


def _is_result(found: re.Match[str], text: str) -> bool:
    """Whether a number looks like one that was measured."""
    digits = found["digits"]
    if len(digits) > MOST_DIGITS or not ("." in digits or found["percent"]):
        return False
    before = _NAME_BEFORE.search(text[max(0, found.start() - 40) : found.start()])
    after = text[found.end() : found.end() + 40]
    named = before is not None and _NAMES.fullmatch(before[1]) is not None and not found["percent"]
    arxiv = re.fullmatch(r"\d{4}\.\d{4,5}", digits) is not None
    level = found["percent"] and digits in ("68", "90", "95", "99", "99.9") and _LEVEL.search(after)
    return not (named or arxiv or level or _LENGTH.match(after))


def _number(found: re.Match[str]) -> Decimal:
    """The number with the precision that it is typed with: 62 % is 0.62."""
    number = Decimal(found["digits"].replace(",", ""))
    return number.scaleb(int(found["exponent"] or 0) - (2 if found["percent"] else 0))


def _suits(name: str) -> tuple[bool, int, str]:
    """Values before ends of intervals, short names before long ones."""
    return name.endswith(("Low", "High")), len(name), name


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _ends(number: Decimal, exponent: int) -> tuple[float, float]:
    """What is this number when it is rounded to 10 to the power of `exponent`, and a little more: arithmetic of binary
    fractions."""
    half, value = 0.5 * 10.0**exponent * (1 + 1e-9), float(number)
    return value - half, value + half
