"""`entrack verify PACK --paper`: a paper held against the numbers of a pack, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import asdict

from entrack.artifact.archive import Archive
from entrack.artifact.names import NUMBERS, RESULTS
from entrack.artifact.paper import PaperCheck, Place, Stale, Typed, Used, held, numbers_of
from entrack.artifact.tex import Paper
from entrack.diagnostics.escape import clip

if TYPE_CHECKING:
    from rich.text import Text

SHOWN, PLACES = 40, 3
"""Lines of a kind, and places of a macro, that are shown; `--json` has all."""


def paper_checked(paper: Paper, archive: Archive) -> PaperCheck:
    """A paper against a pack whose documents follow from its outcomes. Raises PaperRefused, PackRefused."""
    numbers = archive.read(NUMBERS).decode()
    specs = (archive.read(name) for name in archive.names if name.startswith("spec/") and name.endswith(".et"))
    results = json.loads(archive.read(RESULTS))
    return held(paper, numbers_of(numbers, results, map(bytes.decode, specs)))


def paper_json(check: PaperCheck) -> dict[str, Any]:
    """What `--json` prints as `paper`."""
    return {
        "files": list(check.files),
        "unread": [asdict(each) for each in check.unread],
        "used": [{"name": each.name, "value": each.value, "places": _places(each.places)} for each in check.known],
        "unknown": [{"name": each.name, "near": each.near, "places": _places(each.places)} for each in check.unknown],
        "stale": [asdict(each) for each in check.stale],
        "typed": [_typed_json(each) for each in check.typed if each.known],
        "from_nowhere": [_typed_json(each) for each in check.from_nowhere],
    }


def paper_text(check: PaperCheck) -> Text:
    """A part for each kind of finding, the worst first."""
    from rich.text import Text

    typed = [each for each in check.typed if each.known]
    parts = (
        ("macros that the pack does not have", list(map(_unknown, check.unknown))),
        (
            "definitions that are not the pack's",
            list(map(_stale, check.stale)),
        ),
        ("numbers that come from nowhere", [f"{each.place}: {each.text}" for each in check.from_nowhere]),
        ("numbers of the pack, typed", [f"{each.place}: {each.text}{_instead(each)}" for each in typed]),
        ("not read", [f"{each.name}: {each.why}" for each in check.unread]),
        ("macros used", [f"\\{each.name} = {each.value}: {_where(each.places)}" for each in check.known]),
    )
    head = f"the paper: {len(check.files)} files, {len(check.known)} macros of the pack used"
    return Text("\n".join([head, *(line for said, lines in parts for line in _part(said, lines))]))


def _part(said: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{said} ({len(lines)}):"
        yield from (f"  {clip(line, 300)}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN} more"


def _unknown(used: Used) -> str:
    meant = f"; did you mean \\{used.near}?" if used.near else ""
    return f"\\{used.name}: {_where(used.places)}{meant}"


def _stale(found: Stale) -> str:
    if found.old is None:
        return f"{found.file}: \\{found.name} is not there; in the pack it is {found.new}"
    pack = "the pack has none" if found.new is None else f"in the pack it is {found.new}"
    return f"{found.file}: \\{found.name} is {found.old}; {pack}"


def _instead(typed: Typed) -> str:
    names = " or ".join(f"\\{name}" for name in typed.macros)
    return f"; is it {names}?" if names else ""


def _where(places: Sequence[Place]) -> str:
    more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
    return ", ".join(map(str, places[:PLACES])) + more


def _places(places: Sequence[Place]) -> list[dict[str, Any]]:
    return [asdict(place) for place in places]


def _typed_json(typed: Typed) -> dict[str, Any]:
    return {"text": typed.text, **asdict(typed.place), "macros": list(typed.macros)}
