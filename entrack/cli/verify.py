"""`entrack verify`: the comparisons, summarised as a table and as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import typer
from attrs import asdict
from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.verification.recompute import Compared

FAILED = ("mismatch", "lost")


def share_given(text: str) -> int | float:
    """`5%` is a share, `20` a number of steps. Raises BadParameter."""
    number = text.removesuffix("%")
    try:
        value = float(number) / 100 if text.endswith("%") else int(number)
    except ValueError:
        value = 0
    if not value > 0 or (isinstance(value, float) and value > 1):
        raise typer.BadParameter(f"--sample takes a share such as 5% or a number of steps such as 20; this is {text!r}")
    return value


def gathered(comparisons: Iterator[Compared], found: list[Compared]) -> bool:
    """Put comparisons into `found` as they are made; whether that was interrupted. What was compared until then is
    kept."""
    try:
        for one in comparisons:
            found.append(one)  # one by one: an interruption leaves what there is
    except KeyboardInterrupt:
        return True
    return False


def failed(found: Iterable[Compared]) -> bool:
    return any(one.verdict in FAILED for one in found)


def view(name: str, stored: Mapping[str, int], wanted: int, found: Sequence[Compared], seed: int) -> RenderableType:
    """A line per kind of step, then each mismatch, then what was compared with what."""
    of = f"{len(found)} of {sum(stored.values())} stored steps computed again"
    stopped = "" if len(found) == wanted else f", then interrupted: {wanted - len(found)} were still to come"
    numbers = ("compared", "identical", "within", "mismatched", "Δ logit", "Δ probability", "Δ value", "flips")
    lines = table("kind of step", *numbers, right=numbers)
    for kind, many in stored.items():
        lines.add_row(kind, *_row([one for one in found if one.kind == kind], many))
    return Group(
        Text(f"{visible(name)}: {of} (seed {seed}){stopped}"), Text(), lines, Text(), *map(Text, _notes(found))
    )


def document(name: str, stored: Mapping[str, int], wanted: int, found: Sequence[Compared], seed: int) -> dict[str, Any]:
    """The same as JSON; `steps` are the comparisons one by one. An endless difference is null: JSON has no infinity."""
    return {
        "spec": name,
        "seed": seed,
        "stored": dict(stored),
        "sampled": wanted,
        "compared": len(found),
        "verdicts": dict(Counter(one.verdict for one in found)),
        "steps": [_plain(asdict(one)) for one in found],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value


def _row(found: Sequence[Compared], stored: int) -> list[str]:
    counts = Counter("mismatch" if one.verdict in FAILED else one.verdict for one in found)
    gaps = [max((getattr(one.apart, name) for one in found), default=0.0) for name in ("logit", "probability", "value")]
    flips = sum(one.apart.flips for one in found)
    return [
        f"{len(found)} of {stored}",
        *(str(counts[name]) for name in ("identical", "within", "mismatch")),
        *(_short(gap) for gap in gaps),
        str(flips),
    ]


def _short(gap: float) -> str:
    return f"{gap:.1e}" if gap else "0"


def _notes(found: Sequence[Compared]) -> list[str]:
    wrong = [
        f"{one.verdict}: entry {one.address[:12]}, {visible(one.what)}: {one.apart.why}; `entrack cache "
        f"why {one.address[:12]}`"
        for one in found
        if one.verdict in FAILED
    ]
    stacks: defaultdict[tuple[str, str], list[Compared]] = defaultdict(list)
    for one in found:
        if one.again:
            stacks[one.made, one.again].append(one)
    return [
        *wrong,
        *(line for (made, again), those in stacks.items() for line in _stacks(made, again, those)),
        *_tolerances(found),
    ]


def _stacks(made: str, again: str, those: Sequence[Compared]) -> list[str]:
    if made != again:
        return [f"{len(those)} made with {visible(made)}; computed again with {visible(again)}"]
    near = sum(one.verdict == "within" for one in those)
    said = f"; {near} of them are not the same bytes, though the stack is the same" if near else ""
    return [f"{len(those)} made and computed again with {visible(again)}{said}"]


def _tolerances(found: Sequence[Compared]) -> list[str]:
    return [
        f"tolerance ({each.name}): logits and values {each.value:g} of the larger of 1 and the number, "
        f"probabilities {each.probability:g}, "
        f"another argmax only where it leads by at most {each.margin:g}"
        for each in dict.fromkeys(one.tolerance for one in found)
    ]
